import { AnswerFault } from './kindness.ts'
import { maxDepth, type WireValue } from './wire.ts'

/**
 * Reads what JavaScript would write for an object: names without quotes, single quotes, a comma too many. The published
 * samples are written so. Evaluates nothing. Throws AnswerFault with the place.
 */
export function readLooseJson(text: string): WireValue {
  const reader = new LooseReader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

const words: Readonly<Record<string, WireValue>> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
}
const escapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

class LooseReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): WireValue {
    if (depth > maxDepth) throw this.#fault('it is nested too deeply')
    const mark = this.#peek()
    if (mark === '{') return this.#object(depth)
    if (mark === '[') return this.#list(depth)
    if (mark === '"' || mark === "'") return this.#quoted(mark)
    const word = this.#word()
    if (Object.hasOwn(words, word)) return words[word] ?? null
    if (/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word)) return Number(word)
    throw this.#fault('a value was expected')
  }

  end(): void {
    if (this.#peek() !== '') throw this.#fault('there is more behind the end')
  }

  #object(depth: number): WireValue {
    const object: Record<string, WireValue> = Object.create(null)
    this.#at++
    for (;;) {
      const mark = this.#peek()
      if (mark === '}') break
      const name = mark === '"' || mark === "'" ? this.#quoted(mark) : this.#word()
      if (this.#peek() !== ':') throw this.#fault('a colon was expected')
      this.#at++
      object[name] = this.value(depth + 1)
      if (!this.#goesOn('}')) break
    }
    this.#at++
    return object
  }

  #list(depth: number): WireValue {
    const list: WireValue[] = []
    this.#at++
    while (this.#peek() !== ']') {
      list.push(this.value(depth + 1))
      if (!this.#goesOn(']')) break
    }
    this.#at++
    return list
  }

  /** Takes a comma. False at the closing mark. */
  #goesOn(closing: string): boolean {
    const mark = this.#peek()
    if (mark === closing) return false
    if (mark !== ',') throw this.#fault(`a comma or ${closing} was expected`)
    this.#at++
    return true
  }

  #quoted(mark: string): string {
    let result = ''
    this.#at++
    for (;;) {
      const character = this.#text[this.#at++]
      if (character === undefined) throw this.#fault('a text has no end')
      if (character === mark) return result
      if (character !== '\\') {
        result += character
        continue
      }
      const escape = this.#text[this.#at++] ?? ''
      const code = escape === 'u' ? /^[0-9a-fA-F]{4}/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0] : undefined
      if (code !== undefined) this.#at += 4
      result += code === undefined ? (escapes[escape] ?? escape) : String.fromCharCode(Number.parseInt(code, 16))
    }
  }

  #word(): string {
    const from = this.#at
    while (/[\w.+$-]/.test(this.#text[this.#at] ?? '')) this.#at++
    if (this.#at === from) throw this.#fault('a name or a value was expected')
    return this.#text.slice(from, this.#at)
  }

  /** The next character behind blanks; empty at the end. */
  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at] ?? ''
  }

  #fault(what: string): AnswerFault {
    return new AnswerFault(`It is no JSON: at character ${this.#at + 1} ${what}.`)
  }
}
