import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../base/clock.ts'
import type { ErrorActor } from '../base/error-catalogue.ts'
import { LimitError, SwitchhookError } from '../base/errors.ts'

/** No token, or a wrong one. */
class UnauthorizedError extends SwitchhookError {
  readonly sipStatus = 403
  readonly httpStatus = 401
  readonly actor: ErrorActor = 'caller'
}

/** Wrong tokens from one address within the window before it has to wait, and how many addresses are watched. */
const failuresAllowed = 20
const windowMs = 60_000
const addressesWatched = 10_000

/** Checks `Authorization: Bearer TOKEN` in a time that tells nothing about the token, and slows down who guesses. */
export class BearerCheck {
  readonly #digest: Buffer
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; sinceMs: number }>()

  constructor(token: string, clock: Clock) {
    this.#digest = digestOf(token)
    this.#clock = clock
  }

  /** Throws UnauthorizedError `http.unauthorized` or LimitError `http.too-many-requests`. */
  check(request: Pick<FastifyRequest, 'headers' | 'ip'>): void {
    const failed = this.#failures.get(request.ip)
    const isFresh = failed !== undefined && this.#clock.now() - failed.sinceMs < windowMs
    if (isFresh && failed.count >= failuresAllowed) {
      throw new LimitError('http.too-many-requests', 'Too many wrong tokens from this address; wait a minute.')
    }
    const [scheme, token] = (request.headers.authorization ?? '').split(' ')
    if (scheme?.toLowerCase() === 'bearer' && token && timingSafeEqual(digestOf(token), this.#digest)) return
    if (token) this.#countFailure(request.ip, isFresh ? failed.count : 0)
    throw new UnauthorizedError('http.unauthorized', token ? 'The bearer token is wrong.' : 'A bearer token is needed.')
  }

  #countFailure(address: string, before: number): void {
    if (this.#failures.size >= addressesWatched) this.#failures.clear()
    const sinceMs = before === 0 ? this.#clock.now() : (this.#failures.get(address)?.sinceMs ?? this.#clock.now())
    this.#failures.set(address, { count: before + 1, sinceMs })
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
