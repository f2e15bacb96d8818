import type { Clock } from '../../src/base/clock.ts'
import type { LegId } from '../../src/base/ids.ts'
import { causeOfStatus, type HangupCause, hangupCauses } from '../../src/leg/hangup-cause.ts'
import type {
  Leg,
  LegDirection,
  LegEnd,
  LegEndOptions,
  LegParty,
  LegRecording,
  LegRole,
  LegState,
  LegUser,
  OutboundLeg,
  Playing,
  ReferEnd,
  Sending,
  TransferRequest,
} from '../../src/leg/leg.ts'
import type {
  Digit,
  DigitCarrier,
  MediaStats,
  RecordEnd,
  RecordOptions,
  RecordResult,
} from '../../src/media/plane/types.ts'
import type { Prompt } from '../../src/media/prompt.ts'

/** What happened on a fake leg, in order, each with the clock's time. */
export interface Happened {
  readonly atMs: number
  readonly what: string
}

interface RunningPlay {
  readonly prompts: readonly Prompt[]
  readonly startedMs: number
  stop(): void
}

export interface FakeLegOptions {
  readonly id?: string
  readonly role?: LegRole
  readonly direction?: LegDirection
  /** User part of its party. */
  readonly user?: string
  /** Whose telephone it is; nobody's that is known if absent. */
  readonly extension?: string
}

/** A transfer that a fake leg's peer asked for, and what became of it: `accepted`, `rejected 603`, `progress 180`. */
export interface AskedTransfer {
  readonly request: TransferRequest
  readonly answers: readonly string[]
}

/**
 * A party without a wire: plays take as long as their prompts on the handed-in clock, the test says what its peer does, and
 * everything asked of it is written down. Without options it is a caller's leg.
 */
export class FakeLeg implements OutboundLeg {
  readonly id: LegId
  readonly role: LegRole
  readonly direction: LegDirection
  readonly sipCallId = 'call@test'
  readonly codec = 'PCMU'
  readonly party: LegParty
  readonly happened: Happened[] = []
  state: LegState = 'ringing'
  ending: LegEnd | null = null
  isCollecting = false
  /** What the peer says to `hold`. */
  holdAnswer: 'done' | 'refused' = 'done'
  readonly #clock: Clock
  #user: LegUser | null = null
  #play: RunningPlay | null = null
  #recording: { finish(end: RecordEnd): void } | null = null
  #refer: ((end: ReferEnd) => void) | null = null

  constructor(clock: Clock, options: FakeLegOptions = {}) {
    this.#clock = clock
    this.id = (options.id ?? 'leg_test') as LegId
    this.role = options.role ?? 'caller'
    this.direction = options.direction ?? 'inbound'
    this.party = {
      user: options.user ?? '101',
      displayName: null,
      extension: options.extension ?? null,
      address: 'udp:127.0.0.1:5060',
      userAgent: null,
    }
  }

  get lines(): readonly string[] {
    return this.happened.map(({ what }) => what)
  }

  attach(user: LegUser): void {
    this.#user = user
  }

  start(): void {
    this.#note('start')
  }

  ring(): void {
    this.#note('ring')
  }

  openEarlyMedia(): void {
    this.#note('early media')
  }

  answer(): void {
    this.state = 'answered'
    this.#note('answer')
  }

  end(cause: HangupCause, options: LegEndOptions = {}): void {
    if (this.ending) return
    // A leg of ours is cancelled, an inbound one refused with a status.
    const isRefusal = this.direction === 'inbound' && this.state === 'ringing'
    const sipStatus = isRefusal ? (options.status ?? hangupCauses[cause].sipStatus) : null
    const { q850 = null } = options
    this.#note(`end ${cause}${sipStatus === null ? '' : ` ${sipStatus}`}${q850 === null ? '' : ` Q.850 ${q850}`}`)
    this.#finish({ by: 'local', cause, sipStatus, q850, sentence: null })
  }

