import { parseReasonList, printReason, type ReasonValue } from '../message/reason.ts'
import type { SipMessage } from '../message/types.ts'
import type { ExtraHeaders, Reason } from './types.ts'

/** The reasons of a BYE or CANCEL that mean something to us (RFC 3326 §2); illegal ones are left out. */
export function reasonsOf(message: SipMessage): readonly Reason[] {
  try {
    return message.headers.getAll('Reason').flatMap((line) => parseReasonList(line).filter(isKnown))
  } catch {
    return []
  }
}

function isKnown(value: ReasonValue): value is ReasonValue & Reason {
  return (value.protocol === 'SIP' || value.protocol === 'Q.850') && value.cause !== null
}

/** Reason header fields, one per reason. */
export function reasonHeaders(reasons: readonly Reason[] = []): ExtraHeaders {
  return reasons.map((reason) => ['Reason', printReason(reason)] as const)
}
