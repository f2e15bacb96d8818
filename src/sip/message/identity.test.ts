import { describe, expect, it } from 'vitest'
import { Headers } from './headers.ts'
import { anonymousAddress, identityHeaders, noIdentity, readIdentity, wantsAnonymity } from './identity.ts'
import { parseNameAddress, printNameAddress } from './name-address.ts'
import { printUri } from './uri.ts'

const read = (...lines: (readonly [string, string])[]) => readIdentity(Headers.from(lines))

describe('an identity', () => {
  it('is read from every header field that speaks of it, and written again the same', () => {
    const lines = [
      ['P-Asserted-Identity', 'Cullen Jennings <sip:fluffy@cisco.com>'],
      ['P-Asserted-Identity', '<tel:+14085264000>'],
      ['Privacy', 'critical;id'],
      ['Diversion', '<sip:+15551001@example.net>;reason=user-busy;counter=2;privacy=full'],
      ['Diversion', 'Bob <sip:bob@example.net>;reason=unconditional'],
      ['History-Info', '<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1'],
      ['History-Info', '<sip:office@example.com;cause=302>;index=1.1;mp=1'],
      ['Referred-By', '<sip:referrer@example.com>;cid="a@b"'],
    ] as const
    const identity = read(...lines)
    expect(identity.asserted.map(printNameAddress)).toEqual([
      'Cullen Jennings <sip:fluffy@cisco.com>',
      '<tel:+14085264000>',
    ])
    expect([...identity.privacy]).toEqual(['critical', 'id'])
    expect(identity.diversions).toMatchObject([
      { reason: 'user-busy', counter: 2, privacy: 'full' },
      { reason: 'unconditional', counter: 1, privacy: null },
    ])
    expect(identity.history).toMatchObject([
      { index: '1', reason: { protocol: 'SIP', cause: 302 }, mapping: null },
      { index: '1.1', cause: 302, mapping: { kind: 'mp', from: '1' } },
    ])
    expect(identity.referredBy && printUri(identity.referredBy.uri)).toBe('sip:referrer@example.com')
    expect(read(...identityHeaders(identity))).toEqual(identity)
  })

  it('comes in comma lists too', () => {
    const identity = read(
      ['P-Asserted-Identity', '<sip:a@b>, <tel:+1>, <sip:c@d>'],
      ['Diversion', '<sip:a@b>;reason=no-answer, <sip:c@d>;reason=deflection'],
      ['History-Info', '<sip:a@b>;index=1, <sip:c@d>;index=1.1;rc=1'],
    )
    // One of each scheme, RFC 3325 §9.1.
    expect(identity.asserted.map(printNameAddress)).toEqual(['<sip:a@b>', '<tel:+1>'])
    expect(identity.diversions.map(({ reason }) => reason)).toEqual(['no-answer', 'deflection'])
    expect(identity.history.map(({ index }) => index)).toEqual(['1', '1.1'])
  })

  it.each([
    ['P-Asserted-Identity', '<sip:a@b', '<sip:good@b>'],
    ['P-Asserted-Identity', '"open <sip:a@b>', '<sip:good@b>'],
    ['P-Asserted-Identity', 'http://a', 'sip:good@b'],
    ['Diversion', '<sip:a@b>;reason=', '<sip:good@b>;counter=many;reason="odd words"'],
    ['Diversion', ';reason=x', '<sip:good@b>;counter=-4'],
    ['History-Info', '<sip:a@b>', '<sip:good@b>;index=1'],
    ['History-Info', '<sip:a@b>;index=1..1', '<sip:good@b?Reason=%2C%22>;index=1;mp=x'],
    ['History-Info', `<sip:a@b>;index=${'1.'.repeat(80)}1`, '<sip:good@b;cause=9>;index=1'],
    ['Referred-By', '<>', '<sip:good@b>'],
  ])('in %s: a damaged "%s" does not cost the good one beside it', (header, damaged, good) => {
    const identity = read([header, damaged], [header, good])
    const all = JSON.stringify(identity)
    expect(all).toContain('"user":"good"')
    expect(all).not.toContain('"user":"a"')
    // What was made of it can be sent.
    expect(read(...identityHeaders(identity))).toEqual(identity)
  })

  it('with thousands of values is read as far as makes sense', () => {
    const line = Array.from({ length: 200 }, () => '<sip:a@b>').join(', ')
    expect(read(['Diversion', line], ['Diversion', line]).diversions.length).toBe(32)
    expect(read(['Diversion', Array.from({ length: 900 }, () => '<sip:a@b>').join()]).diversions).toEqual([])
  })

  it.each([
    ['id', true],
    ['ID', true],
    ['user;critical', true],
    ['header, session', true],
    ['none', false],
    ['none;id', false],
    ['session', false],
    ['history', false],
    ['nonsense;;', false],
    ['', false],
  ])('with Privacy: %j hides the caller: %s', (value, isHidden) => {
    expect(wantsAnonymity(read(['Privacy', value]))).toBe(isHidden)
  })

  it('that is unknown is written as nothing, and its From as the standard has it', () => {
    expect(identityHeaders(noIdentity)).toEqual([])
    expect(printNameAddress(anonymousAddress)).toBe('Anonymous <sip:anonymous@anonymous.invalid>')
  })

  it('with a name that would break the line is written so that it does not', () => {
    const evil = { ...parseNameAddress('<sip:a@b>'), displayName: 'x"\r\nVia: y' }
    const headers = identityHeaders({ ...noIdentity, asserted: [evil], referredBy: evil })
    for (const [, value] of headers) expect(value).not.toMatch(/[\r\n]/)
    expect(() => Headers.from(headers)).not.toThrow()
  })
})
