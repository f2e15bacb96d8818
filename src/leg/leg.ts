import type { LegId } from '../base/ids.ts'
import type { DetectedDigit, Digit, MediaStats, PlayEnd, RecordOptions, RecordResult } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { HangupCause } from './hangup-cause.ts'

export type LegRole = 'caller' | 'callee' | 'member'
export type LegDirection = 'inbound' | 'outbound'
export type LegState = 'ringing' | 'answered' | 'ended'

/** The other side, as it calls itself. Nothing here is proven but `extension`. */
export interface LegParty {
  /** User part of its address: a number or a name; `anonymous` where withheld. */
  readonly user: string
  readonly displayName: string | null
  /** Set when digest credentials proved it. */
  readonly extension: string | null
  /** Where its signalling comes from: `udp:203.0.113.5:5060`. */
  readonly address: string
  readonly userAgent: string | null
  /** Its peer is one whose word about who calls we take (RFC 3325 §2.4): a trunk. Absent: it is not. */
  readonly isTrusted?: boolean
  /** The number that a peer we trust vouches for (P-Asserted-Identity, RFC 3325). Absent: none does. */
  readonly assertedNumber?: string
  /** The caller does not want its number shown (RFC 3323). Absent: it did not say. */
  readonly isPrivate?: boolean
  /** The number that sent the call on to us (Diversion, RFC 5806), from a peer we trust. Absent: nobody did. */
  readonly divertedFrom?: string
}

/** How a leg ended. */
export interface LegEnd {
  readonly by: 'remote' | 'local' | 'network'
  readonly cause: HangupCause
  /** The SIP status that said it, where one did. */
  readonly sipStatus: number | null
  /** A cause the peer gave in Reason (RFC 3326), else null: the table's value holds. */
  readonly q850: number | null
  /** For `network`: what went wrong, as one sentence. */
  readonly sentence: string | null
}

/** What is told to the peer where it is not what goes with the cause. */
export interface LegEndOptions {
  /** Of the refusal of an unanswered leg, 400 to 699. */
  readonly status?: number
  /** Cause value of ITU-T Q.850 in Reason (RFC 3326), 1 to 127, and its text. */
  readonly q850?: number
  readonly text?: string
}

/** Facts for the journal: short, flat, cheap. */
export type LegFacts = Readonly<Record<string, string | number | boolean | null>>

/** The peer asks by REFER to be connected elsewhere (RFC 3515). Exactly one of `accept` and `reject` is called. */
export interface TransferRequest {
  /** The address in Refer-To as text: `sip:137@pbx.example`, `tel:+6560000001`. */
  readonly target: string
  /** Its user part: what would be dialled; empty where there is none. */
  readonly dialled: string
  /** Attended transfer: the dialog that the new call is to take the place of. `leg` is set where it is one of our own. */
  readonly replaces: { readonly leg: Leg | null; readonly header: string } | null
  /** RFC 3892: who asks, as text; null where it does not say. */
  readonly referredBy: string | null
  accept(): void
  reject(status: number): void
  /** How the call to the target goes, as a SIP status; 200 and above is the last word. */
  progress(status: number): void
}

/** What became of a REFER of ours. */
export type ReferEnd =
  /** The peer was connected (or hung up at once after taking the REFER, as telephones do that were connected). */
  | { readonly outcome: 'transferred' }
  /** The target did not take the call; the peer is still here. */
  | { readonly outcome: 'failed'; readonly status: number }
  /** The peer does not do transfers. */
  | { readonly outcome: 'refused'; readonly status: number }
  | { readonly outcome: 'timeout' | 'ended' }

/** Hears from one leg, one thing at a time. */
export interface LegUser {
  /** An outbound leg rings (180) or is in progress (183). `hasEarlyMedia`: it can be heard from now on. */
  legProgressed(status: number, hasEarlyMedia: boolean): void
  /** An outbound leg was answered. */
  legAnswered(): void
  /** The peer has put us on hold, or taken us back. */
  legHeld(isHeld: boolean): void
  transferRequested(request: TransferRequest): void
  digitReceived(digit: DetectedDigit): void
  /** Told once; everything that ran on the leg has been stopped. */
  legEnded(end: LegEnd): void
  /** For the journal: messages, holds, latching, negotiation. */
  legNoted(kind: 'sip' | 'media', what: string, facts: LegFacts): void
}

export interface Playing {
  readonly ended: Promise<{ readonly end: PlayEnd; readonly playedMs: number }>
  stop(): void
}

export interface Sending {
  readonly ended: Promise<PlayEnd>
  stop(): void
}

export interface LegRecording {
  readonly ended: Promise<RecordResult>
  pause(isPaused: boolean): void
  stop(): void
}

/**
 * One party of a call: signalling and media behind one face. All that `call/` knows of the world.
 * Media verbs work from early media on; on an ended leg they end at once with `stopped`.
 */
export interface Leg {
  readonly id: LegId
  readonly role: LegRole
  readonly direction: LegDirection
  readonly party: LegParty
  readonly state: LegState
  readonly ending: LegEnd | null
  /** The dialog's Call-ID, for records and for finding a call in a trace. */
  readonly sipCallId: string
  /** The codec in use, null before negotiation. */
  readonly codec: string | null
  /** Who hears of it. Set once, before anything else is called. */
  attach(user: LegUser): void
  /** 180 Ringing. Does nothing once answered. */
  ring(): void
  /** 183 with media: the caller hears prompts without being charged for an answered call. */
  openEarlyMedia(): void
  /** 200 OK. Does nothing when answered. */
  answer(): void
  /** Ends it in whatever state it is: refusal, CANCEL, BYE. Idempotent. */
  end(cause: HangupCause, options?: LegEndOptions): void
  play(prompts: readonly Prompt[], options?: { readonly loop?: boolean }): Playing
  sendDigits(digits: readonly Digit[]): Sending
  record(options: RecordOptions): LegRecording
  echo(isOn: boolean): void
  /** Puts the peer on hold by re-INVITE (`sendonly`, so that it can hear music), or takes it back. Settles with its answer. */
  hold(isHeld: boolean): Promise<'done' | 'refused' | 'ended'>
  /**
   * Asks the peer by REFER to call the target itself. `replaces`: a leg of ours whose dialog the new call is to replace
   * (attended transfer). The leg stays up whatever the outcome; ending it is the caller's decision.
   * @param target - an address: `sip:137@pbx.example`, `tel:+65…`.
   */
  refer(target: string, options: { readonly limitMs: number; readonly replaces?: Leg }): Promise<ReferEnd>
  /** While digits are collected, tones in the audio count as digits too, unless the leg has shown a better carrier. */
  collectDigits(isCollecting: boolean): void
  /** Resolves with the totals after the end too. */
  stats(): Promise<MediaStats>
}

/** A leg of ours to somebody. Made idle, so that its user can be attached first. */
export interface OutboundLeg extends Leg {
  /** Sends the INVITE. Once. */
  start(): void
}
