import { isToken } from './char-classes.ts'
import { maxCSeq, parseBounded, parseCSeq } from './cseq.ts'
import { HeaderRole, knownHeader } from './header-names.ts'
import { Headers } from './headers.ts'
import type { MessageLimits } from './limits.ts'
import { MessageError } from './message-error.ts'
import { parseNameAddress, parseNameAddressList, parseRouteList } from './name-address.ts'
import { isBlank } from './scanner.ts'
import { parseSipDate } from './sip-date.ts'
import { parseStartLine, type RequestLine, type StatusLine } from './start-line.ts'
import type { CSeq, NameAddress, Via } from './types.ts'
import { maxDeltaSeconds, parseContentType } from './values.ts'
import { hasEmptyBranch, parseViaList } from './via.ts'

/** A header field that is looked at while parsing, and where its value begins in the head's text. */
interface Line {
  readonly name: string
  readonly role: number
  readonly value: string
  readonly offset: number
}

const requestUntilRead: RequestLine = { kind: 'request', method: '', uri: { scheme: '', opaque: '' } }

/** Reads the head of one message, line by line, and remembers where it is, for errors. */
export class HeadReader {
  readonly text: string
  readonly headers = Headers.empty()
  /** A request until the first line says otherwise: what cannot be told is answered rather than dropped. */
  startLine: RequestLine | StatusLine = requestUntilRead
  readonly #limits: MessageLimits
  readonly #lines: Line[] = []
  /** Bit per role: which of the header fields that may stand once have been seen. */
  #seen = 0
  #singles: Set<string> | null = null
  #header: string | null = null
  #offset = 0

  constructor(text: string, limits: MessageLimits) {
    this.text = text
    this.#limits = limits
  }

