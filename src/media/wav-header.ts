/** What a WAV of ours may hold. */
export interface WavShape {
  readonly encoding: 'pcm16' | 'mulaw' | 'alaw'
  readonly channels: 1 | 2
  readonly rateHz: number
}

const shapes = {
  pcm16: { tag: 1, bytesPerSample: 2 },
  alaw: { tag: 6, bytesPerSample: 1 },
  mulaw: { tag: 7, bytesPerSample: 1 },
} as const

/** `RIFF`, the length and `WAVE` (12), `fmt ` (8 + 16), `data` (8). */
export const pcmHeaderBytes = 44
/** For encodings that are not PCM: the format carries an extension length (2), and a `fact` chunk (12) is required. */
const encodedHeaderBytes = 58

/** The largest length that fits the header's 32 bits. */
export const maxWavDataBytes = 0xffff_ffff - encodedHeaderBytes

/** Bytes of one sample of all channels together. */
export function bytesPerFrame(shape: WavShape): number {
  return shapes[shape.encoding].bytesPerSample * shape.channels
}

/**
 * The header of a RIFF WAVE file: 44 bytes for PCM, 58 for mu-law and A-law.
 * @param dataBytes - of the audio behind it, at most `maxWavDataBytes`. An odd length needs a padding byte behind it.
 */
export function wavHeader(shape: WavShape, dataBytes: number): Uint8Array<ArrayBuffer> {
  const { tag, bytesPerSample } = shapes[shape.encoding]
  const isPcm = tag === 1
  const headerBytes = isPcm ? pcmHeaderBytes : encodedHeaderBytes
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  const frameBytes = bytesPerFrame(shape)
  writeId(header, 0, 'RIFF')
  view.setUint32(4, headerBytes - 8 + dataBytes + (dataBytes & 1), true)
  writeId(header, 8, 'WAVE')
  writeId(header, 12, 'fmt ')
  view.setUint32(16, isPcm ? 16 : 18, true)
  view.setUint16(20, tag, true)
  view.setUint16(22, shape.channels, true)
  view.setUint32(24, shape.rateHz, true)
  view.setUint32(28, shape.rateHz * frameBytes, true)
  view.setUint16(32, frameBytes, true)
  view.setUint16(34, bytesPerSample * 8, true)
  if (!isPcm) {
    writeId(header, 38, 'fact')
    view.setUint32(42, 4, true)
    view.setUint32(46, Math.floor(dataBytes / frameBytes), true)
  }
  writeId(header, headerBytes - 8, 'data')
  view.setUint32(headerBytes - 4, dataBytes, true)
  return header
}

function writeId(bytes: Uint8Array, offset: number, id: string): void {
  for (let i = 0; i < 4; i++) bytes[offset + i] = id.charCodeAt(i)
}
