import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NotingLegUser, peerSdp } from '../../test/support/leg-harness.ts'
import { ourAddress } from '../../test/support/media-harness.ts'
import { RawPeer } from '../../test/support/sip-peer.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { VirtualNetwork as SipNetwork } from '../../test/support/transport-pair.ts'
import { VirtualNetwork as RtpNetwork } from '../../test/support/virtual-network.ts'
import type { LegId } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { InlineMediaPlane } from '../media/plane/inline-plane.ts'
import { UserAgent } from '../sip/dialog/user-agent.ts'
import { tagOf } from '../sip/message/addresses.ts'
import { parseNameAddress } from '../sip/message/name-address.ts'
import { parseUri } from '../sip/message/uri.ts'
import { TransactionLayer } from '../sip/transaction/transaction-layer.ts'
import { defaultTimers } from '../sip/transaction/types.ts'
import { LegDirectory } from './leg-directory.ts'
import { OutboundSipLeg } from './outbound-leg.ts'
import { type Way, waysInOrder } from './way.ts'

/** Outbound legs over the whole of SIP, with telephones at 192.0.2.2 and 192.0.2.3, in virtual time. */
class Ladder {
  readonly clock: TestClock
  readonly network: SipNetwork
  readonly peers: readonly RawPeer[]
  readonly user = new NotingLegUser()
  readonly userAgent: UserAgent
  readonly transactions: TransactionLayer
  readonly plane: InlineMediaPlane
  readonly #directory = new LegDirectory()

  static async start(): Promise<Ladder> {
    const clock = new TestClock()
    const rtp = new RtpNetwork(clock, new SeededRandom(1))
    const plane = await InlineMediaPlane.start({
      clock,
      random: new SeededRandom(2),
      log: silentLogger,
      addresses: [ourAddress],
      firstPort: 20_000,
      lastPort: 20_099,
      portsAhead: 4,
      bind: rtp.bindLater,
    })
    return new Ladder(clock, plane)
  }

  private constructor(clock: TestClock, plane: InlineMediaPlane) {
    this.clock = clock
    this.plane = plane
    this.network = new SipNetwork(clock)
    this.peers = ['192.0.2.2', '192.0.2.3'].map((address) => new RawPeer(this.network.transport(address)))
    const transport = this.network.transport(ourAddress)
    const shared = { clock, log: silentLogger, random: new SeededRandom(1), transport, timers: defaultTimers }
    this.transactions = new TransactionLayer(shared)
    this.userAgent = new UserAgent({
      ...shared,
      transactions: this.transactions,
      serverName: 'Switchhook test',
      sessionTimers: null,
      user: { inviteReceived: (invite) => invite.reject(480), requestReceived: () => false },
    })
    transport.user = this.transactions
    this.transactions.user = this.userAgent
  }

  /** The leg tries both telephones in their order. */
  call(changes: Partial<Way> = {}): OutboundSipLeg {
    const ways = this.peers.map(
      ({ transport }): Way => ({
        label: transport.local.address,
        uri: parseUri(`sip:137@${transport.local.address}`),
        target: { destination: { protocol: 'udp', remote: transport.local } },
        from: parseNameAddress('<sip:101@example.net>'),
        to: parseNameAddress('<sip:137@example.net>'),
        headers: [],
        maxForwards: 69,
        ...changes,
      }),
    )
    const leg = new OutboundSipLeg(
      'leg_1' as LegId,
      'callee',
      { user: '137', displayName: null, extension: null, address: '', userAgent: null },
      {
        clock: this.clock,
        log: silentLogger,
        plane: this.plane,
        media: { bindAddress: ourAddress, advertisedAddress: ourAddress },
        mediaTimeoutMs: null,
        directory: this.#directory,
        invite: (options, user) => this.userAgent.invite(options, user),
        ways: waysInOrder(ways),
        near: null,
      },
    )
    leg.attach(this.user)
    leg.start()
    return leg
  }

  /** The n-th telephone picks up. */
  async pickUp(index: number): Promise<void> {
    const peer = this.peers[index]
    await peer?.reply(200, {
      headers: [['Contact', `<sip:137@${peer.transport.local.address}>`]],
      body: peerSdp(),
      contentType: 'application/sdp',
    })
  }

