import type { Clock } from '../../base/clock.ts'
import type { Cidr } from '../../config/addresses.ts'
import { AddressPolicy } from './address-policy.ts'
import { type ConnectionLimits, Connections, type Resolve } from './connections.ts'
import { type ExchangeResult, exchange } from './exchange.ts'
import { basicCredentials, headerProblem, lowerNames } from './headers.ts'
import { describeUrlText, type OutgoingTarget, type RefusedUrl, readTarget } from './outgoing-url.ts'
import { eventIdHeader, signature, signatureHeader } from './signature.ts'
import type { OutgoingFailureCode, OutgoingOutcome, OutgoingRequest } from './types.ts'

export interface OutgoingHttpOptions {
  readonly clock: Clock
  /** `webhooks.allowPrivateAddresses`. */
  readonly allowPrivateAddresses: boolean | readonly Cidr[]
  /** Sent with each request; `Switchhook` where absent. */
  readonly userAgent?: string
  readonly limits?: Partial<ConnectionLimits & { readonly requests: number }>
  /** The system's where absent. */
  readonly resolve?: Resolve
  /** Certificates of authorities to trust, PEM; those of Node where absent. */
  readonly ca?: string
}

const defaultConnectTimeoutMs = 5000
const defaultMaxResponseBytes = 1024 * 1024
/** Requests under way at once, all receivers together. */
const defaultRequests = 1024
const mostRedirects = 3
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** What goes along to another host: nothing that could be a credential. */
const harmlessHeaders: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent'])

/** A request on its way from one address to the next. */
interface Hop {
  readonly target: OutgoingTarget
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | null
}

/**
 * The one client of everything that asks or tells programs outside. It never rejects: that a receiver is down is an
 * outcome, and it says whether anything had reached it.
 */
export class OutgoingHttp {
  readonly #clock: Clock
  readonly #policy: AddressPolicy
  readonly #connections: Connections
  readonly #userAgent: string
  readonly #requests: number
  /** One per request under way. */
  readonly #stops = new Set<AbortController>()
  #isClosed = false

