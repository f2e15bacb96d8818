// Text in, 16-bit audio out, by espeak-ng compiled to WebAssembly.
//
// SPDX-License-Identifier: GPL-3.0-or-later
import { readFileSync } from 'node:fs'
import load from '@echogarden/espeak-ng-emscripten'
import { readableHebrew } from './hebrew.js'

/** Ten minutes: no text that is allowed speaks as long; a text that does is stopped there. */
const maxSeconds = 600
/** Words per minute and pitch as espeak-ng counts them. */
const usualRate = 160
const usualPitch = 50

/** A language or voice of espeak-ng with an optional variant: `vi`, `en-us`, `en+f3`. No paths. */
const voiceName = /^[a-z]{2,3}(-[A-Za-z0-9]{1,16}){0,4}(\+[A-Za-z0-9_-]{1,32})?$/

export class Voice {
  #worker

  /** Use `openVoice`. */
  constructor(worker) {
    this.#worker = worker
  }

  /** Samples per second of what it speaks: 22,050. */
  get sampleRateHz() {
    return this.#worker.get_samplerate()
  }

  /**
   * @param {{ text: string, voice: string, rate?: number, pitch?: number }} request - rate 80 to 450 words per minute,
   * pitch 0 to 99.
   * @returns {Uint8Array} PCM, 16-bit little-endian, mono.
   * @throws Error with `code` `unknown-voice` or `bad-request`.
   */
  speak({ text, voice, rate = usualRate, pitch = usualPitch }) {
    this.#prepare(text, voice)
    this.#worker.set_rate(bounded(rate, 80, 450))
    this.#worker.set_pitch(bounded(pitch, 0, 99))
    const limit = maxSeconds * this.sampleRateHz
    const chunks = []
    let samples = 0
    this.#worker.synthesize(plainText(text), (audio) => {
      chunks.push(audio)
      samples += audio.length
      return samples >= limit
    })
    return joined(chunks, samples)
  }

  /**
   * The sounds it would make, in the International Phonetic Alphabet: to look at how a text is read.
   * @param {{ text: string, voice: string }} request
   * @returns {string}
   */
  phonemes({ text, voice }) {
    this.#prepare(text, voice)
    return this.#worker.synthesize_ipa(plainText(text)).ipa.trim()
  }

  #prepare(text, voice) {
    if (typeof text !== 'string') throw failure('bad-request', 'There is no text.')
    if (typeof voice !== 'string' || !voiceName.test(voice) || this.#worker.set_voice(voice) !== 0) {
      throw failure('unknown-voice', 'espeak-ng has no such voice.')
    }
  }
}

/** Loads espeak-ng and its data; takes some 100 ms. What it prints goes to standard error. */
export async function openVoice() {
  const print = (line) => process.stderr.write(`${line}\n`)
  const espeak = await load({ print, printErr: print })
  return new Voice(new espeak.eSpeakNGWorker())
}

/** This package with its engine, for whoever keeps what was spoken: another version may sound different. */
export const engineVersion = (() => {
  const read = (url) => JSON.parse(readFileSync(new URL(url), 'utf8')).version
  return `${read(new URL('package.json', import.meta.url))}+${read(import.meta.resolve('@echogarden/espeak-ng-emscripten').replace(/[^/]*$/, 'package.json'))}`
})()

/**
 * The engine reads SSML and phonemes in double brackets. Ours is plain text, from callers' programs: a break of an hour
 * in it must be no break. A NUL would end the text.
 */
function plainText(text) {
  return readableHebrew(text.replace(/[<>[\]\p{Cc}]/gu, ' '))
}

/** The chunks are Int16Array views; their bytes are copied, not their values. */
function joined(chunks, samples) {
  const bytes = new Uint8Array(samples * 2)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset)
    offset += chunk.byteLength
  }
  return bytes
}

function bounded(value, min, max) {
  return Number.isFinite(value) ? Math.round(Math.min(max, Math.max(min, value))) : min
}

function failure(code, sentence) {
  return Object.assign(new Error(sentence), { code })
}
