import { describe, expect, it } from 'vitest'
import { ClientUser, type LayerAndPeer, layerAndPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import { TimeoutError, TransportError } from '../../base/errors.ts'
import type { ClientTransaction } from './types.ts'

interface Calling extends LayerAndPeer {
  readonly user: ClientUser
  readonly transaction: ClientTransaction
}

async function calling(
  protocol: 'udp' | 'tcp' = 'udp',
  prepare: (parts: LayerAndPeer) => void = () => {},
): Promise<Calling> {
  const parts = layerAndPeer(protocol)
  prepare(parts)
  const user = new ClientUser()
  const invite = sipRequest('INVITE', { headers: [['Route', '<sip:192.0.2.2;lr>']] })
  const transaction = parts.layer.request(invite, { destination: parts.destination }, user)
  await parts.pass(0)
  return { ...parts, user, transaction }
}

async function proceeding(protocol: 'udp' | 'tcp' = 'udp'): Promise<Calling> {
  const call = await calling(protocol)
  await call.peer.reply(180)
  await call.pass(0)
  return call
}

function expectOver({ clock, layer }: LayerAndPeer): void {
  expect(layer.counts.client).toBe(0)
  expect(clock.pending).toBe(0)
}

describe('INVITE client transaction, RFC 3261 figure 5 with RFC 6026', () => {
  describe('Calling', () => {
    it('timer A: sends the INVITE again over UDP at intervals that double, until timer B ends it at 64·T1', async () => {
      const call = await calling()
      await call.pass(31_999)
      expect(call.network.timesOf('INVITE')).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500])
      expect(call.user.errors).toEqual([])
      await call.pass(1)
      expect(call.user.errors).toHaveLength(1)
      expect(call.user.errors[0]).toBeInstanceOf(TimeoutError)
      expect(call.user.errors[0]?.code).toBe('transaction.timer-b')
      expect(call.clock.now()).toBe(32_000)
      expectOver(call)
    })

    it('sends it once over TCP, and timer B ends it all the same', async () => {
      const call = await calling('tcp')
      await call.pass(32_000)
      expect(call.network.timesOf('INVITE')).toEqual([0])
      expect(call.user.errors[0]?.code).toBe('transaction.timer-b')
      expectOver(call)
    })

    it('sends the same bytes each time, with a branch of its own', async () => {
      const call = await calling()
      await call.pass(1500)
      const [first, ...others] = call.network.packets
      expect(others).toHaveLength(2)
      for (const other of others) expect(other.bytes).toEqual(first?.bytes)
      expect(first?.message.vias[0].parameters.get('branch')).toMatch(/^z9hG4bK[a-z0-9]{16}$/)
    })

    it('transport error: tells the user at once', async () => {
      const call = await calling('udp', ({ network }) => network.makeUnreachable('192.0.2.2'))
      expect(call.user.errors[0]).toBeInstanceOf(TransportError)
      expectOver(call)
    })

    it('connection lost: tells the user at once, since nothing shows that the INVITE ever arrived', async () => {
      const call = await calling('tcp')
      call.network.cutConnections()
      expect(call.user.errors[0]?.code).toBe('transport.connection-lost')
      expectOver(call)
    })

    it('2xx: passes it up and goes to Accepted without having seen a provisional response', async () => {
      const call = await calling()
      await call.peer.reply(200)
      await call.pass(32_000)
      expect(call.network.timesOf('INVITE')).toEqual([0])
      expect(call.user.statuses).toEqual([200])
      expectOver(call)
    })

    it('300 to 699: acknowledges and passes it up', async () => {
      const call = await calling()
      await call.peer.reply(486)
      await call.pass(0)
      expect(call.user.statuses).toEqual([486])
      expect(call.peer.requests.map(({ method }) => method)).toEqual(['INVITE', 'ACK'])
    })
  })

  describe('Proceeding', () => {
    it('1xx: ends the retransmissions, passes every one up, and waits as long as it takes', async () => {
      const call = await proceeding()
      await call.peer.reply(183)
      await call.pass(600_000)
      expect(call.network.timesOf('INVITE')).toEqual([0])
      expect(call.user.statuses).toEqual([180, 183])
      expect(call.user.errors).toEqual([])
      expect(call.clock.pending).toBe(0)
      expect(call.layer.counts.client).toBe(1)
    })

    it('2xx: passes it up', async () => {
      const call = await proceeding()
      await call.peer.reply(200)
      await call.pass(0)
      expect(call.user.statuses).toEqual([180, 200])
    })

    it('connection lost: keeps waiting, and takes the answer from the connection that the peer opens', async () => {
      const call = await proceeding('tcp')
      call.network.cutConnections()
      expect(call.user.errors).toEqual([])
      await call.peer.reply(486)
      await call.pass(0)
      expect(call.user.statuses).toEqual([180, 486])
      expect(call.peer.last('ACK').headers.get('Via')).toBe(call.peer.last('INVITE').headers.get('Via'))
      expectOver(call)
    })
  })

  describe('Completed', () => {
    it('acknowledges every retransmission of the final response and passes up only the first', async () => {
      const call = await proceeding()
      for (let i = 0; i < 4; i++) await call.peer.reply(486)
      await call.pass(0)
      expect(call.network.timesOf('ACK')).toHaveLength(4)
      expect(call.user.statuses).toEqual([180, 486])
    })

    it('makes the ACK of the INVITE: branch, Via, Request-URI, Route, CSeq number; and the To of the response', async () => {
      const call = await proceeding()
      await call.peer.reply(486, { toTag: 'theirs' })
      await call.pass(0)
      const invite = call.peer.last('INVITE')
      const ack = call.peer.last('ACK')
      expect(ack.headers.getAll('Via')).toEqual(invite.headers.getAll('Via'))
      expect(ack.uri).toEqual(invite.uri)
      expect(ack.headers.get('Route')).toBe('<sip:192.0.2.2;lr>')
      expect(ack.cseq).toEqual({ number: 1, method: 'ACK' })
      expect(ack.to.parameters.get('tag')).toBe('theirs')
      expect(ack.from.parameters.get('tag')).toBe('from1')
      expect(ack.maxForwards).toBe(70)
    })

    it('timer D: absorbs for 32 s over UDP, not at all over TCP', async () => {
      const udp = await proceeding()
      await udp.peer.reply(486)
      await udp.pass(31_999)
      expect(udp.layer.counts.client).toBe(1)
      await udp.pass(1)
      expectOver(udp)

      const tcp = await proceeding('tcp')
      await tcp.peer.reply(486)
      await tcp.pass(0)
      expect(tcp.peer.requests.map(({ method }) => method)).toEqual(['INVITE', 'ACK'])
      expectOver(tcp)
    })

    it('ignores provisional and 2xx responses', async () => {
      const call = await proceeding()
      await call.peer.reply(486)
      await call.peer.reply(180)
      await call.peer.reply(200)
      await call.pass(0)
      expect(call.user.statuses).toEqual([180, 486])
      expect(call.layerUser.strays).toEqual([])
    })

    it('transport error: ends without a word, since the user has its final response', async () => {
      const call = await proceeding()
      await call.peer.reply(486)
      call.network.makeUnreachable('192.0.2.2')
      await call.pass(0)
      expect(call.user.errors).toEqual([])
      expectOver(call)
    })
  })

  describe('Accepted', () => {
    it('passes up every 2xx, of any fork, and ignores everything else', async () => {
      const call = await proceeding()
      await call.peer.reply(200)
      await call.peer.reply(200)
      await call.peer.reply(200, { toTag: 'fork2' })
      await call.peer.reply(183)
      await call.peer.reply(486)
      await call.pass(0)
      expect(call.user.statuses).toEqual([180, 200, 200, 200])
      expect(call.user.responses.at(-1)?.to.parameters.get('tag')).toBe('fork2')
      expect(call.network.timesOf('ACK')).toEqual([])
    })

    for (const protocol of ['udp', 'tcp'] as const) {
      it(`timer M: over ${protocol} takes in 2xx for 64·T1; a later one is a stray`, async () => {
        const call = await proceeding(protocol)
        await call.peer.reply(200)
        await call.pass(31_999)
        expect(call.layer.counts.client).toBe(1)
        await call.pass(1)
        expectOver(call)
        await call.peer.reply(200)
        await call.pass(0)
        expect(call.user.statuses).toEqual([180, 200])
        expect(call.layerUser.strays.map(({ status }) => status)).toEqual([200])
      })
    }
  })

  describe('CANCEL, §9.1', () => {
    it('waits for a provisional response, then goes with the branch of the INVITE and a Reason', async () => {
      const call = await calling()
      call.transaction.cancel('SIP ;cause=200 ;text="Call completed elsewhere"')
      await call.pass(600)
      expect(call.network.timesOf('CANCEL')).toEqual([])
      expect(call.network.timesOf('INVITE')).toEqual([0, 500])
      await call.peer.reply(100)
      await call.pass(0)
      const invite = call.peer.last('INVITE')
      const cancel = call.peer.last('CANCEL')
      expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'))
      expect(cancel.uri).toEqual(invite.uri)
      expect(cancel.cseq).toEqual({ number: 1, method: 'CANCEL' })
      expect(cancel.headers.get('To')).toBe(invite.headers.get('To'))
      expect(cancel.headers.get('Reason')).toBe('SIP ;cause=200 ;text="Call completed elsewhere"')
      expect(cancel.headers.get('Route')).toBe('<sip:192.0.2.2;lr>')
    })

    it('goes at once in Proceeding, once only, and the 487 ends it all', async () => {
      const call = await proceeding()
      call.transaction.cancel()
      call.transaction.cancel()
      await call.pass(0)
      await call.peer.reply(200, { to: call.peer.last('CANCEL') })
      await call.peer.reply(487)
      await call.pass(0)
      expect(call.network.timesOf('CANCEL')).toEqual([0])
      expect(call.peer.last('CANCEL').headers.has('Reason')).toBe(false)
      expect(call.user.statuses).toEqual([180, 487])
      await call.pass(32_000)
      expectOver(call)
    })

    it('loses against a 2xx that is under way', async () => {
      const call = await proceeding()
      call.transaction.cancel()
      await call.peer.reply(200)
      await call.pass(0)
      expect(call.user.statuses).toEqual([180, 200])
    })

    it('does nothing after a final response', async () => {
      const call = await proceeding()
      await call.peer.reply(200)
      await call.pass(0)
      call.transaction.cancel()
      await call.pass(0)
      expect(call.network.timesOf('CANCEL')).toEqual([])
    })

    it('gives an INVITE up that has no final response 64·T1 after it', async () => {
      const call = await proceeding()
      call.transaction.cancel()
      await call.pass(0)
      await call.peer.reply(200, { to: call.peer.last('CANCEL') })
      await call.pass(31_999)
      expect(call.user.errors).toEqual([])
      await call.pass(1)
      expect(call.user.errors[0]?.code).toBe('transaction.cancel-unanswered')
      expectOver(call)
    })
  })

  it('drops a response with a second Via: it is for somebody else', async () => {
    const call = await calling()
    await call.peer.reply(200, { headers: [['Via', 'SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKother']] })
    await call.pass(0)
    expect(call.user.statuses).toEqual([])
  })

  it('drops a non-2xx response that belongs to no transaction', async () => {
    const call = await proceeding('tcp')
    await call.peer.reply(486)
    await call.pass(0)
    expect(call.layer.counts.client).toBe(0)
    await call.peer.reply(486)
    await call.pass(0)
    expect(call.user.statuses).toEqual([180, 486])
    expect(call.layerUser.strays).toEqual([])
    expect(call.network.timesOf('ACK')).toHaveLength(1)
  })
})
