import type { IncomingInvite } from '../sip/dialog/types.ts'
import { divertingParties } from '../sip/message/diverting-party.ts'
import { toLegible } from '../sip/message/escapes.ts'
import { type DamagedValue, readIdentity, wantsAnonymity } from '../sip/message/identity.ts'
import { isSipUri, type NameAddress, type Uri } from '../sip/message/types.ts'
import { hostText } from '../sip/transport/address-text.ts'
import type { LegParty } from './leg.ts'

/**
 * The party that an INVITE comes from.
 * @param known - `extension`: proven by its credentials. `isTrusted`: whether the peer is within our trust domain (RFC 3325 §2.4),
 *   so that what it vouches for and whom it names as diverting is believed. Telephones are not.
 * @param damaged - told of what a trusted peer says and nobody can read; it is taken for absent.
 */
export function partyOfInvite(
  invite: Pick<IncomingInvite, 'request' | 'flow'>,
  known: { readonly extension: string | null; readonly isTrusted: boolean },
  damaged: (value: DamagedValue) => void = () => {},
): LegParty {
  const { from, headers } = invite.request
  const { protocol, remote } = invite.flow
  const userAgent = headers.get('User-Agent')
  const identity = readIdentity(headers, known.isTrusted ? damaged : undefined)
  const assertedNumber = identity.asserted.map(numberOf).find((number) => number !== '')
  const divertedFrom = divertingParties(identity).map(userOf).find(isKnown) ?? ''
  return {
    user: numberOf(from) || 'anonymous',
    displayName: from.displayName === null ? null : toLegible(from.displayName),
    extension: known.extension,
    address: `${protocol}:${hostText(remote.address)}:${remote.port}`,
    userAgent: userAgent === undefined ? null : toLegible(userAgent),
    ...(known.isTrusted ? { isTrusted: true } : {}),
    ...(wantsAnonymity(identity) ? { isPrivate: true } : {}),
    ...(known.isTrusted && assertedNumber !== undefined ? { assertedNumber } : {}),
    ...(known.isTrusted && divertedFrom !== '' ? { divertedFrom } : {}),
  }
}

function numberOf({ uri }: NameAddress): string {
  return userOf(uri)
}

/** Whoever wants to stay unknown diverts in the name of nobody (RFC 7044 §10.1.2, RFC 5806 §4): not a mailbox's owner. */
function isKnown(user: string): boolean {
  return user !== '' && user !== 'anonymous' && user !== 'unknown'
}

/** The user part, or the number of a tel URI (RFC 3966); empty where there is none. */
function userOf(uri: Uri): string {
  if (isSipUri(uri)) return toLegible(uri.user ?? '')
  return uri.scheme === 'tel' ? toLegible(uri.opaque.split(';')[0] ?? '') : ''
}
