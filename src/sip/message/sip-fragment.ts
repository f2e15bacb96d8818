import { Buffer } from 'node:buffer'
import { reasonPhrase } from './reason-phrases.ts'

/** Content-Type of what a NOTIFY of REFER carries, RFC 3515 §2.4.5. */
export const sipFragmentType = 'message/sipfrag'

/** A status line with the longest phrase that makes sense; what stands behind it is not read. */
const maxStatusLine = 256

/**
 * The status of a message/sipfrag (RFC 3420) that begins with a status line, as every NOTIFY of a REFER does; null for any
 * other. Kindness: empty lines before it, bare line feeds, no reason phrase.
 */
export function readStatusFragment(body: Uint8Array): number | null {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, maxStatusLine)).toString('latin1')
  const status = /^\s*SIP\/2\.0[ \t]+([1-6]\d\d)(?![^\s])/i.exec(text)?.[1]
  return status === undefined ? null : Number(status)
}

/** @param status - 100 to 699. */
export function printStatusFragment(status: number): string {
  return `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`
}
