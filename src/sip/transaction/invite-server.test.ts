import { describe, expect, it } from 'vitest'
import { type LayerAndPeer, layerAndPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import { StateError, type TransportError } from '../../base/errors.ts'
import { createResponse, type SipRequest } from '../message/index.ts'
import type { ServerTransaction, ServerTransactionUser } from './types.ts'

class User implements ServerTransactionUser {
  readonly cancels: SipRequest[] = []
  readonly errors: TransportError[] = []
  ackTimeouts = 0

  cancelled(cancel: SipRequest): void {
    this.cancels.push(cancel)
  }

  transportFailed(error: TransportError): void {
    this.errors.push(error)
  }

  ackTimedOut(): void {
    this.ackTimeouts++
  }
}

interface Invited extends LayerAndPeer {
  readonly user: User
  readonly transaction: ServerTransaction
  readonly protocol: 'udp' | 'tcp'
}

const branch = 'z9hG4bKinvite1'
const invite = sipRequest('INVITE', { branch })
const ack = sipRequest('ACK', { branch, toTag: 'to1' })

async function invited(protocol: 'udp' | 'tcp' = 'udp'): Promise<Invited> {
  const parts = layerAndPeer()
  await parts.peer.send(invite, parts.layerTransport, protocol)
  await parts.pass(0)
  const transaction = parts.layerUser.at(0)
  const user = new User()
  transaction.user = user
  return { ...parts, transaction, user, protocol }
}

async function send(call: Invited, request: SipRequest): Promise<void> {
  await call.peer.send(request, call.layerTransport, call.protocol)
  await call.pass(0)
}

function respond({ transaction }: Invited, status: number): void {
  transaction.respond(createResponse(transaction.request, status, { toTag: 'to1' }))
}

function expectOver({ clock, layer, transaction }: Invited): void {
  expect(transaction.isTerminated).toBe(true)
  expect(layer.counts.server).toBe(0)
  expect(clock.pending).toBe(0)
}

describe('INVITE server transaction, RFC 3261 figure 7 as RFC 6026 redrew it', () => {
  describe('Proceeding', () => {
    it('sends 100 by itself when the user has not answered within 200 ms', async () => {
      const call = await invited()
      await call.pass(199)
      expect(call.peer.statuses).toEqual([])
      await call.pass(1)
      expect(call.peer.statuses).toEqual([100])
      expect(call.network.timesOf('100 INVITE')).toEqual([200])
      await call.pass(600_000)
      expect(call.peer.statuses).toEqual([100])
      expect(call.clock.pending).toBe(0)
    })

    it('sends no 100 of its own when the user was quicker', async () => {
      const call = await invited()
      respond(call, 180)
      await call.pass(1000)
      expect(call.peer.statuses).toEqual([180])
    })

    it('answers a retransmitted INVITE with the last provisional response, and passes up only the first', async () => {
      const call = await invited()
      await send(call, invite)
      expect(call.peer.statuses).toEqual([])
      respond(call, 180)
      respond(call, 183)
      await send(call, invite)
      expect(call.peer.statuses).toEqual([180, 183, 183])
      expect(call.layerUser.methods).toEqual(['INVITE'])
    })

    it('transport error: tells the user and stays', async () => {
      const call = await invited()
      call.network.makeUnreachable('192.0.2.2')
      respond(call, 180)
      await call.pass(0)
      expect(call.user.errors).toHaveLength(1)
      call.network.makeReachable('192.0.2.2')
      respond(call, 200)
      await call.pass(0)
      expect(call.peer.statuses).toEqual([200])
    })

    it('drops an ACK', async () => {
      const call = await invited()
      await send(call, ack)
      expect(call.layerUser.acks).toEqual([])
      expect(call.transaction.isTerminated).toBe(false)
    })
  })

  describe('Completed', () => {
    it('timer G: sends the response again over UDP at intervals that double up to T2, until timer H ends it', async () => {
      const call = await invited()
      respond(call, 486)
      await call.pass(31_999)
      expect(call.network.timesOf('486 INVITE')).toEqual([
        0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
      ])
      expect(call.user.ackTimeouts).toBe(0)
      await call.pass(1)
      expect(call.user.ackTimeouts).toBe(1)
      expectOver(call)
    })

    it('sends it once over TCP, and timer H ends it all the same', async () => {
      const call = await invited('tcp')
      respond(call, 486)
      await call.pass(32_000)
      expect(call.network.timesOf('486 INVITE')).toEqual([0])
      expect(call.user.ackTimeouts).toBe(1)
      expectOver(call)
    })

    it('answers a retransmitted INVITE with the final response', async () => {
      const call = await invited()
      respond(call, 486)
      await send(call, invite)
      expect(call.peer.statuses).toEqual([486, 486])
    })

    it('transport error: tells the user, and goes on trying', async () => {
      const call = await invited()
      respond(call, 486)
      call.network.makeUnreachable('192.0.2.2')
      await call.pass(500)
      expect(call.user.errors).toHaveLength(1)
      call.network.makeReachable('192.0.2.2')
      await call.pass(1000)
      expect(call.network.timesOf('486 INVITE')).toEqual([0, 1500])
    })

    it('refuses any further response with the state and the rule', async () => {
      const call = await invited()
      respond(call, 486)
      for (const status of [180, 200, 487]) {
        expect(() => respond(call, status)).toThrow(StateError)
        expect(() => respond(call, status)).toThrow(/transaction is completed \(RFC 3261 §17\.2\.1/)
      }
    })
  })

  describe('Confirmed', () => {
    it('the ACK ends the retransmissions and is not passed up; timer I absorbs its like for T4 over UDP', async () => {
      const call = await invited()
      respond(call, 486)
      await call.pass(600)
      await send(call, ack)
      await send(call, ack)
      await send(call, invite)
      await call.pass(4999)
      expect(call.network.timesOf('486 INVITE')).toEqual([0, 500])
      expect(call.layerUser.acks).toEqual([])
      expect(call.layer.counts.server).toBe(1)
      await call.pass(1)
      expect(call.user.ackTimeouts).toBe(0)
      expectOver(call)
    })

    it('is over at once over TCP', async () => {
      const call = await invited('tcp')
      respond(call, 486)
      await send(call, ack)
      expectOver(call)
    })
  })

  describe('Accepted', () => {
    it('sends what the user sends: the 2xx, and the 2xx again', async () => {
      const call = await invited()
      respond(call, 200)
      await call.pass(500)
      respond(call, 200)
      await call.pass(2000)
      expect(call.network.timesOf('200 INVITE')).toEqual([0, 500])
    })

    it('absorbs a retransmitted INVITE without an answer', async () => {
      const call = await invited()
      respond(call, 200)
      await send(call, invite)
      expect(call.peer.statuses).toEqual([200])
      expect(call.layerUser.methods).toEqual(['INVITE'])
    })

    it('passes up an ACK that has the branch of the INVITE, as one with a branch of its own', async () => {
      const call = await invited()
      respond(call, 200)
      await send(call, ack)
      await send(call, sipRequest('ACK', { branch: 'z9hG4bKack', toTag: 'to1' }))
      expect(call.layerUser.acks).toHaveLength(2)
    })

    it('refuses anything but a 2xx', async () => {
      const call = await invited()
      respond(call, 200)
      for (const status of [180, 486]) expect(() => respond(call, status)).toThrow(/transaction is accepted/)
    })

    it('transport error: tells the user and stays', async () => {
      const call = await invited()
      call.network.makeUnreachable('192.0.2.2')
      respond(call, 200)
      await call.pass(0)
      expect(call.user.errors).toHaveLength(1)
      expect(call.transaction.isTerminated).toBe(false)
    })

    for (const protocol of ['udp', 'tcp'] as const) {
      it(`timer L: over ${protocol} it is over 64·T1 after the 2xx`, async () => {
        const call = await invited(protocol)
        respond(call, 200)
        await call.pass(31_999)
        expect(call.transaction.isTerminated).toBe(false)
        await call.pass(1)
        expectOver(call)
        expect(() => respond(call, 200)).toThrow(/transaction is terminated/)
      })
    }
  })

  describe('CANCEL, §9.2', () => {
    const cancel = sipRequest('CANCEL', { branch })

    it('is answered 200 by the layer and told to the user of the INVITE, who answers 487', async () => {
      const call = await invited()
      respond(call, 180)
      await send(call, cancel)
      expect(call.user.cancels).toHaveLength(1)
      respond(call, 487)
      await send(call, ack)
      expect(call.peer.statuses).toEqual([180, 200, 487])
      await call.pass(32_000)
      expectOver(call)
    })

    it('gets the To tag of the INVITE, and the same answer again when it is sent again', async () => {
      const call = await invited()
      respond(call, 180)
      await send(call, cancel)
      await send(call, cancel)
      const answers = call.peer.received.filter(({ kind, cseq }) => kind === 'response' && cseq.method === 'CANCEL')
      expect(answers.map(({ to }) => to.parameters.get('tag'))).toEqual(['to1', 'to1'])
      expect(call.user.cancels).toHaveLength(1)
    })

    it('has no effect after a final response, but is answered 200', async () => {
      const call = await invited()
      respond(call, 200)
      await send(call, cancel)
      expect(call.user.cancels).toEqual([])
      expect(call.peer.statuses).toEqual([200, 200])
    })

    it('is answered 481 when there is no such INVITE', async () => {
      const call = await invited()
      await send(call, sipRequest('CANCEL', { branch: 'z9hG4bKother' }))
      expect(call.peer.statuses).toEqual([481])
      expect(call.user.cancels).toEqual([])
    })
  })
})
