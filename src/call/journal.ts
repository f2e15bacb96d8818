import type { Cancel, Clock } from '../base/clock.ts'
import type { CallId, LegId } from '../base/ids.ts'
import type { CallRecords, JournalEvent } from './records.ts'

/** A call that re-negotiates or types for hours must not grow without end: the rest is counted, not kept. */
const maxEvents = 4000
/** Events that fill a batch, and the longest that one waits: what a crash may lose. */
const batchEvents = 200
const batchMs = 3000

type Sink = Pick<CallRecords, 'appendJournal'>

/** The bounded journal of one call, on one clock: what the timeline and the replay are made from. Appended in batches. */
export class CallJournal {
  readonly #callId: CallId
  readonly #clock: Clock
  readonly #sink: Sink
  readonly #onLost: (thrown: unknown) => void
  readonly #wallOffset: number
  #events: JournalEvent[] = []
  #batch = 0
  #count = 0
  #cancelTimer: Cancel | null = null

  constructor(options: { callId: CallId; clock: Clock; sink: Sink; onLost: (thrown: unknown) => void }) {
    this.#callId = options.callId
    this.#clock = options.clock
    this.#sink = options.sink
    this.#onLost = options.onLost
    this.#wallOffset = options.clock.wallTime() - options.clock.now()
  }

  note(kind: JournalEvent['kind'], legId: LegId | null, what: string, facts: JournalEvent['facts'] = {}): void {
    this.#count++
    if (this.#count > maxEvents) return
    const at = Math.round((this.#clock.now() + this.#wallOffset) * 1000) / 1000
    this.#events.push({ at, kind, legId, what, facts })
    if (this.#count === maxEvents) {
      this.#events.push({ at, kind: 'problem', legId: null, what: 'journalFull', facts: { kept: maxEvents } })
    }
    if (this.#events.length >= batchEvents) this.flush()
    else this.#cancelTimer ??= this.#clock.after(batchMs, () => this.flush())
  }

  /** Hands over what has gathered. Losing a batch is logged and never harms the call. */
  flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#sink.appendJournal(this.#callId, this.#batch++, events).catch(this.#onLost)
  }
}
