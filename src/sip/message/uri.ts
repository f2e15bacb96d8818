import { CharClass, isClass, skipClass } from './char-classes.ts'
import { escape, unescape } from './escapes.ts'
import { canonicalHost, endOfHost } from './host.ts'
import { defaultLimits, maxParameters } from './limits.ts'
import { MessageError } from './message-error.ts'
import { noParameters, tooMany } from './parameters.ts'
import { isSipUri, type SipUri, type Uri } from './types.ts'

type UriHeaders = SipUri['headers']

const noHeaders: UriHeaders = []

/**
 * Reads a URI: SIP and SIPS by RFC 3261 §19.1 and §25.1, any other scheme as far as its characters are legal (RFC 2396).
 * One kindness: `#` is taken in the user part, where telephones send it unescaped in feature codes; it is printed `%23`.
 * @param text - exactly the URI, without <> and blanks.
 * @throws MessageError `sip-message.uri`; with status 414 when longer than `uriLength`.
 */
export function parseUri(text: string, uriLength = defaultLimits.uriLength): Uri {
  if (text.length > uriLength) {
    throw new MessageError('sip-message.too-large', 'The URI is too long.', {
      sipStatus: 414,
      facts: { bound: uriLength },
    })
  }
  const colon = text.indexOf(':')
  if (colon <= 0) fail('The URI has no scheme.', 0)
  const scheme = readScheme(text, colon)
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text, scheme, colon + 1)
  const opaque = text.slice(colon + 1)
  const bad = skipUric(text, colon + 1)
  if (opaque === '' || bad < text.length) illegal('rest', bad)
  return { scheme, opaque }
}

function readScheme(text: string, colon: number): string {
  // The two which nearly every URI has, without a new string.
  if (colon === 3 && text.startsWith('sip')) return 'sip'
  if (colon === 4 && text.startsWith('sips')) return 'sips'
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i)
    const isInner = i > 0 && (isClass(code, CharClass.digit) || code === 0x2b || code === 0x2d || code === 0x2e)
    if (!isInner && !isClass(code, CharClass.alpha)) fail('The scheme of the URI is illegal.', i)
  }
  return text.slice(0, colon).toLowerCase()
}

function parseSipUri(text: string, scheme: 'sip' | 'sips', from: number): SipUri {
  let position = from
  let user: string | null = null
  let password: string | null = null
  // No part behind the user may hold an unescaped @, so the first one ends the user part or the URI is illegal.
  const at = text.indexOf('@', from)
  if (at >= 0) {
    const userEnd = endOfPart(text, from, at, CharClass.user, true)
    user = readPart(text, from, userEnd, 'user part')
    if (user === '') fail('The user part is empty.', from)
    if (userEnd < at) {
      if (text.charCodeAt(userEnd) !== 0x3a) illegal('user part', userEnd)
      const passwordEnd = endOfPart(text, userEnd + 1, at, CharClass.password, false)
      if (passwordEnd < at) illegal('password', passwordEnd)
      password = readPart(text, userEnd + 1, at, 'password')
    }
    position = at + 1
  }
  const hostEnd = endOfHost(text, position, text.length)
  if (hostEnd < 0) fail('The host of the URI is illegal.', position)
  const host = canonicalHost(text.slice(position, hostEnd))
  position = hostEnd
  let port: number | null = null
  if (position < text.length && text.charCodeAt(position) === 0x3a) {
    const end = skipClass(text, position + 1, text.length, CharClass.digit)
    port = readPort(text, position + 1, end)
    if (port < 0) fail('The port of the URI is illegal.', position + 1)
    position = end
  }
  let parameters = noParameters
  let headers = noHeaders
  if (position < text.length) {
    const found = new Map<string, string | null>()
    position = readUriParameters(text, position, found)
    if (found.size > 0) parameters = found
    if (position < text.length) headers = readUriHeaders(text, position)
  }
  return { scheme, user, password, host, port, parameters, headers }
}

/** The number between the indexes, 0 to 65535; -1 when it is none. */
export function readPort(text: string, from: number, end: number): number {
  if (from === end || end - from > 5) return -1
  const port = Number(text.slice(from, end))
  return port <= 65_535 ? port : -1
}

