import type { Clock } from '../../base/clock.ts'
import type { AgreedMedia, AudioCodec } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'
import type { EngineCommand, EngineEvent } from './messages.ts'
import type {
  Digit,
  MediaEndpoint,
  MediaEndpointUser,
  MediaStats,
  PlayEnd,
  RecordOptions,
  RecordResult,
} from './types.ts'
import { recordingLost, Waiting } from './waiting.ts'

/** News about one endpoint. */
export type EndpointEvent = Extract<EngineEvent, { readonly endpoint: number }>

export interface EndpointFaceOptions {
  readonly id: number
  readonly worker: number
  readonly localPort: number
  readonly clock: Clock
  readonly user: MediaEndpointUser
  readonly post: (command: EngineCommand) => void
  /** What it sends from now on is in this codec. */
  readonly agreed: (codec: AudioCodec) => void
  /** It is no use to anybody any more: it was closed or has failed. Told once, before anything else about that. */
  readonly leaving: () => void
  /** The endpoint behind it is no more. Told once. */
  readonly closed: () => void
  /** Nothing more can come: it may be forgotten. */
  readonly done: () => void
}

const nothingHappened: MediaStats = {
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  jitterMs: 0,
  remotePacketsLost: null,
  roundTripMs: null,
  receivedFrom: null,
  maxLatenessMs: 0,
  discarded: { malformed: 0, stranger: 0, unknownPayload: 0 },
}

/** The main thread's end of one endpoint: turns calls into commands, and events into calls and settled promises. */
export class EndpointFace implements MediaEndpoint {
  readonly worker: number
  readonly localPort: number
  readonly #options: EndpointFaceOptions
  readonly #plays = new Waiting<{ end: PlayEnd; playedMs: number }>()
  readonly #sendings = new Waiting<PlayEnd>()
  readonly #recordings = new Waiting<RecordResult>()
  readonly #questions = new Waiting<MediaStats>()
  #lastRun = 0
  #sendCodec: AudioCodec = 'PCMU'
  #hasLeft = false
  #closed: { readonly promise: Promise<MediaStats>; readonly settle: (stats: MediaStats) => void } | null = null
  /** Set when nothing is behind this face any more. */
  #finalStats: MediaStats | null = null
  /** The last that was heard of, for an end without a word. */
  #knownStats: MediaStats = nothingHappened

  constructor(options: EndpointFaceOptions) {
    this.#options = options
    this.worker = options.worker
    this.localPort = options.localPort
  }

  get id(): number {
    return this.#options.id
  }

  /** What it sends, as far as agreed. */
  get sendCodec(): AudioCodec {
    return this.#sendCodec
  }

  /** Whether it can be joined: neither closed nor failed. */
  get isOpen(): boolean {
    return !this.#closed && !this.#finalStats
  }

