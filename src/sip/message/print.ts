import { Buffer } from 'node:buffer'
import { MessageError } from './message-error.ts'
import { reasonPhrase } from './reason-phrases.ts'
import type { SipMessage } from './types.ts'
import { printUri } from './uri.ts'

/**
 * Writes a message as it goes on the wire. RFC 3261 §7. The header fields go as they stand in `headers`;
 * Content-Length is always written, and from the body.
 * @throws MessageError `sip-message.uri` when the Request-URI, made by hand, has a line break.
 */
export function printMessage(message: SipMessage): Uint8Array {
  const first =
    message.kind === 'request'
      ? `${message.method} ${printUri(message.uri)} SIP/2.0`
      : `SIP/2.0 ${message.status} ${printableReason(message.reason, message.status)}`
  // A URI that was not parsed but made may hold anything; it must not add header fields.
  if (first.includes('\r') || first.includes('\n')) {
    throw new MessageError('sip-message.uri', 'The Request-URI has a line break.')
  }
  return join(`${first}\r\n${message.headers.print('content-length')}`, message.body)
}

/** Head without Content-Length and the empty line, which are added, and body. */
export function join(head: string, body: Uint8Array): Uint8Array {
  const text = `${head}Content-Length: ${body.length}\r\n\r\n`
  if (body.length === 0) return Buffer.from(text, 'utf8')
  const headBytes = Buffer.byteLength(text, 'utf8')
  const out = Buffer.allocUnsafe(headBytes + body.length)
  out.write(text, 0, 'utf8')
  out.set(body, headBytes)
  return out
}

/** A reason phrase may hold no line break: §7.2. */
function printableReason(reason: string, status: number): string {
  return reason.includes('\r') || reason.includes('\n') ? reasonPhrase(status) : reason
}
