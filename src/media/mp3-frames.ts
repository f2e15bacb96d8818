/** One MPEG audio frame as its header tells it. */
export interface Mp3Frame {
  readonly offset: number
  readonly bytes: number
  readonly rateHz: number
  readonly samples: number
}

/*
 * ISO/IEC 11172-3 §2.4.1.3, and 13818-3 for the lower rates. The header's 32 bits:
 *
 *   11111111 111VVLLP BBBBRRpx CCmmcoEE
 *
 * V version (3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5), L layer (3: I, 2: II, 1: III), B bit rate, R sample rate, p padding.
 */

const ratesHz = [44_100, 48_000, 32_000]

/** kbit/s by bit rate index, for MPEG-1 layers I, II, III and for MPEG-2 layer I, layers II and III. */
const kbits = {
  v1l1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  v1l2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  v1l3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  v2l1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  v2l23: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const

/** Reads the frame header at `offset`; null where none stands. Free-format frames, which nobody writes, count as none. */
export function readFrameHeader(file: Uint8Array, offset: number): Mp3Frame | null {
  const [a = 0, b = 0, c = 0] = [file[offset], file[offset + 1], file[offset + 2]]
  if (offset + 4 > file.length || a !== 0xff || (b & 0xe0) !== 0xe0) return null
  const version = (b >> 3) & 3
  const layer = 4 - ((b >> 1) & 3)
  const rate = ratesHz[(c >> 2) & 3]
  if (version === 1 || layer === 4 || rate === undefined) return null
  const isFirst = version === 3
  const table = isFirst ? (`v1l${layer}` as 'v1l1' | 'v1l2' | 'v1l3') : layer === 1 ? 'v2l1' : 'v2l23'
  const kbit = kbits[table][c >> 4]
  if (kbit === undefined || kbit === 0) return null
  const rateHz = rate >> (isFirst ? 0 : version === 2 ? 1 : 2)
  const samples = layer === 1 ? 384 : layer === 3 && !isFirst ? 576 : 1152
  const padding = (c >> 1) & 1
  const bytes =
    layer === 1
      ? (Math.floor((12_000 * kbit) / rateHz) + padding) * 4
      : Math.floor(((samples / 8) * 1000 * kbit) / rateHz) + padding
  return { offset, bytes, rateHz, samples }
}

/** Where the audio begins: behind an ID3v2 tag (its length is written 7 bits to the byte), if one stands first. */
export function audioStart(file: Uint8Array): number {
  const isTagged = file[0] === 0x49 && file[1] === 0x44 && file[2] === 0x33
  if (!isTagged || file.length < 10) return 0
  const [a = 0, b = 0, c = 0, d = 0] = file.subarray(6, 10)
  const hasFooter = ((file[5] ?? 0) & 0x10) !== 0
  return 10 + ((a & 0x7f) << 21) + ((b & 0x7f) << 14) + ((c & 0x7f) << 7) + (d & 0x7f) + (hasFooter ? 10 : 0)
}

/**
 * Finds the whole frames of a file. Between frames anything may stand (tags, damage); it is passed over. A header counts
 * only when another frame of its rate, or the end, follows where it says, so that chance bits are not taken for one.
 */
export function* mp3Frames(file: Uint8Array): Generator<Mp3Frame> {
  let offset = audioStart(file)
  let isInStep = false
  while (offset + 4 <= file.length) {
    const frame = readFrameHeader(file, offset)
    const end = frame === null ? 0 : offset + frame.bytes
    if (frame === null || end > file.length) {
      offset++
      isInStep = false
      continue
    }
    const next = readFrameHeader(file, end)
    if (!isInStep && next?.rateHz !== frame.rateHz && end !== file.length) {
      offset++
      continue
    }
    yield frame
    isInStep = true
    offset = end
  }
}
