import { isToken } from './char-classes.ts'
import { headerKey } from './header-names.ts'
import { Headers } from './headers.ts'
import { parseNameAddress } from './name-address.ts'
import { join } from './print.ts'
import { reasonPhrase } from './reason-phrases.ts'
import { splitList } from './split-list.ts'
import type { Via } from './types.ts'
import { parseVia, printVia } from './via.ts'

/** What could be saved of a malformed request, enough to answer it. Texts are as they came, unfolded, without line breaks. */
export interface RefusedRequest {
  readonly method: string
  /** The topmost Via as far as it is legible: where the answer goes (§18.2.2). */
  readonly via: Via
  /** Every Via value that is legible, topmost first; parts that are not legible are left out. */
  readonly vias: readonly [string, ...string[]]
  readonly from: string | null
  readonly to: string | null
  readonly sipCallId: string | null
  readonly cseq: string | null
}

export interface RefusalOptions {
  readonly reason?: string
  /** Put in place of the topmost Via: the one with `received` and `rport` in it. */
  readonly via?: Via
  /** Added to To where it is legible and has none. */
  readonly toTag?: string
  readonly headers?: Iterable<readonly [name: string, value: string]>
}

/** So many lines are looked at, and so many failures to read a Via taken; a malformed message is worth no more. */
const maxLines = 250
const maxViaFailures = 24

/** Counts down over one message, so that 64 KiB of broken Vias cost no more than a few. */
interface Patience {
  failuresLeft: number
}

/**
 * Looks through the head of a malformed message for what an answer must carry (RFC 3261 §8.2.6.2).
 * @param head - the text of the head, from the start line; it may end anywhere.
 * @returns null when the first line is not that of a request, for ACK, which is never answered, and when no Via is legible.
 */
export function salvageRequest(head: string): RefusedRequest | null {
  const lines = head.split('\r\n', maxLines)
  const method = requestMethod(lines[0] ?? '')
  if (method === null || method === 'ACK') return null
  const first = new Map<string, string>()
  const vias: string[] = []
  const patience: Patience = { failuresLeft: maxViaFailures }
  for (const [name, value] of headerLines(lines)) {
    const key = headerKey(name)
    if (key === 'via') vias.push(...legibleVias(value, patience))
    else if (!first.has(key)) first.set(key, value)
  }
  const [top, ...others] = vias
  if (top === undefined) return null
  return {
    method,
    via: parseVia(top),
    vias: [top, ...others],
    from: first.get('from') ?? null,
    to: first.get('to') ?? null,
    sipCallId: first.get('call-id') ?? null,
    cseq: first.get('cseq') ?? null,
  }
}

function requestMethod(line: string): string | null {
  const words = line.split(' ').filter((word) => word !== '')
  const method = words[0] ?? ''
  const version = words.at(-1) ?? ''
  return words.length >= 3 && isToken(method) && version.toUpperCase().startsWith('SIP/') ? method : null
}

function* headerLines(lines: readonly string[]): Generator<readonly [name: string, value: string]> {
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? ''
    if (line === '') return
    let text = line
    while (i + 1 < lines.length && isFolded(lines[i + 1] ?? '')) text += ` ${(lines[++i] ?? '').trim()}`
    const colon = text.indexOf(':')
    // A lone CR or LF could become a line break on its way back.
    if (colon <= 0 || text.includes('\r') || text.includes('\n')) continue
    const value = text.slice(colon + 1).trim()
    if (value !== '') yield [text.slice(0, colon).trimEnd(), value]
  }
}

function isFolded(line: string): boolean {
  return line.startsWith(' ') || line.startsWith('\t')
}

function legibleVias(value: string, patience: Patience): string[] {
  const values = attempt(() => splitList(value)) ?? [value]
  return values.flatMap((text) => legibleVia(text, patience) ?? [])
}

/** The value as it is if it is legal, else its protocol and host with those parameters that are legal one by one. */
function legibleVia(value: string, patience: Patience): string | null {
  if (isVia(value, patience)) return value
  const [start = '', ...parts] = value.split(';', maxViaFailures)
  if (!isVia(start, patience)) return null
  let text = start.trim()
  for (const part of parts) if (isVia(`${text};${part}`, patience)) text += `;${part.trim()}`
  return text
}

function isVia(text: string, patience: Patience): boolean {
  if (patience.failuresLeft === 0) return false
  const isLegal = attempt(() => parseVia(text)) !== null
  if (!isLegal) patience.failuresLeft--
  return isLegal
}

function attempt<Value>(run: () => Value): Value | null {
  try {
    return run()
  } catch {
    return null
  }
}

/**
 * Writes the answer to a malformed request. What is missing in the request is missing in the answer: nothing is made up.
 * @param status - 400 to 699; the error's `sipStatus`.
 * @throws MessageError `sip-message.header` when a header or the reason of `options` has a line break.
 */
export function buildRefusal(reply: RefusedRequest, status: number, options: RefusalOptions = {}): Uint8Array {
  const headers = Headers.empty()
  const [top, ...others] = reply.vias
  headers.append('Via', options.via === undefined ? top : printVia(options.via))
  for (const via of others) headers.append('Via', via)
  if (reply.from !== null) headers.append('From', reply.from)
  if (reply.to !== null) headers.append('To', withTag(reply.to, options.toTag))
  if (reply.sipCallId !== null) headers.append('Call-ID', reply.sipCallId)
  if (reply.cseq !== null) headers.append('CSeq', reply.cseq)
  for (const [name, value] of options.headers ?? []) headers.append(name, value)
  const reason = options.reason ?? reasonPhrase(status)
  return join(`SIP/2.0 ${status} ${reason}\r\n${headers.print('content-length')}`, new Uint8Array(0))
}

function withTag(to: string, tag: string | undefined): string {
  if (tag === undefined) return to
  const address = attempt(() => parseNameAddress(to))
  return address === null || address.parameters.has('tag') ? to : `${to};tag=${tag}`
}
