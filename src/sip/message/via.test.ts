import { describe, expect, it } from 'vitest'
import { MessageError } from './message-error.ts'
import { hasEmptyBranch, parseVia, parseViaList, printVia } from './via.ts'

describe('parseVia', () => {
  it('reads transport, sent-by and parameters', () => {
    expect(parseVia('SIP/2.0/tls Host.example:5061;rport;branch=z9hG4bKa;received=[2001:db8::1]')).toEqual({
      transport: 'TLS',
      host: 'host.example',
      port: 5061,
      parameters: new Map([
        ['rport', null],
        ['branch', 'z9hG4bKa'],
        ['received', '[2001:db8::1]'],
      ]),
    })
  })

  it('takes blanks wherever the grammar has them', () => {
    const [via] = parseViaList('SIP / 2.0 / UDP\t first.example : 4000 ; ttl = 16 ;maddr=224.2.0.1 ')
    expect(via && printVia(via)).toBe('SIP/2.0/UDP first.example:4000;ttl=16;maddr=224.2.0.1')
  })

  it.each([
    ['SIP/2.0/UDP', 'no host'],
    ['SIP/2.0/UDP ', 'no host'],
    ['SIP/2.0 host', 'no transport'],
    ['SIP/2.0/UDP host;', 'an empty parameter'],
    ['SIP/2.0/UDP host,', 'nothing behind a comma'],
    ['SIP/2.0/UDP host:', 'an empty port'],
    ['SIP/2.0/UDP host:70000', 'a port too large'],
    ['SIP/2.0/UDP host;branch=a b', 'a blank in a value'],
    ['SIP/2.0/UDP host;x=a:b', 'a colon where no address is'],
    ['SIP/2.0/UDP 2001:db8::1', 'IPv6 without brackets'],
    ['SIP/2.0/UDP host;branch=1;branch=2', 'a parameter twice'],
  ])('refuses %j: %s', (text) => {
    expect(() => parseViaList(text)).toThrow(MessageError)
  })

  it('keeps received of an IPv6 source without brackets', () => {
    const text = 'SIP/2.0/UDP h;received=2001:db8::1'
    expect(printVia(parseVia(text))).toBe(text)
  })

  it('knows a branch that says nothing', () => {
    expect(hasEmptyBranch(parseVia('SIP/2.0/UDP h;branch'))).toBe(true)
    expect(hasEmptyBranch(parseVia('SIP/2.0/UDP h;branch=z9hG4bK'))).toBe(true)
    expect(hasEmptyBranch(parseVia('SIP/2.0/UDP h'))).toBe(false)
  })
})
