import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RecordingId } from '../../base/ids.ts'

/** Of the signature that goes into a link: 128 bits. */
const signatureBytes = 16
const purpose = 'hoiio-recording'

export type SoundFormat = 'mp3' | 'wav'

/** Links to recordings that nobody can make who does not have the key. They hold as long as the recording does. */
export class RecordingLinks {
  readonly #publicUrl: () => string
  readonly #key: string

  /** @param publicUrl - `http.publicUrl`. @param key - secret; who has it can make links. */
  constructor(publicUrl: () => string, key: string) {
    this.#publicUrl = publicUrl
    this.#key = key
  }

  /** Of mp3, as the original was. With `wav` in the place of its `mp3` it leads to the recording itself. */
  linkOf(recording: RecordingId): string {
    const base = this.#publicUrl().replace(/\/+$/, '')
    return `${base}/open/recording/${recording}-${this.#signature(recording).toString('hex')}.mp3`
  }

  /** The recording that the last part of a link names, and as what it is wanted; null where it was not signed here. */
  read(name: string): { readonly id: RecordingId; readonly format: SoundFormat } | null {
    const parts = /^(rec_[0-9a-z]{1,40})-([0-9a-f]{32})\.(mp3|wav)$/.exec(name)
    const [, id = '', signature = '', format] = parts ?? []
    if (!parts || !timingSafeEqual(Buffer.from(signature, 'hex'), this.#signature(id))) return null
    return { id: id as RecordingId, format: format === 'mp3' ? 'mp3' : 'wav' }
  }

  #signature(recording: string): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}:${recording}`).digest().subarray(0, signatureBytes)
  }
}
