import { encodeG711, silenceByte } from './g711.ts'
import { bytesPerMs, type Prompt } from './prompt.ts'

/** Prompts are whole packets of 20 ms. */
const packetMs = 20
const packetSamples = packetMs * bytesPerMs

/**
 * Makes a prompt of linear PCM, 8,000 Hz mono: both encodings in shared memory, the last packet filled with silence.
 * @param pieces - one behind the other; they may be dropped afterwards.
 */
export function makePrompt(id: string, pieces: readonly Int16Array[]): Prompt {
  const samples = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const padded = Math.ceil(samples / packetSamples) * packetSamples
  const encoded = { PCMU: new SharedArrayBuffer(padded), PCMA: new SharedArrayBuffer(padded) }
  for (const codec of ['PCMU', 'PCMA'] as const) {
    const bytes = new Uint8Array(encoded[codec])
    let offset = 0
    for (const piece of pieces) {
      encodeG711(codec, piece, bytes, offset)
      offset += piece.length
    }
    bytes.fill(silenceByte[codec], offset)
  }
  return { id, durationMs: padded / bytesPerMs, encoded }
}

/**
 * Quiet to be played between prompts.
 * @param ms - rounded up to whole packets.
 */
export function silentPrompt(ms: number): Prompt {
  const durationMs = Math.max(1, Math.ceil(ms / packetMs)) * packetMs
  const encoded = {
    PCMU: new SharedArrayBuffer(durationMs * bytesPerMs),
    PCMA: new SharedArrayBuffer(durationMs * bytesPerMs),
  }
  new Uint8Array(encoded.PCMU).fill(silenceByte.PCMU)
  new Uint8Array(encoded.PCMA).fill(silenceByte.PCMA)
  return { id: `silence:${durationMs}`, durationMs, encoded }
}

/** Samples of -1…1 as 16 bits; what is louder is held at the edge, never wrapped round. */
export function toPcm16(samples: Float32Array): Int16Array<ArrayBuffer> {
  const out = new Int16Array(samples.length)
  for (let i = 0; i < samples.length; i++) {
    const scaled = Math.round((samples[i] as number) * 32_768)
    out[i] = scaled > 32_767 ? 32_767 : scaled < -32_768 ? -32_768 : scaled
  }
  return out
}

/** The memory a prompt holds. */
export function promptBytes(prompt: Prompt): number {
  return prompt.encoded.PCMU.byteLength + prompt.encoded.PCMA.byteLength
}
