import type { HangupCause } from '../leg/hangup-cause.ts'
import type { Leg, LegRole, OutboundLeg } from '../leg/leg.ts'

/** Whom to ring, and what it is shown. */
export interface ReachRequest {
  readonly tenant: string
  /** As a program or a caller gives it: `137`, `+65 6000 0001`, `060000001`, `sip:137@acme.example`. */
  readonly destination: string
  /** The number to show; null: what the rules of the tenant give. One that the tenant may not show makes the answer `unreachable`. */
  readonly callerId: string | null
  readonly callerName: string | null
  /** The leg on whose behalf: its worker is used, its hops and diversions go on. Null for a call of our own. */
  readonly onBehalfOf: Leg | null
  /** The number that was called first, where the call is passed on (Diversion, History-Info); null otherwise. */
  readonly divertedFrom: string | null
  /** The trunk of the tenant that a number outside is to go by, where a rule lets it. Absent: the rules choose. */
  readonly trunk?: string
  /** A Replaces header to be sent along (attended transfer to a dialog that is not ours). */
  readonly replaces?: string
  /**
   * Asked for by the telephone itself (REFER) and not by a program. Then only an extension of the tenant reaches the outside: a
   * stranger who was let in must not telephone at the tenant's cost.
   */
  readonly isByTelephone?: boolean
}

/** One thing that can ring: a telephone of an extension, or a number behind the trunks. */
export interface Device {
  /** For records and sentences: `137 (udp:203.0.113.5:5060)`, `+6560000001 by provider1`. */
  readonly label: string
  /** A leg that has not sent anything yet. Throws LimitError and the like: no ports, caps of the trunk. */
  makeLeg(role: LegRole): OutboundLeg
}

export type Reach =
  /** All devices ring together. At least one. */
  | { readonly kind: 'reachable'; readonly devices: readonly Device[] }
  /** Nobody can ring: no such number, nobody registered, closed by the rules. */
  | { readonly kind: 'unreachable'; readonly cause: HangupCause; readonly sentence: string }

/** Finds who rings for a destination. Made by the root of routing, registrar and trunks; `call/` knows none of them. */
export interface Reacher {
  reach(request: ReachRequest): Promise<Reach>
}
