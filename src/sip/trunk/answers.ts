import type { SipResponse } from '../message/types.ts'
import { parseDeltaSeconds } from '../message/values.ts'

/**
 * Statuses by which a host says, or a proxy before it, that nobody is at work there: RFC 3261 §21.4.9, §21.5.4, §21.5.5.
 * Any other answer, a refusal too, comes from somebody who is alive.
 */
const absentStatuses: ReadonlySet<number> = new Set([408, 503, 504])

export function isAbsence(status: number): boolean {
  return absentStatuses.has(status)
}

/** The value of a header field that is a number of seconds; null where it is absent or illegible. */
export function secondsIn(response: SipResponse, header: 'Retry-After' | 'Min-Expires' | 'Expires'): number | null {
  const value = response.headers.get(header)
  return value === undefined ? null : readSeconds(value)
}

export function readSeconds(value: string): number | null {
  try {
    return parseDeltaSeconds(value).seconds
  } catch {
    return null
  }
}

export function retryAfterMs(response: SipResponse): number | null {
  const seconds = secondsIn(response, 'Retry-After')
  return seconds === null ? null : seconds * 1000
}
