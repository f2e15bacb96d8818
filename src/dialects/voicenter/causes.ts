import type { DialAttempt } from '../../call/dialling.ts'
import type { HangupCause } from '../../leg/hangup-cause.ts'
import type { CallStatus } from './wire.ts'

/** One row of the published table. */
interface CauseRow {
  readonly sipStatus: number
  /** Its definition there, for Reason. */
  readonly text: string
}

/**
 * The published table of causes, ISUP to SIP, as it is before the answer. It equals RFC 3398 §8.2.6.1 but for the causes that
 * no error response fits: 16 has none of its own (BYE or CANCEL), and 22 is 410 because 301 would need a Contact.
 */
export const causeTable: ReadonlyMap<number, CauseRow> = new Map([
  [1, { sipStatus: 404, text: 'Unallocated number' }],
  [2, { sipStatus: 404, text: 'No route to network' }],
  [3, { sipStatus: 404, text: 'No route to destination' }],
  [16, { sipStatus: 480, text: 'Normal call clearing' }],
  [17, { sipStatus: 486, text: 'User busy' }],
  [18, { sipStatus: 408, text: 'No user responding' }],
  [19, { sipStatus: 480, text: 'No answer from the user' }],
  [20, { sipStatus: 480, text: 'Subscriber absent' }],
  [21, { sipStatus: 403, text: 'Call rejected' }],
  [22, { sipStatus: 410, text: 'Number changed' }],
  [23, { sipStatus: 410, text: 'Redirection to new destination' }],
  [26, { sipStatus: 404, text: 'Non-selected user clearing' }],
  [27, { sipStatus: 502, text: 'Destination out of order' }],
  [28, { sipStatus: 484, text: 'Address incomplete' }],
  [29, { sipStatus: 501, text: 'Facility rejected' }],
  [31, { sipStatus: 480, text: 'Normal unspecified' }],
  [34, { sipStatus: 503, text: 'No circuit available' }],
  [38, { sipStatus: 503, text: 'Network out of order' }],
  [41, { sipStatus: 503, text: 'Temporary failure' }],
  [42, { sipStatus: 503, text: 'Switching equipment congestion' }],
  [47, { sipStatus: 503, text: 'Resource unavailable' }],
  [55, { sipStatus: 403, text: 'Incoming calls barred within CUG' }],
  [57, { sipStatus: 403, text: 'Bearer capability not authorized' }],
  [58, { sipStatus: 503, text: 'Bearer capability not presently available' }],
  [65, { sipStatus: 488, text: 'Bearer capability not implemented' }],
  [70, { sipStatus: 488, text: 'Only restricted digital available' }],
  [79, { sipStatus: 501, text: 'Service or option not implemented' }],
  [87, { sipStatus: 403, text: 'User not member of CUG' }],
  [88, { sipStatus: 503, text: 'Incompatible destination' }],
  [102, { sipStatus: 504, text: 'Recovery of timer expiry' }],
  [111, { sipStatus: 500, text: 'Protocol error' }],
  [127, { sipStatus: 500, text: 'Interworking unspecified' }],
])

/** What an unanswered caller is refused with. @param cause - 1 to 127. */
export function refusalOf(cause: number): number {
  const listed = causeTable.get(cause)
  if (listed) return listed.sipStatus
  if (cause <= 31) return 480
  return cause <= 63 ? 503 : 500
}

/** What Reason says beside the number. */
export function textOfCause(cause: number): string {
  return causeTable.get(cause)?.text ?? `Cause ${cause}`
}

/** How a call that ended with a cause of the telephone network stands in our records. */
export function nameOfCause(cause: number): HangupCause {
  switch (cause) {
    case 1:
    case 2:
    case 3:
    case 22:
      return 'number-unknown'
    case 16:
    case 31:
      return 'normal'
    case 17:
      return 'busy'
    case 18:
    case 19:
      return 'no-answer'
    case 20:
      return 'not-registered'
    case 21:
      return 'rejected'
    case 28:
      return 'number-incomplete'
    case 55:
    case 57:
    case 87:
      return 'forbidden'
    case 65:
    case 70:
    case 88:
      return 'not-acceptable'
    case 102:
      return 'timeout'
    default:
      return cause >= 32 && cause <= 63 ? 'congestion' : 'temporarily-unavailable'
  }
}

/** What became of a CALL: what HANGUP_CALL says, and with which cause the caller is told. */
export interface CallResult {
  readonly status: CallStatus
  /** Q.850. */
  readonly cause: number
}

/** What a peer said, where it did not ring before. */
const ofSipStatus: ReadonlyMap<number, CallResult> = new Map([
  [486, { status: 'BUSY', cause: 17 }],
  [600, { status: 'BUSY', cause: 17 }],
  [603, { status: 'BUSY', cause: 21 }],
  [404, { status: 'CONGESTION', cause: 1 }],
  [604, { status: 'CONGESTION', cause: 1 }],
  [410, { status: 'CONGESTION', cause: 22 }],
  [484, { status: 'CONGESTION', cause: 28 }],
  [485, { status: 'CONGESTION', cause: 1 }],
  [488, { status: 'CONGESTION', cause: 65 }],
  [606, { status: 'CONGESTION', cause: 65 }],
  [403, { status: 'CHANUNAVAIL', cause: 21 }],
  [408, { status: 'CHANUNAVAIL', cause: 18 }],
  [480, { status: 'CHANUNAVAIL', cause: 20 }],
  [500, { status: 'CHANUNAVAIL', cause: 41 }],
  [501, { status: 'CHANUNAVAIL', cause: 41 }],
  [502, { status: 'CHANUNAVAIL', cause: 27 }],
  [503, { status: 'CHANUNAVAIL', cause: 34 }],
  [504, { status: 'CHANUNAVAIL', cause: 102 }],
])

/** The result of one attempt that reached nobody. */
function resultOfAttempt(attempt: Pick<DialAttempt, 'outcome' | 'sipStatus' | 'label'>): CallResult {
  const { outcome, sipStatus, label } = attempt
  if (outcome === 'no-answer') return { status: 'NOANSWER', cause: 19 }
  if (outcome === 'not-registered') return { status: 'CHANUNAVAIL', cause: 20 }
  const said = sipStatus === null ? undefined : ofSipStatus.get(sipStatus)
  if (said) return said
  if (outcome === 'busy') return { status: 'BUSY', cause: 17 }
  if (outcome === 'declined') return { status: 'BUSY', cause: 21 }
  // Our own routing knows no such number: nothing was sent to anybody.
  if (outcome === 'unreachable' && label === null) return { status: 'INVALIDARGS', cause: 28 }
  if (outcome === 'refused') return { status: 'CHANUNAVAIL', cause: 21 }
  return { status: 'CHANUNAVAIL', cause: outcome === 'unreachable' ? 18 : 41 }
}

/** Where several of one destination were rung: the one who came nearest to taking the call. */
const nearestFirst: readonly CallStatus[] = ['BUSY', 'NOANSWER', 'CONGESTION', 'CHANUNAVAIL', 'INVALIDARGS']

export function resultOfAttempts(
  attempts: readonly Pick<DialAttempt, 'outcome' | 'sipStatus' | 'label'>[],
): CallResult {
  const results = attempts.map(resultOfAttempt)
  const nearest = nearestFirst.find((status) => results.some((result) => result.status === status))
  return results.find(({ status }) => status === nearest) ?? { status: 'CHANUNAVAIL', cause: 41 }
}
