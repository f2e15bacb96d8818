import { describe, expect, it } from 'vitest'
import { Headers } from '../sip/message/headers.ts'
import { readIdentity } from '../sip/message/identity.ts'
import { printNameAddress } from '../sip/message/name-address.ts'
import { parseUri } from '../sip/message/uri.ts'
import { type OutboundIdentityFacts, outboundIdentity } from './outbound-identity.ts'

const target = parseUri('sip:+6561112222@carrier.example')
const facts: OutboundIdentityFacts = {
  number: '+6560000001',
  name: 'Acme',
  host: 'pbx.example',
  isPrivate: false,
  isTrusted: true,
  diverted: null,
}

function written(changes: Partial<OutboundIdentityFacts>): { from: string; lines: readonly string[] } {
  const { from, headers } = outboundIdentity({ ...facts, ...changes }, target)
  return { from: printNameAddress(from), lines: headers.map(([name, value]) => `${name}: ${value}`) }
}

describe('who is shown to a called party', () => {
  it('is the number and the name, which a trusted peer also gets asserted', () => {
    expect(written({})).toEqual({
      from: 'Acme <sip:+6560000001@pbx.example>',
      lines: ['P-Asserted-Identity: Acme <sip:+6560000001@pbx.example>'],
    })
    expect(written({ isTrusted: false }).lines).toEqual([])
  })

  it('is nobody when the number is private: only a trusted peer learns it, and is told to keep it', () => {
    const trusted = written({ isPrivate: true })
    expect(trusted.from).toBe('Anonymous <sip:anonymous@anonymous.invalid>')
    expect(trusted.lines).toEqual(['P-Asserted-Identity: Acme <sip:+6560000001@pbx.example>', 'Privacy: id'])
    const untrusted = written({ isPrivate: true, isTrusted: false })
    expect(untrusted.from).toBe(trusted.from)
    expect(untrusted.lines).toEqual(['Privacy: id'])
    expect(JSON.stringify(untrusted)).not.toContain('6560000001')
  })

  it('says who sent the call on, in front of those who did before', () => {
    const earlier = readIdentity(Headers.from([['Diversion', '<sip:200@other.example>;reason=user-busy']])).diversions
    const { lines } = written({ diverted: { from: '101', reason: 'no-answer' }, diversions: earlier })
    expect(lines.slice(1, 3)).toEqual([
      'Diversion: <sip:101@pbx.example>;reason=no-answer',
      'Diversion: <sip:200@other.example>;reason=user-busy',
    ])
    const history = lines.slice(3)
    expect(history.length).toBe(2)
    expect(history[0]).toContain('sip:101@pbx.example')
    expect(history[0]).toContain('index=1')
    expect(history[1]).toContain('cause=408')
    expect(history[1]).toContain('index=1.1')
  })

  it('does not show to a telephone what others sent along', () => {
    const { diversions, history } = readIdentity(
      Headers.from([
        ['Diversion', '<sip:200@other.example>;reason=user-busy'],
        ['History-Info', '<sip:200@other.example>;index=1'],
      ]),
    )
    expect(written({ diversions, history, isTrusted: false }).lines).toEqual([])
    expect(written({ diversions, history }).lines.length).toBe(3)
  })
})
