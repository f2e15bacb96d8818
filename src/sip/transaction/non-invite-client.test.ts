import { describe, expect, it } from 'vitest'
import { ClientUser, type LayerAndPeer, layerAndPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import { TimeoutError, TransportError } from '../../base/errors.ts'

interface Trying extends LayerAndPeer {
  readonly user: ClientUser
}

async function trying(
  protocol: 'udp' | 'tcp' = 'udp',
  prepare: (parts: LayerAndPeer) => void = () => {},
): Promise<Trying> {
  const parts = layerAndPeer(protocol)
  prepare(parts)
  const user = new ClientUser()
  parts.layer.request(sipRequest('OPTIONS'), { destination: parts.destination }, user)
  await parts.pass(0)
  return { ...parts, user }
}

function reply(call: Trying, status: number): Promise<void> {
  return call.peer.reply(status, { to: call.peer.last('OPTIONS') })
}

function expectOver({ clock, layer }: LayerAndPeer): void {
  expect(layer.counts.client).toBe(0)
  expect(clock.pending).toBe(0)
}

describe('non-INVITE client transaction, RFC 3261 figure 6', () => {
  describe('Trying', () => {
    it('timer E: sends again over UDP at intervals that double up to T2, until timer F ends it', async () => {
      const call = await trying()
      await call.pass(32_000)
      expect(call.network.timesOf('OPTIONS')).toEqual([
        0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
      ])
      expect(call.user.errors[0]).toBeInstanceOf(TimeoutError)
      expect(call.user.errors[0]?.code).toBe('transaction.timer-f')
      expectOver(call)
    })

    it('sends once over TCP, and timer F ends it all the same', async () => {
      const call = await trying('tcp')
      await call.pass(31_999)
      expect(call.user.errors).toEqual([])
      await call.pass(1)
      expect(call.network.timesOf('OPTIONS')).toEqual([0])
      expect(call.user.errors[0]?.code).toBe('transaction.timer-f')
      expectOver(call)
    })

    it('transport error: tells the user', async () => {
      const call = await trying('udp', ({ network }) => network.makeUnreachable('192.0.2.2'))
      expect(call.user.errors[0]).toBeInstanceOf(TransportError)
      expectOver(call)
    })

    it('transport error of a retransmission: tells the user', async () => {
      const call = await trying()
      call.network.makeUnreachable('192.0.2.2')
      await call.pass(500)
      expect(call.user.errors[0]).toBeInstanceOf(TransportError)
      expectOver(call)
    })

    it('connection lost: tells the user', async () => {
      const call = await trying('tcp')
      call.network.cutConnections()
      expect(call.user.errors[0]?.code).toBe('transport.connection-lost')
      expectOver(call)
    })

    it('200 to 699: passes it up', async () => {
      const call = await trying()
      await reply(call, 404)
      await call.pass(0)
      expect(call.user.statuses).toEqual([404])
    })
  })

  describe('Proceeding', () => {
    it('timer E: goes on at T2 from when the interval that was running ends; timer F goes on too', async () => {
      const call = await trying()
      await call.pass(600)
      await reply(call, 100)
      await call.pass(32_000 - 600)
      expect(call.network.timesOf('OPTIONS')).toEqual([
        0, 500, 1500, 5500, 9500, 13_500, 17_500, 21_500, 25_500, 29_500,
      ])
      expect(call.user.statuses).toEqual([100])
      expect(call.user.errors[0]?.code).toBe('transaction.timer-f')
      expectOver(call)
    })

    it('passes up every provisional response and the final one', async () => {
      const call = await trying()
      await reply(call, 100)
      await reply(call, 182)
      await reply(call, 200)
      await call.pass(0)
      expect(call.user.statuses).toEqual([100, 182, 200])
    })

    it('transport error: tells the user', async () => {
      const call = await trying()
      await reply(call, 100)
      await call.pass(0)
      call.network.makeUnreachable('192.0.2.2')
      await call.pass(500)
      expect(call.user.errors[0]).toBeInstanceOf(TransportError)
      expectOver(call)
    })

    it('connection lost: waits for the answer by another connection', async () => {
      const call = await trying('tcp')
      await reply(call, 100)
      await call.pass(0)
      call.network.cutConnections()
      await reply(call, 200)
      await call.pass(0)
      expect(call.user.statuses).toEqual([100, 200])
      expect(call.user.errors).toEqual([])
      expectOver(call)
    })
  })

  describe('Completed', () => {
    it('timer K: absorbs for T4 over UDP, not at all over TCP', async () => {
      const udp = await trying()
      await reply(udp, 200)
      await reply(udp, 200)
      await udp.pass(4999)
      expect(udp.user.statuses).toEqual([200])
      expect(udp.layer.counts.client).toBe(1)
      expect(udp.network.timesOf('OPTIONS')).toEqual([0])
      await udp.pass(1)
      expectOver(udp)

      const tcp = await trying('tcp')
      await reply(tcp, 200)
      await tcp.pass(0)
      expect(tcp.user.statuses).toEqual([200])
      expectOver(tcp)
    })

    it('ignores what comes late', async () => {
      const call = await trying()
      await reply(call, 200)
      await reply(call, 100)
      await reply(call, 500)
      await call.pass(5000)
      expect(call.user.statuses).toEqual([200])
      await reply(call, 200)
      await call.pass(0)
      expect(call.layerUser.strays).toEqual([])
    })
  })

  it('CANCEL is for INVITE only', async () => {
    const call = layerAndPeer()
    const transaction = call.layer.request(sipRequest('OPTIONS'), { destination: call.destination }, new ClientUser())
    await call.pass(0)
    transaction.cancel()
    await call.peer.reply(100, { to: call.peer.last('OPTIONS') })
    await call.pass(100)
    expect(call.network.timesOf('CANCEL')).toEqual([])
  })
})
