import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../base/clock.ts'
import type { ErrorActor } from '../base/error-catalogue.ts'
import { LimitError, SwitchhookError } from '../base/errors.ts'
import { FailureWindow } from './failure-window.ts'

/** No token, or a wrong one. */
class UnauthorizedError extends SwitchhookError {
  readonly sipStatus = 403
  readonly httpStatus = 401
  readonly actor: ErrorActor = 'caller'
}

/** Wrong tokens from one address within a minute before it has to wait. */
const failuresAllowed = 20

/** Checks `Authorization: Bearer TOKEN` in a time that tells nothing about the token, and slows down who guesses. */
export class BearerCheck {
  readonly #digest: Buffer
  readonly #failures: FailureWindow

  constructor(token: string, clock: Clock) {
    this.#digest = digestOf(token)
    this.#failures = new FailureWindow(clock, failuresAllowed)
  }

  /** Throws UnauthorizedError `http.unauthorized` or LimitError `http.too-many-requests`. */
  check(request: Pick<FastifyRequest, 'headers' | 'ip'>): void {
    if (this.#failures.mustWait(request.ip)) {
      throw new LimitError('http.too-many-requests', 'Too many wrong tokens from this address; wait a minute.')
    }
    const [scheme, token] = (request.headers.authorization ?? '').split(' ')
    if (scheme?.toLowerCase() === 'bearer' && token && timingSafeEqual(digestOf(token), this.#digest)) return
    if (token) this.#failures.note(request.ip)
    throw new UnauthorizedError('http.unauthorized', token ? 'The bearer token is wrong.' : 'A bearer token is needed.')
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
