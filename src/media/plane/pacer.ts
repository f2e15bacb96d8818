import type { Cancel, Clock } from '../../base/clock.ts'

/** Returned by `due`: not again. */
export const rest = -1

/** A power of two. Far more than the 60 ms between frames, so that a stall of a second cannot wrap the wheel. */
const slotCount = 1024
const slotMask = slotCount - 1

/** Every 20 ms has five ticks that are multiples of 4, ten of 2. */
const grains = [4, 2, 1] as const

/** As many leave from one tick before the next kind of tick is used: a burst of about a millisecond. */
const fullSlot = 170

/** The next tick at which others are likely to be due as well. */
function roughly(tick: number): number {
  return Math.ceil(tick / grains[0]) * grains[0]
}

/** The clock is read anew for every so manieth packet. */
const asksPerReading = 8

/** How far ahead a tick may lie. */
export const maxAheadTicks = slotCount - 1

/** Something with frames due at certain ticks. One class for all, so that the pacer's calls stay cheap. */
export abstract class Paced {
  /** The pacer's: `rest` while it waits for nothing. */
  dueTick = rest

  /**
   * Its tick has come (or has passed, after a stall).
   * @param tick - the tick it was due at.
   * @param nowTick - the tick that it is; `nowTick - tick` is how many ticks late this is.
   * @returns the next tick it is due at, more than `tick` and at most `maxAheadTicks` more; `rest` when none.
   */
  abstract due(tick: number, nowTick: number): number
}

/** Who is due at one tick. The array only grows; what lies behind `count` is null. */
interface Slot {
  readonly waiting: (Paced | null)[]
  count: number
}

/**
 * Runs many streams of frames from one timer, by deadline: tick n is due at the pacer's start + n × tickMs, never "so long
 * after the last one", so nothing drifts. A wheel of slots, one per tick; whoever is due is moved to its next slot in
 * constant time and without allocation. The timer exists only while something waits.
 *
 * After a stall all the slots that were missed are gone through in order; what to do with its late frames each
 * decides for itself.
 */
export class Pacer {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #startMs: number
  readonly #slots: readonly Slot[] = Array.from({ length: slotCount }, () => ({ waiting: [], count: 0 }))
  readonly #onFailure: (thrown: unknown) => void
  readonly #onWake: ((lateMs: number) => void) | undefined
  #waiting = 0
  /** Every slot up to this tick has been gone through. */
  #doneTick: number
  #cancelTimer: Cancel | null = null
  #timerTick = 0
  #isRunning = false
  #asked = 0
  #readMs = 0

  /**
   * @param options.tickMs - length of a tick, 1 or more.
   * @param options.onFailure - told what one threw; that one is not run again, the others are.
   * @param options.onWake - told at each waking how late it came: the event loop's lag.
   */
  constructor(
    clock: Clock,
    options: { tickMs: number; onFailure: (thrown: unknown) => void; onWake?: (lateMs: number) => void },
  ) {
    this.#clock = clock
    this.#tickMs = options.tickMs
    this.#startMs = clock.now()
    this.#doneTick = 0
    this.#onFailure = options.onFailure
    this.#onWake = options.onWake
  }

