import { XMLParser } from 'fast-xml-parser'
import { AnswerFault, type Slips } from './kindness.ts'
import { maxDepth, type WireStruct, type WireValue } from './wire.ts'
import { balanced } from './xml-tags.ts'

/** An element in the order of the text: one key, its name, with what is in it; or a piece of text under `#text`. */
interface XmlNode {
  readonly [name: string]: readonly XmlNode[] | string | undefined
}

/** Entities are put in by us: the five of XML and characters by number, and no others. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  htmlEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  cdataPropName: '#cdata',
})

/** A call of XML-RPC with a struct as its only parameter. */
export function printCall(method: string, data: WireStruct): string {
  const value = printValue(data)
  return `<?xml version="1.0" encoding="UTF-8"?>\n<methodCall><methodName>${method}</methodName><params><param>${value}</param></params></methodCall>\n`
}

/**
 * Reads a response of XML-RPC. Throws AnswerFault for what is none, and for a fault, whose text it gives.
 * @returns the value of its first parameter.
 */
export function readResponse(text: string, slips: Slips): WireValue {
  const { xml, isDamaged } = balanced(text)
  if (isDamaged) slips.add('xml-damaged', null, 'Its tags are not balanced; stray ones were passed over.')
  const roots = elements(parse(xml))
  const root = roots.find(({ name }) => name === 'methodResponse') ?? roots.find(({ name }) => name === 'methodCall')
  if (!root) throw new AnswerFault(`It is no XML-RPC response: it begins with ${shownRoot(roots[0]?.name)}.`)
  const fault = child(root.children, 'fault')
  if (fault) throw new AnswerFault(faultText(fault, slips))
  const parameters = child(root.children, 'params') ?? []
  const value = child(child(parameters, 'param') ?? [], 'value')
  if (!value) throw new AnswerFault('Its XML-RPC response has no value.')
  return readValue(value, slips, 0)
}

function parse(xml: string): readonly XmlNode[] {
  try {
    return parser.parse(xml) as readonly XmlNode[]
  } catch (thrown) {
    throw new AnswerFault(`Its XML cannot be read: ${(thrown as Error).message}`)
  }
}

function shownRoot(name: string | undefined): string {
  return name === undefined ? 'no element' : `<${name.slice(0, 40)}>`
}

function faultText(fault: readonly XmlNode[], slips: Slips): string {
  const value = readValue(child(fault, 'value') ?? [], slips, 0)
  const { faultCode = null, faultString = null } = isStruct(value) ? value : {}
  return `It is an XML-RPC fault: ${JSON.stringify(faultCode)} ${JSON.stringify(faultString)}`.slice(0, 300)
}

function readValue(nodes: readonly XmlNode[], slips: Slips, depth: number): WireValue {
  if (depth > maxDepth) throw new AnswerFault('Its XML is nested too deeply.')
  const [typed] = elements(nodes)
  // The specification of XML-RPC: without a type it is a string.
  if (!typed) return textOf(nodes)
  const { name, children } = typed
  switch (name) {
    case 'string':
      return textOf(children)
    case 'int':
    case 'i4':
    case 'i8':
    case 'double':
      return readNumber(textOf(children))
    case 'boolean':
      return readBoolean(textOf(children).trim())
    case 'nil':
      return null
    case 'struct':
      return readStruct(children, slips, depth)
    case 'array':
      return elements(child(children, 'data') ?? [])
        .filter((element) => element.name === 'value')
        .map((element) => readValue(element.children, slips, depth + 1))
    case 'dateTime.iso8601':
    case 'base64':
      return textOf(children).trim()
    default:
      slips.add('xml-type', name.slice(0, 40), `<${name.slice(0, 40)}> is no type of XML-RPC.`)
      return textOf(children)
  }
}

/**
 * What is no number stays a text: the field it is for decides what that means. So does one that would not be the same again as a
 * number, for it may be a telephone's or a menu's: `0501111111`, or more digits than a double holds.
 */
function readNumber(text: string): WireValue {
  const trimmed = text.trim()
  return /^[+-]?(0|[1-9]\d{0,14})(\.\d{0,15})?$/.test(trimmed) ? Number(trimmed) : text
}

function readBoolean(text: string): WireValue {
  if (text === '1' || text.toLowerCase() === 'true') return true
  return text === '0' || text.toLowerCase() === 'false' ? false : text
}

function readStruct(nodes: readonly XmlNode[], slips: Slips, depth: number): WireStruct {
  const struct: Record<string, WireValue> = Object.create(null)
  for (const { name, children } of elements(nodes)) {
    if (name !== 'member') continue
    // A stray <member> around others: the published SAYDIGITS sample has them.
    const inner = children.some((node) => 'member' in node) ? readStruct(children, slips, depth + 1) : {}
    Object.assign(struct, inner)
    const key = child(children, 'name')
    const value = child(children, 'value')
    if (key) struct[textOf(key).trim()] = value ? readValue(value, slips, depth + 1) : ''
    if (depth > maxDepth) throw new AnswerFault('Its XML is nested too deeply.')
  }
  return struct
}

export function isStruct(value: WireValue | undefined): value is WireStruct {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function elements(
  nodes: readonly XmlNode[],
): readonly { readonly name: string; readonly children: readonly XmlNode[] }[] {
  return nodes.flatMap((node) => {
    const entry = Object.entries(node).find(([name]) => !/^[#:]/.test(name))
    return entry ? [{ name: entry[0], children: entry[1] as readonly XmlNode[] }] : []
  })
}

function child(nodes: readonly XmlNode[], name: string): readonly XmlNode[] | undefined {
  return elements(nodes).find((element) => element.name === name)?.children
}

function textOf(nodes: readonly XmlNode[]): string {
  const pieces = nodes.map((node) => {
    const { '#text': text, '#cdata': section } = node
    if (typeof section === 'object') return section.map((inner) => rawText(inner)).join('')
    return typeof text === 'string' ? withEntities(text) : ''
  })
  return pieces.join('')
}

function rawText({ '#text': text }: XmlNode): string {
  return typeof text === 'string' ? text : ''
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** XML 1.0 §4.1, §4.6. What is no character stays as it is written. */
function withEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return named[name as string] ?? whole
      const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex as string, 16)
      return code > 0 && code <= 0x10_ffff && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : whole
    },
  )
}

function printValue(value: WireValue): string {
  if (typeof value === 'string') return `<value><string>${escaped(value)}</string></value>`
  if (typeof value === 'number') return `<value><int>${Math.trunc(value)}</int></value>`
  if (typeof value === 'boolean') return `<value><boolean>${value ? 1 : 0}</boolean></value>`
  if (value === null) return '<value><string></string></value>'
  if (isStruct(value)) {
    const members = Object.entries(value).map(([name, one]) => {
      return `<member><name>${escaped(name)}</name>${printValue(one)}</member>`
    })
    return `<value><struct>${members.join('')}</struct></value>`
  }
  return `<value><array><data>${value.map(printValue).join('')}</data></array></value>`
}

/** XML 1.0 §2.2: other control characters, and half of a surrogate pair, cannot be written at all, not even by number. */
const illegal = /[^\P{Cc}\t\n\r\x7f-\x9f]|\p{Cs}|[\ufffe\uffff]/gu

function escaped(text: string): string {
  return text
    .replace(illegal, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;')
}
