import { CharClass, isClass, skipClass } from './char-classes.ts'
import { defaultLimits, maxListValues } from './limits.ts'
import { MessageError } from './message-error.ts'
import { printParameters, readParameters } from './parameters.ts'
import { quote, Scanner } from './scanner.ts'
import type { NameAddress, Uri } from './types.ts'
import { parseUri, printUri } from './uri.ts'

/**
 * Reads one `name-addr / addr-spec` with its parameters: From, To, Refer-To and their like. RFC 3261 §20.10, §25.1.
 * Kindness: bytes above ASCII are taken in a display name without quotes.
 * @throws MessageError `sip-message.header`, `sip-message.uri`, `sip-message.too-large`.
 */
export function parseNameAddress(value: string, uriLength = defaultLimits.uriLength): NameAddress {
  const scanner = new Scanner(value)
  const address = readNameAddress(scanner, uriLength)
  scanner.expectEnd()
  return address
}

/** Reads one or more with commas between: one line of Contact, P-Asserted-Identity, Diversion. Throws as above. */
export function parseNameAddressList(value: string, uriLength = defaultLimits.uriLength): NameAddress[] {
  return readList(value, uriLength, true)
}

/**
 * Reads one line of Route, Record-Route, Service-Route or Path. There <> is a must (§20.34): without it `;lr` would be
 * taken from the URI and loose routing for strict routing. Throws as above.
 */
export function parseRouteList(value: string, uriLength = defaultLimits.uriLength): NameAddress[] {
  return readList(value, uriLength, false)
}

function readList(value: string, uriLength: number, mayBeBare: boolean): NameAddress[] {
  const scanner = new Scanner(value)
  const found = [readNameAddress(scanner, uriLength, mayBeBare)]
  while (scanner.takeSeparator(0x2c)) {
    if (found.length >= maxListValues) {
      throw new MessageError('sip-message.too-large', 'There are too many addresses.', {
        facts: { bound: maxListValues },
      })
    }
    found.push(readNameAddress(scanner, uriLength, mayBeBare))
  }
  scanner.expectEnd()
  return found
}

function readNameAddress(scanner: Scanner, uriLength: number, mayBeBare = true): NameAddress {
  scanner.skipBlanks()
  let displayName: string | null = null
  let uri: Uri
  if (scanner.peek() === 0x22) {
    displayName = scanner.quotedString()
    scanner.skipBlanks()
    if (scanner.peek() !== 0x3c) scanner.fail('A < was expected behind the display name.')
    uri = readAngleUri(scanner, uriLength)
  } else if (scanner.peek() === 0x3c) {
    uri = readAngleUri(scanner, uriLength)
  } else {
    const start = scanner.position
    const stop = endOfWords(scanner)
    if (stop < scanner.end && scanner.text.charCodeAt(stop) === 0x3c) {
      displayName = scanner.text.slice(start, stop).trimEnd()
      scanner.position = stop
      uri = readAngleUri(scanner, uriLength)
    } else {
      if (!mayBeBare) scanner.fail('The URI has to stand in <>.')
      uri = readBareUri(scanner, uriLength)
    }
  }
  return { displayName, uri, parameters: readParameters(scanner) }
}

/** Behind `*( token LWS )`, with anything above ASCII let through. */
function endOfWords(scanner: Scanner): number {
  const { text, end } = scanner
  let i = scanner.position
  while (i < end) {
    const code = text.charCodeAt(i)
    if (code !== 0x20 && code !== 0x09 && code < 0x80 && !isClass(code, CharClass.token)) return i
    i++
  }
  return end
}

function readAngleUri(scanner: Scanner, uriLength: number): Uri {
  const open = scanner.position
  const close = scanner.text.indexOf('>', open)
  if (close < 0 || close >= scanner.end) scanner.fail('A < is not closed.')
  scanner.position = close + 1
  return uriAt(scanner, open + 1, close, uriLength)
}

/**
 * An addr-spec without <>: what stands behind `;` then belongs to the header field, and a URI with a comma, a question
 * mark or a semicolon of its own may not be written this way (§20.10).
 */
function readBareUri(scanner: Scanner, uriLength: number): Uri {
  const { text, end } = scanner
  const start = scanner.position
  let stop = start
  while (stop < end) {
    const code = text.charCodeAt(stop)
    if (code === 0x3b || code === 0x2c || code === 0x20 || code === 0x09) break
    if (code === 0x3f) {
      scanner.position = stop
      scanner.fail('A URI with a question mark has to stand in <>.')
    }
    stop++
  }
  scanner.position = stop
  return uriAt(scanner, start, stop, uriLength)
}

function uriAt(scanner: Scanner, from: number, end: number, uriLength: number): Uri {
  try {
    return parseUri(scanner.text.slice(from, end), uriLength)
  } catch (error) {
    if (!(error instanceof MessageError)) throw error
    const offset = typeof error.facts.offset === 'number' ? error.facts.offset : 0
    throw new MessageError(error.code, error.message, {
      sipStatus: error.sipStatus,
      facts: { ...error.facts, offset: from + offset },
    })
  }
}

/**
 * Writes one address, always with <>: then it means the same in every header field. A display name of plain ASCII words
 * stays unquoted.
 */
export function printNameAddress(address: NameAddress): string {
  const { displayName } = address
  const uri = `<${printUri(address.uri)}>`
  const shown = displayName === null ? '' : `${isWords(displayName) ? displayName : quote(displayName)} `
  return shown + uri + printParameters(address.parameters)
}

function isWords(text: string): boolean {
  const first = text.charCodeAt(0)
  if (text === '' || first === 0x20 || text.endsWith(' ') || text.includes('  ')) return false
  let i = 0
  while ((i = skipClass(text, i, text.length, CharClass.token)) < text.length) {
    if (text.charCodeAt(i) !== 0x20) return false
    i++
  }
  return true
}
