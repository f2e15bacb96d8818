// Frames on a pipe: four bytes of length (big-endian), then as many bytes.
//
// SPDX-License-Identifier: GPL-3.0-or-later

/** A text of some thousand characters and its settings; more is not a request. */
const maxRequestBytes = 256 * 1024

/** Collects bytes and gives whole frames. Throws on a frame that is too long: there is no way back into step. */
export class FrameReader {
  #bytes = Buffer.alloc(0)

  /**
   * @param {Uint8Array} chunk
   * @returns {Buffer[]} the frames that are complete now, without their lengths.
   */
  push(chunk) {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk])
    const frames = []
    while (this.#bytes.length >= 4) {
      const length = this.#bytes.readUInt32BE(0)
      if (length > maxRequestBytes) throw new Error(`A frame of ${length} bytes is no request.`)
      if (this.#bytes.length < 4 + length) break
      frames.push(this.#bytes.subarray(4, 4 + length))
      this.#bytes = this.#bytes.subarray(4 + length)
    }
    return frames
  }
}

/**
 * A response: length, length of the header (two bytes), the header in JSON, and behind it the audio.
 *
 *   0      4      6          6 + h
 *   | n    | h    | header   | audio, n - 2 - h bytes |
 *
 * @param {object} header
 * @param {Uint8Array} [audio]
 */
export function responseFrame(header, audio = new Uint8Array(0)) {
  const json = Buffer.from(JSON.stringify(header))
  const frame = Buffer.allocUnsafe(6 + json.length + audio.length)
  frame.writeUInt32BE(2 + json.length + audio.length, 0)
  frame.writeUInt16BE(json.length, 4)
  frame.set(json, 6)
  frame.set(audio, 6 + json.length)
  return frame
}
