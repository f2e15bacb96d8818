import { maxListValues } from './limits.ts'
import { MessageError } from './message-error.ts'

/**
 * Splits a header value at its commas, leaving those inside quotes and <> alone, each part trimmed. RFC 3261 §7.3.1.
 * Empty parts are dropped (`Accept:` and `Supported:` may be empty; `a,,b` is a slip that means nothing else).
 * @throws MessageError `sip-message.header` on an open quote or <, `sip-message.too-large` above 256 parts.
 */
export function splitList(value: string): string[] {
  const parts: string[] = []
  const end = value.length
  let start = 0
  for (let i = 0; i <= end; i++) {
    const code = i < end ? value.charCodeAt(i) : 0x2c
    if (code === 0x22) i = closingQuote(value, i)
    else if (code === 0x3c) i = closingAngle(value, i)
    else if (code === 0x2c) {
      const part = value.slice(start, i).trim()
      if (part !== '') {
        if (parts.length >= maxListValues) {
          throw new MessageError('sip-message.too-large', 'The header field has too many values.', {
            facts: { bound: maxListValues },
          })
        }
        parts.push(part)
      }
      start = i + 1
    }
  }
  return parts
}

function closingQuote(value: string, from: number): number {
  for (let i = from + 1; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0x5c) i++
    else if (code === 0x22) return i
  }
  throw new MessageError('sip-message.header', 'A quote is not closed.', { facts: { offset: from } })
}

function closingAngle(value: string, from: number): number {
  const at = value.indexOf('>', from)
  if (at < 0) throw new MessageError('sip-message.header', 'A < is not closed.', { facts: { offset: from } })
  return at
}
