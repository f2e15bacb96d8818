import { type FileHandle, open, rm } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { NotFoundError, ParseError, StoreError, type SwitchhookError, toError } from '../base/errors.ts'
import type { Mp3Notice, Mp3Request } from './mp3-encode-messages.ts'
import { mp3Bytes, RecordingEncoder } from './mp3-encoder.ts'
import { toFailure } from './prompt-messages.ts'
import { recordingBytesPerSample, recordingRateHz } from './recording-messages.ts'
import { readWavFormat } from './wav-reader.ts'

/*
 * The thread that turns recordings into mp3. Several may be under way: each gives way to the others after every second of its
 * sound, so that a short message does not wait for an hour of conversation.
 */

/** Of a file's beginning: the recorder's header has 44 bytes, a foreign one may have a few chunks before its sound. */
const headBytes = 4096
const framesAtOnce = recordingRateHz

interface Source {
  readonly channels: 1 | 2
  readonly offset: number
  readonly frames: number
}

const live = new Set<number>()
const cancelled = new Error('cancelled')

parentPort?.on('message', (request: Mp3Request) => {
  if (request.kind === 'cancel') {
    live.delete(request.number)
    return
  }
  const { number, source, target } = request
  live.add(number)
  encode(number, source, target)
    .then(
      () => tell({ kind: 'done', number }),
      (thrown: unknown) => tell({ kind: 'failed', number, failure: toFailure(thrown, 'The thread that makes mp3') }),
    )
    .finally(() => live.delete(number))
    .catch(() => {})
})

function tell(notice: Mp3Notice): void {
  parentPort?.postMessage(notice)
}

async function encode(number: number, from: string, to: string): Promise<void> {
  const file = await open(from, 'r').catch((thrown: unknown) => {
    throw sourceError(from, thrown)
  })
  try {
    const source = await readSource(file, from)
    const made = await open(to, 'wx', 0o600).catch((thrown: unknown) => {
      throw targetError(thrown)
    })
    try {
      await encodeInto(made, number, file, source)
    } catch (thrown) {
      await rm(to, { force: true })
      throw thrown
    } finally {
      await made.close()
    }
  } finally {
    await file.close()
  }
}

async function encodeInto(made: FileHandle, number: number, file: FileHandle, source: Source): Promise<void> {
  const { channels, offset, frames } = source
  const bytes = mp3Bytes(frames, channels)
  const encoder = await RecordingEncoder.make(channels)
  tell({ kind: 'begun', number, bytes })
  const bytesPerFrame = recordingBytesPerSample * channels
  const piece = Buffer.alloc(framesAtOnce * bytesPerFrame)
  let written = 0
  const write = async (part: Buffer): Promise<void> => {
    await made.appendFile(part).catch((thrown: unknown) => {
      throw targetError(thrown)
    })
    written += part.length
    tell({ kind: 'grown', number, bytes: written })
  }
  for (let frame = 0; frame < frames; frame += framesAtOnce) {
    const wanted = Math.min(framesAtOnce, frames - frame) * bytesPerFrame
    const bytesRead = await fill(file, piece.subarray(0, wanted), offset + frame * bytesPerFrame)
    // Shorter than when it was opened: somebody cuts it. Silence keeps the length that was promised.
    piece.fill(0, bytesRead, wanted)
    await write(encoder.push(piece.subarray(0, wanted)))
    if (!live.has(number)) throw cancelled
  }
  await write(encoder.end())
  if (written !== bytes) throw new Error(`the encoder made ${written} bytes where ${bytes} were told`)
}

async function fill(file: FileHandle, piece: Buffer, position: number): Promise<number> {
  let filled = 0
  while (filled < piece.length) {
    const { bytesRead } = await file.read(piece, filled, piece.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/**
 * Where the sound lies. Its length is told by the file, not by the header, which lags behind while the recording goes on and is
 * wrong after a crash.
 */
async function readSource(file: FileHandle, path: string): Promise<Source> {
  const { size } = await file.stat()
  const head = Buffer.alloc(Math.min(headBytes, size))
  await fill(file, head, 0)
  const about = { facts: { file: path } }
  try {
    const { encoding, channels, rateHz, dataOffset, bytesPerFrame } = readWavFormat(head)
    if (encoding !== 'pcm16' || rateHz !== recordingRateHz || (channels !== 1 && channels !== 2)) {
      const found = `${encoding}, ${rateHz} Hz, ${channels} channels`
      throw new ParseError('media.wav-unsupported', `The recording is not one of ours: ${found}.`, about)
    }
    return { channels, offset: dataOffset, frames: Math.floor((size - dataOffset) / bytesPerFrame) }
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown
    // The caller hung up before the first word: a recording all the same.
    if (thrown.code === 'media.audio-empty') return { channels: 1, offset: size, frames: 0 }
    throw new ParseError(thrown.code, `The recording is damaged. ${thrown.message}`, about)
  }
}

function sourceError(path: string, thrown: unknown): SwitchhookError {
  const system = systemCode(thrown)
  const facts = { file: path, system }
  if (system === 'ENOENT' || system === 'ENOTDIR') {
    return new NotFoundError('media.file-not-found', 'The file of the recording is not there.', {
      facts,
      cause: thrown,
    })
  }
  const sentence = `The file of the recording could not be read: ${toError(thrown).message}.`
  return new StoreError('media.file-unreadable', sentence, { facts, cause: thrown })
}

function targetError(thrown: unknown): StoreError {
  const sentence = `An mp3 could not be written: ${toError(thrown).message}.`
  return new StoreError('media.mp3-failed', sentence, { facts: { system: systemCode(thrown) }, cause: thrown })
}

function systemCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}
