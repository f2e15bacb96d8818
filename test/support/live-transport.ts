import { networkInterfaces } from 'node:os'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { ListenAddress } from '../../src/config/addresses.ts'
import { SipTransport, type SipTransportOptions, type SocketAddress } from '../../src/sip/transport/index.ts'
import { LiveUser } from './live-sockets.ts'
import { TestClock } from './test-clock.ts'

/** Some containers have no IPv6 at all; tests that need it are skipped there. */
export const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

export interface LiveTransport {
  readonly transport: SipTransport
  readonly user: LiveUser
  /** Moves no timer unless the test does. */
  readonly clock: TestClock
  readonly udp: SocketAddress
  readonly tcp: SocketAddress
}

/** A transport on real sockets, UDP and TCP, with a clock of the test. */
export async function liveTransport(
  address = '127.0.0.1',
  options: Partial<SipTransportOptions> = {},
): Promise<LiveTransport> {
  const clock = new TestClock()
  const listen: readonly ListenAddress[] = [
    { protocol: 'udp', address, port: 0 },
    { protocol: 'tcp', address, port: 0 },
  ]
  const transport = new SipTransport({
    clock,
    log: silentLogger,
    random: new SeededRandom(1),
    listen,
    advertised: null,
    localNetworks: [],
    ...options,
  })
  const user = new LiveUser()
  transport.user = user
  await transport.start()
  const bound = (protocol: string): SocketAddress => {
    const found = transport.localPorts.find((one) => one.protocol === protocol)
    return { address, port: found?.port ?? 0 }
  }
  return { transport, user, clock, udp: bound('udp'), tcp: bound('tcp') }
}

/** An OPTIONS as text. @param via - everything behind `SIP/2.0/`. */
export function optionsText(via: string, extra: { callId?: string; headers?: string; body?: string } = {}): string {
  const body = extra.body ?? ''
  return [
    'OPTIONS sip:1000@127.0.0.1 SIP/2.0',
    `Via: SIP/2.0/${via}`,
    'Max-Forwards: 70',
    'From: <sip:101@127.0.0.1>;tag=f1',
    'To: <sip:1000@127.0.0.1>',
    `Call-ID: ${extra.callId ?? 'live1'}`,
    'CSeq: 1 OPTIONS',
    ...(extra.headers === undefined ? [] : [extra.headers]),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}
