import type { LegEnd } from '../leg/leg.ts'
import type { BridgeEnd } from './bridge.ts'
import { type CallNews, describeEnding, describeParting, type Ending, type OwnEnding } from './ending.ts'
import type { Party } from './party.ts'

/** What went on in a call, as far as it takes to say in one sentence why it ended. */
export class CallStory {
  /** What happened between the parties: if the program now hangs up, that is why. */
  news: CallNews | null = null
  /** Why the call goes on without its program: `The caller transferred the call to 140.` */
  handover: string | null = null
  #words: OwnEnding | null = null
  #activity: string | null = null

  /** Whether our side has said that the call is to end. */
  get hasWords(): boolean {
    return this.#words !== null
  }

  /** The first to end the call is whose words are kept. */
  say(words: OwnEnding): void {
    this.#words ??= words
  }

  /** Something begins; what happened before is no reason for anything any more. Returns the way to say that it is over. */
  doing(activity: string): () => void {
    this.#activity = activity
    this.news = null
    return () => {
      if (this.#activity === activity) this.#activity = null
    }
  }

  /** @param sentence - why. */
  handOver(sentence: string): void {
    this.handover = sentence
    this.#activity = null
  }

  /** @param first - the party that the call began with. */
  ending(
    end: LegEnd,
    first: Party,
    facts: { readonly to: string; readonly isAnswered: boolean; readonly talkMs: number },
  ): Ending {
    return describeEnding(end, this.#words, {
      side: first.side,
      dialled: facts.to,
      hasRung: first.hasRung,
      wasAnswered: facts.isAnswered,
      ringMs: first.lifeMs,
      talkMs: facts.talkMs,
      activity: this.#activity,
      news: this.handover === null ? this.news : { sentence: this.handover, endedBy: null },
    })
  }

  /** How a call that was handed over ended with its bridge; null where it goes on, or our own words are to stand. */
  parting(end: BridgeEnd | null): Ending | null {
    return end && this.handover !== null && this.#words === null ? describeParting(end, this.handover) : null
  }
}
