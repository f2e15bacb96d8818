import { describe, expect, it } from 'vitest'
import { makeFlow } from '../../test/support/scripted-sip.ts'
import { sipRequest } from '../../test/support/sip-peer.ts'
import { withTopVia } from '../sip/message/build.ts'
import type { DamagedValue } from '../sip/message/identity.ts'
import { parseVia } from '../sip/message/via.ts'
import { partyOfInvite } from './inbound-party.ts'

function party(
  headers: readonly (readonly [string, string])[],
  isTrusted: boolean,
  damaged: (value: DamagedValue) => void = () => {},
) {
  const request = withTopVia(sipRequest('INVITE', { headers }), parseVia('SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1'))
  return partyOfInvite(
    { request, flow: makeFlow({ address: '2001:db8::9' }) },
    { extension: '101', isTrusted },
    damaged,
  )
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

  it('says what was damaged, of trusted peers alone: others could fill the log', () => {
    const headers = [
      ['History-Info', '<sip:200@other.example>, <sip:300@other.example>;index=1'],
      ['Diversion', '<sip:'],
    ] as const
    const heard: string[] = []
    expect(party(headers, true, ({ header }) => heard.push(header))).not.toHaveProperty('divertedFrom')
    expect(heard).toEqual(['Diversion', 'History-Info'])
    party(headers, false, ({ header }) => heard.push(header))
    expect(heard).toHaveLength(2)
  })
})

/** B is 200, the access number 222. */
const toMailbox = '<sip:222@vm.example;cause=486>;index=1.1;mp=1'

describe('who sent a call on', () => {
  it.each<[string, readonly (readonly [string, string])[], string | undefined]>([
    [
      'whom the cause of the last target leads to',
      [['History-Info', `<sip:200@x.example>;index=1, ${toMailbox}`]],
      '200',
    ],
    [
      'the same where the values stand in another order, over several lines',
      [
        ['History-Info', toMailbox],
        ['History-Info', '<sip:200@x.example>;index=1'],
      ],
      '200',
    ],
    [
      'the last who did, by index and not as text',
      [
        [
          'History-Info',
          '<sip:200@x.example>;index=1, <sip:300@x.example;cause=302>;index=1.2;mp=1, ' +
            '<sip:222@vm.example;cause=408>;index=1.10;mp=1.2, <sip:99@x.example>;index=1.9;rc=1',
        ],
      ],
      '300',
    ],
    [
      'the user behind other addresses of the same',
      [
        [
          'History-Info',
          '<sip:200@x.example>;index=1, <sip:222@vm.example;cause=480>;index=1.1;mp=1, <sip:222@10.0.0.1>;index=1.1.1;rc=1.1',
        ],
      ],
      '200',
    ],
    [
      'the parent, where a server of RFC 4244 names no origin',
      [
        [
          'History-Info',
          '<sip:200@x.example>;index=1, <sip:200@10.0.0.5?Reason=SIP%3Bcause%3D486>;index=1.1, ' +
            '<sip:222@vm.example;cause=486>;index=1.2',
        ],
      ],
      '200',
    ],
    [
      'History-Info with a cause before Diversion',
      [
        ['Diversion', '<sip:300@x.example>;reason=user-busy'],
        ['History-Info', `<sip:200@x.example>;index=1, ${toMailbox}`],
      ],
      '200',
    ],
    [
      'Diversion before a History-Info that gives no cause',
      [
        ['Diversion', '<sip:300@x.example>;reason=user-busy'],
        ['History-Info', '<sip:200@x.example>;index=1, <sip:222@vm.example>;index=1.1;mp=1'],
      ],
      '300',
    ],
    [
      'another user’s target without a cause, where nothing else is said',
      [['History-Info', '<sip:200@x.example>;index=1, <sip:222@vm.example>;index=1.1;mp=1']],
      '200',
    ],
    ['a tel URI too', [['History-Info', `<tel:+6281234>;index=1, ${toMailbox}`]], '+6281234'],
    [
      'one who is not to be shown: it is the mailbox that is asked for, and nobody is told',
      [['History-Info', `<sip:200@x.example?Privacy=history>;index=1, ${toMailbox}`]],
      '200',
    ],
    [
      'Diversion where History-Info was made anonymous',
      [
        ['Diversion', '<sip:300@x.example>;privacy=full'],
        ['History-Info', `<sip:anonymous@anonymous.invalid>;index=1, ${toMailbox}`],
      ],
      '300',
    ],
    ['nobody, where all are anonymous', [['Diversion', '<sip:anonymous@anonymous.invalid>']], undefined],
    [
      'nobody, where the call was only routed',
      [['History-Info', '<sip:222@x.example>;index=1, <sip:222@10.0.0.1>;index=1.1;rc=1']],
      undefined,
    ],
    ['nobody, of a single target', [['History-Info', '<sip:222@x.example;cause=486>;index=1']], undefined],
    [
      'what is legible, where the rest is not',
      [
        ['History-Info', `<sip:200@x.example>;index=1, <sip:9@x.example>;index=one, <sip:8@x.example>, ${toMailbox}`],
        ['History-Info', '<sip:7@x.example;index=1.2'],
      ],
      '200',
    ],
    [
      'nobody twice, where a target names itself',
      [['History-Info', '<sip:200@x.example;cause=302>;index=1;mp=1']],
      undefined,
    ],
  ])('is %s', (_, headers, user) => {
    expect(party(headers, true).divertedFrom).toBe(user)
  })

  it('is found among the 32 values that are read', () => {
    const values = Array.from({ length: 40 }, (_, i) => `<sip:${i}@x.example;cause=302>;index=1.${i + 1};mp=1.${i}`)
    expect(party([['History-Info', values.join(', ')]], true).divertedFrom).toBe('30')
  })
})
