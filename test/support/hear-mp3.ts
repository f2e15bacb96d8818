import { MPEGDecoder } from 'mpg123-decoder'

export interface DecodedMp3 {
  readonly rateHz: number
  /** One or two, as the first frame's header says. */
  readonly channels: readonly Int16Array[]
}

/** The sound of an mp3, by a decoder that is not ours and no relation of the encoder's. Throws for a damaged frame. */
export async function readMp3(file: Uint8Array): Promise<DecodedMp3> {
  const decoder = new MPEGDecoder()
  await decoder.ready
  const { channelData, sampleRate, errors } = decoder.decode(file)
  decoder.free()
  if (errors.length > 0) throw new Error(`the mp3 has ${errors.length} damaged frames`)
  // The decoder gives two in any case: ISO/IEC 11172-3 §2.4.2.3, `mode` 3 is a single channel.
  const count = (file[3] ?? 0) >> 6 === 3 ? 1 : 2
  const channels = channelData
    .slice(0, count)
    .map((channel) => Int16Array.from(channel, (sample) => Math.round(sample * 32_767)))
  return { rateHz: sampleRate, channels }
}
