import { describe, expect, it } from 'vitest'
import { type LayerAndPeer, layerAndPeer, sipRequest } from '../../../test/support/sip-peer.ts'
import type { TransportError } from '../../base/errors.ts'
import { createResponse } from '../message/index.ts'
import type { ServerTransaction } from './types.ts'

interface Asked extends LayerAndPeer {
  readonly transaction: ServerTransaction
  readonly errors: TransportError[]
}

const options = sipRequest('OPTIONS', { branch: 'z9hG4bKoptions1' })

async function asked(protocol: 'udp' | 'tcp' = 'udp'): Promise<Asked> {
  const parts = layerAndPeer()
  await parts.peer.send(options, parts.layerTransport, protocol)
  await parts.pass(0)
  const transaction = parts.layerUser.at(0)
  const errors: TransportError[] = []
  transaction.user = { cancelled: () => {}, ackTimedOut: () => {}, transportFailed: (error) => errors.push(error) }
  return { ...parts, transaction, errors }
}

async function again(call: Asked, protocol: 'udp' | 'tcp' = 'udp'): Promise<void> {
  await call.peer.send(options, call.layerTransport, protocol)
  await call.pass(0)
}

function respond({ transaction }: Asked, status: number): void {
  transaction.respond(createResponse(transaction.request, status, { toTag: 'to1' }))
}

function expectOver({ clock, layer, transaction }: Asked): void {
  expect(transaction.isTerminated).toBe(true)
  expect(layer.counts.server).toBe(0)
  expect(clock.pending).toBe(0)
}

describe('non-INVITE server transaction, RFC 3261 figure 8', () => {
  it('Trying: discards a retransmission, and sends nothing by itself however long the user takes', async () => {
    const call = await asked()
    await again(call)
    await call.pass(60_000)
    expect(call.layerUser.methods).toEqual(['OPTIONS'])
    expect(call.peer.statuses).toEqual([])
    expect(call.clock.pending).toBe(0)
  })

  it('Proceeding: answers a retransmission with the last provisional response', async () => {
    const call = await asked()
    respond(call, 100)
    respond(call, 182)
    await again(call)
    expect(call.peer.statuses).toEqual([100, 182, 182])
  })

  it('Proceeding: a transport error is told to the user and ends it', async () => {
    const call = await asked()
    call.network.makeUnreachable('192.0.2.2')
    respond(call, 100)
    await call.pass(0)
    expect(call.errors).toHaveLength(1)
    expectOver(call)
  })

  it('Completed: answers a retransmission with the same bytes, until timer J ends it after 64·T1 over UDP', async () => {
    const call = await asked()
    respond(call, 200)
    await call.pass(31_999)
    await again(call)
    const [first, second, ...more] = call.network.packets.filter(({ text }) => text === '200 OPTIONS')
    expect(second?.bytes).toEqual(first?.bytes)
    expect(more).toEqual([])
    await call.pass(1)
    expectOver(call)
    await again(call)
    expect(call.layerUser.methods).toEqual(['OPTIONS', 'OPTIONS'])
  })

  it('Completed: is over at once over TCP', async () => {
    const call = await asked('tcp')
    respond(call, 200)
    await call.pass(0)
    expect(call.peer.statuses).toEqual([200])
    expectOver(call)
  })

  it('Completed: a transport error is told to the user and ends it', async () => {
    const call = await asked()
    call.network.makeUnreachable('192.0.2.2')
    respond(call, 200)
    await call.pass(0)
    expect(call.errors).toHaveLength(1)
    expectOver(call)
  })

  it('refuses a response after the final one', async () => {
    const call = await asked()
    respond(call, 200)
    for (const status of [100, 200, 404]) {
      expect(() => respond(call, status)).toThrow(/transaction is completed \(RFC 3261 §17\.2\.2\)/)
    }
  })
})
