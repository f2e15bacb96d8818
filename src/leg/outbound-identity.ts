import type { ExtraHeaders } from '../sip/dialog/types.ts'
import type { Diversion } from '../sip/message/diversion.ts'
import { appendHistory, type HistoryEntry } from '../sip/message/history-info.ts'
import { anonymousAddress, identityHeaders } from '../sip/message/identity.ts'
import { noParameters } from '../sip/message/parameters.ts'
import type { NameAddress, SipUri, Uri } from '../sip/message/types.ts'

/** Why a call was sent on, as RFC 5806 §4 and RFC 4458 §2 number it. */
export type DiversionReason =
  | 'unconditional'
  | 'user-busy'
  | 'no-answer'
  | 'unavailable'
  | 'do-not-disturb'
  | 'deflection'

/** What a callee is to learn of who calls, as plain facts. */
export interface OutboundIdentityFacts {
  /** The number or name that is shown: user part of From. */
  readonly number: string
  readonly name: string | null
  /** Our domain as this peer knows it: host of From and of what is asserted. */
  readonly host: string
  /** The number is not to be shown: From is anonymous, and only a peer that is trusted learns it. */
  readonly isPrivate: boolean
  /** Whether the peer is within our trust domain (RFC 3325 §2.4): a trunk that wants P-Asserted-Identity. Telephones are not. */
  readonly isTrusted: boolean
  /** The number first called, where the call is passed on; null otherwise. */
  readonly diverted: { readonly from: string; readonly reason: DiversionReason } | null
  /** What the call came with, the latest first and the oldest first; they go on where the peer is trusted. */
  readonly diversions?: readonly Diversion[]
  readonly history?: readonly HistoryEntry[]
}

export interface OutboundIdentity {
  readonly from: NameAddress
  readonly headers: ExtraHeaders
}

/** Reasons of a diversion as statuses, RFC 4458 §2: what History-Info says. */
const causes: Readonly<Record<DiversionReason, number>> = {
  unconditional: 302,
  'user-busy': 486,
  'no-answer': 408,
  unavailable: 503,
  'do-not-disturb': 480,
  deflection: 480,
}

/**
 * From and the identity header fields of an INVITE of ours: RFC 3323 §4.1 (anonymous From), RFC 3325 §7 (who is asserted, and
 * `Privacy: id` for whoever it goes on to), RFC 5806 (Diversion), RFC 7044 (History-Info).
 * @param target - the Request-URI: the last entry of History-Info.
 */
export function outboundIdentity(facts: OutboundIdentityFacts, target: Uri): OutboundIdentity {
  const { isPrivate, isTrusted, diverted, history = [], diversions = [] } = facts
  const shown: NameAddress = {
    displayName: facts.name,
    uri: sipUri(facts.number, facts.host),
    parameters: noParameters,
  }
  const earlier = isTrusted ? diversions : []
  const headers = identityHeaders({
    asserted: isTrusted ? [shown] : [],
    privacy: new Set(isPrivate ? (['id'] as const) : []),
    diversions: diverted ? [diversionOf(diverted, facts), ...earlier] : earlier,
    history: historyOf(facts, isTrusted ? history : [], target),
    referredBy: null,
  })
  return { from: isPrivate ? anonymousAddress : shown, headers }
}

function diversionOf(diverted: { from: string; reason: DiversionReason }, { host }: OutboundIdentityFacts): Diversion {
  const address: NameAddress = { displayName: null, uri: sipUri(diverted.from, host), parameters: noParameters }
  return { address, reason: diverted.reason, counter: 1, privacy: null }
}

/** Without a diversion of ours what came goes on as it is; nothing is begun for a call that nobody has sent on. */
function historyOf(
  { diverted, host }: OutboundIdentityFacts,
  history: readonly HistoryEntry[],
  target: Uri,
): readonly HistoryEntry[] {
  if (!diverted) return history
  return appendHistory(history, { from: sipUri(diverted.from, host), to: target, cause: causes[diverted.reason] })
}

function sipUri(user: string, host: string): SipUri {
  return { scheme: 'sip', user, password: null, host, port: null, parameters: noParameters, headers: [] }
}
