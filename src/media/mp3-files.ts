import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Cancel, Clock } from '../base/clock.ts'
import { NotFoundError, StoreError, type SwitchhookError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { Mp3Thread, type Mp3ThreadOptions } from './mp3-thread.ts'

export interface Mp3FilesOptions extends Pick<Mp3ThreadOptions, 'maxRunning' | 'maxWaiting'> {
  readonly clock: Clock
  readonly log: Logger
  /** Where they are kept. What lies there from an earlier run is removed at the first use. */
  readonly folder: string
  /** Of all together; the one that was not used for the longest time goes first. Default 512 MiB: 37 hours of one channel. */
  readonly mostBytes?: number
}

/** An mp3 that is there, or on its way. Either `read` or `close` it, once. */
export interface Mp3File {
  /** Its whole length, known from the beginning. */
  readonly bytes: number
  /** The bytes from first to last, both included; each as soon as it is made. */
  read(first: number, last: number): Readable
  close(): Promise<void>
}

interface Entry {
  readonly source: string
  /** Changes with the source. */
  readonly mark: string
  readonly path: string
  bytes: number
  /** Of them, those that may be read. */
  made: number
  error: SwitchhookError | null
  readers: number
  giveUp: Cancel
  /** Of the time after which it goes. */
  cancelTimer: Cancel
  /** Called once, at the next change of what is above. */
  waiting: (() => void)[]
}

const usualBytes = 512 * 1024 * 1024
/** Recordings are deleted by their tenants; what was made of one does not outlive it longer than this. */
const keptMs = 3_600_000
/** Players ask for a beginning, hang up, and ask for the rest. */
const lingerMs = 30_000
const readAtOnce = 64 * 1024

/**
 * Recordings as mp3: made on a thread of their own when they are first asked for, read while they are made, and kept for an hour.
 * A file is known only through this object, so that nobody takes a part of one, left by a crash, for the whole.
 */
export class Mp3Files {
  readonly #options: Mp3FilesOptions
  readonly #thread: Mp3Thread
  /** By source, in the order of their last use. */
  readonly #entries = new Map<string, Entry>()
  #ready: Promise<void> | null = null
  #serial = 0

  constructor(options: Mp3FilesOptions) {
    this.#options = options
    this.#thread = new Mp3Thread(options)
  }

  get counts(): { readonly kept: number; readonly waiting: number; readonly running: number } {
    return { kept: this.#entries.size, ...this.#thread.counts }
  }

  /**
   * A recording as mp3, in both its channels; of one that still goes on what there is of it. Resolves when its first bytes are
   * about to come.
   * @param source - a WAV as the recorder writes it.
   * Rejects with NotFoundError `media.file-not-found`, ParseError `media.wav-malformed` or `media.wav-unsupported`, LimitError
   * `media.mp3-busy`, StoreError `media.file-unreadable` or `media.mp3-failed`.
   */
  async open(source: string): Promise<Mp3File> {
    const mark = await markOf(source)
    await this.#prepare()
    const entry = this.#entryOf(source, mark)
    entry.readers++
    try {
      while (entry.bytes === 0) {
        if (entry.error) throw entry.error
        await changed(entry)
      }
      // Opened now: it may be removed from the folder at any time and is read to its end all the same.
      const handle = await open(entry.path, 'r').catch((thrown: unknown) => {
        throw entry.error ?? unwritable(thrown)
      })
      return this.#fileOf(entry, handle)
    } catch (thrown) {
      this.#left(entry)
      throw thrown
    }
  }

  /** Ends the thread and removes what it has made. Idempotent. */
  async close(): Promise<void> {
    await this.#thread.close()
    for (const entry of [...this.#entries.values()]) this.#forget(entry)
    const isThere = await this.#ready?.then(
      () => true,
      () => false,
    )
    if (isThere) await rm(this.#options.folder, { recursive: true, force: true })
  }

  #entryOf(source: string, mark: string): Entry {
    const kept = this.#entries.get(source)
    if (kept) {
      this.#entries.delete(source)
      if (kept.mark === mark) {
        this.#entries.set(source, kept)
        return kept
      }
      // The recording has gone on since. Who reads the older one reads it to its end.
      if (kept.readers === 0) this.#forget(kept)
    }
    const entry = this.#begin(source, mark)
    this.#entries.set(source, entry)
    this.#keepUntilOld(entry)
    return entry
  }

  #begin(source: string, mark: string): Entry {
    const path = join(this.#options.folder, `${this.#serial++}.mp3`)
    const none = (): void => {}
    const entry: Entry = {
      source,
      mark,
      path,
      bytes: 0,
      made: 0,
      error: null,
      readers: 0,
      giveUp: none,
      cancelTimer: none,
      waiting: [],
    }
    entry.giveUp = this.#thread.encode(source, path, {
      begun: (bytes) => {
        entry.bytes = bytes
        this.#makeRoom(entry)
        wake(entry)
      },
      grown: (bytes) => {
        entry.made = bytes
        wake(entry)
      },
      done: () => {
        entry.giveUp = none
        this.#keepUntilOld(entry)
      },
      failed: (error) => {
        entry.giveUp = none
        this.#fail(entry, error)
      },
    })
    return entry
  }

  #fileOf(entry: Entry, handle: FileHandle): Mp3File {
    let isOpen = true
    const close = async (): Promise<void> => {
      if (!isOpen) return
      isOpen = false
      this.#left(entry)
      await handle.close()
    }
    return {
      bytes: entry.bytes,
      close,
      read: (first, last) => {
        const stream = Readable.from(bytesOf(entry, handle, first, last), { objectMode: false })
        // Also when it is not read to its end, or not at all.
        stream.once('close', () => {
          close().catch((thrown: unknown) => {
            this.#options.log.warn({ err: toError(thrown) }, 'an mp3 could not be closed')
          })
        })
        return stream
      },
    }
  }

  #left(entry: Entry): void {
    entry.readers--
    if (entry.readers > 0 || entry.error) return
    if (this.#entries.get(entry.source) !== entry) return this.#forget(entry)
    if (isWhole(entry)) return
    entry.cancelTimer()
    entry.cancelTimer = this.#options.clock.after(lingerMs, () => {
      if (entry.readers > 0 || isWhole(entry)) this.#keepUntilOld(entry)
      else this.#forget(entry)
    })
  }

  #keepUntilOld(entry: Entry): void {
    entry.cancelTimer()
    if (this.#entries.get(entry.source) !== entry) return
    entry.cancelTimer = this.#options.clock.after(keptMs, () => {
      if (isWhole(entry) || entry.readers === 0) this.#forget(entry)
      else this.#keepUntilOld(entry)
    })
  }

  #makeRoom(newest: Entry): void {
    const { mostBytes = usualBytes } = this.#options
    let total = 0
    for (const { bytes } of this.#entries.values()) total += bytes
    for (const entry of [...this.#entries.values()]) {
      if (total <= mostBytes) return
      // Who reads one keeps it; the bound then holds again when he has gone.
      if (entry === newest || entry.readers > 0) continue
      total -= entry.bytes
      this.#forget(entry)
    }
  }

  #forget(entry: Entry): void {
    entry.cancelTimer()
    entry.giveUp()
    if (this.#entries.get(entry.source) === entry) this.#entries.delete(entry.source)
    if (isWhole(entry)) this.#remove(entry)
    else this.#fail(entry, new StoreError('media.mp3-failed', 'The mp3 was given up.'))
  }

  #fail(entry: Entry, error: SwitchhookError): void {
    if (entry.error) return
    entry.error = error
    if (this.#entries.get(entry.source) === entry) this.#entries.delete(entry.source)
    entry.cancelTimer()
    this.#remove(entry)
    wake(entry)
  }

  #remove({ path }: Entry): void {
    rm(path, { force: true }).catch((thrown: unknown) => {
      this.#options.log.warn({ err: toError(thrown) }, 'an mp3 could not be removed')
    })
  }

  #prepare(): Promise<void> {
    const { folder } = this.#options
    this.#ready ??= rm(folder, { recursive: true, force: true })
      .then(() => mkdir(folder, { recursive: true, mode: 0o700 }))
      .then(
        () => {},
        (thrown: unknown) => {
          this.#ready = null
          throw unwritable(thrown)
        },
      )
    return this.#ready
  }
}

