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

/** Facts for the journal: short, flat, cheap. */
export type LegFacts = Readonly<Record<string, string | number | boolean | null>>

/** Hears from one leg, one thing at a time. */
export interface LegUser {
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
  /** Ends it in whatever state it is: refusal, BYE. `status` overrides the cause's own for an unanswered leg. Idempotent. */
  end(cause: HangupCause, options?: { readonly status?: number; readonly text?: string }): void
  play(prompts: readonly Prompt[], options?: { readonly loop?: boolean }): Playing
  sendDigits(digits: readonly Digit[]): Sending
  record(options: RecordOptions): LegRecording
  echo(isOn: boolean): void
  /** While digits are collected, tones in the audio count as digits too, unless the leg has shown a better carrier. */
  collectDigits(isCollecting: boolean): void
  /** Resolves with the totals after the end too. */
  stats(): Promise<MediaStats>
}
