import { createHmac, timingSafeEqual } from 'node:crypto'
import type { RecordingId } from '../../base/ids.ts'

/** Of the signature that goes into a link: 128 bits. */
const signatureBytes = 16
const purpose = 'hoiio-recording'

/** Links to recordings that nobody can make who does not have the key. They hold as long as the recording does. */
export class RecordingLinks {
  readonly #publicUrl: () => string
  readonly #key: string

  /** @param publicUrl - `http.publicUrl`. @param key - secret; who has it can make links. */
  constructor(publicUrl: () => string, key: string) {
    this.#publicUrl = publicUrl
    this.#key = key
  }

  linkOf(recording: RecordingId): string {
    const base = this.#publicUrl().replace(/\/+$/, '')
    return `${base}/open/recording/${recording}-${this.#signature(recording).toString('hex')}.wav`
  }

  /** The recording that the last part of a link names; null where it was not signed here. */
  read(name: string): RecordingId | null {
    const parts = /^(rec_[0-9a-z]{1,40})-([0-9a-f]{32})\.wav$/.exec(name)
    const [, id = '', signature = ''] = parts ?? []
    if (!parts || !timingSafeEqual(Buffer.from(signature, 'hex'), this.#signature(id))) return null
    return id as RecordingId
  }

  #signature(recording: string): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}:${recording}`).digest().subarray(0, signatureBytes)
  }
}
