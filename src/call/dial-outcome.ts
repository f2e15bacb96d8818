import { type HangupCause, hangupCauses } from '../leg/hangup-cause.ts'

/** Why nobody was reached. */
export type DialFailure =
  | 'busy'
  | 'declined'
  | 'do-not-disturb'
  | 'no-answer'
  | 'not-registered'
  | 'unreachable'
  /** By the rules or over a limit. */
  | 'refused'
  | 'failed'

/** Where several were rung, the outcome is that of the one who came nearest to taking the call: the first here that occurred. */
export const failuresBestFirst: readonly DialFailure[] = [
  'busy',
  'declined',
  'do-not-disturb',
  'no-answer',
  'not-registered',
  'unreachable',
  'refused',
  'failed',
]

const failures: Readonly<Record<HangupCause, DialFailure>> = {
  normal: 'no-answer',
  busy: 'busy',
  'no-answer': 'no-answer',
  rejected: 'declined',
  cancelled: 'no-answer',
  'answered-elsewhere': 'declined',
  transferred: 'failed',
  'do-not-disturb': 'do-not-disturb',
  'number-unknown': 'unreachable',
  'number-incomplete': 'unreachable',
  'not-registered': 'not-registered',
  'temporarily-unavailable': 'unreachable',
  unauthorized: 'failed',
  forbidden: 'refused',
  'not-acceptable': 'failed',
  congestion: 'failed',
  'limit-exceeded': 'refused',
  timeout: 'unreachable',
  'too-many-hops': 'failed',
  'ack-missing': 'failed',
  'media-timeout': 'failed',
  'session-expired': 'failed',
  'network-failure': 'failed',
  'flow-failed': 'failed',
  'server-error': 'failed',
  shutdown: 'failed',
  interrupted: 'failed',
}

/** @param hasRung - a telephone that rang and then gave 408 or 480 was not answered; one that never did is not there. */
export function failureOf(cause: HangupCause, hasRung: boolean): DialFailure {
  const failure = failures[cause]
  const isSilence = cause === 'timeout' || cause === 'temporarily-unavailable'
  return isSilence && hasRung ? 'no-answer' : failure
}

/** The cause that a leg waiting for an answer is refused with, and a transferor is told, for each outcome. */
export const causeOfFailure: Readonly<Record<DialFailure, HangupCause>> = {
  busy: 'busy',
  declined: 'rejected',
  'do-not-disturb': 'do-not-disturb',
  'no-answer': 'no-answer',
  'not-registered': 'not-registered',
  unreachable: 'number-unknown',
  refused: 'forbidden',
  failed: 'network-failure',
}

/**
 * Says of one or several why they were not reached: `137 was busy.`
 * @param why - what is known beyond the outcome, in brackets: `404, Unallocated number`; null for nothing.
 */
export function failureSentence(
  failure: DialFailure,
  whom: readonly string[],
  seconds: number,
  why: string | null,
): string {
  const names = listed(whom)
  const because = why === null ? '' : ` (${why})`
  switch (failure) {
    case 'busy':
      return `${names} ${whom.length > 1 ? 'were' : 'was'} busy.`
    case 'declined':
      return `${names} declined the call.`
    case 'do-not-disturb':
      return `${names} ${whom.length > 1 ? 'do' : 'does'} not want to be disturbed.`
    case 'no-answer':
      return `Nobody answered at ${names} within ${seconds} s.`
    case 'not-registered':
      return `No telephone is registered for ${names}.`
    case 'unreachable':
      return `${names} could not be reached${because}.`
    case 'refused':
      return `The call to ${names} was not allowed${because}.`
    case 'failed':
      return `The call to ${names} failed${because}.`
  }
}

/** `404, Unallocated number`. */
export function causeText(cause: HangupCause, sipStatus: number | null): string {
  const { text } = hangupCauses[cause]
  return sipStatus === null ? text : `${sipStatus}, ${text}`
}

/** `137`, `137 and 138`, `137, 138 and 139`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? 'nobody') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
