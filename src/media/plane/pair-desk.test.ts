import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import type { DatagramPort } from '../../rtp/datagram-port.ts'
import type { PortPair } from '../../rtp/port-pool.ts'
import type { FreePair } from './messages.ts'
import { PairDesk, type PairSource } from './pair-desk.ts'

/** A source of so many pairs, with `spare` of them bound. */
class FakeSource implements PairSource {
  readonly given: PortPair[] = []
  isClosed = false
  spare: number
  unbound: number
  inUse = 0
  #port = 20_000

  constructor(spare: number, unbound: number) {
    this.spare = spare
    this.unbound = unbound
  }

  get counts(): PairSource['counts'] {
    return { spare: this.spare, inUse: this.inUse, unbound: this.unbound }
  }

  async start(): Promise<void> {}

  take(): PortPair | null {
    if (this.spare === 0) return null
    this.spare--
    this.inUse++
    const port = (number: number): DatagramPort => ({
      address: '192.0.2.1',
      port: number,
      sendErrors: 0,
      send: () => {},
      onMessage: () => {},
      close: () => {},
    })
    this.#port += 2
    return { rtp: port(this.#port - 2), rtcp: port(this.#port - 1) }
  }

  give(pair: PortPair): void {
    this.given.push(pair)
    this.inUse--
    this.unbound++
  }

  close(): void {
    this.isClosed = true
  }

  bindMore(count: number): void {
    this.spare += count
    this.unbound -= count
  }
}

async function setUp(spare: number, unbound: number, ahead = 4) {
  const clock = new TestClock()
  const source = new FakeSource(spare, unbound)
  const announced: FreePair[] = []
  let last = 0
  const desk = new PairDesk({
    clock,
    source,
    ahead,
    nextId: () => ++last,
    announce: (pairs) => announced.push(...pairs),
  })
  await desk.start()
  return { clock, source, announced, desk }
}

describe('the desk of port pairs', () => {
  it('announces as many as wished, and no timer runs while they are free', async () => {
    const { clock, announced } = await setUp(10, 0)
    expect(announced.map(({ port }) => port)).toEqual([20_000, 20_002, 20_004, 20_006])
    expect(clock.pending).toBe(0)
  })

  it('fetches more when some are opened', async () => {
    const { clock, announced, desk } = await setUp(10, 0)
    expect(desk.open(1)?.rtp.port).toBe(20_000)
    expect(desk.open(1)).toBeNull()
    desk.open(2)
    clock.advance(1)
    expect(announced.map(({ pair }) => pair)).toEqual([1, 2, 3, 4, 5, 6])
    expect(clock.pending).toBe(0)
  })

  it('asks again while the source is still binding, and not when it has nothing left', async () => {
    const { clock, source, announced } = await setUp(1, 2)
    expect(announced.length).toBe(1)
    source.bindMore(2)
    clock.advance(20)
    expect(announced.length).toBe(3)
    expect(clock.pending).toBe(0)
  })

  it('lets a pair rest, then announces the same sockets again', async () => {
    const { clock, source, announced, desk } = await setUp(1, 0)
    const pair = desk.open(1)
    desk.give(1)
    desk.give(1)
    clock.advance(199)
    expect(announced.length).toBe(1)
    clock.advance(1)
    expect(announced.map(({ pair: id }) => id)).toEqual([1, 1])
    expect(desk.open(1)).toBe(pair)
    clock.advance(1)
    expect(source.given).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('wants a quarter of those in use free', async () => {
    const { clock, announced, desk } = await setUp(100, 0, 4)
    for (let id = 1; id <= 40; id++) {
      if (!announced.some(({ pair }) => pair === id)) clock.advance(1)
      expect(desk.open(id)).not.toBeNull()
    }
    clock.advance(1)
    expect(announced.length - 40).toBeGreaterThanOrEqual(8)
    expect(announced.length - 40).toBeLessThanOrEqual(10)
  })

  it('releases a free pair, but not one in use', async () => {
    const { source, desk } = await setUp(4, 0)
    desk.open(1)
    desk.release(1)
    desk.release(2)
    desk.release(2)
    expect(source.given.map(({ rtp }) => rtp.port)).toEqual([20_002])
    expect(desk.open(2)).toBeNull()
  })

  it('closed, gives every pair back and stops its timer', async () => {
    const { clock, source, desk } = await setUp(4, 4)
    desk.open(1)
    desk.open(2)
    desk.give(2)
    desk.close()
    expect(source.given.length).toBe(4)
    expect(source.isClosed).toBe(true)
    expect(clock.pending).toBe(0)
  })
})
