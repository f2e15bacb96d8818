import type { Mp3Encoder } from '@breezystack/lamejs'
import { recordingRateHz } from './recording-messages.ts'

/**
 * Per channel. Speech of a telephone line is not told from the original at this rate, and at 8 kHz a frame of it is a whole number
 * of bytes, so that the length of the file is known before its first sample is encoded.
 */
const kbitPerChannel = 32
/** MPEG-2.5 Layer III (ISO/IEC 13818-3 halved once more): the only mp3 there is at 8 kHz. */
const samplesPerFrame = 576
const bytesPerFrame = (samplesPerFrame / 8) * ((kbitPerChannel * 1000) / recordingRateHz)
/** What the encoder holds back comes out as two more frames, the last of them mostly silence. */
const framesBehind = 2

/** Length of the mp3 that `samples` of each channel become. */
export function mp3Bytes(samples: number, channels: 1 | 2): number {
  return (Math.ceil(samples / samplesPerFrame) + framesBehind) * bytesPerFrame * channels
}

/** Turns a recording into mp3, 8 kHz, constant rate; two channels are kept apart. Costs some 20 ms of a core per second and channel. */
export class RecordingEncoder {
  readonly #encoder: Mp3Encoder
  readonly #channels: 1 | 2

  private constructor(encoder: Mp3Encoder, channels: 1 | 2) {
    this.#encoder = encoder
    this.#channels = channels
  }

  static async make(channels: 1 | 2): Promise<RecordingEncoder> {
    // Not by a static import: a thread that is started from TypeScript would have `require` it, and the package's door for that leads to
    // a script without exports.
    const lame = await import('@breezystack/lamejs')
    return new RecordingEncoder(new lame.Mp3Encoder(channels, recordingRateHz, kbitPerChannel * channels), channels)
  }

  /** @param pcm - whole frames of 16-bit PCM, little-endian, channels interleaved. @returns the next bytes of the file, copied. */
  push(pcm: Buffer): Buffer {
    const channels = this.#channels
    const frames = Math.floor(pcm.length / 2 / channels)
    const [left, right] = [new Int16Array(frames), new Int16Array(channels === 2 ? frames : 0)]
    for (let i = 0; i < frames; i++) {
      left[i] = pcm.readInt16LE(i * 2 * channels)
      if (channels === 2) right[i] = pcm.readInt16LE(i * 4 + 2)
    }
    // It hands out its own buffer.
    return Buffer.from(channels === 2 ? this.#encoder.encodeBuffer(left, right) : this.#encoder.encodeBuffer(left))
  }

  /** The last bytes. Nothing may be pushed behind it. */
  end(): Buffer {
    return Buffer.from(this.#encoder.flush())
  }
}
