import type { Clock } from '../../base/clock.ts'
import type { AgreedMedia } from '../../sdp/types.ts'
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

/** News about one endpoint. */
export type EndpointEvent = Extract<EngineEvent, { readonly endpoint: number }>

export interface EndpointFaceOptions {
  readonly id: number
  readonly worker: number
  readonly localPort: number
  readonly clock: Clock
  readonly user: MediaEndpointUser
  readonly post: (command: EngineCommand) => void
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

type Settle<Value> = (value: Value) => void

/** The main thread's end of one endpoint: turns calls into commands, and events into calls and settled promises. */
export class EndpointFace implements MediaEndpoint {
  readonly worker: number
  readonly localPort: number
  readonly #options: EndpointFaceOptions
  readonly #plays = new Map<number, Settle<{ end: PlayEnd; playedMs: number }>>()
  readonly #sendings = new Map<number, Settle<PlayEnd>>()
  readonly #recordings = new Map<number, Settle<RecordResult>>()
  readonly #questions = new Map<number, Settle<MediaStats>>()
  #lastRun = 0
  #closed: { readonly promise: Promise<MediaStats>; readonly settle: Settle<MediaStats> } | null = null
  /** Set when nothing is behind this face any more. */
  #finalStats: MediaStats | null = null
  /** The last that was heard of, for an end without a word. */
  #knownStats: MediaStats = nothingHappened

  constructor(options: EndpointFaceOptions) {
    this.#options = options
    this.worker = options.worker
    this.localPort = options.localPort
  }

  connect(agreed: AgreedMedia, options: { signallingAddress?: string } = {}): void {
    const { signallingAddress = null } = options
    this.#post({ kind: 'connect', endpoint: this.#options.id, agreed, signallingAddress })
  }

  play(
    prompts: readonly Prompt[],
    options: { loop?: boolean } = {},
  ): { readonly ended: Promise<{ end: PlayEnd; playedMs: number }>; stop(): void } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await(this.#plays, run, { end: 'stopped', playedMs: 0 })
    this.#post({ kind: 'play', endpoint: id, run, prompts, isLoop: options.loop ?? false })
    return { ended, stop: () => this.#plays.has(run) && this.#post({ kind: 'stopPlay', endpoint: id, run }) }
  }

  sendDigits(digits: readonly Digit[]): { readonly ended: Promise<PlayEnd>; stop(): void } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await(this.#sendings, run, 'stopped')
    this.#post({ kind: 'sendDigits', endpoint: id, run, digits })
    return { ended, stop: () => this.#sendings.has(run) && this.#post({ kind: 'stopDigits', endpoint: id, run }) }
  }

  detectInband(isArmed: boolean): void {
    this.#post({ kind: 'detectInband', endpoint: this.#options.id, isArmed })
  }

  echo(isOn: boolean): void {
    this.#post({ kind: 'echo', endpoint: this.#options.id, isOn })
  }

  record(options: RecordOptions): {
    readonly ended: Promise<RecordResult>
    pause(isPaused: boolean): void
    stop(): void
  } {
    const { id } = this.#options
    const run = ++this.#lastRun
    const ended = this.#await(this.#recordings, run, recordingLost(null))
    this.#post({ kind: 'record', endpoint: id, run, options })
    return {
      ended,
      pause: (isPaused) =>
        this.#recordings.has(run) && this.#post({ kind: 'pauseRecord', endpoint: id, run, isPaused }),
      stop: () => this.#recordings.has(run) && this.#post({ kind: 'stopRecord', endpoint: id, run }),
    }
  }

  stats(): Promise<MediaStats> {
    if (this.#closed) return this.#closed.promise
    const request = ++this.#lastRun
    const answer = this.#await(this.#questions, request, this.#knownStats)
    this.#post({ kind: 'stats', endpoint: this.#options.id, request })
    return answer
  }

  close(): Promise<MediaStats> {
    if (this.#closed) return this.#closed.promise
    let settle: Settle<MediaStats> = () => {}
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
        return settleOne(this.#plays, event.run, { end: event.end, playedMs: event.playedMs })
      case 'digitsEnded':
        return settleOne(this.#sendings, event.run, event.end)
      case 'recordEnded':
        settleOne(this.#recordings, event.run, event.result)
        return this.#finishIfDone()
      case 'stats':
        this.#knownStats = event.stats
        return settleOne(this.#questions, event.request, event.stats)
      case 'closed':
        return this.#wasClosed(event.stats)
      case 'lost':
        return this.fail(event.sentence)
    }
  }

  /** Nothing is behind this face any more: all that waits is answered, and the user told, unless it had closed it. */
  fail(sentence: string): void {
    const isFirst = this.#finalStats === null
    this.#wasClosed(this.#knownStats)
    settleAll(this.#recordings, recordingLost(sentence))
    this.#options.done()
    if (isFirst && !this.#closed) this.#options.user.mediaFailed(sentence)
  }

  #wasClosed(stats: MediaStats): void {
    if (this.#finalStats === null) this.#options.closed()
    this.#finalStats ??= stats
    settleAll(this.#plays, { end: 'stopped', playedMs: 0 })
    settleAll(this.#sendings, 'stopped')
    settleAll(this.#questions, stats)
    this.#closed?.settle(stats)
    this.#finishIfDone()
  }

  /** Recordings end a little after their endpoint: their files must be whole. */
  #finishIfDone(): void {
    if (this.#finalStats && this.#recordings.size === 0) this.#options.done()
  }

  /** A promise that an event settles; at once where no event can come. */
  #await<Value>(waiting: Map<number, Settle<Value>>, run: number, instead: Value): Promise<Value> {
    if (this.#closed || this.#finalStats) return Promise.resolve(instead)
    return new Promise((resolve) => waiting.set(run, resolve))
  }

  #post(command: EngineCommand): void {
    if (!this.#closed && !this.#finalStats) this.#options.post(command)
  }
}

function settleOne<Value>(waiting: Map<number, Settle<Value>>, run: number, value: Value): void {
  const settle = waiting.get(run)
  waiting.delete(run)
  settle?.(value)
}

function settleAll<Value>(waiting: Map<number, Settle<Value>>, value: Value): void {
  for (const run of [...waiting.keys()]) settleOne(waiting, run, value)
}

function recordingLost(problem: string | null): RecordResult {
  const end = problem === null ? 'endpoint-closed' : 'write-failed'
  return { end, durationMs: 0, fileBytes: 0, heardSound: false, problem }
}
