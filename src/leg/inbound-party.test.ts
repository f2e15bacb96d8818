import { describe, expect, it } from 'vitest'
import { makeFlow } from '../../test/support/scripted-sip.ts'
import { sipRequest } from '../../test/support/sip-peer.ts'
import { withTopVia } from '../sip/message/build.ts'
import { parseVia } from '../sip/message/via.ts'
import { partyOfInvite } from './inbound-party.ts'

function party(headers: readonly (readonly [string, string])[], isTrusted: boolean) {
  const request = withTopVia(sipRequest('INVITE', { headers }), parseVia('SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1'))
  return partyOfInvite({ request, flow: makeFlow({ address: '2001:db8::9' }) }, { extension: '101', isTrusted })
}

const identity = [
  ['User-Agent', 'Phone 1.0'],
  ['P-Asserted-Identity', '<tel:+6560000001>'],
  ['Diversion', '<sip:200@other.example>;reason=no-answer, <sip:300@other.example>'],
  ['Privacy', 'id'],
] as const

describe('the party of an INVITE', () => {
  it('is who From names, where its signalling comes from', () => {
    expect(party([], false)).toEqual({
      user: '101',
      displayName: null,
      extension: '101',
      address: 'udp:[2001:db8::9]:5060',
      userAgent: null,
    })
  })

  it('has what a trusted peer vouches for, and the last who sent the call on', () => {
    expect(party(identity, true)).toMatchObject({
      assertedNumber: '+6560000001',
      divertedFrom: '200',
      isPrivate: true,
      userAgent: 'Phone 1.0',
    })
  })

  it('is not believed about that when it is not trusted, but its wish for privacy is kept', () => {
    const untrusted = party(identity, false)
    expect(untrusted).not.toHaveProperty('assertedNumber')
    expect(untrusted).not.toHaveProperty('divertedFrom')
    expect(untrusted.isPrivate).toBe(true)
  })

  it('takes damaged header fields for absent', () => {
    const damaged = party(
      [
        ['P-Asserted-Identity', '<<<'],
        ['Diversion', ';;'],
      ],
      true,
    )
    expect(damaged).not.toHaveProperty('assertedNumber')
    expect(damaged).not.toHaveProperty('divertedFrom')
  })
})
