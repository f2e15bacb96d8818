import { open } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { LimitError, NotFoundError, ParseError, StoreError, SwitchhookError, toError } from '../base/errors.ts'
import { gsmDurationMs, gsmRateHz, looksLikeGsm, monoOfGsm } from './gsm-reader.ts'
import { looksLikeMp3, monoOfMp3, readMp3Format } from './mp3-reader.ts'
import { musicOnHold } from './music.ts'
import type { Prompt } from './prompt.ts'
import { makePrompt, toPcm16 } from './prompt-maker.ts'
import {
  type PromptJob,
  type PromptLimits,
  type PromptReply,
  type PromptRequest,
  toFailure,
} from './prompt-messages.ts'
import { Resampler } from './resampler.ts'
import { progressTone } from './tones.ts'
import { monoOfWav, readWavFormat } from './wav-reader.ts'

/*
 * The thread that makes prompts. Several jobs may be under way: each gives way to the others after every piece, so that
 * a short text to be spoken does not wait for an hour of mp3.
 */

type Pieces = Iterable<Float32Array> | AsyncIterable<Float32Array>

/** Thrown inside a job that nobody waits for any longer. Its answer is not listened to. */
const cancelled = new Error('cancelled')
const live = new Set<number>()

parentPort?.on('message', (request: PromptRequest) => {
  if (request.kind === 'cancel') {
    live.delete(request.number)
    return
  }
  const { number, job } = request
  live.add(number)
  make(job, () => live.has(number))
    .then(
      (prompt): PromptReply => ({ kind: 'made', number, prompt }),
      (thrown): PromptReply => ({ kind: 'failed', number, failure: toFailure(thrown) }),
    )
    .then((reply) => {
      live.delete(number)
      parentPort?.postMessage(reply)
    })
    .catch(() => {})
})

async function make(job: PromptJob, isWanted: () => boolean): Promise<Prompt> {
  if (job.kind === 'tone') {
    return makePrompt(job.id, [job.name === 'music' ? musicOnHold() : progressTone(job.name, job.region)])
  }
  if (job.kind === 'pcm') {
    boundDuration((job.samples.length / job.rateHz) * 1000, job.limits)
    return await convert(job.id, job.rateHz, floatsOf(job.samples), isWanted)
  }
  return await about(job.path, async () => {
    const file = await readBounded(job.path, job.limits)
    const { rateHz, pieces } = openAudio(file, job.limits)
    return await convert(job.id, rateHz, pieces, isWanted)
  })
}

/** Tells an error of a file's content whose file it was. */
async function about(path: string, work: () => Promise<Prompt>): Promise<Prompt> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof ParseError)) throw thrown
    const facts = { ...thrown.facts, file: path }
    throw new ParseError(thrown.code, `The file ${path} cannot be played. ${thrown.message}`, { facts })
  }
}

function openAudio(file: Uint8Array, limits: PromptLimits): { rateHz: number; pieces: Pieces } {
  if (file.length === 0) throw new ParseError('media.audio-empty', 'It is empty.')
  if (looksLikeMp3(file)) {
    const format = readMp3Format(file)
    boundDuration(format.durationMs, limits)
    return { rateHz: format.rateHz, pieces: monoOfMp3(file, format) }
  }
  if (looksLikeGsm(file)) {
    boundDuration(gsmDurationMs(file), limits)
    return { rateHz: gsmRateHz, pieces: monoOfGsm(file) }
  }
  const isRiff = file[0] === 0x52 && file[1] === 0x49 // `RI`: what begins like RIFF is judged as WAV.
  const isRf64 = file[0] === 0x52 && file[1] === 0x46 && file[2] === 0x36
  if (!isRiff && !isRf64)
    throw new ParseError('media.file-kind-unknown', 'It is neither WAV nor mp3, nor GSM full rate.')
  const format = readWavFormat(file)
  boundDuration((format.frames / format.rateHz) * 1000, limits)
  return { rateHz: format.rateHz, pieces: monoOfWav(file, format) }
}

async function convert(id: string, rateHz: number, pieces: Pieces, isWanted: () => boolean): Promise<Prompt> {
  const resampler = new Resampler(rateHz)
  const made: Int16Array[] = []
  for await (const piece of pieces) {
    made.push(toPcm16(resampler.push(piece)))
    await new Promise((resolve) => setImmediate(resolve))
    if (!isWanted()) throw cancelled
  }
  made.push(toPcm16(resampler.end()))
  return makePrompt(id, made)
}

function* floatsOf(samples: Int16Array, samplesAtOnce = 16_384): Generator<Float32Array> {
  for (let first = 0; first < samples.length; first += samplesAtOnce) {
    yield Float32Array.from(samples.subarray(first, first + samplesAtOnce), (sample) => sample / 32_768)
  }
}

function boundDuration(durationMs: number, { maxDurationMs }: PromptLimits): void {
  if (durationMs <= maxDurationMs) return
  const sentence = `The sound lasts ${Math.round(durationMs / 1000)} s; ${maxDurationMs / 1000} s are the most.`
  throw new LimitError('media.audio-too-long', sentence, {
    facts: { durationMs: Math.round(durationMs), maxDurationMs },
  })
}

async function readBounded(path: string, { maxFileBytes }: PromptLimits): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r')
    try {
      const about = await file.stat()
      if (!about.isFile())
        throw new StoreError('media.file-unreadable', `${path} is not a file.`, { facts: { file: path } })
      if (about.size > maxFileBytes) {
        const sentence = `The file ${path} has ${about.size} bytes; ${maxFileBytes} are the most.`
        throw new LimitError('media.file-too-large', sentence, {
          facts: { file: path, fileBytes: about.size, maxFileBytes },
        })
      }
      const bytes = new Uint8Array(about.size)
      let filled = 0
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return bytes.subarray(0, filled)
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw thrown instanceof SwitchhookError ? thrown : fileError(path, thrown)
  }
}

function fileError(path: string, thrown: unknown): SwitchhookError {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const facts = { file: path, system: code }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new NotFoundError('media.file-not-found', `There is no file ${path}.`, { facts, cause: thrown })
  }
  const sentence = `The file ${path} could not be read: ${toError(thrown).message}.`
  return new StoreError('media.file-unreadable', sentence, { facts, cause: thrown })
}