  /** What came to the n-th telephone, repetitions once. */
  heard(index: number): readonly string[] {
    const methods = (this.peers[index]?.requests ?? []).map(({ method }) => method)
    return methods.filter((method, i) => methods[i - 1] !== method)
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms)
  }
}

let ladder: Ladder

beforeEach(async () => {
  ladder = await Ladder.start()
})

/** Nothing is left, on no layer, once all retransmissions are over. */
afterEach(async () => {
  await ladder.pass(70_000)
  expect(ladder.userAgent.usageCount, ladder.network.ladder).toBe(0)
  expect(ladder.transactions.counts).toMatchObject({ client: 0, server: 0 })
  expect(ladder.plane.counts.endpoints).toBe(0)
  await ladder.plane.close()
  expect(ladder.clock.pending).toBe(0)
})

describe('an outbound call on the wire', () => {
  it('goes by the second host when the first cannot be reached', async () => {
    ladder.network.makeUnreachable('192.0.2.2')
    const leg = ladder.call()
    await ladder.pass(100)
    await ladder.pickUp(1)
    await ladder.pass(100)
    expect(ladder.user.lines).toEqual(['answered'])
    leg.end('normal')
    await ladder.pass(100)
    await ladder.peers[1]?.reply(200, { to: ladder.peers[1].last('BYE') })
    expect(ladder.heard(0)).toEqual([])
    expect(ladder.heard(1)).toEqual(['INVITE', 'ACK', 'BYE'])
  })

  it('goes by the second host when the first is dead, within the stated time', async () => {
    const leg = ladder.call({ firstResponseMs: 4000 })
    await ladder.pass(4000 + 2 * ladder.network.latencyMs)
    expect(ladder.heard(1)).toEqual(['INVITE'])
    await ladder.peers[1]?.reply(486)
    await ladder.pass(100)
    expect(leg.ending).toMatchObject({ by: 'remote', cause: 'busy', sipStatus: 486 })
  })

  it('rings one telephone only when that one is busy', async () => {
    ladder.call()
    await ladder.pass(100)
    await ladder.peers[0]?.reply(486)
    await ladder.pass(1000)
    expect(ladder.heard(0)).toEqual(['INVITE', 'ACK'])
    expect(ladder.heard(1)).toEqual([])
  })

  it('sends CANCEL with its reason once the telephone has answered at all', async () => {
    const leg = ladder.call()
    await ladder.pass(10)
    leg.end('answered-elsewhere')
    await ladder.pass(100)
    expect(ladder.heard(0)).toEqual(['INVITE'])
    const [peer] = ladder.peers
    await peer?.reply(180)
    await ladder.pass(100)
    expect(ladder.heard(0)).toEqual(['INVITE', 'CANCEL'])
    expect(peer?.last('CANCEL').headers.get('Reason')).toBe('SIP;cause=200;text="Call completed elsewhere"')
    await peer?.reply(200, { to: peer.last('CANCEL') })
    await peer?.reply(487)
    await ladder.pass(100)
    expect(ladder.heard(0)).toEqual(['INVITE', 'CANCEL', 'ACK'])
    expect(ladder.heard(1)).toEqual([])
    expect(ladder.user.lines).toEqual(['ended local answered-elsewhere'])
  })

  it('acknowledges and ends the 200 that crosses its CANCEL', async () => {
    const leg = ladder.call()
    await ladder.pass(100)
    const [peer] = ladder.peers
    await peer?.reply(180)
    await ladder.pass(100)
    await ladder.pickUp(0)
    leg.end('cancelled')
    await ladder.pass(200)
    expect(ladder.heard(0)).toEqual(['INVITE', 'CANCEL', 'ACK', 'BYE'])
    const bye = peer?.last('BYE')
    expect(tagOf(bye?.to ?? parseNameAddress('<sip:x@y>'))).toBe('to1')
    if (bye) await peer?.reply(200, { to: bye })
    expect(ladder.user.lines).toEqual(['progressed 180', 'ended local cancelled'])
  })

  it('ends by itself when the telephone vanishes while it rings and the program gives up', async () => {
    const leg = ladder.call()
    await ladder.pass(100)
    await ladder.peers[0]?.reply(180)
    await ladder.pass(100)
    ladder.network.script = () => 'lose'
    leg.end('no-answer')
    await ladder.pass(100)
    expect(ladder.user.lines).toEqual(['progressed 180', 'ended local no-answer'])
  })
})