  get place(): { readonly header: string | null; readonly offset: number } {
    return { header: this.#header, offset: this.#offset }
  }

  /** Start line and all header lines into `headers`. */
  readHead(): void {
    const firstEnd = this.#lineEnd(0)
    this.startLine = parseStartLine(this.text.slice(0, firstEnd), this.#limits)
    let position = firstEnd + 2
    while (position < this.text.length) position = this.#readLine(position)
  }

  /** Behind which errors belong to no header field. */
  leave(): void {
    this.#header = null
    this.#offset = 0
  }

  /** The only line of that name; errors from here on are in it. */
  enter(name: string): string | null {
    for (const line of this.#lines) if (line.name === name) return this.#enterLine(line)
    this.leave()
    return null
  }

  required(name: string): string {
    const value = this.enter(name)
    if (value !== null) return value
    throw new MessageError('sip-message.header-missing', 'The header field is missing.', { facts: { header: name } })
  }

  fail(sentence: string): never {
    throw new MessageError('sip-message.header', sentence)
  }

  vias(): [Via, ...Via[]] {
    const found: Via[] = []
    for (const line of this.#lines) {
      if (line.role !== HeaderRole.via) continue
      found.push(...parseViaList(this.#enterLine(line)))
      if (found.length > this.#limits.vias) this.#tooMany('There are too many Via values.', this.#limits.vias)
    }
    const [top, ...others] = found
    if (top === undefined) {
      this.required('Via')
      this.fail('The Via is empty.')
    }
    if (hasEmptyBranch(top)) this.fail('The branch of the topmost Via is empty (§8.1.1.7).')
    return [top, ...others]
  }

  address(name: 'From' | 'To'): NameAddress {
    const address = parseNameAddress(this.required(name), this.#limits.uriLength)
    const tag = address.parameters.get('tag')
    if (tag === null || (tag !== undefined && !isToken(tag))) this.fail('The tag is no token.')
    return address
  }

  cseq(): CSeq {
    return parseCSeq(this.required('CSeq'))
  }

  maxForwards(): number | null {
    const value = this.enter('Max-Forwards')
    // 0 to 255: RFC 3261 §20.22.
    return value === null ? null : parseBounded(value, 255)
  }

  contentLength(): number | null {
    const value = this.enter('Content-Length')
    return value === null ? null : parseBounded(value, maxCSeq)
  }

  /** The header fields which the message needs not have, but which are then asked to be right. */
  checkRest(): void {
    let contacts = 0
    let hasStar = false
    for (const line of this.#lines) {
      const { role } = line
      if (role === HeaderRole.contact) {
        const value = this.#enterLine(line)
        if (value === '*') hasStar = true
        else parseNameAddressList(value, this.#limits.uriLength)
        contacts++
      } else if (role === HeaderRole.route) parseRouteList(this.#enterLine(line), this.#limits.uriLength)
      else if (role === HeaderRole.expires) parseBounded(this.#enterLine(line), maxDeltaSeconds)
      else if (role === HeaderRole.contentType) parseContentType(this.#enterLine(line))
      else if (role === HeaderRole.date && parseSipDate(this.#enterLine(line)) === null)
        this.fail('This is no SIP date.')
    }
    if (hasStar && contacts > 1) {
      this.enter('Contact')
      this.fail('A Contact of * stands alone (§10.2.2).')
    }
  }

  /** Index of the CR that ends the line at `from`; lines end in CRLF and neither stands alone in one. */
  #lineEnd(from: number): number {
    const cr = this.text.indexOf('\r', from)
    const lf = this.text.indexOf('\n', from)
    if (cr < 0 || lf !== cr + 1) {
      this.#offset = from
      throw new MessageError('sip-message.framing', 'A line does not end in CRLF.')
    }
    if (lf - from > this.#limits.lineLength) {
      this.#offset = from
      this.#tooMany('A line is too long.', this.#limits.lineLength)
    }
    return cr
  }

  /** Reads one header field, its folded lines included (§7.3.1), and returns where the next one begins. */
  #readLine(start: number): number {
    const { text } = this
    let end = this.#lineEnd(start)
    const colon = text.indexOf(':', start)
    if (colon < 0 || colon > end) this.#failAt(start, 'A header field has no colon.')
    const spelling = text.slice(start, colon)
    const entry = knownHeader(spelling) ?? knownHeader(spelling.trimEnd())
    const name = entry?.name ?? this.#otherName(spelling, start)
    let offset = colon + 1
    while (offset < end && isBlank(text.charCodeAt(offset))) offset++
    let value = offset < end ? text.slice(offset, trimmedEnd(text, offset, end)) : ''
    while (end + 2 < text.length && isBlank(text.charCodeAt(end + 2))) {
      const from = end + 2
      end = this.#lineEnd(from)
      if (end - start > this.#limits.lineLength) this.#tooMany('A header field is too long.', this.#limits.lineLength)
      const more = text.slice(from, end).trim()
      if (value === '') value = more
      else if (more !== '') value += ` ${more}`
    }
    if (this.headers.count >= this.#limits.headerFields) {
      this.#tooMany('There are too many header fields.', this.#limits.headerFields)
    }
    this.headers.push(name, entry?.key ?? name.toLowerCase(), value)
    if (entry !== undefined && entry.role !== HeaderRole.other)
      this.#remember({ name, role: entry.role, value, offset })
    return end + 2
  }

  #remember(line: Line): void {
    const { role, name } = line
    let isRepeated = false
    if (role === HeaderRole.single || role === HeaderRole.expires) {
      this.#singles ??= new Set()
      isRepeated = this.#singles.has(name)
      this.#singles.add(name)
    } else if (role !== HeaderRole.via && role !== HeaderRole.contact && role !== HeaderRole.route) {
      isRepeated = (this.#seen & (1 << role)) !== 0
      this.#seen |= 1 << role
    }
    if (isRepeated) {
      this.#enterLine(line)
      throw new MessageError('sip-message.header-repeated', 'The header field may stand only once.')
    }
    if (role !== HeaderRole.single) this.#lines.push(line)
  }

  #otherName(spelling: string, start: number): string {
    const name = spelling.trimEnd()
    if (!isToken(name)) this.#failAt(start, 'The name of a header field is no token.')
    return name
  }

  #enterLine(line: Line): string {
    this.#header = line.name
    this.#offset = line.offset
    return line.value
  }

  #failAt(offset: number, sentence: string): never {
    this.#offset = offset
    this.fail(sentence)
  }

  #tooMany(sentence: string, bound: number): never {
    throw new MessageError('sip-message.too-large', sentence, { sipStatus: 513, facts: { bound } })
  }
}

function trimmedEnd(text: string, from: number, end: number): number {
  let i = end
  while (i > from && isBlank(text.charCodeAt(i - 1))) i--
  return i
}
