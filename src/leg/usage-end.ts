import type { Reason, UsageEnd } from '../sip/dialog/types.ts'
import { causeOfStatus, type HangupCause } from './hangup-cause.ts'
import type { LegEnd } from './leg.ts'

const networkCauses = {
  'ack-missing': 'ack-missing',
  'session-expired': 'session-expired',
  'no-response': 'timeout',
  'dialog-gone': 'network-failure',
  'transport-lost': 'network-failure',
} as const satisfies Record<Extract<UsageEnd, { by: 'network' }>['how'], HangupCause>

/** What the end of a dialog usage means for its leg. */
export function endOfUsage(end: UsageEnd): LegEnd {
  switch (end.by) {
    case 'remote': {
      const isCancel = end.how === 'cancel'
      const cause: HangupCause = isCancel ? 'cancelled' : 'normal'
      return { by: 'remote', cause, sipStatus: isCancel ? 487 : null, q850: q850Of(end.reasons), sentence: null }
    }
    case 'peer-refused':
      return { by: 'remote', cause: causeOfStatus(end.status), sipStatus: end.status, q850: null, sentence: null }
    case 'local':
      return { by: 'local', cause: 'normal', sipStatus: end.status, q850: null, sentence: null }
    case 'network':
      return { by: 'network', cause: networkCauses[end.how], sipStatus: null, q850: null, sentence: end.sentence }
  }
}

/** The Q.850 cause the peer gave (RFC 3326), where it gave one. */
function q850Of(reasons: readonly Reason[]): number | null {
  return reasons.find((reason) => reason.protocol === 'Q.850')?.cause ?? null
}
