import { CharClass, skipClass } from './char-classes.ts'
import { canonicalHost, endOfHost } from './host.ts'
import { maxListValues } from './limits.ts'
import { MessageError } from './message-error.ts'
import { printParameters, readParameters } from './parameters.ts'
import { Scanner } from './scanner.ts'
import type { Via } from './types.ts'
import { readPort } from './uri.ts'

/** Every branch of RFC 3261 begins with it, and is longer: §8.1.1.7. */
export const magicCookie = 'z9hG4bK'

/**
 * Reads one Via value. RFC 3261 §20.42, §25.1.
 * @throws MessageError `sip-message.header`.
 */
export function parseVia(value: string): Via {
  const scanner = new Scanner(value)
  const via = readVia(scanner)
  scanner.expectEnd()
  return via
}

/** Reads one line of Via: one or more values with commas between. */
export function parseViaList(value: string): Via[] {
  const scanner = new Scanner(value)
  const found = [readVia(scanner)]
  while (scanner.takeSeparator(0x2c)) {
    if (found.length >= maxListValues) {
      throw new MessageError('sip-message.too-large', 'There are too many Via values.', {
        facts: { bound: maxListValues },
      })
    }
    found.push(readVia(scanner))
  }
  scanner.expectEnd()
  return found
}

function readVia(scanner: Scanner): Via {
  const transport = readProtocol(scanner)
  const hostEnd = endOfHost(scanner.text, scanner.position, scanner.end)
  if (hostEnd < 0) scanner.fail('The host of a Via is illegal.')
  const host = canonicalHost(scanner.text.slice(scanner.position, hostEnd))
  scanner.position = hostEnd
  const port = readViaPort(scanner)
  return { transport, host, port, parameters: readParameters(scanner) }
}

/** Whether the branch is written but says nothing: without a value, or the bare cookie (RFC 4475 §3.2.1). */
export function hasEmptyBranch(via: Via): boolean {
  const branch = via.parameters.get('branch')
  return branch === null || branch === magicCookie
}

/** `sent-protocol`: name SLASH version SLASH transport, then LWS. */
function readProtocol(scanner: Scanner): string {
  const { text } = scanner
  // As nearly everybody writes it, without a new string for each part.
  if (text.startsWith('SIP/2.0/UDP ', scanner.position)) return fast(scanner, 'UDP')
  if (text.startsWith('SIP/2.0/TCP ', scanner.position)) return fast(scanner, 'TCP')
  scanner.token('The protocol of a Via')
  if (!scanner.takeSeparator(0x2f)) scanner.fail('A / was expected in the Via.')
  scanner.token('The version of a Via')
  if (!scanner.takeSeparator(0x2f)) scanner.fail('A / was expected in the Via.')
  const transport = scanner.token('The transport of a Via')
  const code = scanner.peek()
  if (code !== 0x20 && code !== 0x09) scanner.fail('A blank was expected behind the transport of the Via.')
  scanner.skipBlanks()
  return transport.toUpperCase()
}

function fast(scanner: Scanner, transport: string): string {
  scanner.position += 12
  scanner.skipBlanks()
  return transport
}

function readViaPort(scanner: Scanner): number | null {
  if (!scanner.takeSeparator(0x3a)) return null
  const start = scanner.position
  const end = skipClass(scanner.text, start, scanner.end, CharClass.digit)
  const port = readPort(scanner.text, start, end)
  if (port < 0) scanner.fail('The port of a Via is illegal.')
  scanner.position = end
  return port
}

/** Writes one Via value, `SIP/2.0/UDP host:port;parameters`. */
export function printVia(via: Via): string {
  const port = via.port === null ? '' : `:${via.port}`
  return `SIP/2.0/${via.transport} ${via.host}${port}${printParameters(via.parameters)}`
}
