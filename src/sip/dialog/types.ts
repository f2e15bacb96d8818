import type { LocalTag, RemoteTag, SipCallId } from '../../base/ids.ts'
import type { NameAddress, SipRequest, SipResponse, Uri } from '../message/types.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import type { Destination, Flow } from '../transport/types.ts'

/** RFC 3326: why a request was sent. */
export interface Reason {
  readonly protocol: 'SIP' | 'Q.850'
  readonly cause: number
  readonly text: string
}

export type ExtraHeaders = readonly (readonly [name: string, value: string])[]

/** How an INVITE usage came to its end. */
export type UsageEnd =
  /** The peer sent BYE, or CANCEL before our final answer. */
  | { readonly by: 'remote'; readonly how: 'bye' | 'cancel'; readonly reasons: readonly Reason[] }
  /** We sent BYE, CANCEL or a final refusal; or the peer refused our INVITE with `status`. */
  | { readonly by: 'local'; readonly how: 'bye' | 'cancel' | 'refused'; readonly status: number | null }
  | { readonly by: 'peer-refused'; readonly status: number; readonly response: SipResponse }
  /** The network or a timer: no ACK within 64·T1, no refresh in time (RFC 4028), request unanswered (408, 481), transport lost. */
  | {
      readonly by: 'network'
      readonly how: 'ack-missing' | 'session-expired' | 'no-response' | 'dialog-gone' | 'transport-lost'
      readonly sentence: string
    }

/**
 * The two ends of one INVITE dialog usage (RFC 5057) look alike once set up. Offers and answers (RFC 3264) pass through
 * here as bytes of application/sdp, already taken out of multipart bodies; which message carries them, and that no
 * two offers overlap, is kept in order below this interface (RFC 3261 §13, RFC 3262 §5, RFC 3311 §5, RFC 6337).
 */
export interface InviteUsage {
  readonly sipCallId: SipCallId
  readonly localTag: LocalTag
  /** Null until the peer's tag is known (outgoing calls before the first response with one). */
  readonly remoteTag: RemoteTag | null
  readonly state: 'early' | 'answered' | 'confirmed' | 'ended'
  /** The flow the peer last used in this dialog. */
  readonly flow: Flow | null
  /** Ends it: CANCEL, BYE, or (incoming, unanswered) the given refusal, whichever the state asks for. Idempotent. */
  end(options?: { reasons?: readonly Reason[]; refusal?: number; headers?: ExtraHeaders }): void
  /** Sends an offer of ours by re-INVITE (UPDATE while early). The answer comes to the user. */
  offer(sdp: Uint8Array): Promise<OfferOutcome>
  /** Sends INFO (RFC 6086, legacy use) and resolves with the status. */
  info(contentType: string, body: Uint8Array): Promise<number>
}

export type OfferOutcome =
  | { readonly kind: 'answered'; readonly sdp: Uint8Array }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'ended' }

/** Hears of what happens to a usage. Called one at a time; a throw is caught below and logged. */
export interface InviteUsageUser {
  /**
   * The peer's offer in re-INVITE, UPDATE or PRACK. Return the answer, or null to refuse with 488 (what was agreed stays).
   */
  offerReceived(sdp: Uint8Array): Uint8Array | null
  /** A re-INVITE without SDP: return a fresh offer; the answer comes by `answerReceived`. */
  offerWanted(): Uint8Array
  /** The answer to an offer of ours that was sent in a 200 or reliable 1xx (INVITE without SDP). Return false when it cannot be used: the usage is ended with BYE. */
  answerReceived(sdp: Uint8Array): boolean
  /** The ACK arrived (incoming) or was sent (outgoing). */
  confirmed(): void
  /** INFO within the dialog. Return the status for it: 200, 415 for an unknown body. */
  infoReceived(contentType: string | null, body: Uint8Array): number
  ended(end: UsageEnd): void
  /** Every message of this usage, for the journal. Must be cheap: called on the SIP thread. */
  messageSeen?(direction: 'incoming' | 'outgoing', summary: MessageSummary): void
}

/** What the journal keeps of a message. */
export interface MessageSummary {
  /** `INVITE` or `200 INVITE`. */
  readonly text: string
  readonly cseq: number
}

/** An INVITE that opens a call. */
export interface IncomingInvite {
  readonly request: SipRequest
  readonly flow: Flow
  /** The peer's offer, or null when it wants ours in the 200. */
  readonly offer: Uint8Array | null
  readonly usage: InviteUsage
  /** Who hears of it from now on. Set before anything else is called. */
  attach(user: InviteUsageUser): void
  /**
   * Sends 101 to 199. With `sdp`, early media: the answer, or our offer when there was none (then it must be reliable).
   * Sent reliably (RFC 3262) when the peer requires 100rel, or supports it and it is switched on; a second reliable one waits for the first's PRACK.
   */
  provisional(status: number, options?: { reason?: string; sdp?: Uint8Array; headers?: ExtraHeaders }): void
  /** Sends 200 with the answer (or our offer), and again until the ACK comes. */
  accept(options: { sdp: Uint8Array; headers?: ExtraHeaders }): void
  /** Sends 300 to 699. */
  reject(status: number, options?: { reason?: string; headers?: ExtraHeaders; reasons?: readonly Reason[] }): void
}

/** What the dialog layer tells those who take calls and other requests. */
export interface UserAgentUser {
  /**
   * A new INVITE, past every check that needs no knowledge of users: syntax, Require, media type, merged request.
   * The user decides about authentication, routing and load.
   */
  inviteReceived(invite: IncomingInvite, transaction: ServerTransaction): void
  /** REGISTER, OPTIONS, MESSAGE, SUBSCRIBE … outside a dialog. Return false when the method is not served: 405 with Allow is sent. */
  requestReceived(transaction: ServerTransaction): boolean
}

/** A call of ours. */
export interface OutgoingInviteOptions {
  readonly uri: Uri
  readonly from: NameAddress
  readonly to: NameAddress
  readonly target: { readonly flow?: Flow; readonly destination?: Destination }
  /** Our offer. */
  readonly sdp: Uint8Array
  readonly headers?: ExtraHeaders
  readonly credentials?: { readonly username: string; readonly password: string }
}

/** Hears of an outgoing INVITE besides what every usage tells. */
export interface OutgoingInviteUser extends InviteUsageUser {
  /** 101 to 199, with the answer where the response carried one (early media). */
  provisionalReceived(status: number, sdp: Uint8Array | null): void
  /** A 2xx came and was acknowledged. `sdp` is the answer, null where an earlier reliable response had carried it. */
  accepted(sdp: Uint8Array | null, response: SipResponse): void
}
