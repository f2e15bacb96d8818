import { describe, expect, it } from 'vitest'
import type { SipCallId } from '../../base/ids.ts'
import { createRequest, parseNameAddress, parseUri, parseVia, printVia } from '../message/index.ts'
import { responseTarget, stampReceived, withSentBy } from './via-stamp.ts'

const source = { address: '198.51.100.7', port: 34567 }

function stamped(value: string, from = source): string {
  return printVia(stampReceived(parseVia(value), from))
}

describe('the topmost Via of a request that came in (RFC 3261 §18.2.1, RFC 3581 §4)', () => {
  it('stays as it is when sent-by is the source and no port is asked for', () => {
    const via = parseVia('SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1')
    expect(stampReceived(via, source)).toBe(via)
  })

  it('gets received when sent-by is a name or another address', () => {
    expect(stamped('SIP/2.0/UDP phone.example;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP phone.example;branch=z9hG4bK1;received=198.51.100.7',
    )
    expect(stamped('SIP/2.0/TCP 10.0.0.5:5060;branch=z9hG4bK1')).toContain(';received=198.51.100.7')
  })

  it('gets received and rport when the peer asks for its port, even from the address it names', () => {
    expect(stamped('SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 198.51.100.7:5060;rport=34567;branch=z9hG4bK1;received=198.51.100.7',
    )
  })

  it('does not believe a received or rport that the peer wrote itself', () => {
    expect(stamped('SIP/2.0/UDP 198.51.100.7;received=203.0.113.9;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1',
    )
    expect(stamped('SIP/2.0/UDP 10.0.0.5;received=203.0.113.9;rport=1;branch=z9hG4bK1')).toBe(
      'SIP/2.0/UDP 10.0.0.5;received=198.51.100.7;rport=34567;branch=z9hG4bK1',
    )
  })

  it('writes an IPv6 source without brackets and zone, and knows another spelling of it', () => {
    expect(stamped('SIP/2.0/UDP [2001:db8::9];branch=z9hG4bK1', { address: 'fe80::1%eth0', port: 5060 })).toContain(
      ';received=fe80::1',
    )
    const via = parseVia('SIP/2.0/UDP [2001:DB8:0:0::1];branch=z9hG4bK1')
    expect(stampReceived(via, { address: '2001:db8::1', port: 5060 })).toBe(via)
  })
})

describe('where a response goes without a connection (RFC 3261 §18.2.2)', () => {
  const target = (value: string) => responseTarget(stampReceived(parseVia(value), source), source, 'udp')

  it('goes to the source port when rport was asked for, else to the port of sent-by, else to 5060', () => {
    expect(target('SIP/2.0/UDP 10.0.0.5:5062;rport;branch=z9hG4bK1')).toEqual(source)
    expect(target('SIP/2.0/UDP 10.0.0.5:5062;branch=z9hG4bK1')).toEqual({ address: source.address, port: 5062 })
    expect(target('SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1')).toEqual({ address: source.address, port: 5060 })
  })

  it('never goes to a third address that maddr names', () => {
    expect(target('SIP/2.0/UDP 10.0.0.5;maddr=203.0.113.9;branch=z9hG4bK1').address).toBe(source.address)
  })
})

describe('the topmost Via of a request of ours', () => {
  const address = parseNameAddress('<sip:101@example.com>')
  const request = createRequest({
    method: 'OPTIONS',
    uri: parseUri('sip:101@198.51.100.7'),
    from: address,
    to: address,
    sipCallId: 'a@b' as SipCallId,
    cseq: 1,
  })

  it('names transport and address, with rport over UDP only', () => {
    const udp = withSentBy(request, 'udp', { address: '192.0.2.1', port: 5060 })
    expect(udp.headers.get('Via')).toBe('SIP/2.0/UDP 192.0.2.1:5060;rport')
    const tcp = withSentBy(udp, 'tcp', { address: '2001:db8::1', port: 5062 })
    expect(tcp.headers.get('Via')).toBe('SIP/2.0/TCP [2001:db8::1]:5062')
    expect(tcp.vias[0].transport).toBe('TCP')
  })
})
