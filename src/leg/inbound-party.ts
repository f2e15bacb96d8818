import type { IncomingInvite } from '../sip/dialog/types.ts'
import { toLegible } from '../sip/message/escapes.ts'
import { readIdentity, wantsAnonymity } from '../sip/message/identity.ts'
import { isSipUri, type NameAddress } from '../sip/message/types.ts'
import { hostText } from '../sip/transport/address-text.ts'
import type { LegParty } from './leg.ts'

/**
 * The party that an INVITE comes from.
 * @param known - `extension`: proven by its credentials. `isTrusted`: whether the peer is within our trust domain (RFC 3325 §2.4),
 *   so that what it vouches for and whom it names as diverting is believed. Telephones are not.
 */
export function partyOfInvite(
  invite: Pick<IncomingInvite, 'request' | 'flow'>,
  known: { readonly extension: string | null; readonly isTrusted: boolean },
): LegParty {
  const { from, headers } = invite.request
  const { protocol, remote } = invite.flow
  const userAgent = headers.get('User-Agent')
  const identity = readIdentity(headers)
  const [diversion] = identity.diversions
  const assertedNumber = identity.asserted.map(numberOf).find((number) => number !== '')
  const divertedFrom = diversion ? numberOf(diversion.address) : ''
  return {
    user: numberOf(from) || 'anonymous',
    displayName: from.displayName === null ? null : toLegible(from.displayName),
    extension: known.extension,
    address: `${protocol}:${hostText(remote.address)}:${remote.port}`,
    userAgent: userAgent === undefined ? null : toLegible(userAgent),
    ...(wantsAnonymity(identity) ? { isPrivate: true } : {}),
    ...(known.isTrusted && assertedNumber !== undefined ? { assertedNumber } : {}),
    ...(known.isTrusted && divertedFrom !== '' ? { divertedFrom } : {}),
  }
}

/** The user part, or the number of a tel URI (RFC 3966); empty where there is none. */
function numberOf({ uri }: NameAddress): string {
  if (isSipUri(uri)) return toLegible(uri.user ?? '')
  return uri.scheme === 'tel' ? toLegible(uri.opaque.split(';')[0] ?? '') : ''
}
