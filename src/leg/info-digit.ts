import type { Digit } from '../media/plane/types.ts'

export interface InfoDigit {
  readonly digit: Digit
  readonly durationMs: number
}

/** Codes of RFC 4733 §3.2 as some phones write them in `Signal=`. */
const byCode: Readonly<Record<string, string>> = { '10': '*', '11': '#', '12': 'A', '13': 'B', '14': 'C', '15': 'D' }

/** Length of a key press that the body does not tell. */
const usualDurationMs = 160

/** Bodies are a line or two; anything longer is not a digit. */
const maxBodyBytes = 256

/**
 * Reads a digit out of INFO: `application/dtmf-relay` (`Signal=5` and `Duration=160` on lines of their own) or
 * `application/dtmf` (the bare key). No RFC says how; these two forms are what telephones send.
 * @returns null for a body that is no digit (flash, 16, or damaged); 'unsupported' for another content type.
 */
export function readInfoDigit(contentType: string | null, body: Uint8Array): InfoDigit | null | 'unsupported' {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/dtmf-relay' && type !== 'application/dtmf') return 'unsupported'
  if (body.length > maxBodyBytes) return null
  const text = new TextDecoder().decode(body).trim()
  if (type === 'application/dtmf' && !text.includes('=')) return toInfoDigit(text, null)
  const fields = new Map<string, string>()
  for (const line of text.split(/\r\n|\r|\n/)) {
    const at = line.indexOf('=')
    if (at > 0) fields.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
  }
  return toInfoDigit(fields.get('signal') ?? '', fields.get('duration') ?? null)
}

function toInfoDigit(signal: string, duration: string | null): InfoDigit | null {
  const key = (byCode[signal] ?? signal).toUpperCase()
  if (!/^[0-9*#A-D]$/.test(key)) return null
  const durationMs = duration !== null && /^\d{1,5}$/.test(duration) ? Number(duration) : usualDurationMs
  return { digit: key as Digit, durationMs }
}
