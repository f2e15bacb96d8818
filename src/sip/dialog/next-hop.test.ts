import { describe, expect, it } from 'vitest'
import { makeFlow } from '../../../test/support/scripted-sip.ts'
import { parseNameAddress } from '../message/name-address.ts'
import { parseUri, printUri } from '../message/uri.ts'
import { chooseTarget, routeRequest } from './next-hop.ts'

const target = parseUri('sip:101@192.0.2.9')

describe('the route set of a dialog', () => {
  const routes = (...texts: string[]) => texts.map((text) => parseNameAddress(text))

  it('that is empty leaves the remote target alone', () => {
    expect(routeRequest(target, [])).toEqual({ uri: target, routes: [], nextHop: target })
  })

  it('with a loose router first stands in Route as it is', () => {
    const routing = routeRequest(target, routes('<sip:p1;lr>', '<sip:p2>'))
    expect(printUri(routing.uri)).toBe('sip:101@192.0.2.9')
    expect(routing.routes).toEqual(['<sip:p1;lr>', '<sip:p2>'])
    expect(printUri(routing.nextHop)).toBe('sip:p1;lr')
  })

  it('with a strict router first gives the router the request line and the target the last Route', () => {
    const routing = routeRequest(target, routes('<sip:p1;method=INVITE?x=y>', '<sip:p2;lr>'))
    expect(printUri(routing.uri)).toBe('sip:p1')
    expect(routing.routes).toEqual(['<sip:p2;lr>', '<sip:101@192.0.2.9>'])
  })
})

describe('the target of a request', () => {
  const open = makeFlow({ protocol: 'tcp', port: 40_000 })
  const lost = makeFlow({ protocol: 'tcp', port: 40_000, isOpen: false })
  const udp = makeFlow({ port: 40_000 })

  it.each([
    ['the very source', 'sip:101@192.0.2.9:40000', udp, { flow: udp }],
    ['a private address behind a NAT', 'sip:101@10.0.0.7', udp, { flow: udp, to: ['udp', '192.0.2.9', 40_000] }],
    ['a carrier-grade NAT', 'sip:101@100.64.3.4', udp, { flow: udp, to: ['udp', '192.0.2.9', 40_000] }],
    ['a private IPv6 address', 'sip:101@[fd00::1]', udp, { flow: udp }],
    [
      'a private address, its connection lost',
      'sip:101@10.0.0.7;transport=tcp',
      lost,
      { flow: lost, to: ['tcp', '10.0.0.7', 5060] },
    ],
    ['.invalid', 'sip:101@abc123.invalid;transport=ws', open, { flow: open }],
    ['a host name', 'sip:101@phone.example.net', udp, { flow: udp, to: ['udp', '192.0.2.9', 40_000] }],
    ['the listening port of an open connection', 'sip:101@192.0.2.9;transport=tcp', open, { flow: open }],
    [
      'the listening port of a lost connection',
      'sip:101@192.0.2.9;transport=tcp',
      lost,
      { to: ['tcp', '192.0.2.9', 5060] },
    ],
    ['another port by UDP', 'sip:101@192.0.2.9:5070', udp, { to: ['udp', '192.0.2.9', 5070] }],
    ['another public address', 'sip:101@198.51.100.7', udp, { to: ['udp', '198.51.100.7', 5060] }],
    ['another address by TLS', 'sips:101@198.51.100.7', udp, { to: ['tls', '198.51.100.7', 5061] }],
    ['an maddr', 'sip:101@example.net;maddr=198.51.100.7', udp, { to: ['udp', '198.51.100.7', 5060] }],
  ] as const)('that names %s', (_, uri, flow, expected: { flow?: unknown; to?: readonly unknown[] }) => {
    const chosen = chooseTarget(parseUri(uri), flow)
    expect(chosen.flow).toBe(expected.flow)
    if (!expected.to) return
    const { protocol, remote } = chosen.destination ?? {}
    expect([protocol, remote?.address, remote?.port]).toEqual(expected.to)
  })

  it('without a flow is the address in the URI, or nothing', () => {
    expect(chooseTarget(target, null)).toEqual({
      destination: { protocol: 'udp', remote: { address: '192.0.2.9', port: 5060 } },
    })
    expect(chooseTarget(parseUri('sip:name.example.net'), null)).toEqual({})
  })
})
