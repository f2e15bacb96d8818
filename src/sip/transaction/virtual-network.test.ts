import { describe, expect, it } from 'vitest'
import { ClientUser, LayerUser, layerAndPeer, RawPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { randomLoss, VirtualNetwork } from '../../../test/support/transport-pair.ts'
import { silentLogger } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { createResponse } from '../message/index.ts'
import { TransactionLayer } from './transaction-layer.ts'
import type { ServerTransaction } from './types.ts'

function answer(transaction: ServerTransaction, status: number): void {
  transaction.respond(createResponse(transaction.request, status, { toTag: 'to1' }))
}

describe('large requests, RFC 3261 §18.1.1', () => {
  const body = 'x'.repeat(1400)

  it('go by TCP, and then nothing is retransmitted', async () => {
    const parts = layerAndPeer('udp')
    const user = new ClientUser()
    const transaction = parts.layer.request(sipRequest('INVITE', { body }), { destination: parts.destination }, user)
    await parts.pass(20_000)
    expect(transaction.flow?.isReliable).toBe(true)
    expect(parts.network.timesOf('INVITE')).toEqual([0])
    expect(parts.peer.last('INVITE').vias[0].transport).toBe('TCP')
    transaction.cancel()
    await parts.peer.reply(180)
    await parts.pass(0)
    expect(parts.network.packets.map(({ protocol, text }) => `${protocol} ${text}`)).toEqual([
      'tcp INVITE',
      'tcp 180 INVITE',
      'tcp CANCEL',
    ])
  })

  it('go by UDP, and are retransmitted, when the peer takes no TCP', async () => {
    const clock = new TestClock()
    const network = new VirtualNetwork(clock)
    const transport = network.transport('192.0.2.1')
    const peer = new RawPeer(network.transport('192.0.2.2', { protocols: ['udp'] }))
    const layer = new TransactionLayer({ clock, log: silentLogger, random: new SeededRandom(1), transport })
    const destination = { protocol: 'udp', remote: peer.transport.local } as const
    layer.request(sipRequest('INVITE', { body }), { destination }, new ClientUser())
    await clock.advanceAsync(1500)
    expect(network.timesOf('INVITE')).toEqual([0, 500, 1500])
    expect(peer.last('INVITE').vias[0].transport).toBe('UDP')
    layer.close()
    expect(clock.pending).toBe(0)
  })
})

describe('two stacks on a bad network', () => {
  function stack(network: VirtualNetwork, address: string, seed: number) {
    const transport = network.transport(address)
    const user = new LayerUser()
    const layer = new TransactionLayer({
      clock: network.clock,
      log: silentLogger,
      random: new SeededRandom(seed),
      transport,
    })
    transport.user = layer
    layer.user = user
    return { layer, user, transport }
  }

  it('bring 200 requests through 30 % loss, delay and reordering, each once, and leave no timer', async () => {
    const clock = new TestClock()
    const network = new VirtualNetwork(clock)
    network.script = randomLoss(new SeededRandom(7), 0.3, 300)
    const caller = stack(network, '192.0.2.1', 1)
    const callee = stack(network, '192.0.2.2', 2)
    callee.user.onRequest = (transaction) => answer(transaction, transaction.request.method === 'INVITE' ? 486 : 200)
    const users = Array.from({ length: 200 }, (_, i) => {
      const user = new ClientUser()
      const request = sipRequest(i % 2 === 0 ? 'INVITE' : 'OPTIONS', { sipCallId: `c${i}` })
      caller.layer.request(request, { destination: { protocol: 'udp', remote: callee.transport.local } }, user)
      return user
    })
    await clock.advanceAsync(100_000)
    expect(users.filter(({ errors }) => errors.length > 0)).toEqual([])
    expect(users.map(({ statuses }) => statuses)).toEqual(users.map((_, i) => (i % 2 === 0 ? [486] : [200])))
    expect(callee.user.transactions).toHaveLength(200)
    expect(network.packets.some(({ isLost }) => isLost)).toBe(true)
    expect([caller.layer.counts.client, callee.layer.counts.server]).toEqual([0, 0])
    expect(clock.pending).toBe(0)
  })

  it('behind a NAT that changes its port during a call, the answer goes to the new one', async () => {
    const clock = new TestClock()
    const network = new VirtualNetwork(clock)
    const nat = network.nat('10.0.0.5', '198.51.100.9')
    const phone = stack(network, '10.0.0.5', 1)
    const server = stack(network, '192.0.2.2', 2)
    const user = new ClientUser()
    const destination = { protocol: 'udp', remote: server.transport.local } as const
    network.script = ({ text, sentMs }) => (text === '100 INVITE' && sentMs < 400 ? 'lose' : undefined)
    phone.layer.request(sipRequest('INVITE'), { destination }, user)
    await clock.advanceAsync(400)
    nat.rebind()
    await clock.advanceAsync(200)
    answer(server.user.at(0), 200)
    await clock.advanceAsync(0)
    expect(user.statuses, network.ladder).toEqual([100, 200])
    expect(server.user.methods).toEqual(['INVITE'])
  })
})
