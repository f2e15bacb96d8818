import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { pcmHeaderBytes, wavHeader } from '../media/wav-header.ts'
import type { SpokenAudio } from './voice-desk.ts'

export interface DiskCacheOptions {
  /** `data/cache/speech`. */
  readonly folder: string
  readonly maxBytes: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

interface Entry {
  readonly bytes: number
  usedAt: number
}

/** Making room makes a little more, so that not every new text must look for the oldest. */
const keptShare = 0.9
const fileName = /^[0-9a-f]{64}\.wav$/

/**
 * Spoken texts as WAV files, named by the hash of what they are: an operator can listen to them, and delete them. Least
 * recently used first out. Trouble with the disk costs the cache, never a call: it is logged, and the text spoken anew.
 */
export class DiskCache {
  readonly #options: DiskCacheOptions
  readonly #entries = new Map<string, Entry>()
  #bytes = 0
  /** Writing, one behind the other. */
  #work: Promise<void> = Promise.resolve()

  /** Use `openDiskCache`. */
  constructor(options: DiskCacheOptions, entries: ReadonlyMap<string, Entry>) {
    this.#options = options
    for (const [key, entry] of entries) this.#add(key, entry)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @param key - 64 hexadecimal digits. */
  async get(key: string): Promise<SpokenAudio | null> {
    const entry = this.#entries.get(key)
    if (!entry) return null
    const file = this.#file(key)
    try {
      const audio = parse(await readFile(file))
      if (!audio) throw new Error('it is damaged')
      entry.usedAt = this.#options.clock.wallTime()
      // For the order after the next start; not worth waiting for.
      void utimes(file, entry.usedAt / 1000, entry.usedAt / 1000).catch(() => {})
      return audio
    } catch (thrown) {
      this.#options.log.warn({ file, err: toError(thrown) }, 'a spoken text in the cache cannot be used')
      this.#drop(key)
      return null
    }
  }

  /** Returns at once; written when its turn comes. */
  put(key: string, audio: SpokenAudio): void {
    this.#work = this.#work.then(() => this.#write(key, audio))
  }

  /** Resolves when everything put so far is written. */
  flushed(): Promise<void> {
    return this.#work
  }

  async #write(key: string, audio: SpokenAudio): Promise<void> {
    const bytes = pcmHeaderBytes + audio.pcm.byteLength
    if (bytes > this.#options.maxBytes || this.#entries.has(key)) return
    const file = this.#file(key)
    const beside = `${file}.${this.#options.random.token(8)}.tmp`
    try {
      await mkdir(dirname(file), { recursive: true })
      const handle = await open(beside, 'wx')
      try {
        const { pcm } = audio
        await handle.writeFile(wavHeader(shapeOf(audio.sampleRateHz), pcm.byteLength))
        await handle.writeFile(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength))
      } finally {
        await handle.close()
      }
      await rename(beside, file)
      this.#add(key, { bytes, usedAt: this.#options.clock.wallTime() })
      await this.#makeRoom()
    } catch (thrown) {
      this.#options.log.warn({ file, err: toError(thrown) }, 'a spoken text could not be kept')
      await rm(beside, { force: true }).catch(() => {})
    }
  }

  async #makeRoom(): Promise<void> {
    if (this.#bytes <= this.#options.maxBytes) return
    const oldestFirst = [...this.#entries].sort(([, a], [, b]) => a.usedAt - b.usedAt)
    for (const [key] of oldestFirst) {
      if (this.#bytes <= this.#options.maxBytes * keptShare) break
      this.#drop(key)
      await rm(this.#file(key), { force: true })
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0
    this.#entries.delete(key)
  }

  /** 256 folders, so that none becomes long. */
  #file(key: string): string {
    return join(this.#options.folder, key.slice(0, 2), `${key}.wav`)
  }
}

/** Looks at what is there; what was left half written is removed. A folder that cannot be read is an empty cache. */
export async function openDiskCache(options: DiskCacheOptions): Promise<DiskCache> {
  const found = new Map<string, Entry>()
  try {
    await mkdir(options.folder, { recursive: true })
    for (const entry of await readdir(options.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath, entry.name)
      if (entry.name.endsWith('.tmp')) await rm(file, { force: true })
      if (!fileName.test(entry.name)) continue
      const { size, mtimeMs } = await stat(file)
      found.set(entry.name.slice(0, 64), { bytes: size, usedAt: mtimeMs })
    }
  } catch (thrown) {
    options.log.warn({ folder: options.folder, err: toError(thrown) }, 'the cache of spoken texts cannot be read')
  }
  return new DiskCache(options, found)
}

function shapeOf(rateHz: number): { encoding: 'pcm16'; channels: 1; rateHz: number } {
  return { encoding: 'pcm16', channels: 1, rateHz }
}

/** Only what we wrote ourselves, whole: the header must be, byte by byte, the one that we would write. */
function parse(file: Buffer): SpokenAudio | null {
  if (file.length < pcmHeaderBytes) return null
  const sampleRateHz = file.readUInt32LE(24)
  const dataBytes = file.length - pcmHeaderBytes
  const expected = wavHeader(shapeOf(sampleRateHz), dataBytes)
  if (dataBytes % 2 !== 0 || Buffer.compare(expected, file.subarray(0, pcmHeaderBytes)) !== 0) return null
  const pcm = new Int16Array(dataBytes / 2)
  new Uint8Array(pcm.buffer).set(file.subarray(pcmHeaderBytes))
  return { pcm, sampleRateHz }
}
