import type { ReachRequest } from '../call/reach.ts'
import { type OutboundIdentity, outboundIdentity } from '../leg/outbound-identity.ts'
import type { ExtraHeaders } from '../sip/dialog/types.ts'
import type { Uri } from '../sip/message/types.ts'
import { hostText } from '../sip/transport/address-text.ts'
import type { CallerShown } from './caller-shown.ts'

/**
 * From and the identity header fields for whom we ring.
 * @param peer.host - our domain as this peer knows it, a name or an IP literal.
 */
export function identityFor(
  shown: CallerShown,
  { divertedFrom }: ReachRequest,
  peer: { readonly host: string; readonly isTrusted: boolean },
  target: Uri,
): OutboundIdentity {
  return outboundIdentity(
    {
      number: shown.user,
      name: shown.displayName,
      host: hostText(peer.host),
      isPrivate: shown.isPrivate,
      isTrusted: peer.isTrusted,
      diverted: divertedFrom === null ? null : { from: divertedFrom, reason: 'unconditional' },
    },
    target,
  )
}

/** For an attended transfer to a dialog that is not ours: RFC 3891. */
export function replacesHeader({ replaces }: ReachRequest): ExtraHeaders {
  return replaces === undefined ? [] : [['Replaces', replaces]]
}