/** Reads `*( ";" pname [ "=" pvalue ] )` into `found`, and returns where the headers begin, or the end. */
function readUriParameters(text: string, from: number, found: Map<string, string | null>): number {
  const { length } = text
  let position = from
  while (position < length && text.charCodeAt(position) === 0x3b) {
    const start = position
    const nameEnd = endOfPart(text, start + 1, length, CharClass.uriParameter, false)
    const name = readPart(text, start + 1, nameEnd, 'parameter').toLowerCase()
    position = nameEnd
    let value: string | null = null
    if (nameEnd < length && text.charCodeAt(nameEnd) === 0x3d) {
      position = endOfPart(text, nameEnd + 1, length, CharClass.uriParameter, false)
      value = readPart(text, nameEnd + 1, position, 'parameter')
    }
    if (name === '' || value === '') fail('A parameter of the URI is empty.', start)
    if (found.has(name)) fail('A parameter of the URI stands twice.', start)
    if (found.size >= maxParameters) tooMany()
    found.set(name, value)
  }
  return position
}

/** Reads `"?" hname "=" hvalue *( "&" hname "=" hvalue )` to the end of the text. */
function readUriHeaders(text: string, from: number): UriHeaders {
  const { length } = text
  const found: (readonly [string, string])[] = []
  let position = from
  while (position < length) {
    if (text.charCodeAt(position) !== (found.length === 0 ? 0x3f : 0x26)) illegal('rest', position)
    const start = position + 1
    const nameEnd = endOfPart(text, start, length, CharClass.uriHeader, false)
    if (nameEnd === start || nameEnd === length || text.charCodeAt(nameEnd) !== 0x3d) {
      fail('A header of the URI has no name or no value.', start)
    }
    position = endOfPart(text, nameEnd + 1, length, CharClass.uriHeader, false)
    if (found.length >= maxParameters) tooMany()
    found.push([readPart(text, start, nameEnd, 'header'), readPart(text, nameEnd + 1, position, 'header')])
  }
  return found
}

/** Where the characters of the class and the % of escapes end. */
function endOfPart(text: string, from: number, limit: number, bits: number, mayHash: boolean): number {
  let i = from
  while ((i = skipClass(text, i, limit, bits)) < limit) {
    const code = text.charCodeAt(i)
    if (code !== 0x25 && !(mayHash && code === 0x23)) return i
    i++
  }
  return limit
}

function readPart(text: string, from: number, end: number, what: string): string {
  return unescape(text.slice(from, end)) ?? fail(`The ${what} of the URI has a broken %-escape.`, from)
}

function illegal(what: string, offset: number): never {
  fail(`The ${what} of the URI has a character that is not allowed in it.`, offset)
}

function skipUric(text: string, from: number): number {
  let i = from
  while ((i = skipClass(text, i, text.length, CharClass.uri)) < text.length && text.charCodeAt(i) === 0x23) i++
  return i
}

function fail(sentence: string, offset: number): never {
  throw new MessageError('sip-message.uri', sentence, { facts: { offset } })
}

/** Writes a URI; everything that is not allowed in its place is escaped. */
export function printUri(uri: Uri): string {
  if (!isSipUri(uri)) return `${uri.scheme}:${uri.opaque}`
  let out = `${uri.scheme}:`
  if (uri.user !== null) {
    out += escape(uri.user, CharClass.user)
    if (uri.password !== null) out += `:${escape(uri.password, CharClass.password)}`
    out += '@'
  }
  out += uri.host
  if (uri.port !== null) out += `:${uri.port}`
  for (const [name, value] of uri.parameters) {
    out += `;${escape(name, CharClass.uriParameter)}`
    if (value !== null) out += `=${escape(value, CharClass.uriParameter)}`
  }
  let separator = '?'
  for (const [name, value] of uri.headers) {
    out += `${separator}${escape(name, CharClass.uriHeader)}=${escape(value, CharClass.uriHeader)}`
    separator = '&'
  }
  return out
}