  /** The tick that it is; the next one can still be waited for. */
  get nowTick(): number {
    return Math.floor((this.#clock.now() - this.#startMs) / this.#tickMs)
  }

  /** The tick that it is at `nowMs` of the clock, for who has just read it. */
  tickAt(nowMs: number): number {
    return Math.floor((nowMs - this.#startMs) / this.#tickMs)
  }

  /** How late it is for `tick`, milliseconds with fractions. */
  lateMs(tick: number): number {
    return this.#clock.now() - this.#startMs - tick * this.#tickMs
  }

  /**
   * The same for counting, from within `due`: the clock is read once for several packets, since reading it costs a part
   * of a packet. Wrong by what those take to send, some tens of microseconds.
   */
  roughlyLateMs(tick: number): number {
    if (this.#asked++ % asksPerReading === 0) this.#readMs = this.#clock.now()
    return this.#readMs - this.#startMs - tick * this.#tickMs
  }

  /** When `tick` is due, on the clock. */
  timeOf(tick: number): number {
    return this.#startMs + tick * this.#tickMs
  }

  /** Lets `paced` be due at `tick`, instead of whatever it waited for. A tick that has passed means the next one. */
  add(paced: Paced, tick: number): void {
    this.remove(paced)
    if (this.#waiting === 0 && !this.#isRunning) this.#doneTick = this.nowTick
    const at = Math.min(Math.max(tick, this.#doneTick + 1), this.#doneTick + maxAheadTicks)
    this.#put(paced, at)
    if (!this.#isRunning && (!this.#cancelTimer || at < this.#timerTick)) this.#arm(at)
  }

  /**
   * Lets `paced` be due at one of the next ticks: at a multiple of 4 while those are not full, then of 2, then at any, each
   * time at the quietest, the earliest of equals. Waking costs about as much as sending five packets, so few streams share
   * few wakings; and many, spread, never leave as one burst.
   * @param withinTicks - how long it may have to wait, 4 to `maxAheadTicks`.
   * @returns the tick.
   */
  addSpread(paced: Paced, withinTicks: number): number {
    this.remove(paced)
    const first = this.nowTick + 1
    let tick = first
    for (const grain of grains) {
      tick = this.#quietest(first, first + withinTicks, grain)
      if (this.#slot(tick).count < fullSlot) break
    }
    this.add(paced, tick)
    return tick
  }

  /** Lets `paced` be due at `tick` or up to 3 ticks later, where others are due as well. For what is in no hurry. */
  addRoughly(paced: Paced, tick: number): void {
    this.add(paced, roughly(tick))
  }

  /**
   * Does nothing when it waits for nothing. Its place in the slot stays until the slot's turn: what is due at another
   * tick, or at none, is passed over there.
   */
  remove(paced: Paced): void {
    if (paced.dueTick === rest) return
    paced.dueTick = rest
    this.#waiting--
    if (this.#waiting === 0 && !this.#isRunning) this.#goToRest()
  }

  #wake(): void {
    this.#cancelTimer = null
    const nowTick = this.nowTick
    this.#onWake?.(this.lateMs(this.#timerTick))
    this.#isRunning = true
    this.#asked = 0
    while (this.#doneTick < nowTick && this.#waiting > 0) {
      this.#doneTick++
      this.#runSlot(this.#doneTick, nowTick)
    }
    this.#isRunning = false
    if (this.#waiting === 0) return this.#goToRest()
    let tick = this.#doneTick + 1
    while (this.#slot(tick).count === 0) tick++
    this.#arm(tick)
  }

  #runSlot(tick: number, nowTick: number): void {
    const slot = this.#slot(tick)
    // Nothing can join this slot meanwhile: what is added goes 1 to 1023 ticks ahead of it.
    const { waiting, count } = slot
    for (let i = 0; i < count; i++) {
      const paced = waiting[i]
      waiting[i] = null
      if (!paced || paced.dueTick !== tick) continue
      paced.dueTick = rest
      this.#waiting--
      let next = rest
      try {
        next = paced.due(tick, nowTick)
      } catch (thrown) {
        this.#onFailure(thrown)
      }
      // It may have been added anew from within.
      if (next !== rest && paced.dueTick === rest)
        this.#put(paced, Math.min(Math.max(next, tick + 1), tick + maxAheadTicks))
    }
    slot.count = 0
  }

  #quietest(first: number, end: number, grain: number): number {
    const from = Math.ceil(first / grain) * grain
    let best = from
    for (let tick = from + grain; tick < end; tick += grain) {
      if (this.#slot(tick).count < this.#slot(best).count) best = tick
    }
    return best
  }

  #arm(tick: number): void {
    this.#disarm()
    this.#timerTick = tick
    this.#cancelTimer = this.#clock.after(Math.max(0, -this.lateMs(tick)), () => this.#wake())
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  /** Nothing waits: no timer, and no memory of what has waited. */
  #goToRest(): void {
    this.#disarm()
    for (const slot of this.#slots) {
      if (slot.count > 0) slot.waiting.fill(null, 0, slot.count)
      slot.count = 0
    }
  }

  #put(paced: Paced, tick: number): void {
    const slot = this.#slot(tick)
    slot.waiting[slot.count++] = paced
    paced.dueTick = tick
    this.#waiting++
  }

  #slot(tick: number): Slot {
    return this.#slots[tick & slotMask] as Slot
  }
}
