import { randomFillSync } from 'node:crypto'

/** Randomness, handed in: tests use a seeded one and see the same tags, branches and SSRCs every time. */
export interface Random {
  /** `count` fresh bytes; the caller owns them. */
  bytes(count: number): Uint8Array
  /** An unsigned integer of 32 bits. */
  uint32(): number
  /** A token of `length` characters from a to z and 0 to 9 (about 5.17 bits each), legal wherever SIP takes a token. */
  token(length: number): string
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

abstract class RandomBase implements Random {
  abstract bytes(count: number): Uint8Array

  uint32(): number {
    const b = this.bytes(4)
    return new DataView(b.buffer, b.byteOffset, 4).getUint32(0)
  }

  token(length: number): string {
    let out = ''
    while (out.length < length) {
      // 252 is the largest multiple of 36 in a byte; larger values would favour the first letters.
      for (const byte of this.bytes(length - out.length)) if (byte < 252) out += alphabet[byte % 36]
    }
    return out
  }
}

/** The kernel's randomness, drawn 4 KiB at a time: a system call per tag would be the dearest part of a response. */
export class SystemRandom extends RandomBase {
  readonly #pool = new Uint8Array(4096)
  #used = 4096

  bytes(count: number): Uint8Array {
    if (count > this.#pool.length) return randomFillSync(new Uint8Array(count))
    if (this.#used + count > this.#pool.length) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const out = this.#pool.slice(this.#used, this.#used + count)
    this.#pool.fill(0, this.#used, this.#used + count)
    this.#used += count
    return out
  }
}

/** A repeatable sequence (mulberry32). For tests and examples only: it can be predicted. */
export class SeededRandom extends RandomBase {
  #state: number

  constructor(seed: number) {
    super()
    this.#state = seed >>> 0
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count)
    for (let i = 0; i < count; i++) out[i] = this.#next() >>> 24
    return out
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
}
