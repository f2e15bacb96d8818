import type { RecordingId } from '../base/ids.ts'

/** Recordings are 16-bit PCM at the rate of the line. */
export const recordingRateHz = 8000
export const recordingBytesPerSample = 2

/** A slice carries at most so much, so that a crash costs no more than twice this. */
export const maxSliceMs = 250

/**
 * What a media worker asks of the writer thread. One port per media worker; requests of one recording are kept in order.
 * Every `open` is followed by exactly one `close`, also after `failed`.
 */
export type RecordingRequest =
  | {
      readonly kind: 'open'
      readonly recordingId: RecordingId
      /** Absolute, inside the recordings folder; its folder is made, the file must not exist. */
      readonly file: string
      readonly channels: 1 | 2
    }
  | {
      /** Slices of any number of recordings, as they came together: a message costs more than its contents. */
      readonly kind: 'slices'
      readonly recordingIds: readonly RecordingId[]
      /** One for each id: Int16 samples in the machine's order, channels interleaved, whole frames. Transferred. */
      readonly samples: readonly ArrayBuffer[]
    }
  | { readonly kind: 'close'; readonly recordingId: RecordingId }

/** What the writer thread says back, over the same port. */
export type RecordingNotice =
  /** Told at most once per recording; what follows until `close` is dropped. */
  | { readonly kind: 'failed'; readonly recordingId: RecordingId; readonly problem: string }
  /** The answer to `close`. */
  | { readonly kind: 'closed'; readonly recordingId: RecordingId; readonly result: RecordingFileResult }
  /** Of all slices sent over this port, so many bytes since the last notice have left the writer's memory. */
  | { readonly kind: 'taken'; readonly bytes: number }

/** What is on disk when a recording is closed. */
export interface RecordingFileResult {
  /** Of the audio in the file, whole milliseconds. */
  readonly durationMs: number
  /** Header included; 0 when there is no file. */
  readonly fileBytes: number
  /** Why it is not whole, in one sentence; null when it is. */
  readonly problem: string | null
}
