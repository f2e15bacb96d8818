import type { ErrorCode } from '../../base/error-catalogue.ts'

export interface OutgoingRequest {
  /** `http:` or `https:`. A user and a password in it are sent as basic credentials, unless `credentials` is there. */
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Any but those that steer the connection (Host, Content-Length, Connection …). */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** For everything: name, connection, redirects and the whole answer. */
  readonly timeoutMs: number
  /** Until a connection stands, its name looked up and its TLS agreed; 5 s where absent. */
  readonly connectTimeoutMs?: number
  /** Of the body; more is cut off. 1 MiB where absent. */
  readonly maxResponseBytes?: number
  /** Whether the operator chose the address. One that arrived over an API (false) may not lie in a private network. */
  readonly isTrusted: boolean
  /** RFC 7617. */
  readonly credentials?: { readonly user: string; readonly password: string }
  /** Adds `Switchhook-Signature` and `Switchhook-Event-Id`. See `signature.ts`. */
  readonly signing?: Signing
  /** How many redirects are followed, 0 to 3; 0 where absent: a 3xx is an answer like any other. */
  readonly maxRedirects?: number
  readonly signal?: AbortSignal
}

export interface Signing {
  /** One, or two while the receiver changes from one to the other. */
  readonly secrets: readonly string[]
  /** What the receiver knows a repetition by. */
  readonly eventId: string
}

/** The receiver answered, whatever it said. */
export interface OutgoingAnswer {
  readonly kind: 'answer'
  readonly status: number
  /** Names in lower case; several of one name are joined with `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
  /** Whether more than `maxResponseBytes` came. */
  readonly isTruncated: boolean
  readonly durationMs: number
  /** The address that answered, as it may be shown: without credentials and values of the query. */
  readonly url: string
}

/** There is no whole answer. */
export interface OutgoingFailure {
  readonly kind: 'failure'
  readonly code: OutgoingFailureCode
  /**
   * `nothing`: not a byte of the request had left for the receiver (of a request that was redirected: `unknown`), so that
   * it may be asked again or another may be asked. `unknown`: it may have acted on it.
   */
  readonly reached: 'nothing' | 'unknown'
  /** When it broke in the middle of an answer: what that had begun with. */
  readonly status: number | null
  /** Names the address, as it may be shown, and what was wrong. */
  readonly sentence: string
  readonly durationMs: number
}

export type OutgoingOutcome = OutgoingAnswer | OutgoingFailure

export type OutgoingFailureCode = Extract<ErrorCode, `outgoing.${string}`>
