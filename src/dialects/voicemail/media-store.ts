import { createWriteStream } from 'node:fs'
import { copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LimitError, NotFoundError, ParseError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { looksLikeMp3 } from '../../media/mp3-reader.ts'
import { bytesPerFrame, pcmHeaderBytes, type WavShape, wavHeader } from '../../media/wav-header.ts'
import { isVoiceName } from './wire.ts'

/** The largest voice file that is taken from a node: an hour of 16 bits at 8 kHz is 57.6 MB. */
export const maxVoiceBytes = 64 * 1024 * 1024

/** As the configuration takes them. */
const tenantName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/

/** As recordings of ours are. */
const recordedShape: WavShape = { encoding: 'pcm16', channels: 1, rateHz: 8000 }

export interface VoiceFormat {
  readonly mediaType: string
  /** Of a file's name; empty where it is not known. */
  readonly ending: string
}

/**
 * The voices of messages, greetings and promos: one folder a tenant, one file a voice. A file appears under its name only
 * when it is whole. Names are checked here again, whoever checked them before.
 */
export class MediaStore {
  readonly #folder: string
  readonly #random: Random

  /** @param dataFolder - of the server; the voices stand in `voicemail/TENANT/NAME` below it. */
  constructor(dataFolder: string, random: Random) {
    this.#folder = join(dataFolder, 'voicemail')
    this.#random = random
  }

  /** Throws ParseError `voicemail.voice-name`. */
  path(tenant: string, voice: string): string {
    if (!isVoiceName(voice) || !tenantName.test(tenant)) {
      throw new ParseError(
        'voicemail.voice-name',
        'A voice is named by 1 to 128 letters, digits, dots, dashes, underscores.',
      )
    }
    return join(this.#folder, tenant, voice)
  }

  /** Bytes; null: there is none. */
  async size(tenant: string, voice: string): Promise<number | null> {
    const found = await stat(this.path(tenant, voice)).catch(() => null)
    return found?.isFile() ? found.size : null
  }

  /** Whether there is a voice with something in it. */
  async has(tenant: string, voice: string): Promise<boolean> {
    return ((await this.size(tenant, voice)) ?? 0) > 0
  }

  /** What a voice is by its first bytes: names of voices say nothing. Rejects with the system's error. */
  async formatOf(tenant: string, voice: string): Promise<VoiceFormat> {
    const file = await open(this.path(tenant, voice), 'r')
    try {
      const head = new Uint8Array(12)
      const { bytesRead } = await file.read(head, 0, head.length, 0)
      if (Buffer.from(head).toString('latin1', 0, 4) === 'RIFF') return { mediaType: 'audio/wav', ending: '.wav' }
      if (looksLikeMp3(head.subarray(0, bytesRead))) return { mediaType: 'audio/mpeg', ending: '.mp3' }
      return { mediaType: 'application/octet-stream', ending: '' }
    } finally {
      await file.close()
    }
  }

  /** The path of a voice that is there. Rejects with NotFoundError `voicemail.voice-unknown`. */
  async find(tenant: string, voice: string): Promise<string> {
    if (await this.has(tenant, voice)) return this.path(tenant, voice)
    throw new NotFoundError('voicemail.voice-unknown', `There is no voice ${voice}.`, { facts: { tenant, voice } })
  }

  /**
   * Takes a recording of ours as a voice: as a second name of the same file, or without its end where that is silence.
   * An existing voice of that name stays: it is the same recording.
   * @param cutMs - how much to leave out at the end.
   */
  async adopt(tenant: string, voice: string, recording: string, cutMs = 0): Promise<void> {
    const path = this.path(tenant, voice)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    if (cutMs > 0) return await this.#copyWithoutEnd(recording, path, cutMs)
    try {
      await link(recording, path)
    } catch (thrown) {
      if (codeOf(thrown) === 'EEXIST') return
      if (codeOf(thrown) === 'ENOENT') throw thrown
      // A file system without links.
      const part = this.#partOf(path)
      await copyFile(recording, part)
      await rename(part, path)
    }
  }

  /**
   * Takes a voice from outside, whole or not at all. Replaces one of that name.
   * Rejects with LimitError `voicemail.voice-size`, ParseError `voicemail.voice-name`, `voicemail.voice-empty`.
   */
  async put(tenant: string, voice: string, content: AsyncIterable<Uint8Array>): Promise<number> {
    const path = this.path(tenant, voice)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const part = this.#partOf(path)
    let bytes = 0
    const bounded = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        bytes += chunk.length
        if (bytes <= maxVoiceBytes) done(null, chunk)
        else done(new LimitError('voicemail.voice-size', `A voice has at most ${maxVoiceBytes} bytes.`))
      },
    })
    try {
      await pipeline(content, bounded, createWriteStream(part, { mode: 0o600, flush: true }))
      if (bytes === 0) throw new ParseError('voicemail.voice-empty', 'The voice has no bytes.')
      await rename(part, path)
    } catch (thrown) {
      await rm(part, { force: true })
      throw thrown
    }
    return bytes
  }

  async remove(tenant: string, voice: string): Promise<void> {
    await rm(this.path(tenant, voice), { force: true })
  }

  /** Bytes beyond the tail are left out by length, so that the copy is a valid file of its own. */
  async #copyWithoutEnd(from: string, to: string, cutMs: number): Promise<void> {
    const source = await open(from, 'r')
    const part = this.#partOf(to)
    try {
      const { size } = await source.stat()
      const frame = bytesPerFrame(recordedShape)
      const cutBytes = Math.round((cutMs / 1000) * recordedShape.rateHz) * frame
      const dataBytes = Math.max(0, size - pcmHeaderBytes - cutBytes)
      const whole = dataBytes - (dataBytes % frame)
      const target = await open(part, 'w', 0o600)
      try {
        await target.write(wavHeader(recordedShape, whole))
        const piece = new Uint8Array(64 * 1024)
        for (let done = 0; done < whole; ) {
          const { bytesRead } = await source.read(piece, 0, Math.min(piece.length, whole - done), pcmHeaderBytes + done)
          if (bytesRead === 0) break
          await target.write(piece, 0, bytesRead)
          done += bytesRead
        }
        await target.datasync()
      } finally {
        await target.close()
      }
      await rename(part, to)
    } finally {
      await source.close()
    }
  }

  /** Begins with a dot, which no voice does. */
  #partOf(path: string): string {
    return join(dirname(path), `.part-${this.#random.token(12)}`)
  }
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
}
