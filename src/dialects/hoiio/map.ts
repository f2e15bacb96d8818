import type { ConferenceOutcome } from '../../action/conference.ts'
import type { DialOutcome } from '../../action/dial.ts'
import type { CallRecord } from '../../call/records.ts'
import type { HangupCause } from '../../leg/hangup-cause.ts'
import type { ReachStatus } from './wire.ts'

/** `dial_status` of a call that we placed, from its closed record. */
export function dialStatusOf(record: Pick<CallRecord, 'answeredAt' | 'cause'>): ReachStatus {
  if (record.answeredAt !== null) return 'answered'
  return record.cause === null ? 'failed' : statusOfCause(record.cause)
}

/** The column of the table of causes: why one whom we rang has not answered. */
function statusOfCause(cause: HangupCause): ReachStatus {
  switch (cause) {
    case 'busy':
    case 'do-not-disturb':
      return 'busy'
    case 'normal':
    case 'no-answer':
    case 'rejected':
    case 'cancelled':
    case 'answered-elsewhere':
    case 'temporarily-unavailable':
      return 'unanswered'
    case 'transferred':
    case 'number-unknown':
    case 'number-incomplete':
    case 'too-many-hops':
    case 'not-registered':
    case 'unauthorized':
    case 'forbidden':
    case 'not-acceptable':
    case 'congestion':
    case 'limit-exceeded':
    case 'timeout':
    case 'ack-missing':
    case 'media-timeout':
    case 'session-expired':
    case 'network-failure':
    case 'flow-failed':
    case 'server-error':
    case 'shutdown':
    case 'interrupted':
      return 'failed'
  }
}

/** `transfer_status` of a transfer to a number; null where the call was over before it was decided. */
export function transferStatusOf(outcome: Pick<DialOutcome, 'outcome' | 'answeredBy'>): ReachStatus | null {
  if (outcome.answeredBy !== null) return 'answered'
  switch (outcome.outcome) {
    case 'answered':
    case 'completed':
    case 'transferred':
      return 'answered'
    case 'busy':
    case 'do-not-disturb':
      return 'busy'
    case 'no-answer':
    case 'declined':
      return 'unanswered'
    case 'not-registered':
    case 'unreachable':
    case 'refused':
    case 'failed':
      return 'failed'
    case 'stopped':
    case 'ended':
      return null
  }
}

/** `transfer_status` of a transfer to a room; null where the call was over before it came in. */
export function roomStatusOf({ outcome, members }: Pick<ConferenceOutcome, 'outcome' | 'members'>): ReachStatus | null {
  switch (outcome) {
    case 'left':
    case 'kicked':
    case 'closed':
      return 'answered'
    case 'ended':
      return members > 0 ? 'answered' : null
    case 'full':
    case 'locked':
    case 'failed':
      return 'failed'
  }
}
