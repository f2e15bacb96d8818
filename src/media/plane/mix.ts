import { frameSamples } from '../../rtp/jitter-buffer.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import { encodeG711, silenceByte } from '../g711.ts'

/** A frame in one codec. */
interface EncodedFrame {
  readonly bytes: Uint8Array
  /** The same memory, for copying by word. */
  readonly words: Uint32Array
  isMade: boolean
}

/** One frame of what somebody in a room hears, encoded once for each codec that is asked for, however many hear it. */
export class Mix {
  /** Write the frame here, then call `changed`. */
  readonly samples = new Int16Array(frameSamples)
  readonly #encoded: Readonly<Record<AudioCodec, EncodedFrame>> = { PCMU: newFrame(), PCMA: newFrame() }
  #isSilent = true

  /** The samples are new. @param isSilent - nobody speaks: they are not looked at. */
  changed(isSilent: boolean): void {
    const { PCMU, PCMA } = this.#encoded
    // Silence needs not be encoded again and again.
    if (isSilent && this.#isSilent) return
    this.#isSilent = isSilent
    PCMU.isMade = false
    PCMA.isMade = false
  }

  /** Valid until the samples change. */
  encoded(codec: AudioCodec): EncodedFrame {
    const frame = this.#encoded[codec]
    if (frame.isMade) return frame
    frame.isMade = true
    if (this.#isSilent) frame.bytes.fill(silenceByte[codec])
    else encodeG711(codec, this.samples, frame.bytes)
    return frame
  }
}

function newFrame(): EncodedFrame {
  const memory = new ArrayBuffer(frameSamples)
  return { bytes: new Uint8Array(memory), words: new Uint32Array(memory), isMade: false }
}
