import { createHmac } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { constantTimeEquals } from './digest.ts'

/** What is known of a nonce that a peer brings back. */
export type NonceState =
  | { readonly kind: 'valid'; readonly issuedAt: number }
  /** Ours, but older than its life. */
  | { readonly kind: 'expired' }
  /** Not signed by this process for this realm. */
  | { readonly kind: 'foreign' }

const saltBytes = 8
const macBytes = 16

/**
 * Makes and checks nonces that need no memory: each carries the time it was made at and is signed (RFC 7616 §3.3 asks for
 * time-stamp and private key).
 *
 *     base64url( time 6 bytes, ms since 1970 | salt 8 bytes | HMAC-SHA-256(key, time | salt | realm), first 16 bytes )
 *
 * The salt makes nonces of one millisecond differ: two telephones must not share one nonce count. The key is drawn at the
 * start, so nonces of an earlier process are foreign; their owners are challenged anew with `stale=true`.
 */
export class NonceFactory {
  readonly #clock: Clock
  readonly #random: Random
  readonly #lifeMs: number
  readonly #key: Uint8Array

  constructor(options: { clock: Clock; random: Random; lifeSeconds: number }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#lifeMs = options.lifeSeconds * 1000
    this.#key = options.random.bytes(32)
  }

  make(realm: string): string {
    const head = new Uint8Array(6 + saltBytes)
    writeTime(head, this.#clock.wallTime())
    head.set(this.#random.bytes(saltBytes), 6)
    return Buffer.concat([head, this.#sign(head, realm)]).toString('base64url')
  }

  /** @param nonce - any text. */
  check(nonce: string, realm: string): NonceState {
    const bytes = nonce.length === 40 ? Buffer.from(nonce, 'base64url') : null
    if (bytes?.length !== 6 + saltBytes + macBytes) return { kind: 'foreign' }
    const head = bytes.subarray(0, 6 + saltBytes)
    // Compared in the form it was sent in, so that a second spelling of the same bytes is not a second nonce.
    const expected = Buffer.concat([head, this.#sign(head, realm)]).toString('base64url')
    if (!constantTimeEquals(nonce, expected)) return { kind: 'foreign' }
    const issuedAt = head.readUIntBE(0, 6)
    const ageMs = this.#clock.wallTime() - issuedAt
    // A negative age beyond the life means that the machine's clock was set back.
    return Math.abs(ageMs) > this.#lifeMs ? { kind: 'expired' } : { kind: 'valid', issuedAt }
  }

  #sign(head: Uint8Array, realm: string): Uint8Array {
    return createHmac('sha256', this.#key).update(head).update(realm).digest().subarray(0, macBytes)
  }
}

function writeTime(target: Uint8Array, ms: number): void {
  const view = new DataView(target.buffer, target.byteOffset, 6)
  view.setUint16(0, Math.floor(ms / 2 ** 32))
  view.setUint32(2, ms % 2 ** 32)
}