  play(prompts: readonly Prompt[], options: { loop?: boolean } = {}): Playing {
    this.#play?.stop()
    const startedMs = this.#clock.now()
    const totalMs = prompts.reduce((sum, prompt) => sum + prompt.durationMs, 0)
    const name = prompts.map((prompt) => prompt.id).join('+')
    this.#note(`play ${name}`)
    let finish: (end: 'finished' | 'stopped') => void = () => {}
    const ended = new Promise<{ end: 'finished' | 'stopped'; playedMs: number }>((resolve) => {
      let isDone = false
      finish = (end) => {
        if (isDone) return
        isDone = true
        cancel()
        if (this.#play?.startedMs === startedMs) this.#play = null
        this.#note(`${end} ${name}`)
        resolve({ end, playedMs: this.#clock.now() - startedMs })
      }
    })
    const cancel = options.loop ? () => {} : this.#clock.after(totalMs, () => finish('finished'))
    const running = { prompts, startedMs, stop: () => finish('stopped') }
    this.#play = running
    if (this.ending) finish('stopped')
    return { ended, stop: running.stop }
  }

  sendDigits(digits: readonly Digit[]): Sending {
    this.#note(`send ${digits.join('')}`)
    let finish: (end: 'finished' | 'stopped') => void = () => {}
    const ended = new Promise<'finished' | 'stopped'>((resolve) => {
      finish = resolve
    })
    const cancel = this.#clock.after(digits.length * 160, () => finish('finished'))
    return {
      ended,
      stop: () => {
        cancel()
        finish('stopped')
      },
    }
  }

  record(options: RecordOptions): LegRecording {
    const startedMs = this.#clock.now()
    this.#note('record')
    let resolveEnded: (result: RecordResult) => void = () => {}
    const ended = new Promise<RecordResult>((resolve) => {
      resolveEnded = resolve
    })
    const finish = (end: RecordEnd): void => {
      cancel()
      this.#recording = null
      const durationMs = this.#clock.now() - startedMs
      this.#note(`recorded ${end}`)
      resolveEnded({ end, durationMs, fileBytes: 44 + durationMs * 16, heardSound: true, problem: null })
    }
    const cancel = this.#clock.after(options.maxDurationMs, () => finish('max-duration'))
    this.#recording = { finish }
    return { ended, pause: () => {}, stop: () => finish('stopped') }
  }

  echo(isOn: boolean): void {
    this.#note(`echo ${isOn ? 'on' : 'off'}`)
  }

  async hold(isHeld: boolean): Promise<'done' | 'refused' | 'ended'> {
    this.#note(isHeld ? 'hold' : 'unhold')
    return this.ending ? 'ended' : this.holdAnswer
  }

  refer(target: string, options: { limitMs: number; replaces?: Leg }): Promise<ReferEnd> {
    this.#note(`refer ${target}${options.replaces ? ` replaces ${options.replaces.id}` : ''}`)
    if (this.ending) return Promise.resolve({ outcome: 'ended' })
    return new Promise((resolve) => {
      const settle = (end: ReferEnd): void => {
        cancel()
        this.#refer = null
        resolve(end)
      }
      const cancel = this.#clock.after(options.limitMs, () => settle({ outcome: 'timeout' }))
      this.#refer = settle
    })
  }

  collectDigits(isCollecting: boolean): void {
    this.isCollecting = isCollecting
  }

  async stats(): Promise<MediaStats> {
    return {
      packetsSent: 1,
      packetsReceived: 2,
      packetsLost: 0,
      jitterMs: 0.25,
      remotePacketsLost: null,
      roundTripMs: null,
      receivedFrom: null,
      maxLatenessMs: 0,
      discarded: { malformed: 0, stranger: 0, unknownPayload: 0 },
    }
  }

  // What the peer does.

  /** 180 or 183 from a telephone that was called. */
  peerProgresses(status = 180, hasEarlyMedia = false): void {
    if (!this.ending) this.#user?.legProgressed(status, hasEarlyMedia)
  }

  /** Picks up. */
  peerAnswers(): void {
    if (this.state !== 'ringing') return
    this.state = 'answered'
    this.#note('peer answered')
    this.#user?.legAnswered()
  }

  /** Refuses to pick up; the cause is that of the status unless told otherwise. */
  peerRefuses(status: number, cause: HangupCause = causeOfStatus(status)): void {
    this.#note(`refused ${status}`)
    this.#finish({ by: 'remote', cause, sipStatus: status, q850: null, sentence: null })
  }

  /** Puts us on hold, or takes us back. */
  peerHolds(isHeld: boolean): void {
    if (!this.ending) this.#user?.legHeld(isHeld)
  }

  /** Asks by REFER to be connected elsewhere. */
  peerAsksTransfer(
    target: string,
    options: { dialled?: string; replaces?: TransferRequest['replaces']; referredBy?: string | null } = {},
  ): AskedTransfer {
    const answers: string[] = []
    const request: TransferRequest = {
      target,
      dialled: options.dialled ?? /^\w+:([^@;?]*)/.exec(target)?.[1] ?? '',
      replaces: options.replaces ?? null,
      referredBy: options.referredBy ?? null,
      accept: () => answers.push('accepted'),
      reject: (status) => answers.push(`rejected ${status}`),
      progress: (status) => answers.push(`progress ${status}`),
    }
    if (!this.ending) this.#user?.transferRequested(request)
    return { request, answers }
  }

  /** What the peer says in the end to a REFER of ours. Without one that runs, an error in the test. */
  peerEndsRefer(end: ReferEnd): void {
    if (!this.#refer) throw new Error('no REFER runs on this leg')
    this.#refer(end)
  }

  press(keys: string, carrier: DigitCarrier = 'rfc4733'): void {
    for (const digit of keys) {
      this.#user?.digitReceived({ digit: digit as Digit, carrier, startedMs: this.#clock.now(), durationMs: 100 })
    }
  }

  hangUp(): void {
    const isEarly = this.state === 'ringing'
    this.#note(isEarly ? 'cancelled' : 'hung up')
    this.#finish({
      by: 'remote',
      cause: isEarly ? 'cancelled' : 'normal',
      sipStatus: isEarly ? 487 : null,
      q850: null,
      sentence: null,
    })
  }

  loseConnection(sentence: string): void {
    this.#finish({ by: 'network', cause: 'media-timeout', sipStatus: null, q850: null, sentence })
  }

  #finish(end: LegEnd): void {
    if (this.ending) return
    this.ending = end
    this.state = 'ended'
    this.#play?.stop()
    this.#recording?.finish('endpoint-closed')
    this.#refer?.({ outcome: 'ended' })
    this.#user?.legEnded(end)
  }

  #note(what: string): void {
    this.happened.push({ atMs: this.#clock.now(), what })
  }
}
