import type { Clock } from '../../src/base/clock.ts'
import type { LegId } from '../../src/base/ids.ts'
import { type HangupCause, hangupCauses } from '../../src/leg/hangup-cause.ts'
import type { Leg, LegEnd, LegParty, LegRecording, LegState, LegUser, Playing, Sending } from '../../src/leg/leg.ts'
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

/**
 * A caller without a wire: plays take as long as their prompts on the handed-in clock, keys are pressed by the test, and
 * everything asked of it is written down.
 */
export class FakeLeg implements Leg {
  readonly id = 'leg_test' as LegId
  readonly role = 'caller'
  readonly direction = 'inbound'
  readonly sipCallId = 'call@test'
  readonly codec = 'PCMU'
  readonly party: LegParty = {
    user: '101',
    displayName: null,
    extension: null,
    address: 'udp:127.0.0.1:5060',
    userAgent: null,
  }
  readonly happened: Happened[] = []
  state: LegState = 'ringing'
  ending: LegEnd | null = null
  isCollecting = false
  readonly #clock: Clock
  #user: LegUser | null = null
  #play: RunningPlay | null = null
  #recording: { finish(end: RecordEnd): void } | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get lines(): readonly string[] {
    return this.happened.map(({ what }) => what)
  }

  attach(user: LegUser): void {
    this.#user = user
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

  end(cause: HangupCause, options: { status?: number } = {}): void {
    if (this.ending) return
    const sipStatus = this.state === 'answered' ? null : (options.status ?? hangupCauses[cause].sipStatus)
    this.#note(`end ${cause}${sipStatus === null ? '' : ` ${sipStatus}`}`)
    this.#finish({ by: 'local', cause, sipStatus, q850: null, sentence: null })
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

  // What the caller does.

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
    this.#user?.legEnded(end)
  }

  #note(what: string): void {
    this.happened.push({ atMs: this.#clock.now(), what })
  }
}
