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
  /**
   * Asks the peer by REFER (RFC 3515) to call somebody else. What its NOTIFYs say comes by `progress`; the outcome settles at the
   * terminating one, at a refusal, at the end of the dialog, or after `limitMs` without a final word.
   */
  refer(options: ReferOptions, progress?: (status: number) => void): Promise<ReferOutcome>
}

export interface ReferOptions {
  /** Whom to call. With `replaces`, the dialog of ours that its INVITE is to take the place of (RFC 3891 §6.1, attended transfer). */
  readonly target: Uri
  readonly replaces?: DialogName
  /** RFC 3892; null: none. */
  readonly referredBy: NameAddress | null
  readonly limitMs: number
}

/** `Call-ID;to-tag;from-tag` of RFC 3891 §3: the tags as the party that receives the Replaces knows them. */
export interface DialogName {
  readonly sipCallId: string
  readonly toTag: string
  readonly fromTag: string
  readonly isEarlyOnly: boolean
}

export type ReferOutcome =
  /** The final status that the peer told of its own INVITE: 200 is success. */
  | { readonly kind: 'done'; readonly status: number }
  /** The REFER itself was not accepted. */
  | { readonly kind: 'refused'; readonly status: number }
  /** The peer hung up after it had accepted, without a last word: telephones do so once they have been connected elsewhere. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'timeout' }

/** A REFER of the peer within the dialog (RFC 3515). Exactly one of `accept` and `reject` is called; 202 is sent by `accept`. */
export interface IncomingRefer {
  readonly target: NameAddress
  /** Read out of the Refer-To's `Replaces`; null for a blind transfer. */
  readonly replaces: DialogName | null
  readonly referredBy: NameAddress | null
  accept(): void
  reject(status: number): void
  /**
   * Tells how our call to the target goes, as message/sipfrag (RFC 3515 §2.4.4). 100 is sent by `accept` itself; a final status
   * (200 and above) ends the subscription. Does nothing once the dialog is gone or the peer asked for no subscription (RFC 4488).
   */
  notify(status: number): void
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
  /** A REFER in the dialog. Without this method it is refused with 603. */
  referReceived?(refer: IncomingRefer): void
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
  /**
   * The usage of ours that this INVITE is to take the place of (Replaces, RFC 3891 §3), matched and checked: a Replaces that
   * names no dialog of ours has been refused with 481, a wrong one with 400, 486 or 603. Null without the header.
   */
  readonly replaces: InviteUsage | null
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
  /** A connection is gone. Dialogs open a new one when they need it. */
  flowClosed?(flow: Flow): void
}

/** A call of ours. */
export interface OutgoingInviteOptions {
  readonly uri: Uri
  readonly from: NameAddress
  readonly to: NameAddress
  readonly target: { readonly flow?: Flow; readonly destination?: Destination }
  /** Routes to be set in front of the Request-URI (an outbound proxy, RFC 3261 §8.1.2): `Route` of the INVITE, each with `lr`. */
  readonly route?: readonly Uri[]
  /** Our offer. */
  readonly sdp: Uint8Array
  readonly headers?: ExtraHeaders
  /** Of Max-Forwards; 70 if absent. A call passed on has one less than it came with. */
  readonly maxForwards?: number
  /**
   * Without any response for so long the INVITE is given up as unanswered (`no-response`), sooner than Timer B's 32 s: what it may
   * still bring is cancelled, or acknowledged and ended. Absent: Timer B.
   */
  readonly firstResponseMs?: number
  readonly credentials?: { readonly username: string; readonly password: string }
}

/** Hears of an outgoing INVITE besides what every usage tells. */
export interface OutgoingInviteUser extends InviteUsageUser {
  /** A first response of any kind came, 100 among them: somebody is there. Told once, before all else. */
  responseSeen?(): void
  /** 101 to 199, with the answer where the response carried one (early media). */
  provisionalReceived(status: number, sdp: Uint8Array | null): void
  /** A 2xx came and was acknowledged. `sdp` is the answer, null where an earlier reliable response had carried it. */
  accepted(sdp: Uint8Array | null, response: SipResponse): void
}
