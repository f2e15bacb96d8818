import { reasonsOf } from '../sip/dialog/reasons.ts'
import type { Reason, UsageEnd } from '../sip/dialog/types.ts'
import type { SipResponse } from '../sip/message/types.ts'
import { causeOfQ850, causeOfStatus, type HangupCause, hangupCauses } from './hangup-cause.ts'
import type { LegEnd, LegEndOptions } from './leg.ts'

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
      const cause: HangupCause = isCancel ? causeOfCancel(end.reasons) : 'normal'
      return { by: 'remote', cause, sipStatus: isCancel ? 487 : null, q850: q850Of(end.reasons), sentence: null }
    }
    case 'peer-refused':
      return endOfRefusal(end.response)
    case 'local':
      return { by: 'local', cause: 'normal', sipStatus: end.status, q850: null, sentence: null }
    case 'network':
      return { by: 'network', cause: networkCauses[end.how], sipStatus: null, q850: null, sentence: end.sentence }
  }
}

/** The Reason that goes with CANCEL, BYE or a refusal of ours. */
export function reasonsFor(cause: HangupCause, { text, q850 }: LegEndOptions = {}): readonly Reason[] {
  const entry = hangupCauses[cause]
  // RFC 3326 §2 has this very case, and these very values are what telephones look for before they count a missed call.
  if (cause === 'answered-elsewhere' && q850 === undefined) return [{ protocol: 'SIP', cause: 200, text: entry.text }]
  return [{ protocol: 'Q.850', cause: q850 ?? entry.q850, text: text ?? entry.text }]
}

function endOfRefusal(response: SipResponse): LegEnd {
  const q850 = q850Of(reasonsOf(response))
  const named = q850 === null ? null : causeOfQ850(q850)
  const cause = isDoNotDisturb(response) ? 'do-not-disturb' : (named ?? causeOfStatus(response.status))
  return { by: 'remote', cause, sipStatus: response.status, q850, sentence: null }
}

/**
 * No status says "do not disturb" (RFC 3261 §21.4.18 has 480 for it, §21.4.24 486 as well), so telephones say it in the reason
 * phrase of 480, 486, 600 or 603. A phrase is for people; nothing but the name of the cause hangs on this one.
 */
function isDoNotDisturb({ status, reason }: SipResponse): boolean {
  const mayBe = status === 480 || status === 486 || status === 600 || status === 603
  return mayBe && /\bdo[ -]?not[ -]?disturb\b|\bdnd\b/i.test(reason)
}

/** A proxy in front of us cancels when another of its branches was answered. */
function causeOfCancel(reasons: readonly Reason[]): HangupCause {
  const isElsewhere = ({ protocol, cause }: Reason): boolean =>
    (protocol === 'SIP' && cause === 200) || (protocol === 'Q.850' && cause === 26)
  return reasons.some(isElsewhere) ? 'answered-elsewhere' : 'cancelled'
}

/** The Q.850 cause the peer gave (RFC 3326), where it gave one. */
function q850Of(reasons: readonly Reason[]): number | null {
  return reasons.find((reason) => reason.protocol === 'Q.850')?.cause ?? null
}
