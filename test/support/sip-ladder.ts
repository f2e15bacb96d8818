import { expect } from 'vitest'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import {
  type IncomingInvite,
  type InviteUsage,
  type OutgoingInviteOptions,
  UserAgent,
  type UserAgentOptions,
} from '../../src/sip/dialog/index.ts'
import { parseNameAddress, parseUri } from '../../src/sip/message/index.ts'
import { defaultTimers, TransactionLayer } from '../../src/sip/transaction/index.ts'
import { RecordingUser, sdp } from './scripted-sip.ts'
import { TestClock } from './test-clock.ts'
import { VirtualNetwork, type VirtualTransport } from './transport-pair.ts'

/** A whole stack on the virtual network, with one call at a time. */
export class Party {
  readonly user = new RecordingUser()
  readonly transport: VirtualTransport
  readonly transactions: TransactionLayer
  readonly agent: UserAgent
  readonly #clock: TestClock
  invite: IncomingInvite | null = null
  usage: InviteUsage | null = null
  onInvite: (invite: IncomingInvite) => void = (invite) => invite.attach(this.user)

  constructor(network: VirtualNetwork, address: string, seed: number, options: Partial<UserAgentOptions> = {}) {
    const { clock } = network
    const shared = { clock, random: new SeededRandom(seed), log: silentLogger, timers: defaultTimers }
    this.#clock = clock
    this.transport = network.transport(address)
    this.transactions = new TransactionLayer({ ...shared, transport: this.transport })
    this.agent = new UserAgent({
      ...shared,
      transactions: this.transactions,
      transport: this.transport,
      serverName: address,
      sessionTimers: null,
      user: {
        inviteReceived: (invite) => {
          this.invite = invite
          this.usage = invite.usage
          this.onInvite(invite)
        },
        requestReceived: () => false,
      },
      ...options,
    })
    this.transport.user = this.transactions
    this.transactions.user = this.agent
  }

  /** @param user - of a second call beside the first. */
  call(
    other: Party,
    options: Partial<OutgoingInviteOptions> = {},
    protocol: 'udp' | 'tcp' = 'udp',
    user: RecordingUser = this.user,
  ): InviteUsage {
    const { address } = other.transport.local
    this.usage = this.agent.invite(
      {
        uri: parseUri(`sip:bob@${address}`),
        from: parseNameAddress(`<sip:alice@${this.transport.local.address}>`),
        to: parseNameAddress(`<sip:bob@${address}>`),
        target: { destination: { protocol, remote: { address, port: 5060 } } },
        sdp: sdp('offer'),
        ...options,
      },
      user,
    )
    return this.usage
  }

  /** Nothing is left of it: no call, no transaction. */
  expectAtRest(): void {
    expect(this.agent.usageCount).toBe(0)
    expect(this.transactions.counts).toMatchObject({ client: 0, server: 0 })
    expect(this.#clock.pending).toBe(0)
  }
}

/** Two parties, and what was on the wire between them. */
export class Ladder {
  readonly clock = new TestClock()
  readonly network: VirtualNetwork
  readonly alice: Party
  readonly bob: Party

  constructor(
    options: { latencyMs?: number; alice?: Partial<UserAgentOptions>; bob?: Partial<UserAgentOptions> } = {},
  ) {
    this.network = new VirtualNetwork(this.clock, { latencyMs: options.latencyMs ?? 10 })
    this.alice = new Party(this.network, '192.0.2.1', 1, options.alice)
    this.bob = new Party(this.network, '192.0.2.2', 2, options.bob)
  }

  wait(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms, 2)
  }

  /** What left, without the arrival times: `INVITE`, `100 INVITE` … */
  get texts(): readonly string[] {
    return this.network.packets.map(({ text }) => text)
  }

  count(what: string): number {
    return this.texts.filter((text) => text === what).length
  }

  async establish(options: Partial<OutgoingInviteOptions> = {}, protocol: 'udp' | 'tcp' = 'udp'): Promise<void> {
    this.alice.call(this.bob, options, protocol)
    await this.wait(5 * this.network.latencyMs)
    this.bob.invite?.accept({ sdp: sdp('answer') })
    await this.wait(5 * this.network.latencyMs)
  }

  /** Lets every transaction run out. */
  async end(): Promise<void> {
    await this.wait(200_000)
    this.alice.expectAtRest()
    this.bob.expectAtRest()
  }
}
