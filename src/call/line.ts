import type { Clock } from '../base/clock.ts'
import type { Leg, LegFacts } from '../leg/leg.ts'
import type { DigitBuffer } from './digit-buffer.ts'

/** Somebody to play to and to gather from: the caller of a call, or any other party of it. */
export interface Line {
  readonly leg: Leg
  readonly digits: DigitBuffer
  readonly clock: Clock
  readonly isEnded: boolean
  /** What is going on, for the sentence should it end meanwhile. Returns the way to say that it is over. */
  doing(activity: string): () => void
  note(kind: 'prompt' | 'decision' | 'recording' | 'problem', what: string, facts?: LegFacts): void
}
