import type { AudioCodec } from '../../sdp/types.ts'
import { decodeG711 } from '../g711.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte)

function linearTable(codec: AudioCodec): Int16Array {
  const table = new Int16Array(256)
  decodeG711(codec, everyByte, table)
  return table
}

/** The linear value of each byte of a codec: what loops over samples look up in. */
export const linearOf: Readonly<Record<AudioCodec, Int16Array>> = {
  PCMU: linearTable('PCMU'),
  PCMA: linearTable('PCMA'),
}
