import { CharClass, isToken, skipClass } from './char-classes.ts'
import { isHost, isIpv6 } from './host.ts'
import { maxParameters } from './limits.ts'
import { MessageError } from './message-error.ts'
import { quote, type Scanner } from './scanner.ts'
import type { Parameters } from './types.ts'

/** Shared by everything that has no parameters: most URIs and many addresses have none. Never written to. */
export const noParameters: Parameters = new Map()

/**
 * Reads `*( SEMI generic-param )` where the scanner stands, up to a comma or the end. RFC 3261 §25.1.
 * @throws MessageError `sip-message.header` on an empty, illegal or repeated parameter (§7.3.1).
 */
export function readParameters(scanner: Scanner): Parameters {
  let found: Map<string, string | null> | null = null
  while (scanner.takeSeparator(0x3b)) {
    const name = scanner.token('A parameter name').toLowerCase()
    const value = scanner.takeSeparator(0x3d) ? readValue(scanner, name) : null
    found ??= new Map()
    if (found.has(name)) scanner.fail('A parameter stands twice.')
    if (found.size >= maxParameters) tooMany()
    found.set(name, value)
  }
  return found ?? noParameters
}

/** `gen-value`: token / host / quoted-string. `received` may be an IPv6 address without brackets (RFC 5118 §4.5). */
function readValue(scanner: Scanner, name: string): string {
  if (scanner.peek() === 0x22) return scanner.quotedString()
  const start = scanner.position
  const stop = skipClass(scanner.text, start, scanner.end, CharClass.token)
  const next = stop < scanner.end ? scanner.text.charCodeAt(stop) : -1
  if (stop > start && next !== 0x3a && next !== 0x5b && next !== 0x5d) {
    scanner.position = stop
    return scanner.text.slice(start, stop)
  }
  const value = scanner.take(CharClass.value, 'A parameter value')
  if (isHost(value) || (name === 'received' && isIpv6(value))) return value
  scanner.position = start
  return scanner.fail('A parameter value is neither a token nor a host nor quoted.')
}

export function tooMany(): never {
  throw new MessageError('sip-message.too-large', 'There are too many parameters.', { facts: { bound: maxParameters } })
}

/** `;name=value` for each; a value that is neither token nor host is quoted. */
export function printParameters(parameters: Parameters): string {
  let out = ''
  for (const [name, value] of parameters) out += value === null ? `;${name}` : `;${name}=${printValue(value)}`
  return out
}

function printValue(value: string): string {
  if (isToken(value) || isHost(value)) return value
  // `received` of an IPv6 source goes without brackets: §25.1 `via-received`.
  return isIpv6(value) ? value : quote(value)
}
