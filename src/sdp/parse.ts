import { ParseError } from '../base/errors.ts'
import type {
  AddressFamily,
  Attribute,
  Connection,
  MediaDescription,
  Origin,
  OtherLine,
  SessionDescription,
} from './session-description.ts'

/** Bounds of what is read. A browser's offer with everything has about 10 KiB, 250 lines, 3 streams. */
export const sdpLimits = { bytes: 65_536, lines: 2000, media: 32, formats: 128 } as const

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

interface MediaDraft extends Omit<Writable<MediaDescription>, 'attributes' | 'otherLines'> {
  attributes: Attribute[]
  otherLines: OtherLine[]
}

/** What of RFC 8866 §5 may come before the first m= line, and what behind one. Letters not named here make an SDP illegal. */
const sessionTypes = 'osiuepcbtrzka'
const mediaTypes = 'icbka'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const tokenPattern = /^[!#-'*+\-.0-9A-Z^-~]+$/
const printablePattern = /^[!-~]+$/

/**
 * Reads a session description. RFC 8866 §5 and §9.
 *
 * Strict about what media depends on: v=, o=, c=, t= and m= must be to the letter. Kind about the rest, for telephones
 * err there: bare LF, spaces at the end of a line, empty lines at the end, lines of one section in any order, s= or t=
 * missing, a user name with spaces. Attributes are kept as written; who uses one judges it.
 * @param bytes - the body of application/sdp; text beyond ASCII is UTF-8.
 * @throws ParseError `sdp.malformed` (facts: line), `sdp.too-large`.
 */
export function parseSdp(bytes: Uint8Array): SessionDescription {
  if (bytes.length > sdpLimits.bytes) throw tooLarge(`has ${bytes.length} bytes; ${sdpLimits.bytes} are accepted`)
  const reader = new Reader()
  let lineNumber = 0
  for (const line of linesOf(bytes)) {
    lineNumber++
    if (lineNumber > sdpLimits.lines) throw tooLarge(`has more than ${sdpLimits.lines} lines`)
    reader.read(line, lineNumber)
  }
  return reader.finish(lineNumber)
}

/** Lines without their ends. Empty ones at the end are left out. */
function linesOf(bytes: Uint8Array): readonly string[] {
  const lines = decoder.decode(bytes).split('\n')
  for (const [index, line] of lines.entries()) lines[index] = withoutEnd(line)
  while (lines.at(-1) === '') lines.pop()
  return lines
}

/** Without CR, spaces and tabs at the end. By hand: the usual regular expression looks at every space of the line. */
function withoutEnd(line: string): string {
  let end = line.length
  while (end > 0 && ' \t\r'.includes(line[end - 1] as string)) end--
  return end === line.length ? line : line.slice(0, end)
}

class Reader {
  #origin: Origin | null = null
  #sessionName = '-'
  #connection: Connection | null = null
  readonly #timings: string[] = []
  readonly #attributes: Attribute[] = []
  readonly #otherLines: OtherLine[] = []
  readonly #media: MediaDraft[] = []

  read(line: string, lineNumber: number): void {
    if (lineNumber === 1) {
      if (line !== 'v=0') throw malformed(1, 'must be v=0, which opens every session description')
      return
    }
    const type = line[0] ?? ''
    const value = line.slice(2)
    if (line[1] !== '=' || !/^[a-z]$/.test(type)) throw malformed(lineNumber, 'is not of the form letter=value')
    // RFC 8866 §5: text may not hold NUL or CR (LF has ended the line); other control characters have no business here.
    // oxlint-disable-next-line no-control-regex
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(value)) throw malformed(lineNumber, 'holds a control character')
    if (type === 'm') this.#addMedia(value, lineNumber)
    else this.#addLine(type, value, lineNumber)
  }

  finish(lineCount: number): SessionDescription {
    if (lineCount === 0) throw malformed(1, 'is missing: the session description is empty')
    if (!this.#origin) throw new ParseError('sdp.malformed', 'The session description has no o= line.')
    return {
      origin: this.#origin,
      sessionName: this.#sessionName,
      connection: this.#connection,
      timings: this.#timings,
      attributes: this.#attributes,
      otherLines: this.#otherLines,
      media: this.#media,
    }
  }

  #addMedia(value: string, lineNumber: number): void {
    if (this.#media.length >= sdpLimits.media) throw tooLarge(`has more than ${sdpLimits.media} streams`)
    this.#media.push(readMedia(value, lineNumber))
  }

  #addLine(type: string, value: string, lineNumber: number): void {
    const media = this.#media.at(-1)
    const allowed = media ? mediaTypes : sessionTypes
    if (!allowed.includes(type)) {
      throw malformed(lineNumber, `has the letter ${type}, which may not stand ${media ? 'behind an m= line' : 'here'}`)
    }
    const target = media ?? { attributes: this.#attributes, otherLines: this.#otherLines }
    if (type === 'a') {
      const attribute = readAttribute(value)
      if (attribute) target.attributes.push(attribute)
    } else if (type === 'c') this.#addConnection(readConnection(value, lineNumber), media, lineNumber)
    else if (type === 'o') {
      if (this.#origin) throw malformed(lineNumber, 'is a second o= line')
      this.#origin = readOrigin(value, lineNumber)
    } else if (type === 's') this.#sessionName = value
    else if (type === 't' || type === 'r') {
      if (type === 't' && !/^\d{1,20} +\d{1,20}$/.test(value)) throw malformed(lineNumber, 'must be two numbers (t=)')
      this.#timings.push(`${type}=${value}`)
    } else target.otherLines.push({ type, value })
  }

  #addConnection(connection: Connection, media: MediaDraft | undefined, lineNumber: number): void {
    if (!media) {
      if (this.#connection) throw malformed(lineNumber, 'is a second c= line of the session')
      this.#connection = connection
    } else {
      // Several of one stream are layers of multicast (§5.7); the first is the stream itself.
      media.connection ??= connection
    }
  }
}

/** `audio 49170 RTP/AVP 0 8 101`, `audio 49170/2 RTP/AVP 0`. */
function readMedia(value: string, lineNumber: number): MediaDraft {
  const [media = '', ports = '', protocol = '', ...formats] = value.split(/[ \t]+/)
  const port = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(ports)
  if (!tokenPattern.test(media)) throw malformed(lineNumber, 'names no medium (m=)')
  if (!port || Number(port[1]) > 65_535) throw malformed(lineNumber, 'has no port from 0 to 65535 (m=)')
  if (!protocol.split('/').every((part) => tokenPattern.test(part)))
    throw malformed(lineNumber, 'names no protocol (m=)')
  // Refused streams come without formats from some; an open one must have them.
  if (formats.length === 0 && Number(port[1]) !== 0) throw malformed(lineNumber, 'names no format (m=)')
  if (formats.length > sdpLimits.formats) throw tooLarge(`has a stream of more than ${sdpLimits.formats} formats`)
  if (!formats.every((format) => printablePattern.test(format)))
    throw malformed(lineNumber, 'has an illegal format (m=)')
  const portCount = Number(port[2] ?? 1)
  return {
    media: media.toLowerCase(),
    port: Number(port[1]),
    portCount: portCount === 0 ? 1 : portCount,
    protocol,
    formats,
    connection: null,
    attributes: [],
    otherLines: [],
  }
}

/** `IN IP4 192.0.2.1`, `IN IP4 224.2.1.1/127/3`. */
function readConnection(value: string, lineNumber: number): Connection {
  const [network, family, address = '', ...rest] = value.split(/[ \t]+/)
  const parts = /^([^/]+)((?:\/\d{1,5}){0,2})$/.exec(address)
  if (network?.toUpperCase() !== 'IN' || rest.length > 0 || !parts || !printablePattern.test(address)) {
    throw malformed(lineNumber, 'must be IN, IP4 or IP6, and an address (c=)')
  }
  return { family: readFamily(family, lineNumber), address: parts[1] as string, suffix: parts[2] as string }
}

/** `- 20518 1 IN IP4 203.0.113.1`. The address only makes the origin unique; it may be a name. */
function readOrigin(value: string, lineNumber: number): Origin {
  const words = value.split(/[ \t]+/)
  const [sessionId = '', version = '', network = '', family, address = ''] = words.slice(-5)
  const isWhole = words.length >= 5 && network.toUpperCase() === 'IN' && printablePattern.test(address)
  // A minus is a kindness: some print their number as signed.
  if (!isWhole || !/^-?\d{1,32}$/.test(sessionId) || !/^-?\d{1,32}$/.test(version)) {
    throw malformed(lineNumber, 'must be user, session number, version, IN, IP4 or IP6, address (o=)')
  }
  const username = words.slice(0, -5).join(' ') || '-'
  return { username, sessionId, version, family: readFamily(family, lineNumber), address }
}

function readFamily(text: string | undefined, lineNumber: number): AddressFamily {
  const family = text?.toLowerCase()
  if (family === 'ip4' || family === 'ip6') return family
  throw malformed(lineNumber, 'names neither IP4 nor IP6')
}

/** Names of attributes are kept in lower case. Null for what has no name at all. */
function readAttribute(value: string): Attribute | null {
  const colon = value.indexOf(':')
  const name = (colon < 0 ? value : value.slice(0, colon)).trim()
  if (!tokenPattern.test(name)) return null
  return { name: name.toLowerCase(), value: colon < 0 ? null : value.slice(colon + 1).trim() }
}

function malformed(line: number, what: string): ParseError {
  return new ParseError('sdp.malformed', `Line ${line} of the session description ${what}.`, { facts: { line } })
}

function tooLarge(what: string): ParseError {
  return new ParseError('sdp.too-large', `The session description ${what}.`, { sipStatus: 413 })
}
