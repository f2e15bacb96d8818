import { MPEGDecoder } from 'mpg123-decoder'
import { ParseError } from '../base/errors.ts'
import { audioStart, type Mp3Frame, mp3Frames, readFrameHeader } from './mp3-frames.ts'

/** Whether a file is mp3: an ID3 tag or a frame header at its start. */
export function looksLikeMp3(file: Uint8Array): boolean {
  return audioStart(file) > 0 || readFrameHeader(file, 0) !== null
}

export interface Mp3Format {
  readonly rateHz: number
  readonly durationMs: number
  readonly frames: readonly Mp3Frame[]
}

/**
 * Walks over the frames of an mp3 file without decoding them: cheap, and what it says can be bounded before the work.
 * A change of rate ends the audio: nothing that plays has one.
 * @throws ParseError `media.mp3-malformed`.
 */
export function readMp3Format(file: Uint8Array): Mp3Format {
  const frames: Mp3Frame[] = []
  for (const frame of mp3Frames(file)) {
    if (frames[0] !== undefined && frame.rateHz !== frames[0].rateHz) break
    frames.push(frame)
  }
  const first = frames[0]
  if (first === undefined) throw new ParseError('media.mp3-malformed', 'It holds no whole mp3 frame.')
  const samples = frames.length * first.samples
  return { rateHz: first.rateHz, durationMs: Math.round((samples / first.rateHz) * 1000), frames }
}

/** Frames decoded at once: about a third of a second. */
const framesAtOnce = 16

/**
 * The audio as mono samples of -1…1, in pieces. Stereo is averaged. Damaged frames are left out by the decoder.
 * @throws ParseError `media.mp3-malformed` when nothing could be decoded.
 */
export async function* monoOfMp3(file: Uint8Array, format: Mp3Format): AsyncGenerator<Float32Array> {
  const decoder = new MPEGDecoder()
  await decoder.ready
  try {
    let decoded = 0
    for (let i = 0; i < format.frames.length; i += framesAtOnce) {
      const group = format.frames.slice(i, i + framesAtOnce)
      const { channelData } = decoder.decodeFrames(
        group.map(({ offset, bytes }) => file.subarray(offset, offset + bytes)),
      )
      const [left, right] = channelData
      if (left === undefined || left.length === 0) continue
      decoded += left.length
      if (right !== undefined)
        for (let k = 0; k < left.length; k++) left[k] = ((left[k] as number) + (right[k] ?? 0)) / 2
      yield left
    }
    if (decoded === 0) throw new ParseError('media.mp3-malformed', 'None of its frames could be decoded.')
  } finally {
    decoder.free()
  }
}
