import { CharClass, skipClass } from './char-classes.ts'
import { MessageError } from './message-error.ts'

/** Where a hand-written parser stands in one unfolded header value. Linear blank is SP and HT only: folding is gone. */
export class Scanner {
  readonly text: string
  readonly end: number
  position: number

  constructor(text: string, position = 0, end = text.length) {
    this.text = text
    this.position = position
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.position >= this.end
  }

  /** The character code here, -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.text.charCodeAt(this.position) : -1
  }

  skipBlanks(): void {
    let i = this.position
    while (i < this.end && isBlank(this.text.charCodeAt(i))) i++
    this.position = i
  }

  /** Takes the character if it stands here, with the blanks on both sides (SEMI, COMMA, EQUAL, SLASH of §25.1). */
  takeSeparator(code: number): boolean {
    const { text, end } = this
    let i = this.position
    while (i < end && isBlank(text.charCodeAt(i))) i++
    if (i >= end || text.charCodeAt(i) !== code) return false
    i++
    while (i < end && isBlank(text.charCodeAt(i))) i++
    this.position = i
    return true
  }

  /** One or more characters of the class. `what` names it in the error. */
  take(bits: number, what: string): string {
    const start = this.position
    const stop = skipClass(this.text, start, this.end, bits)
    if (stop === start) this.fail(`${what} was expected.`)
    this.position = stop
    return this.text.slice(start, stop)
  }

  token(what: string): string {
    return this.take(CharClass.token, what)
  }

  /**
   * A quoted-string at the `"` here, unquoted and without the backslashes of its quoted-pairs (§25.1).
   * Control characters are legal only behind a backslash.
   */
  quotedString(): string {
    const open = this.position
    let start = open + 1
    let out = ''
    for (let i = start; i < this.end; i++) {
      const code = this.text.charCodeAt(i)
      if (code === 0x22) {
        this.position = i + 1
        return out === '' ? this.text.slice(start, i) : out + this.text.slice(start, i)
      }
      if (code === 0x5c) {
        const escaped = i + 1 < this.end ? this.text.charCodeAt(i + 1) : 0x80
        if (escaped >= 0x80) return this.fail('A backslash stands before what it may not escape.')
        out += this.text.slice(start, i)
        // The escaped character is kept with the next slice, even if it is a quote.
        start = i + 1
        i++
      } else if (code < 0x20 ? code !== 0x09 : code === 0x7f) {
        this.position = i
        this.fail('A control character stands in a quoted string without a backslash.')
      }
    }
    this.position = open
    return this.fail('A quoted string is not closed.')
  }

  /** @throws MessageError `sip-message.header` if anything is left but blanks. */
  expectEnd(): void {
    this.skipBlanks()
    if (!this.isAtEnd) this.fail('Something stands behind the value that does not belong there.')
  }

  fail(sentence: string): never {
    throw new MessageError('sip-message.header', sentence, { facts: { offset: this.position } })
  }
}

/** SP or HT. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Writes text as a quoted-string (§25.1). Line breaks, which no escape can carry, become blanks. */
export function quote(text: string): string {
  let out = '"'
  for (const character of text) {
    const code = character.charCodeAt(0)
    if (code === 0x0d || code === 0x0a) out += ' '
    else if (code === 0x22 || code === 0x5c || (code < 0x20 && code !== 0x09) || code === 0x7f) out += `\\${character}`
    else out += character
  }
  return `${out}"`
}
