/** How a call or a leg ended, in our words. */
export type HangupCause =
  | 'normal'
  | 'busy'
  | 'no-answer'
  | 'rejected'
  | 'cancelled'
  | 'answered-elsewhere'
  | 'transferred'
  | 'do-not-disturb'
  | 'number-unknown'
  | 'number-incomplete'
  | 'too-many-hops'
  | 'not-registered'
  | 'temporarily-unavailable'
  | 'unauthorized'
  | 'forbidden'
  | 'not-acceptable'
  | 'congestion'
  | 'limit-exceeded'
  | 'timeout'
  | 'ack-missing'
  | 'media-timeout'
  | 'session-expired'
  | 'network-failure'
  | 'flow-failed'
  | 'server-error'
  | 'shutdown'
  | 'interrupted'

export interface CauseEntry {
  /** What an unanswered INVITE is refused with, RFC 3261 §21. 0 where the call never is refused for it. */
  readonly sipStatus: number
  /** Cause value of ITU-T Q.850, for Reason (RFC 3326) and records. */
  readonly q850: number
  /** The Reason text that goes with it. */
  readonly text: string
}

/**
 * The one table of causes. It stands here and not in `call/` because the leg already speaks of causes.
 * A dialect adds its own column in its `map.ts`. Pairs follow RFC 3398 §7.2.4.1 and §8.2.6.1.
 */
export const hangupCauses: Readonly<Record<HangupCause, CauseEntry>> = {
  normal: { sipStatus: 480, q850: 16, text: 'Normal call clearing' },
  busy: { sipStatus: 486, q850: 17, text: 'User busy' },
  'no-answer': { sipStatus: 480, q850: 19, text: 'No answer from user' },
  rejected: { sipStatus: 603, q850: 21, text: 'Call rejected' },
  cancelled: { sipStatus: 487, q850: 16, text: 'Cancelled by the caller' },
  'answered-elsewhere': { sipStatus: 487, q850: 26, text: 'Call completed elsewhere' },
  transferred: { sipStatus: 480, q850: 16, text: 'Transferred' },
  'do-not-disturb': { sipStatus: 480, q850: 18, text: 'Do not disturb' },
  'number-unknown': { sipStatus: 404, q850: 1, text: 'Unallocated number' },
  'number-incomplete': { sipStatus: 484, q850: 28, text: 'Invalid number format' },
  'too-many-hops': { sipStatus: 483, q850: 25, text: 'Too many hops' },
  'not-registered': { sipStatus: 480, q850: 20, text: 'Subscriber absent' },
  'temporarily-unavailable': { sipStatus: 480, q850: 18, text: 'No user responding' },
  unauthorized: { sipStatus: 403, q850: 21, text: 'Not authenticated' },
  forbidden: { sipStatus: 403, q850: 21, text: 'Not allowed' },
  'not-acceptable': { sipStatus: 488, q850: 88, text: 'Incompatible destination' },
  congestion: { sipStatus: 503, q850: 34, text: 'No circuit available' },
  'limit-exceeded': { sipStatus: 503, q850: 42, text: 'Switching equipment congestion' },
  timeout: { sipStatus: 408, q850: 102, text: 'Recovery on timer expiry' },
  'ack-missing': { sipStatus: 408, q850: 102, text: 'No ACK received' },
  'media-timeout': { sipStatus: 408, q850: 102, text: 'No media received' },
  'session-expired': { sipStatus: 408, q850: 102, text: 'Session not refreshed' },
  'network-failure': { sipStatus: 503, q850: 38, text: 'Network out of order' },
  'flow-failed': { sipStatus: 500, q850: 41, text: 'Temporary failure' },
  'server-error': { sipStatus: 500, q850: 41, text: 'Temporary failure' },
  shutdown: { sipStatus: 503, q850: 41, text: 'Server is stopping' },
  interrupted: { sipStatus: 503, q850: 41, text: 'Server stopped' },
}

/** Our name for a final status a peer gave us, RFC 3398 §8.2.6.1; the classes stand in for what has no row. */
export function causeOfStatus(status: number): HangupCause {
  switch (status) {
    case 401:
    case 407:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
    case 410:
    case 604:
      return 'number-unknown'
    case 408:
      return 'timeout'
    case 480:
      return 'temporarily-unavailable'
    case 482:
    case 483:
      return 'too-many-hops'
    case 484:
      return 'number-incomplete'
    case 486:
    case 600:
      return 'busy'
    case 487:
      return 'cancelled'
    case 415:
    case 488:
    case 606:
      return 'not-acceptable'
    case 503:
      return 'congestion'
    case 603:
      return 'rejected'
    default:
      if (status >= 200 && status < 300) return 'normal'
      return status >= 500 && status < 600 ? 'network-failure' : 'rejected'
  }
}

/**
 * Our name for a Q.850 cause that came in Reason (RFC 3326, RFC 6432), where it says more than the status it came with: a gateway
 * has to put the hundred causes of the telephone network into a dozen statuses. Null for those that say nothing (16, 31, 127).
 */
export function causeOfQ850(q850: number): HangupCause | null {
  switch (q850) {
    case 1: // unallocated number
    case 22: // number changed
      return 'number-unknown'
    case 17:
      return 'busy'
    case 18: // no user responding
    case 19: // alerted, no answer
      return 'no-answer'
    case 20:
      return 'not-registered'
    case 21:
      return 'rejected'
    case 26: // non-selected user clearing
      return 'answered-elsewhere'
    case 27: // destination out of order
      return 'temporarily-unavailable'
    case 28:
      return 'number-incomplete'
    case 34: // no circuit
    case 42: // switching equipment congestion
    case 44: // requested circuit not available
    case 47: // resource unavailable
      return 'congestion'
    case 38: // network out of order
    case 41: // temporary failure
      return 'network-failure'
    case 65: // bearer capability not implemented
    case 79:
    case 88: // incompatible destination
      return 'not-acceptable'
    default:
      return null
  }
}
