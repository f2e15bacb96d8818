import { AnswerFault, type Slip, Slips } from './kindness.ts'
import { readLooseJson } from './loose-json.ts'
import { type MethodData, type MethodName, maxDepth, type WireFormat, type WireStruct, type WireValue } from './wire.ts'
import { isStruct, printCall, readResponse } from './xml-rpc.ts'

/** A request as it travels. */
export interface EncodedRequest {
  readonly contentType: string
  readonly body: string
}

const contentTypes: Readonly<Record<WireFormat, string>> = {
  xmlrpc: 'text/xml; charset=utf-8',
  json: 'application/json; charset=utf-8',
}

/** Writes a request strictly: the fields in the published order, strings as strings, whole numbers as such. */
export function encodeRequest<Method extends MethodName>(
  format: WireFormat,
  method: Method,
  data: MethodData[Method],
): EncodedRequest {
  const struct = data as unknown as WireStruct
  const body = format === 'xmlrpc' ? printCall(method, struct) : JSON.stringify({ METHOD: method, DATA: struct })
  return { contentType: contentTypes[format], body }
}

export type DecodedAnswer =
  | { readonly kind: 'struct'; readonly struct: WireStruct; readonly slips: readonly Slip[] }
  /** @param sentence - what is wrong with it: `It is empty.` */
  | { readonly kind: 'unreadable'; readonly sentence: string; readonly slips: readonly Slip[] }

/**
 * Reads what a handler answered as the struct that both formats have in common. Never throws.
 * @param contentType - of the answer; undefined where it has none.
 */
export function decodeAnswer(format: WireFormat, body: Uint8Array, contentType: string | undefined): DecodedAnswer {
  const slips = new Slips()
  try {
    const text = readText(format, body, contentType, slips)
    if (text.trim() === '') throw new AnswerFault('It is empty.')
    checkContentType(format, contentType, slips)
    const value = format === 'xmlrpc' ? readResponse(text, slips) : readJson(text, slips)
    return { kind: 'struct', struct: unwrapped(value, slips), slips: slips.list() }
  } catch (thrown) {
    if (!(thrown instanceof AnswerFault)) throw thrown
    return { kind: 'unreadable', sentence: thrown.message, slips: slips.list() }
  }
}

/** RFC 7303 §8.2: the header wins over the declaration; and handlers of this API are Israeli, with Hebrew code pages. */
function readText(format: WireFormat, body: Uint8Array, contentType: string | undefined, slips: Slips): string {
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf
  if (hasMark && format === 'json') slips.add('byte-order-mark', null, 'It begins with a byte-order mark.')
  const declared = charsetOf(contentType) ?? (format === 'xmlrpc' ? encodingIn(body) : null)
  const charset = declared === null || hasMark || isPlain(declared) ? 'utf-8' : declared
  if (charset !== 'utf-8') slips.add('charset', null, `It is written in ${charset}.`)
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body)
  } catch {
    slips.add('charset', null, `It is not legal ${charset}: what could not be read was replaced.`)
  }
  try {
    return new TextDecoder(charset).decode(body)
  } catch {
    return new TextDecoder().decode(body)
  }
}

function charsetOf(contentType: string | undefined): string | null {
  return /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? '')?.[1]?.toLowerCase() ?? null
}

/** Of the XML declaration. */
function encodingIn(body: Uint8Array): string | null {
  const head = String.fromCharCode(...body.subarray(0, 120))
  return /^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.:-]{1,40})/i.exec(head)?.[1]?.toLowerCase() ?? null
}

/** UTF-8, or a part of it; a charset of these names that the text does not keep to is told by the decoder. */
function isPlain(charset: string): boolean {
  return ['utf-8', 'utf8', 'us-ascii', 'ascii', 'unicode-1-1-utf-8'].includes(charset)
}

const mediaTypes: Readonly<Record<WireFormat, RegExp>> = {
  xmlrpc: /^\s*(text|application)\/(xml|[\w.-]+\+xml)\s*(;|$)/i,
  json: /^\s*application\/(json|[\w.-]+\+json)\s*(;|$)/i,
}

function checkContentType(format: WireFormat, contentType: string | undefined, slips: Slips): void {
  if (contentType !== undefined && mediaTypes[format].test(contentType)) return
  const said =
    contentType === undefined ? 'Its Content-Type is missing' : `Its Content-Type is ${contentType.slice(0, 60)}`
  const wanted = format === 'xmlrpc' ? 'text/xml' : 'application/json'
  slips.add('content-type', null, `${said}; ${wanted} was expected.`)
}

function readJson(text: string, slips: Slips): WireValue {
  let strict: unknown
  try {
    strict = JSON.parse(text)
  } catch {
    const loose = readLooseJson(text)
    slips.add(
      'json-loose',
      null,
      'It is not JSON: names and texts go into double quotes, and no comma stands before a bracket.',
    )
    return loose
  }
  return toWire(strict, 0)
}

/** What JSON.parse gives, its depth checked. */
function toWire(value: unknown, depth: number): WireValue {
  if (depth > maxDepth) throw new AnswerFault('Its JSON is nested too deeply.')
  if (Array.isArray(value)) return value.map((one) => toWire(one, depth + 1))
  if (typeof value === 'object' && value !== null) {
    const struct: Record<string, WireValue> = Object.create(null)
    for (const [name, one] of Object.entries(value)) struct[name] = toWire(one, depth + 1)
    return struct
  }
  return value as string | number | boolean | null
}

/** The struct itself, or the one in a list or an envelope such as requests have. */
function unwrapped(value: WireValue, slips: Slips): WireStruct {
  const first = Array.isArray(value) && value.length === 1 ? (value[0] as WireValue) : value
  if (first !== value) slips.add('envelope', null, 'It stands in a list of one.')
  if (!isStruct(first)) throw new AnswerFault(`It is no struct but ${kindOf(first)}.`)
  const { DATA: data } = first
  const isEnvelope = !hasField(first, 'ACTION') && !hasField(first, 'STATUS') && isStruct(data)
  if (!isEnvelope || !(hasField(data, 'ACTION') || hasField(data, 'STATUS'))) return first
  slips.add('envelope', null, 'It has an envelope with METHOD and DATA, which only requests have.')
  return data
}

function hasField(struct: WireStruct, name: string): boolean {
  return Object.keys(struct).some((key) => key.trim().toUpperCase() === name)
}

function kindOf(value: WireValue): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
