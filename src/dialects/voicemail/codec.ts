import type { WireObject } from './wire.ts'

/** The largest request or answer, in bytes. */
export const maxObjectBytes = 64 * 1024

export type Decoded =
  | { readonly kind: 'object'; readonly object: WireObject; readonly slips: readonly string[] }
  /** @param sentence - what is wrong with it. */
  | { readonly kind: 'unreadable'; readonly sentence: string }

/**
 * Reads one JSON object. Kind to one slip, which the published samples have: commas before a closing brace or bracket.
 * Missing braces and quotes are not repaired: nobody could say what was meant.
 */
export function decodeObject(text: string): Decoded {
  let value: unknown
  const slips: string[] = []
  try {
    value = JSON.parse(text)
  } catch (strict) {
    try {
      value = JSON.parse(withoutTrailingCommas(text))
      slips.push('a comma stands before a closing brace or bracket')
    } catch {
      return { kind: 'unreadable', sentence: `It is not JSON: ${(strict as Error).message.slice(0, 120)}.` }
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'unreadable', sentence: 'It is JSON, but not an object.' }
  }
  return { kind: 'object', object: value as WireObject, slips }
}

/** One line, without the line break. Members that are undefined are left out. */
export function encodeObject(object: WireObject): string {
  return JSON.stringify(object)
}

/** Strings are passed over whole, so that a comma in a text stays. */
function withoutTrailingCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? '' : found))
}

const openBrace = 0x7b
const closeBrace = 0x7d
const quote = 0x22
const backslash = 0x5c

export type Framed =
  | { readonly kind: 'object'; readonly text: string }
  /** What follows cannot be told apart from it: nothing more is read. */
  | { readonly kind: 'broken'; readonly sentence: string }

/**
 * Cuts a stream of bytes into JSON objects by counting braces outside strings, so that objects over many lines, one a line
 * and several in one packet are read alike. Looks at each byte once.
 */
export class ObjectFramer {
  /** Bytes of the object that is not complete yet. */
  #chunks: Uint8Array[] = []
  #bytes = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isBroken = false

  /** Whether an object has begun and is not complete. */
  get isInside(): boolean {
    return this.#depth > 0
  }

  /** @param chunk - kept until its object is complete; not to be changed by the caller. */
  push(chunk: Uint8Array): readonly Framed[] {
    const found: Framed[] = []
    let from = 0
    for (let at = 0; at < chunk.length && !this.#isBroken; at++) {
      const byte = chunk[at] as number
      if (this.#depth === 0) {
        if (isBlank(byte)) continue
        if (byte !== openBrace) {
          found.push(this.#broken('It does not begin with a brace.'))
          break
        }
        this.#depth = 1
        from = at
        continue
      }
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (byte === backslash) this.#isEscaped = true
        else if (byte === quote) this.#isInString = false
      } else if (byte === quote) this.#isInString = true
      else if (byte === openBrace) this.#depth++
      else if (byte === closeBrace && --this.#depth === 0) {
        const text = this.#take(chunk.subarray(from, at + 1))
        found.push(text === null ? this.#broken(tooLarge) : { kind: 'object', text })
      }
    }
    if (this.#depth > 0 && !this.#isBroken) {
      this.#chunks.push(chunk.subarray(from))
      this.#bytes += chunk.length - from
      if (this.#bytes > maxObjectBytes) found.push(this.#broken(tooLarge))
    }
    return found
  }

  #take(last: Uint8Array): string | null {
    const bytes = this.#bytes + last.length
    const whole = this.#chunks.length === 0 ? last : Buffer.concat([...this.#chunks, last])
    this.#chunks = []
    this.#bytes = 0
    return bytes > maxObjectBytes ? null : Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString('utf8')
  }

  #broken(sentence: string): Framed {
    this.#isBroken = true
    this.#chunks = []
    this.#bytes = 0
    return { kind: 'broken', sentence }
  }
}

const tooLarge = `An object is larger than ${maxObjectBytes} bytes.`

/** Blanks, line breaks, a byte-order mark at the beginning, and commas or NULs that some clients put between objects. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0x2c || byte === 0 || isOfMark(byte)
}

function isOfMark(byte: number): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf
}
