import type { RecordOptions } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Leg, LegRecording, Playing } from './leg.ts'

/** Two legs that hear each other. Ends by itself when either leg ends. */
export interface LegBridge {
  /** Keeps what this leg says from the other, digits too. */
  mute(from: Leg, isMuted: boolean): void
  /** Parts them. What they play and record goes on. Idempotent. */
  close(): void
}

/** One leg in a room. */
export interface LegRoomMember {
  /** Who hears it: all others (the start), nobody, or only these. */
  heardBy(who: 'all' | readonly LegRoomMember[]): void
  /** Whether it hears the room. Yes at the start. */
  hears(isHearing: boolean): void
  /** Idempotent; done by itself when the leg ends. */
  leave(): void
}

/** Several legs, mixed: each hears all who are heard by it and never itself. */
export interface LegRoom {
  join(leg: Leg): LegRoomMember
  play(prompts: readonly Prompt[], options?: { readonly loop?: boolean }): Playing
  record(options: RecordOptions): LegRecording
  /** Parts everybody. Idempotent. */
  close(): void
}

/**
 * Joins the sound of legs, so that `call/` need not know what is behind them. A leg is in one bridge or one room at a time:
 * joining it anew takes it out of the old one. What a leg plays of its own wins over bridge and room while it lasts.
 */
export interface LegMixer {
  /** @param options.passDigits - whether keys of one side reach the other. Yes unless told otherwise. */
  bridge(a: Leg, b: Leg, options?: { readonly passDigits?: boolean }): LegBridge
  /**
   * @param near - a leg whose worker becomes the room's home.
   * @param failed - told once, as one sentence, when the room is lost through a fault of ours.
   */
  openRoom(near: Leg | null, failed: (sentence: string) => void): LegRoom
}
