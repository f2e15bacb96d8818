import { closeSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync, writevSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { type RecordingFileResult, recordingBytesPerSample, recordingRateHz } from './recording-messages.ts'
import { bytesPerFrame, pcmHeaderBytes, type WavShape, wavHeader } from './wav-header.ts'

/** What is done to a file. Tests hand in a disk that fills up or stands still. */
export interface WritableFile {
  write(bytes: Uint8Array, from: number, count: number, position: number): Promise<{ bytesWritten: number }>
  writev(parts: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }>
  stat(): Promise<{ size: number }>
  truncate(size: number): Promise<void>
  datasync(): Promise<void>
  close(): Promise<void>
}

/** Makes the folder and the new file. Rejects with the system's error. */
export type MakeFile = (path: string) => Promise<WritableFile>

const datasync = promisify(fdatasync)

/**
 * Only the server's user may read what callers said; an existing file is never written over. The calls are synchronous:
 * the writer thread has nothing else to do, and a trip through the thread pool for each slice cost half as much again
 * as all the rest. Waiting for the disk itself is not: that takes milliseconds, which the other files need not wait for.
 */
export const makeFile: MakeFile = async (path) => {
  makeFolder(dirname(path))
  const file = openSync(path, 'wx', 0o600)
  return {
    write: async (bytes, from, count, position) => ({ bytesWritten: writeSync(file, bytes, from, count, position) }),
    writev: async (parts, position) => ({ bytesWritten: writevSync(file, parts, position) }),
    stat: async () => fstatSync(file),
    truncate: async (size) => ftruncateSync(file, size),
    datasync: () => datasync(file),
    close: async () => closeSync(file),
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    // A file stands where the folder should; the same code from `open` would mean the recording itself.
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    throw Object.assign(new Error('a file is in the way', { cause: thrown }), { code: 'ENOTDIR' })
  }
}

/** Audio waiting for one file: 32 s of two channels. A disk that stands still longer than that is not coming back soon. */
const maxWaitingBytes = 1024 * 1024
/** 18 hours of two channels; also what every player of WAV can read. */
const maxDataBytes = 2 ** 31

export interface RecordingFileOptions {
  readonly path: string
  readonly channels: 1 | 2
  readonly make: MakeFile
  /** Waits for the disk itself before `close` resolves. */
  readonly isSynced: boolean
  /** Asked before bytes are kept; false when the memory for all recordings together is spent. */
  readonly reserve: (bytes: number) => boolean
  /** Bytes that are kept no longer, written or dropped. */
  readonly release: (bytes: number) => void
  /** Told once, as soon as the recording cannot go on. */
  readonly failed: (problem: string) => void
}

/**
 * One recording on its way to disk. Slices are written as they come, those that came during a write together; the
 * header's lengths follow about once a second, so that a copy taken in mid-call plays and a crash loses little.
 */
export class RecordingFile {
  readonly #options: RecordingFileOptions
  readonly #shape: WavShape
  /** How much audio may be ahead of the header's lengths. */
  readonly #headerEveryBytes: number
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #writingBytes = 0
  #file: WritableFile | null = null
  #dataBytes = 0
  #bytesInHeader = 0
  #problem: string | null = null
  /** The writing under way: every step waits for the one before. */
  #work: Promise<void>
  #isPumping = false

  constructor(options: RecordingFileOptions) {
    this.#options = options
    this.#shape = { encoding: 'pcm16', channels: options.channels, rateHz: recordingRateHz }
    this.#headerEveryBytes = recordingRateHz * recordingBytesPerSample * options.channels
    this.#work = this.#guarded(() => this.#start())
  }

  /**
   * Takes whole frames of PCM. Never waits.
   * @returns false when they were dropped because the recording has failed, now or before.
   */
  write(bytes: Uint8Array): boolean {
    if (this.#problem === null) this.#refuse(bytes)
    if (this.#problem !== null) return false
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#pump()
    return true
  }

  /** Fails the recording if the bytes cannot be kept; else their memory is reserved. */
  #refuse({ length }: Uint8Array): void {
    if (length % bytesPerFrame(this.#shape) !== 0) {
      this.#fail('A slice of audio came that was cut inside a sample.')
    } else if (this.#dataBytes + this.#writingBytes + this.#queuedBytes + length > maxDataBytes) {
      this.#fail('The recording reached the largest length a WAV file may have.')
    } else if (this.#queuedBytes + length > maxWaitingBytes || !this.#options.reserve(length)) {
      this.#fail(`The disk did not keep up: ${Math.ceil(this.#queuedBytes / 1024)} KiB of audio waited for it.`)
    }
  }

  /** Writes what is left and the last header, and compares what is on disk with what was written. Never rejects. */
  async close(): Promise<RecordingFileResult> {
    await this.#work
    const file = this.#file
    if (file === null) return { durationMs: 0, fileBytes: 0, problem: this.#problem ?? 'The file was never opened.' }
    let fileBytes = 0
    await this.#guarded(async () => {
      // What a failed write left behind may end inside a frame, or beyond what was counted.
      const { size } = await file.stat()
      const onDisk = Math.max(0, size - pcmHeaderBytes)
      this.#dataBytes = Math.min(this.#dataBytes, onDisk - (onDisk % bytesPerFrame(this.#shape)))
      if (this.#problem !== null) await file.truncate(pcmHeaderBytes + this.#dataBytes)
      await this.#writeHeader(file)
      if (this.#options.isSynced) await file.datasync()
      fileBytes = (await file.stat()).size
      const expected = pcmHeaderBytes + this.#dataBytes
      if (this.#problem === null && fileBytes !== expected) {
        this.#fail(`The file holds ${fileBytes} bytes where ${expected} were written.`)
      }
    })
    await this.#guarded(() => file.close())
    return { durationMs: this.#durationMs(), fileBytes, problem: this.#problem }
  }

  #durationMs(): number {
    return Math.floor((this.#dataBytes / bytesPerFrame(this.#shape) / recordingRateHz) * 1000)
  }

  async #start(): Promise<void> {
    this.#file = await this.#options.make(this.#options.path)
    await this.#writeHeader(this.#file)
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    this.#work = this.#work.then(() => this.#guarded(() => this.#writeQueued()))
  }

  async #writeQueued(): Promise<void> {
    try {
      while (this.#queue.length > 0 && this.#problem === null) await this.#writeBatch()
    } finally {
      // In the same turn as the queue was found empty, so that no slice is left waiting.
      this.#isPumping = false
    }
  }

  async #writeBatch(): Promise<void> {
    const file = this.#file
    if (file === null) return
    const batch = this.#queue
    const batchBytes = this.#queuedBytes
    this.#queue = []
    this.#queuedBytes = 0
    this.#writingBytes = batchBytes
    try {
      await this.#writeAll(file, batch, batchBytes)
    } finally {
      this.#writingBytes = 0
      this.#options.release(batchBytes)
    }
    if (this.#dataBytes - this.#bytesInHeader >= this.#headerEveryBytes) await this.#writeHeader(file)
  }

  /** A disk may take a part only; the rest is offered again, and it then says why it did not take it. */
  async #writeAll(file: WritableFile, batch: readonly Uint8Array[], batchBytes: number): Promise<void> {
    const { bytesWritten } = await file.writev(batch, pcmHeaderBytes + this.#dataBytes)
    this.#dataBytes += bytesWritten
    if (bytesWritten === batchBytes) return
    const rest = Buffer.concat(batch).subarray(bytesWritten)
    for (let offset = 0; offset < rest.length; ) {
      const more = await file.write(rest, offset, rest.length - offset, pcmHeaderBytes + this.#dataBytes)
      if (more.bytesWritten === 0) throw new Error('the system wrote nothing and did not say why')
      this.#dataBytes += more.bytesWritten
      offset += more.bytesWritten
    }
  }

  async #writeHeader(file: WritableFile): Promise<void> {
    await file.write(wavHeader(this.#shape, this.#dataBytes), 0, pcmHeaderBytes, 0)
    this.#bytesInHeader = this.#dataBytes
  }

  async #guarded(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (thrown) {
      this.#fail(sentenceOf(thrown))
    }
  }

  #fail(problem: string): void {
    if (this.#problem !== null) return
    this.#problem = problem
    this.#options.release(this.#queuedBytes)
    this.#queue = []
    this.#queuedBytes = 0
    this.#options.failed(problem)
  }
}

const sentences: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk of the recordings folder is full.',
  EDQUOT: 'The disk quota of the recordings folder is used up.',
  EACCES: 'The recordings folder may not be written by this user.',
  EPERM: 'The recordings folder may not be written by this user.',
  EROFS: 'The recordings folder is on a disk that is mounted read-only.',
  EEXIST: 'A recording of that name is there already.',
  ENOTDIR: 'A part of the path of the recordings folder is a file.',
  EMFILE: 'Too many files are open in this process.',
  ENFILE: 'Too many files are open on this machine.',
  EIO: 'The disk of the recordings folder reports an input/output error.',
  EFBIG: 'The file is larger than the system allows.',
}

/** A system's error as a sentence that may be shown to the operator. */
function sentenceOf(thrown: unknown): string {
  const known = sentences[codeOf(thrown)]
  if (known !== undefined) return known
  return `The recording could not be written: ${thrown instanceof Error ? thrown.message : String(thrown)}.`
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}