  constructor(options: OutgoingHttpOptions) {
    this.#clock = options.clock
    this.#policy = new AddressPolicy(options.allowPrivateAddresses)
    this.#userAgent = options.userAgent ?? 'Switchhook'
    this.#requests = options.limits?.requests ?? defaultRequests
    const { resolve, ca, limits } = options
    this.#connections = new Connections(this.#policy, {
      ...(resolve && { resolve }),
      ...(ca !== undefined && { ca }),
      ...(limits && { limits }),
    })
  }

  /** Requests under way, and connections kept for later ones. */
  get counts(): { readonly underWay: number; readonly idle: number } {
    return { underWay: this.#stops.size, idle: this.#connections.idle }
  }

  /**
   * Why an address would not be asked at all, as far as can be told without DNS; null when it would. For an API that
   * takes addresses: the one who gives it is told at once.
   */
  refuse(url: string, isTrusted: boolean): RefusedUrl | null {
    const target = readTarget(url, isTrusted, this.#policy)
    return 'code' in target ? target : null
  }

  /** Sends a request and takes its answer. Settles within `timeoutMs`, and at once when `signal` is aborted. */
  async request(request: OutgoingRequest): Promise<OutgoingOutcome> {
    const startedMs = this.#clock.now()
    const failure = (code: OutgoingFailureCode, sentence: string): OutgoingOutcome => {
      const durationMs = this.#clock.now() - startedMs
      return { kind: 'failure', code, reached: 'nothing', status: null, sentence, durationMs }
    }
    const target = readTarget(request.url, request.isTrusted, this.#policy)
    if ('code' in target) return failure(target.code, target.sentence)
    const hop = this.#firstHop(request, target)
    if ('code' in hop) return failure(hop.code, hop.sentence)
    if (this.#stops.size >= this.#requests) {
      return failure('outgoing.busy', `${target.shown} was not asked: ${this.#stops.size} requests are under way.`)
    }
    const stop = new AbortController()
    const onAbort = (): void => stop.abort()
    if (this.#isClosed || request.signal?.aborted) stop.abort()
    request.signal?.addEventListener('abort', onAbort, { once: true })
    this.#stops.add(stop)
    try {
      return await this.#follow(request, hop, startedMs, stop.signal)
    } finally {
      this.#stops.delete(stop)
      request.signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Gives up what is under way and closes every connection. */
  close(): void {
    this.#isClosed = true
    for (const stop of this.#stops) stop.abort()
    this.#connections.close()
  }

  #firstHop(
    request: OutgoingRequest,
    target: OutgoingTarget,
  ): Hop | RefusedUrl | { code: 'outgoing.header-invalid'; sentence: string } {
    const given = request.headers ?? {}
    for (const [name, value] of Object.entries(given)) {
      const problem = headerProblem(name, value)
      if (problem) return { code: 'outgoing.header-invalid', sentence: `${target.shown} was not asked: ${problem}` }
    }
    const credentials = request.credentials ?? credentialsIn(target.url)
    const { signing } = request
    // Bytes are sent as they are, and what is signed are those bytes.
    const body = typeof request.body === 'string' ? Buffer.from(request.body, 'utf8') : (request.body ?? null)
    const signed = signing && signing.secrets.length > 0
    const eventProblem = signing ? headerProblem(eventIdHeader, signing.eventId) : null
    if (eventProblem) {
      return { code: 'outgoing.header-invalid', sentence: `${target.shown} was not asked: ${eventProblem}` }
    }
    const headers = {
      'user-agent': this.#userAgent,
      ...(credentials && { authorization: basicCredentials(credentials.user, credentials.password) }),
      ...lowerNames(given),
      ...(signing && { [eventIdHeader]: signing.eventId }),
      ...(signed && { [signatureHeader]: signature(signing, body ?? '', this.#clock.wallTime()) }),
      'accept-encoding': 'identity',
    }
    return { target, method: request.method, headers, body }
  }

  async #follow(
    request: OutgoingRequest,
    first: Hop,
    startedMs: number,
    signal: AbortSignal,
  ): Promise<OutgoingOutcome> {
    const maxRedirects = Math.min(request.maxRedirects ?? 0, mostRedirects)
    let hop = first
    for (let redirects = 0; ; redirects++) {
      const elapsedMs = this.#clock.now() - startedMs
      const result = await this.#exchange(request, hop, request.timeoutMs - elapsedMs, signal)
      const durationMs = this.#clock.now() - startedMs
      const reached = redirects > 0 ? 'unknown' : null
      if (result.kind === 'failure') return { ...result, reached: reached ?? result.reached, durationMs }
      const location = redirectStatuses.has(result.status) ? result.headers.get('location') : undefined
      if (maxRedirects === 0 || location === undefined) return { ...result, durationMs, url: hop.target.shown }
      const next = redirects < maxRedirects ? this.#nextHop(hop, result.status, location) : tooMany(hop, maxRedirects)
      if ('code' in next) {
        const { code, sentence } = next
        return { kind: 'failure', code, reached: 'unknown', status: result.status, sentence, durationMs }
      }
      hop = next
    }
  }

  #exchange(request: OutgoingRequest, hop: Hop, timeoutMs: number, signal: AbortSignal): Promise<ExchangeResult> {
    const { target, method, body } = hop
    return exchange({
      clock: this.#clock,
      connections: this.#connections,
      target,
      method,
      headers: body === null ? hop.headers : { ...hop.headers, 'content-length': String(body.length) },
      body,
      timeoutMs: Math.max(0, timeoutMs),
      connectTimeoutMs: Math.min(request.connectTimeoutMs ?? defaultConnectTimeoutMs, Math.max(0, timeoutMs)),
      maxResponseBytes: request.maxResponseBytes ?? defaultMaxResponseBytes,
      signal,
    })
  }

  /** RFC 9110 §15.4. Whom the operator trusts may be redirected within its own host; elsewhere it is a stranger's word. */
  #nextHop(hop: Hop, status: number, location: string): Hop | RefusedUrl | Refusal {
    const { target, method } = hop
    const base = target.url.href
    const isSameOrigin = URL.canParse(location, base) && new URL(location, base).origin === target.url.origin
    const next = readTarget(location, target.isTrusted && isSameOrigin, this.#policy, base)
    if ('code' in next) return next
    if (target.url.protocol === 'https:' && next.url.protocol === 'http:') {
      const sentence = `${target.shown} redirects from https to ${describeUrlText(next.url.href)}, which is not followed.`
      return { code: 'outgoing.redirect-refused', sentence }
    }
    const becomesGet = status === 303 || (status <= 302 && method === 'POST')
    const kept = Object.entries(hop.headers).filter(([name]) => {
      const isOfBody = name === 'content-type' || name === signatureHeader
      if (becomesGet && isOfBody) return false
      return isSameOrigin || harmlessHeaders.has(name) || name === 'accept-encoding' || name.startsWith('switchhook-')
    })
    return {
      target: next,
      method: becomesGet ? 'GET' : method,
      headers: Object.fromEntries(kept),
      body: becomesGet ? null : hop.body,
    }
  }
}

interface Refusal {
  readonly code: 'outgoing.redirect-refused'
  readonly sentence: string
}

function tooMany({ target }: Hop, most: number): Refusal {
  return { code: 'outgoing.redirect-refused', sentence: `${target.shown} redirects once more after ${most} redirects.` }
}

/** Those of `https://user:password@host/`, with their %-escapes undone where they are any. */
function credentialsIn(url: URL): { readonly user: string; readonly password: string } | null {
  if (url.username === '' && url.password === '') return null
  const plain = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      return text
    }
  }
  return { user: plain(url.username), password: plain(url.password) }
}
