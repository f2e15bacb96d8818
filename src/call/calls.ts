import type { Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { CallId, IdFactory } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Leg } from '../leg/leg.ts'
import type { LegMixer } from '../leg/mixer.ts'
import { Call, type CallParts, type CallTarget } from './call.ts'
import { nobodyToReach, nothingToMix } from './call-parts.ts'
import type { Party } from './party.ts'
import type { Reacher } from './reach.ts'
import type { CallRecord, CallRecords } from './records.ts'
import { type CallSounds, noSounds } from './sounds.ts'
import { Transfers } from './transfers.ts'

/** What runs on a call from the moment its record is open. Never rejects for what its author did wrong. */
export type Program = (call: Call) => Promise<void>

/** Hears of calls as they come and go: the console, the metrics. */
export interface CallsUser {
  callStarted(call: Call): void
  callEnded(call: Call, record: CallRecord): void
}

export interface CallsParts {
  readonly clock: Clock
  readonly ids: IdFactory
  readonly log: Logger
  readonly records: CallRecords
  readonly user?: CallsUser
  /** What joins legs. Without it calls have one party each. */
  readonly mixer?: LegMixer
  /** Who finds whom to ring. Without it nobody is. */
  readonly reacher?: Reacher
  /** Music on hold and the like. Without it who waits hears nothing. */
  readonly sounds?: CallSounds
}

/** All calls that are up. Opens each one's record before its program may answer, and ends them all when the server stops. */
export class Calls {
  readonly #clock: Clock
  readonly #ids: IdFactory
  readonly #log: Logger
  readonly #parts: CallParts
  readonly #user: CallsUser | null
  readonly #live = new Map<CallId, Call>()
  #isDraining = false

  constructor(parts: CallsParts) {
    const { clock, log, records, mixer = nothingToMix, reacher = nobodyToReach, sounds = noSounds } = parts
    this.#clock = clock
    this.#ids = parts.ids
    this.#log = log
    this.#user = parts.user ?? null
    const parties = new Map<Leg, Party>()
    const transfers = new Transfers({
      callOf: (party) => this.find(party.home.id),
      partyOf: (leg) => parties.get(leg) ?? null,
    })
    const nextSerial = (): number => this.#ids.serial()
    this.#parts = { clock, log, records, mixer, reacher, sounds, transfers, parties, nextSerial }
  }

  get count(): number {
    return this.#live.size
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  live(): readonly Call[] {
    return [...this.#live.values()]
  }

  find(id: string): Call | null {
    return this.#live.get(id as CallId) ?? null
  }

  /** The call that a leg takes part in at present; null when it is over. */
  withLeg(leg: Leg): Call | null {
    const party = this.#parts.parties.get(leg)
    return party ? this.find(party.home.id) : null
  }

  /**
   * Makes a call of a leg that arrived, or of one of ours that has not been sent yet. The opening row is committed first;
   * then a leg of ours rings, and the program runs: it may await `call.answered`.
   */
  begin(leg: Leg, target: CallTarget, program: Program): Call {
    const call = new Call(this.#ids.call(), leg, target, this.#parts)
    this.#live.set(call.id, call)
    this.#user?.callStarted(call)
    this.#run(call, program).catch((thrown) =>
      this.#log.error({ callId: call.id, err: toError(thrown) }, 'a call failed'),
    )
    return call
  }

  /**
   * Lets calls go on for `graceMs`, taking no new ones (the caller sees to that by `isDraining`), then ends the rest.
   * Resolves when every record is closed.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true
    const cancel = this.#clock.after(graceMs, () => {
      for (const call of this.live()) {
        const sentence = 'Switchhook was stopped while this call was going on.'
        call.end({ by: 'server', cause: 'shutdown', sentence })
      }
    })
    while (this.#live.size > 0) await Promise.all(this.live().map((call) => call.ended))
    cancel()
  }

  async #run(call: Call, program: Program): Promise<void> {
    const closing = call.ended.then((record) => {
      this.#live.delete(call.id)
      this.#user?.callEnded(call, record)
    })
    if (await this.#open(call)) {
      call.start()
      await program(call)
    }
    await closing
  }

  async #open(call: Call): Promise<boolean> {
    try {
      await call.open()
      return !call.isEnded
    } catch (thrown) {
      // A call that leaves no record is worse than one refused: nothing is to be lost (docs/adr/0007).
      call.log.error({ err: toError(thrown) }, 'the call record could not be opened')
      const sentence = `The call was refused because its record could not be opened: ${toError(thrown).message}`
      call.end({ by: 'server', cause: 'server-error', sentence }, { status: 503 })
      return false
    }
  }
}
