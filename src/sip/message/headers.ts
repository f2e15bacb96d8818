import { isToken } from './char-classes.ts'
import { headerKey, knownHeader } from './header-names.ts'
import { MessageError } from './message-error.ts'
import { splitList } from './split-list.ts'

/**
 * The header fields of one message, in their order. Names are compared without case and compact forms are the same as
 * long ones (RFC 3261 §7.3). Values are kept as text: unfolded, trimmed, not otherwise changed.
 */
export class Headers {
  readonly #names: string[]
  readonly #keys: string[]
  readonly #values: string[]

  private constructor(names: string[], keys: string[], values: string[]) {
    this.#names = names
    this.#keys = keys
    this.#values = values
  }

  /** @throws MessageError `sip-message.header`, as `append`. */
  static from(pairs: Iterable<readonly [name: string, value: string]> = []): Headers {
    const headers = Headers.empty()
    for (const [name, value] of pairs) headers.append(name, value)
    return headers
  }

  static empty(): Headers {
    return new Headers([], [], [])
  }

  /** How many header fields (lines) there are. */
  get count(): number {
    return this.#names.length
  }

  /** The value of the first such line. */
  get(name: string): string | undefined {
    const i = this.#keys.indexOf(headerKey(name))
    return i < 0 ? undefined : this.#values[i]
  }

  /** The value of every such line; comma lists are not split. */
  getAll(name: string): readonly string[] {
    const key = headerKey(name)
    const found: string[] = []
    for (let i = 0; i < this.#keys.length; i++) if (this.#keys[i] === key) found.push(this.#values[i] ?? '')
    return found
  }

  /**
   * Every value of a header field that is a comma-separated list, over all its lines.
   * @throws MessageError as `splitList`.
   */
  list(name: string): readonly string[] {
    const all = this.getAll(name)
    const [first] = all
    if (all.length === 1 && first !== undefined) return splitList(first)
    return all.flatMap((value) => splitList(value))
  }

  has(name: string): boolean {
    return this.#keys.includes(headerKey(name))
  }

  *entries(): Generator<readonly [name: string, value: string]> {
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i] ?? '', this.#values[i] ?? '']
  }

  /** Puts the value in the place of the first such line and removes the others; at the end where there was none. */
  set(name: string, value: string): void {
    const i = this.#keys.indexOf(headerKey(name))
    if (i < 0) return this.append(name, value)
    check(name, value)
    this.#values[i] = value
    const key = this.#keys[i] ?? ''
    for (let j = this.#keys.length - 1; j > i; j--) if (this.#keys[j] === key) this.#removeAt(j)
  }

  /**
   * Adds a line at the end.
   * @throws MessageError `sip-message.header` when the name is no token or the value has a line break: nothing that was
   *   passed in may add a header field of its own.
   */
  append(name: string, value: string): void {
    check(name, value)
    const known = knownHeader(name)
    this.push(known?.name ?? name, known?.key ?? name.toLowerCase(), value)
  }

  /** Adds a line before the first of that name, or at the very top where there is none. Throws as `append`. */
  prepend(name: string, value: string): void {
    check(name, value)
    const known = knownHeader(name)
    const key = known?.key ?? name.toLowerCase()
    const at = Math.max(0, this.#keys.indexOf(key))
    this.#names.splice(at, 0, known?.name ?? name)
    this.#keys.splice(at, 0, key)
    this.#values.splice(at, 0, value)
  }

  remove(name: string): void {
    const key = headerKey(name)
    for (let i = this.#keys.length - 1; i >= 0; i--) if (this.#keys[i] === key) this.#removeAt(i)
  }

  clone(): Headers {
    return new Headers(this.#names.slice(), this.#keys.slice(), this.#values.slice())
  }

  /**
   * For the parser and the builders of this folder: adds a line whose name is canonical, whose key is its lower case and
   * whose value is known to hold no line break.
   */
  push(name: string, key: string, value: string): void {
    this.#names.push(name)
    this.#keys.push(key)
    this.#values.push(value)
  }

  /** For this folder: puts `value` in the place of the first line with that key. */
  replaceFirst(key: string, value: string): void {
    const i = this.#keys.indexOf(key)
    if (i >= 0) this.#values[i] = value
  }

  /** For the builders: adds every line of `other` with that key. */
  pushAllFrom(other: Headers, key: string): void {
    const keys = other.#keys
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === key) this.push(other.#names[i] ?? '', key, other.#values[i] ?? '')
    }
  }

  /** For the printer: `Name: value` and CRLF for each line, those with `exceptKey` left out. */
  print(exceptKey: string): string {
    const names = this.#names
    const keys = this.#keys
    const values = this.#values
    let out = ''
    for (let i = 0; i < names.length; i++) {
      if (keys[i] !== exceptKey) out += `${names[i]}: ${values[i]}\r\n`
    }
    return out
  }

  #removeAt(i: number): void {
    this.#names.splice(i, 1)
    this.#keys.splice(i, 1)
    this.#values.splice(i, 1)
  }
}

function check(name: string, value: string): void {
  if (!isToken(name)) {
    throw new MessageError('sip-message.header', 'The name of a header field is no token.', { facts: { header: name } })
  }
  if (value.includes('\r') || value.includes('\n')) {
    throw new MessageError('sip-message.header', `A value of ${name} has a line break.`, { facts: { header: name } })
  }
}
