import type { MessagePort } from 'node:worker_threads'
import type { RecordingId } from '../base/ids.ts'
import type { RecordingFileResult, RecordingNotice, RecordingRequest } from './recording-messages.ts'

/** Hears that a recording cannot go on. Told at most once, before `close` resolves. */
export type RecordingFailed = (problem: string) => void

/** One recording as the media worker sees it. */
export interface OpenRecording {
  /**
   * Hands audio over; never waits, never throws.
   * @param samples - interleaved where there are two channels, whole frames, at most `maxSliceMs`. Its whole buffer is
   *   transferred: it must not be touched again.
   */
  write(samples: Int16Array<ArrayBuffer>): void
  /** Ends the recording; resolves when its file is whole. A second call gives the same promise. */
  close(): Promise<RecordingFileResult>
}

/** Slices on their way to a writer that does not answer: five seconds of 400 calls, both channels. */
const maxWaitingBytes = 64 * 1024 * 1024

const writerGone = 'The thread that writes recordings stopped.'
const writerSilent = 'The thread that writes recordings did not keep up.'

interface Entry {
  /** The port it was opened over; null where there was none. */
  readonly port: MessagePort | null
  readonly failed: RecordingFailed
  hasFailed: boolean
  problem: string | null
  closed: { promise: Promise<RecordingFileResult>; resolve: (result: RecordingFileResult) => void } | null
}

/**
 * The media worker's end of its port to the writer thread. Knows nothing of files: it hands slices over, bounds what
 * may be under way, and turns the writer's notices into calls.
 */
export class RecordingClient {
  #port: MessagePort | null = null
  readonly #entries = new Map<RecordingId, Entry>()
  #waitingBytes = 0
  /** Slices of this turn of the loop; they leave together at its end. */
  #outbox: { recordingIds: RecordingId[]; samples: ArrayBuffer[] } = { recordingIds: [], samples: [] }

  constructor(port: MessagePort) {
    this.usePort(port)
  }

  /** Takes a fresh port after the writer thread was restarted; what was open over the old one has failed. */
  usePort(port: MessagePort): void {
    if (this.#port !== null) this.#portClosed(this.#port)
    this.#port = port
    port.on('message', (notice: RecordingNotice) => {
      if (port === this.#port) this.#heard(notice)
    })
    port.on('close', () => this.#portClosed(port))
    // An idle port must not keep its worker alive.
    port.unref()
  }

  /** @param options.file - absolute, inside the recordings folder the writer was started with. */
  open(
    options: { readonly recordingId: RecordingId; readonly file: string; readonly channels: 1 | 2 },
    failed: RecordingFailed,
  ): OpenRecording {
    const { recordingId, file, channels } = options
    const entry: Entry = { port: this.#port, failed, hasFailed: false, problem: null, closed: null }
    this.#entries.set(recordingId, entry)
    if (this.#port === null) queueMicrotask(() => this.#fail(entry, writerGone))
    else this.#send({ kind: 'open', recordingId, file, channels })
    return {
      write: (samples) => this.#write(recordingId, entry, samples),
      close: () => this.#close(recordingId, entry),
    }
  }

  /** How many bytes the writer has not taken yet. For metrics. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  #write(recordingId: RecordingId, entry: Entry, samples: Int16Array<ArrayBuffer>): void {
    if (entry.hasFailed || entry.closed !== null || entry.port !== this.#port) return
    const bytes = samples.buffer.byteLength
    if (this.#waitingBytes + bytes > maxWaitingBytes) return this.#fail(entry, writerSilent)
    this.#waitingBytes += bytes
    if (this.#outbox.samples.length === 0) setImmediate(() => this.#flush())
    this.#outbox.recordingIds.push(recordingId)
    this.#outbox.samples.push(samples.buffer)
  }

  #flush(): void {
    const { recordingIds, samples } = this.#outbox
    if (samples.length === 0) return
    this.#outbox = { recordingIds: [], samples: [] }
    const slices: RecordingRequest = { kind: 'slices', recordingIds, samples }
    this.#port?.postMessage(slices, samples)
  }

  #close(recordingId: RecordingId, entry: Entry): Promise<RecordingFileResult> {
    if (entry.closed !== null) return entry.closed.promise
    let resolve: (result: RecordingFileResult) => void = () => {}
    const promise = new Promise<RecordingFileResult>((settle) => {
      resolve = settle
    })
    entry.closed = { promise, resolve }
    if (entry.port === null || entry.port !== this.#port) this.#settle(recordingId, entry, gone(entry.problem))
    else this.#send({ kind: 'close', recordingId })
    return promise
  }

  #heard(notice: RecordingNotice): void {
    if (notice.kind === 'taken') {
      this.#waitingBytes -= notice.bytes
      return
    }
    const entry = this.#entries.get(notice.recordingId)
    if (entry === undefined) return
    if (notice.kind === 'failed') return this.#fail(entry, notice.problem)
    const problem = entry.problem ?? notice.result.problem
    this.#settle(notice.recordingId, entry, { ...notice.result, problem })
  }

  #portClosed(port: MessagePort): void {
    if (port !== this.#port) return
    this.#port = null
    this.#waitingBytes = 0
    this.#outbox = { recordingIds: [], samples: [] }
    for (const [recordingId, entry] of this.#entries) {
      this.#fail(entry, writerGone)
      if (entry.closed !== null) this.#settle(recordingId, entry, gone(entry.problem))
    }
  }

  #fail(entry: Entry, problem: string): void {
    if (entry.hasFailed) return
    entry.hasFailed = true
    entry.problem = problem
    entry.failed(problem)
  }

  #settle(recordingId: RecordingId, entry: Entry, result: RecordingFileResult): void {
    this.#entries.delete(recordingId)
    entry.closed?.resolve(result)
  }

  #send(request: RecordingRequest): void {
    this.#flush()
    this.#port?.postMessage(request)
  }
}

/** What can be said when the writer is gone: the file may hold audio, and is repaired at the next start. */
function gone(problem: string | null): RecordingFileResult {
  return { durationMs: 0, fileBytes: 0, problem: problem ?? writerGone }
}
