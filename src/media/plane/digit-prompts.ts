import type { AudioCodec } from '../../sdp/types.ts'
import { encodeG711, g711RateHz } from '../g711.ts'
import type { Prompt } from '../prompt.ts'
import { dtmfTone } from '../tones.ts'
import type { Digit } from './types.ts'

const toneMs = 100
const pauseMs = 60

const made = new Map<Digit, Prompt>()

/** Keys as sound: 100 ms of the two tones each, 60 ms apart. Made once per key and thread. */
export function digitPrompts(digits: readonly Digit[]): Prompt[] {
  return digits.map((digit) => {
    const prompt = made.get(digit) ?? makeDigit(digit)
    made.set(digit, prompt)
    return prompt
  })
}

function makeDigit(digit: Digit): Prompt {
  const durationMs = toneMs + pauseMs
  const samples = new Int16Array((durationMs * g711RateHz) / 1000)
  samples.set(dtmfTone(digit, toneMs))
  const encode = (codec: AudioCodec): SharedArrayBuffer => {
    const bytes = new Uint8Array(new SharedArrayBuffer(samples.length))
    encodeG711(codec, samples, bytes)
    return bytes.buffer
  }
  return { id: `digit:${digit}`, durationMs, encoded: { PCMU: encode('PCMU'), PCMA: encode('PCMA') } }
}
