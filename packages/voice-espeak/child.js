// The voice as a program: requests on standard input, responses on standard output, one at a time, in order.
//
// SPDX-License-Identifier: GPL-3.0-or-later
//
// First comes `{ ready: true, engine, version, sampleRateHz }`. A request is `{ id, text, voice, rate?, pitch? }` in
// JSON; its response `{ id, ok: true, sampleRateHz, samples }` with the audio, or `{ id, ok: false, code, sentence }`.
// With `phonemes: true` the response has `phonemes` and no audio. The program ends with its standard input.
import { FrameReader, responseFrame } from './frames.js'

const { openVoice, engineVersion } = await import('./voice.js').catch((error) => {
  process.stderr.write(`The voice cannot be loaded: ${error.message}\n`)
  process.exit(3)
})

const voice = await openVoice()
const reader = new FrameReader()

function answer(request) {
  const { id } = request
  try {
    if (request.phonemes === true) return responseFrame({ id, ok: true, phonemes: voice.phonemes(request) })
    const audio = voice.speak(request)
    return responseFrame({ id, ok: true, sampleRateHz: voice.sampleRateHz, samples: audio.length / 2 }, audio)
  } catch (error) {
    return responseFrame({ id, ok: false, code: error.code ?? 'failed', sentence: error.message })
  }
}

process.stdin.on('data', (chunk) => {
  try {
    for (const frame of reader.push(chunk)) process.stdout.write(answer(JSON.parse(frame.toString('utf8'))))
  } catch (error) {
    // Not in step, or not JSON: whoever started us is confused, and starts us again.
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
})
process.stdin.on('end', () => process.exit(0))
// The one who listened is gone.
process.stdout.on('error', () => process.exit(0))

process.stdout.write(
  responseFrame({ ready: true, engine: 'espeak-ng', version: engineVersion, sampleRateHz: voice.sampleRateHz }),
)