async function* bytesOf(entry: Entry, handle: FileHandle, first: number, last: number): AsyncGenerator<Buffer> {
  let position = first
  while (position <= last) {
    const there = Math.min(entry.made, last + 1) - position
    if (there <= 0) {
      if (entry.error) throw entry.error
      await changed(entry)
      continue
    }
    const piece = Buffer.alloc(Math.min(there, readAtOnce))
    const { bytesRead } = await handle.read(piece, 0, piece.length, position)
    if (bytesRead === 0) throw unwritable(new Error('its end is missing'))
    position += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

function isWhole({ bytes, made }: Entry): boolean {
  return bytes > 0 && made === bytes
}

function changed(entry: Entry): Promise<void> {
  return new Promise((resolve) => entry.waiting.push(resolve))
}

function wake(entry: Entry): void {
  const waiting = entry.waiting
  entry.waiting = []
  for (const go of waiting) go()
}

function unwritable(thrown: unknown): StoreError {
  return new StoreError('media.mp3-failed', `An mp3 could not be kept: ${toError(thrown).message}.`, { cause: thrown })
}

/** Another one when the file is. */
async function markOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs}-${size}-${ino}`
  } catch (thrown) {
    throw new NotFoundError('media.file-not-found', 'The file of the recording is not there.', {
      facts: { file: path },
      cause: thrown,
    })
  }
}
