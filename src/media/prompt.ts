import type { AudioCodec } from '../sdp/types.ts'

/** G.711: 8,000 samples, so 8,000 bytes, a second. */
export const bytesPerMs = 8

/**
 * Something to play, held encoded: playing it costs a header and a send. The bytes are shared between threads and
 * never change, so a prompt may be handed to any number of calls at once.
 */
export interface Prompt {
  /** Equal ids hold equal sound; the journal and tests know a prompt by it: `say:en:…`, `file:…`, `tone:beep`. */
  readonly id: string
  /** Milliseconds, whole multiples of 20: the end is padded with silence. */
  readonly durationMs: number
  /** One byte per sample, 8,000 Hz, for each codec. */
  readonly encoded: Readonly<Record<AudioCodec, SharedArrayBuffer>>
}
