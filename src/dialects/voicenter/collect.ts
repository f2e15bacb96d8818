import type { FlowCall } from '../../action/flow-call.ts'
import type { GatherOutcome } from '../../action/gather.ts'
import { type Playable, sayDigits } from '../../action/playable.ts'
import type { VoicenterAppSettings } from '../../config/settings.ts'
import type { Collection } from './actions.ts'
import type { Session } from './session.ts'
import type { Sounds } from './sounds.ts'

/** Time for a first key behind the last prompt, where DELAY is shorter: a caller must be able to answer at all. */
const leastLastWaitMs = 3000
/** Keys that are kept while the handler is asked. */
const maxTypedAhead = 32
/** How often keyed digits may be taken back when they are read out for confirmation. */
const maxCorrections = 3
/** Once more where nothing is keyed when digits were read out. */
const confirmAttempts = 2

export interface Collected {
  /** What goes into DTMF. */
  readonly digits: string
  /** Whether any key was pressed. */
  readonly wasKeyed: boolean
}

export interface CollectParts {
  readonly call: FlowCall
  readonly session: Session
  readonly sounds: Sounds
  readonly app: Pick<VoicenterAppSettings, 'validationMode' | 'noInputDigits' | 'interDigitMs'>
}

/** What is given besides the question. */
export interface Lead {
  /** Before the first question. A key stops it and counts. */
  readonly once: readonly Playable[]
  /** Before each further one. */
  readonly eachLoop: readonly Playable[]
}

/**
 * Asks for keys as MENU, SAYDIGITS and the menu behind a failed CALL do. Where the call ends meanwhile, what it returns is
 * of no use to anybody.
 */
export async function collect(
  parts: CollectParts,
  collection: Collection,
  lead: Lead = { once: [], eachLoop: [] },
): Promise<Collected> {
  return await new Collecting(parts, collection, lead).run()
}

class Collecting {
  readonly #parts: CollectParts
  readonly #collection: Collection
  readonly #lead: Lead
  readonly #question: readonly Playable[]
  #corrections = 0

  constructor(parts: CollectParts, collection: Collection, lead: Lead) {
    this.#parts = parts
    this.#collection = collection
    this.#lead = lead
    this.#question = parts.sounds.named(collection.record)
  }

  async run(): Promise<Collected> {
    const { call, session, app } = this.#parts
    if (this.#collection.size === 0) {
      await this.#playOnly()
      return { digits: '', wasKeyed: false }
    }
    const { loops, delaySeconds } = this.#collection
    let wasKeyed = false
    let isBad = false
    let next = this.#lead.once.length > 0 ? await this.#gather(this.#lead.once, 0) : null
    for (let loop = 1; loop <= loops && !call.isEnded; loop++) {
      if (next === null || next.outcome === 'no-input') {
        const waitMs = loop < loops ? delaySeconds * 1000 : Math.max(delaySeconds * 1000, leastLastWaitMs)
        next = await this.#gather(this.#questionOf(loop, isBad), waitMs)
      }
      isBad = false
      const entry = next
      next = null
      if (entry.outcome !== 'digits') continue
      wasKeyed = true
      session.noteLife()
      const verdict = await this.#verdict(entry.digits)
      if (verdict === 'good') return { digits: entry.digits, wasKeyed }
      if (verdict === 'again' && this.#corrections++ < maxCorrections) loop--
      isBad = verdict === 'bad'
    }
    if (isBad && !call.isEnded) await this.#parts.sounds.play([this.#parts.sounds.system('invalidEntry')])
    return { digits: wasKeyed ? '' : app.noInputDigits, wasKeyed }
  }

  /** SIZE 0: nothing is asked for. */
  async #playOnly(): Promise<void> {
    const { call, sounds, session } = this.#parts
    const { loops, delaySeconds } = this.#collection
    if (await sounds.play(this.#lead.once)) session.noteLife()
    for (let loop = 1; loop <= loops && !call.isEnded; loop++) {
      if (loop > 1) await sounds.pause(delaySeconds)
      if (await sounds.play(this.#question)) session.noteLife()
    }
  }

  #questionOf(loop: number, isBad: boolean): readonly Playable[] {
    const { sounds } = this.#parts
    const repeated = loop > 1 ? this.#lead.eachLoop : []
    const complaint = isBad ? [sounds.system('invalidEntry')] : []
    return [...complaint, ...repeated, ...this.#question]
  }

  async #gather(prompt: readonly Playable[], firstDigitTimeoutMs: number): Promise<GatherOutcome> {
    const { call, session, sounds, app } = this.#parts
    const { size } = this.#collection
    const keepTypedAhead = !session.dropsTyped
    session.dropsTyped = false
    if (prompt.length > 0) session.noteLife()
    return await sounds.tolerantly(prompt, (heard) =>
      call.gather({
        prompt: heard,
        maxDigits: size,
        // A menu of one key may offer # itself.
        endKey: size === 1 ? null : '#',
        firstDigitTimeoutMs,
        interDigitTimeoutMs: app.interDigitMs,
        ignoredKeys: 'ABCD',
        keepTypedAhead,
        maxTypedAhead,
      }),
    )
  }

  /** VALIDATION 1: whether the handler is to see it. `again`: the caller takes it back. */
  async #verdict(digits: string): Promise<'good' | 'bad' | 'again'> {
    const { isValidated, size } = this.#collection
    const { validationMode } = this.#parts.app
    if (!isValidated) return 'good'
    if (!/^[0-9]+$/.test(digits)) return 'bad'
    if (validationMode === 'exact' && digits.length !== size) return 'bad'
    return validationMode === 'confirm' ? await this.#confirm(digits) : 'good'
  }

  /** Reads the digits back: 1 takes them, 2 takes them back. */
  async #confirm(digits: string): Promise<'good' | 'bad' | 'again'> {
    const { call, sounds } = this.#parts
    const prompt = [sounds.system('demoYouPressed'), sayDigits(digits), sounds.system('confirmEntry')]
    const answer = await sounds.tolerantly(prompt, (heard) =>
      call.gather({ prompt: heard, maxDigits: 1, endKey: null, attempts: confirmAttempts, ignoredKeys: 'ABCD' }),
    )
    if (answer.digits === '1') return 'good'
    return answer.digits === '2' ? 'again' : 'bad'
  }
}
