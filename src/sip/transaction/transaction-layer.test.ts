import { describe, expect, it } from 'vitest'
import { ClientUser, type LayerAndPeer, layerAndPeer, RawPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import { createResponse, type SipRequest } from '../message/index.ts'
import type { ServerTransaction } from './types.ts'

type Protocol = 'udp' | 'tcp'

async function send(
  parts: LayerAndPeer,
  request: SipRequest,
  protocol: Protocol = 'udp',
  peer = parts.peer,
): Promise<void> {
  await peer.send(request, parts.layerTransport, protocol)
  await parts.pass(0)
}

function answer(transaction: ServerTransaction, status: number): void {
  transaction.respond(createResponse(transaction.request, status, { toTag: 'to1' }))
}

/** A second socket of the peer, at another port: another sent-by. */
function otherPort(parts: LayerAndPeer): RawPeer {
  return new RawPeer(parts.network.transport('192.0.2.2', { port: 5070 }))
}

describe('matching a request to its server transaction, RFC 3261 §17.2.3', () => {
  it('goes by branch, sent-by and method', async () => {
    const parts = layerAndPeer()
    await send(parts, sipRequest('INVITE', { branch: 'z9hG4bKa' }))
    await send(parts, sipRequest('INVITE', { branch: 'z9hG4bKb', sipCallId: 'call2' }))
    await send(parts, sipRequest('INFO', { branch: 'z9hG4bKa', sipCallId: 'call3' }))
    await send(parts, sipRequest('INVITE', { branch: 'z9hG4bKa', sipCallId: 'call4' }), 'udp', otherPort(parts))
    expect(parts.layerUser.methods).toEqual(['INVITE', 'INVITE', 'INFO', 'INVITE'])
    await send(parts, sipRequest('INVITE', { branch: 'z9hG4bKa' }))
    expect(parts.layer.counts.server).toBe(4)
  })

  for (const branch of [undefined, '1', 'old-style'] as const) {
    it(`knows a retransmission of RFC 2543 with ${branch === undefined ? 'no branch' : `the branch ${branch}`}`, async () => {
      const parts = layerAndPeer()
      const common = branch === undefined ? {} : { branch }
      await send(parts, sipRequest('INVITE', common))
      await send(parts, sipRequest('INVITE', common))
      await send(parts, sipRequest('INVITE', { ...common, cseq: 2 }))
      await send(parts, sipRequest('INVITE', { ...common, sipCallId: 'call2' }))
      await send(parts, sipRequest('INVITE', { ...common, fromTag: 'from2' }))
      expect(parts.layerUser.methods).toHaveLength(4)
    })

    it(`knows its ACK and CANCEL with ${branch === undefined ? 'no branch' : `the branch ${branch}`}`, async () => {
      const parts = layerAndPeer()
      const common = branch === undefined ? {} : { branch }
      await send(parts, sipRequest('INVITE', common))
      let cancels = 0
      parts.layerUser.at(0).user = { cancelled: () => cancels++, transportFailed: () => {}, ackTimedOut: () => {} }
      await send(parts, sipRequest('CANCEL', common))
      expect(cancels).toBe(1)
      answer(parts.layerUser.at(0), 487)
      await send(parts, sipRequest('ACK', { ...common, toTag: 'to1' }))
      expect(parts.layerUser.acks).toEqual([])
      await parts.pass(60_000)
      expect(parts.network.timesOf('487 INVITE')).toEqual([0])
      expect(parts.clock.pending).toBe(0)
    })
  }

  it('passes up the ACK of an RFC 2543 peer whose To tag is not that of our response', async () => {
    const parts = layerAndPeer()
    await send(parts, sipRequest('INVITE', { branch: '1' }))
    answer(parts.layerUser.at(0), 486)
    await send(parts, sipRequest('ACK', { branch: '1', toTag: 'somebody' }))
    expect(parts.layerUser.acks).toHaveLength(1)
  })
})

describe('merged requests, RFC 3261 §8.2.2.2', () => {
  const first = sipRequest('INVITE', { branch: 'z9hG4bKfork1' })
  const second = sipRequest('INVITE', { branch: 'z9hG4bKfork2' })

  it('the second path of a forked request is answered 482, and the first goes on', async () => {
    const parts = layerAndPeer()
    await send(parts, first)
    await send(parts, second)
    expect(parts.layerUser.methods).toEqual(['INVITE'])
    expect(parts.peer.statuses).toEqual([482])
    await send(parts, sipRequest('ACK', { branch: 'z9hG4bKfork2' }))
    answer(parts.layerUser.at(0), 200)
    await parts.pass(0)
    expect(parts.peer.statuses).toEqual([482, 200])
    await parts.pass(32_000)
    expect(parts.clock.pending).toBe(0)
  })

  it('a request with a To tag is never merged, nor one of another CSeq', async () => {
    const parts = layerAndPeer()
    await send(parts, sipRequest('INFO', { branch: 'z9hG4bK1', toTag: 'x' }))
    await send(parts, sipRequest('INFO', { branch: 'z9hG4bK2', toTag: 'x' }))
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK3', cseq: 2 }))
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK4', cseq: 3 }))
    expect(parts.layerUser.methods).toHaveLength(4)
  })

  it('the same branch by another transport and sent-by is a retransmission; the answer follows it, its ACK is known', async () => {
    const parts = layerAndPeer()
    await send(parts, first, 'tcp')
    const udp = otherPort(parts)
    await send(parts, first, 'udp', udp)
    expect(parts.layerUser.methods).toEqual(['INVITE'])
    answer(parts.layerUser.at(0), 486)
    await parts.pass(0)
    expect(udp.statuses).toEqual([486])
    expect(udp.received[0]?.vias[0]).toMatchObject({ transport: 'UDP', port: 5070 })
    await send(parts, sipRequest('ACK', { branch: 'z9hG4bKfork1', toTag: 'to1' }), 'udp', udp)
    expect(parts.layerUser.acks).toEqual([])
    await parts.pass(60_000)
    expect(udp.statuses).toEqual([486])
    expect(parts.layer.counts.server).toBe(0)
    expect(parts.clock.pending).toBe(0)
  })

  it('an answer that is out already goes again where the retransmission came from', async () => {
    const parts = layerAndPeer()
    await send(parts, first, 'tcp')
    answer(parts.layerUser.at(0), 180)
    await parts.pass(0)
    const udp = otherPort(parts)
    await send(parts, first, 'udp', udp)
    expect(udp.statuses).toEqual([180])
  })

  it('a stranger who knows the branch does not get the answers', async () => {
    const parts = layerAndPeer()
    await send(parts, first)
    const stranger = new RawPeer(parts.network.transport('192.0.2.66'))
    await send(parts, first, 'udp', stranger)
    answer(parts.layerUser.at(0), 180)
    await parts.pass(0)
    expect(stranger.statuses).toEqual([])
    expect(parts.peer.statuses).toEqual([180])
  })

  it('a client whose connection died may try again by a new transaction', async () => {
    const parts = layerAndPeer()
    await send(parts, first, 'tcp')
    parts.network.cutConnections()
    await send(parts, second)
    expect(parts.layerUser.methods).toEqual(['INVITE', 'INVITE'])
    expect(parts.peer.statuses).toEqual([])
  })

  it('a client that sends credentials without a new CSeq is let through', async () => {
    const parts = layerAndPeer()
    await send(parts, sipRequest('REGISTER', { branch: 'z9hG4bKr1' }))
    answer(parts.layerUser.at(0), 401)
    await send(parts, sipRequest('REGISTER', { branch: 'z9hG4bKr2' }))
    expect(parts.layerUser.methods).toEqual(['REGISTER', 'REGISTER'])
  })
})

describe('bounds on server transactions', () => {
  it('beyond those unanswered, new requests get 503 with Retry-After without a transaction, with one tag each', async () => {
    const parts = layerAndPeer('udp', { unanswered: 4 })
    for (let i = 0; i < 6; i++) await send(parts, sipRequest('INVITE', { branch: `z9hG4bK${i}`, sipCallId: `c${i}` }))
    const last = sipRequest('INVITE', { branch: 'z9hG4bK5', sipCallId: 'c5' })
    await send(parts, last)
    expect(parts.layerUser.methods).toHaveLength(4)
    expect(parts.layer.counts).toMatchObject({ server: 4, turnedAway: 3 })
    const refusals = parts.peer.received.filter((message) => message.kind === 'response' && message.status === 503)
    expect(refusals.map(({ headers }) => headers.get('Retry-After'))).toEqual(['10', '10', '10'])
    const tags = refusals.map(({ to }) => to.parameters.get('tag'))
    expect(tags[1]).toBe(tags[2])
    expect(tags[0]).not.toBe(tags[1])
  })

  it('keep room for requests within dialogs, so that calls can still be hung up', async () => {
    const parts = layerAndPeer('udp', { unanswered: 4 })
    for (let i = 0; i < 5; i++) await send(parts, sipRequest('INVITE', { branch: `z9hG4bK${i}`, sipCallId: `c${i}` }))
    await send(parts, sipRequest('BYE', { branch: 'z9hG4bKbye', toTag: 'x' }))
    expect(parts.layerUser.methods.at(-1)).toBe('BYE')
  })

  it('let go of the oldest answered ones when there are too many of all; nobody is refused', async () => {
    const parts = layerAndPeer('udp', { all: 10 })
    parts.layerUser.onRequest = (transaction) => answer(transaction, 200)
    for (let i = 0; i < 100; i++) {
      await send(parts, sipRequest('OPTIONS', { branch: `z9hG4bK${i}`, sipCallId: `c${i}` }))
      expect(parts.layer.counts.server).toBeLessThanOrEqual(10)
    }
    expect(parts.layer.counts.turnedAway).toBe(0)
    expect(parts.peer.statuses).toEqual(new Array(100).fill(200))
    // The newest are still there for their retransmissions.
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK99', sipCallId: 'c99' }))
    expect(parts.layerUser.methods).toHaveLength(100)
    await parts.pass(32_000)
    expect(parts.layer.counts.server).toBe(0)
    expect(parts.clock.pending).toBe(0)
  })

  it('never let go of an answered call, and refuse then', async () => {
    const parts = layerAndPeer('udp', { all: 3 })
    parts.layerUser.onRequest = (transaction) => answer(transaction, 200)
    for (let i = 0; i < 4; i++) await send(parts, sipRequest('INVITE', { branch: `z9hG4bK${i}`, sipCallId: `c${i}` }))
    expect(parts.peer.statuses).toEqual([200, 200, 200, 503])
  })
})

describe('the layer above', () => {
  it('that throws costs its own request a 500', async () => {
    const parts = layerAndPeer()
    parts.layerUser.onRequest = () => {
      throw new Error('broken')
    }
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK1' }))
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK2', cseq: 2 }))
    expect(parts.peer.statuses).toEqual([500, 500])
  })

  it('that throws after it has answered leaves the answer', async () => {
    const parts = layerAndPeer()
    parts.layerUser.onRequest = (transaction) => {
      answer(transaction, 200)
      throw new Error('broken')
    }
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK1' }))
    expect(parts.peer.statuses).toEqual([200])
  })

  it('that is not there yet has requests answered 503', async () => {
    const parts = layerAndPeer()
    parts.layer.user = null
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK1' }))
    expect(parts.peer.statuses).toEqual([503])
  })

  it('that throws on a response does not stop the next one', async () => {
    const parts = layerAndPeer()
    const user = new ClientUser()
    const broken = {
      responseReceived: () => {
        throw new Error('broken')
      },
      failed: () => {},
    }
    parts.layer.request(sipRequest('OPTIONS'), { destination: parts.destination }, broken)
    parts.layer.request(sipRequest('INFO'), { destination: parts.destination }, user)
    await parts.pass(0)
    await parts.peer.reply(200, { to: parts.peer.last('OPTIONS') })
    await parts.peer.reply(200, { to: parts.peer.last('INFO') })
    await parts.pass(0)
    expect(user.statuses).toEqual([200])
  })

  it('hears of lost connections', async () => {
    const parts = layerAndPeer()
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bK1' }), 'tcp')
    parts.network.cutConnections()
    expect(parts.layerUser.closedFlows).toEqual([parts.layerUser.at(0).flow])
  })
})

describe('ACK for a 2xx', () => {
  it('is sent once, without a transaction, with a branch of its own that a repetition keeps', async () => {
    const parts = layerAndPeer()
    parts.layer.sendAck(sipRequest('ACK', { toTag: 'x' }), { destination: parts.destination })
    parts.layer.sendAck(sipRequest('ACK', { toTag: 'x', branch: 'z9hG4bKkept' }), { destination: parts.destination })
    await parts.pass(60_000)
    expect(parts.layer.counts.client).toBe(0)
    const branches = parts.peer.requests.map(({ vias }) => vias[0].parameters.get('branch'))
    expect(branches).toEqual([expect.stringMatching(/^z9hG4bK[a-z0-9]{16}$/), 'z9hG4bKkept'])
  })

  it('that cannot be sent disturbs nobody', async () => {
    const parts = layerAndPeer()
    parts.network.makeUnreachable('192.0.2.2')
    parts.layer.sendAck(sipRequest('ACK', { toTag: 'x' }), { destination: parts.destination })
    await parts.pass(0)
    expect(parts.clock.pending).toBe(0)
  })
})

describe('close', () => {
  it('leaves no timer and tells nobody', async () => {
    const parts = layerAndPeer()
    const user = new ClientUser()
    parts.layer.request(sipRequest('INVITE'), { destination: parts.destination }, user)
    await send(parts, sipRequest('INVITE', { branch: 'z9hG4bKx', sipCallId: 'c2' }))
    await send(parts, sipRequest('OPTIONS', { branch: 'z9hG4bKy', sipCallId: 'c3' }))
    answer(parts.layerUser.at(1), 200)
    parts.layer.close()
    await parts.pass(0)
    expect(parts.clock.pending).toBe(0)
    expect(parts.layer.counts).toMatchObject({ client: 0, server: 0 })
    expect(user.errors).toEqual([])
  })
})
