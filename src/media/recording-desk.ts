import { basename, isAbsolute, relative, sep } from 'node:path'
import type { MessagePort } from 'node:worker_threads'
import type { RecordingId } from '../base/ids.ts'
import { type MakeFile, makeFile, RecordingFile } from './recording-file.ts'
import type { RecordingFileResult, RecordingNotice, RecordingRequest } from './recording-messages.ts'

export interface DeskOptions {
  /** Absolute. No recording is written anywhere else. */
  readonly folder: string
  /** Whether each file is forced to the disk itself when it is closed: survives a power cut, costs a disk flush per recording. */
  readonly isSynced: boolean
  readonly make?: MakeFile
}

/** Audio waiting for the disk, all recordings together. */
const maxWaitingBytes = 64 * 1024 * 1024
/** Files open at once; far above what calls make, below what systems allow a process. */
const maxOpen = 16_384

/** Takes requests from any number of media workers and keeps one `RecordingFile` per recording. Runs in the writer thread. */
export class RecordingDesk {
  readonly #options: DeskOptions
  readonly #make: MakeFile
  #waitingBytes = 0
  #openCount = 0
  readonly #closings = new Set<Promise<unknown>>()
  readonly #ports = new Set<PortDesk>()

  constructor(options: DeskOptions) {
    this.#options = options
    this.#make = options.make ?? makeFile
  }

  /** Serves one media worker until its port closes; recordings it left open are then closed. */
  accept(port: MessagePort): void {
    const desk = new PortDesk(port, (options) => this.#open(options))
    this.#ports.add(desk)
    port.on('message', (request: RecordingRequest) => desk.asked(request))
    port.on('close', () => {
      this.#ports.delete(desk)
      desk.closeAll()
    })
  }

  /** Closes all files; resolves when the last one is whole. */
  async close(): Promise<void> {
    for (const desk of this.#ports) desk.closeAll()
    await Promise.all(this.#closings)
  }

  #open(options: OpenOptions): ClosableFile | string {
    const { path, channels, taken, failed } = options
    const isSafe = this.#isSafe(path)
    if (!isSafe) return 'The name of the recording is not one inside the recordings folder.'
    if (this.#openCount >= maxOpen) return `${maxOpen} recordings are being written already.`
    this.#openCount++
    const file = new RecordingFile({
      path,
      channels,
      make: this.#make,
      isSynced: this.#options.isSynced,
      reserve: (bytes) => {
        if (this.#waitingBytes + bytes > maxWaitingBytes) return false
        this.#waitingBytes += bytes
        return true
      },
      release: (bytes) => {
        this.#waitingBytes -= bytes
        taken(bytes)
      },
      failed,
    })
    return {
      write: (bytes) => file.write(bytes),
      close: () => {
        const closing = file.close().finally(() => {
          this.#openCount--
          this.#closings.delete(closing)
        })
        this.#closings.add(closing)
        return closing
      },
    }
  }

  /** Letters, digits, dot, dash and underscore, ending in .wav, and no way out of the folder. */
  #isSafe(path: string): boolean {
    if (!isAbsolute(path) || path.length > 1024) return false
    const inside = relative(this.#options.folder, path)
    const parts = inside.split(sep)
    const areSafe = parts.every((part) => /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(part))
    return areSafe && basename(path).endsWith('.wav')
  }
}

interface OpenOptions {
  readonly path: string
  readonly channels: 1 | 2
  readonly taken: (bytes: number) => void
  readonly failed: (problem: string) => void
}

interface ClosableFile {
  /** False when they were dropped. */
  write(bytes: Uint8Array): boolean
  close(): Promise<RecordingFileResult>
}

type Open = (options: OpenOptions) => ClosableFile | string

/** One media worker's recordings. */
class PortDesk {
  readonly #port: MessagePort
  readonly #open: Open
  readonly #files = new Map<RecordingId, ClosableFile>()
  #takenBytes = 0

  constructor(port: MessagePort, open: Open) {
    this.#port = port
    this.#open = open
  }

  asked(request: RecordingRequest): void {
    switch (request.kind) {
      case 'open':
        return this.#opened(request)
      case 'slices':
        for (const [index, recordingId] of request.recordingIds.entries()) {
          this.#slice(recordingId, new Uint8Array(request.samples[index] ?? new ArrayBuffer(0)))
        }
        return
      case 'close':
        return this.#close(request.recordingId)
    }
  }

  closeAll(): void {
    for (const id of this.#files.keys()) this.#close(id)
  }

  #slice(recordingId: RecordingId, bytes: Uint8Array): void {
    const file = this.#files.get(recordingId)
    if (file === undefined || !file.write(bytes)) this.#taken(bytes.length)
  }

  #opened({ recordingId, file: path, channels }: Extract<RecordingRequest, { kind: 'open' }>): void {
    const failed = (problem: string): void => this.#tell({ kind: 'failed', recordingId, problem })
    if (this.#files.has(recordingId)) return failed('A recording of that id is being written already.')
    const file = this.#open({ path, channels, taken: (bytes) => this.#taken(bytes), failed })
    if (typeof file === 'string') return failed(file)
    this.#files.set(recordingId, file)
  }

  #close(recordingId: RecordingId): void {
    const file = this.#files.get(recordingId)
    this.#files.delete(recordingId)
    if (file === undefined) {
      const result = { durationMs: 0, fileBytes: 0, problem: 'The recording was never opened.' }
      return this.#tell({ kind: 'closed', recordingId, result })
    }
    file.close().then(
      (result) => this.#tell({ kind: 'closed', recordingId, result }),
      // `RecordingFile.close` does not reject.
      () => {},
    )
  }

  /** One notice per turn of the loop, however many writes ended in it. */
  #taken(bytes: number): void {
    if (bytes === 0) return
    if (this.#takenBytes === 0) {
      setImmediate(() => {
        this.#tell({ kind: 'taken', bytes: this.#takenBytes })
        this.#takenBytes = 0
      })
    }
    this.#takenBytes += bytes
  }

  #tell(notice: RecordingNotice): void {
    this.#port.postMessage(notice)
  }
}