  connect(agreed: AgreedMedia, options: { signallingAddress?: string } = {}): void {
    const { signallingAddress = null } = options
    this.command({ kind: 'connect', endpoint: this.#options.id, agreed, signallingAddress })
    if (!this.isOpen) return
    this.#sendCodec = agreed.sendCodec
    this.#options.agreed(agreed.sendCodec)
  }

  play(
    prompts: readonly Prompt[],
    options: { loop?: boolean } = {},
  ): { readonly ended: Promise<{ end: PlayEnd; playedMs: number }>; stop(): void } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await<{ end: PlayEnd; playedMs: number }>(this.#plays, run, { end: 'stopped', playedMs: 0 })
    this.command({ kind: 'play', endpoint: id, run, prompts, isLoop: options.loop ?? false })
    return { ended, stop: () => this.#plays.has(run) && this.command({ kind: 'stopPlay', endpoint: id, run }) }
  }

  sendDigits(digits: readonly Digit[]): { readonly ended: Promise<PlayEnd>; stop(): void } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await(this.#sendings, run, 'stopped')
    this.command({ kind: 'sendDigits', endpoint: id, run, digits })
    return { ended, stop: () => this.#sendings.has(run) && this.command({ kind: 'stopDigits', endpoint: id, run }) }
  }

  detectInband(isArmed: boolean): void {
    this.command({ kind: 'detectInband', endpoint: this.#options.id, isArmed })
  }

  echo(isOn: boolean): void {
    this.command({ kind: 'echo', endpoint: this.#options.id, isOn })
  }

  record(options: RecordOptions): {
    readonly ended: Promise<RecordResult>
    pause(isPaused: boolean): void
    stop(): void
  } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await(this.#recordings, run, recordingLost(null))
    this.command({ kind: 'record', endpoint: id, run, options })
    return {
      ended,
      pause: (isPaused) =>
        this.#recordings.has(run) && this.command({ kind: 'pauseRecord', endpoint: id, run, isPaused }),
      stop: () => this.#recordings.has(run) && this.command({ kind: 'stopRecord', endpoint: id, run }),
    }
  }

  stats(): Promise<MediaStats> {
    if (this.#closed) return this.#closed.promise
    const request = ++this.#lastRun
    const answer = this.#await(this.#questions, request, this.#knownStats)
    this.command({ kind: 'stats', endpoint: this.#options.id, request })
    return answer
  }

  close(): Promise<MediaStats> {
    if (this.#closed) return this.#closed.promise
    this.#leave()
    let settle = (_stats: MediaStats): void => {}
    const promise = new Promise<MediaStats>((resolve) => {
      settle = resolve
    })
    this.#closed = { promise, settle }
    if (this.#finalStats) settle(this.#finalStats)
    else this.#options.post({ kind: 'close', endpoint: this.#options.id })
    return promise
  }

  /** Takes news. After `close` was called the user hears nothing. */
  heard(event: EndpointEvent): void {
    const { user, clock } = this.#options
    switch (event.kind) {
      case 'digit': {
        if (this.#closed) return
        const { digit, carrier, agoMs, durationMs } = event
        return user.digitReceived({ digit, carrier, startedMs: clock.now() - agoMs, durationMs })
      }
      case 'latched':
        if (!this.#closed) user.mediaLatched(event.from)
        return
      case 'timedOut':
        if (!this.#closed) user.mediaTimedOut(event.silentMs)
        return
      case 'playEnded':
        return this.#plays.settle(event.run, { end: event.end, playedMs: event.playedMs })
      case 'digitsEnded':
        return this.#sendings.settle(event.run, event.end)
      case 'recordEnded':
        this.#recordings.settle(event.run, event.result)
        return this.#finishIfDone()
      case 'stats':
        this.#knownStats = event.stats
        return this.#questions.settle(event.request, event.stats)
      case 'closed':
        return this.#wasClosed(event.stats)
      case 'lost':
        return this.fail(event.sentence)
    }
  }

  /** Nothing is behind this face any more: all that waits is answered, and the user told, unless it had closed it. */
  fail(sentence: string): void {
    const isFirst = this.#finalStats === null
    this.#leave()
    this.#wasClosed(this.#knownStats)
    this.#recordings.settleAll(recordingLost(sentence))
    this.#options.done()
    if (isFirst && !this.#closed) this.#options.user.mediaFailed(sentence)
  }

  #wasClosed(stats: MediaStats): void {
    if (this.#finalStats === null) this.#options.closed()
    this.#finalStats ??= stats
    this.#plays.settleAll({ end: 'stopped', playedMs: 0 })
    this.#sendings.settleAll('stopped')
    this.#questions.settleAll(stats)
    this.#closed?.settle(stats)
    this.#finishIfDone()
  }

  /** Recordings end a little after their endpoint: their files must be whole. */
  #finishIfDone(): void {
    if (this.#finalStats && this.#recordings.size === 0) this.#options.done()
  }

  /** A promise that an event settles; at once where no event can come. */
  #await<Value>(waiting: Waiting<Value>, run: number, instead: Value): Promise<Value> {
    return this.isOpen ? waiting.add(run) : Promise.resolve(instead)
  }

  /** To its worker, unless it is closed or gone. */
  command(command: EngineCommand): void {
    if (this.isOpen) this.#options.post(command)
  }

  #leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#options.leaving()
  }
}
