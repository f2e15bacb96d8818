import { describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { VirtualNetwork } from '../../test/support/virtual-network.ts'
import { SeededRandom } from '../base/random.ts'
import { type PortPair, PortPool, type PortPoolOptions } from './port-pool.ts'

const address = '192.0.2.1'

interface Setup {
  readonly clock: TestClock
  readonly network: VirtualNetwork
  readonly pool: PortPool
}

function setUp(options: Partial<PortPoolOptions> = {}): Setup {
  const clock = new TestClock()
  const network = new VirtualNetwork(clock, new SeededRandom(1))
  const { bindLater: bind } = network
  const pool = new PortPool({ address, firstPort: 20_000, lastPort: 20_039, bind, clock, minSpare: 4, ...options })
  return { clock, network, pool }
}

/** Takes a pair that must be there. */
function take(pool: PortPool): PortPair {
  return pool.take() ?? fail()
}

function fail(): never {
  throw new Error('no pair was free')
}

describe('PortPool', () => {
  it('binds pairs ahead, RTP even and RTCP above it, and hands them out at once', async () => {
    const { pool, network } = setUp()
    await pool.start()
    expect(pool.counts).toEqual({ spare: 4, inUse: 0, unbound: 16 })
    expect(network.boundPorts).toBe(8)
    const pair = take(pool)
    expect([pair.rtp.port, pair.rtcp.port]).toEqual([20_000, 20_001])
    expect(pool.counts).toEqual({ spare: 3, inUse: 1, unbound: 16 })
  })

  it('fills up again in the background, a few at a time', async () => {
    const { pool, clock } = setUp()
    await pool.start()
    for (let i = 0; i < 4; i++) take(pool)
    expect(pool.take()).toBeNull()
    await clock.advanceAsync(100)
    expect(pool.counts.spare).toBe(4)
    expect(clock.pending).toBe(0)
  })

  it('keeps more ahead when more are in use', async () => {
    const { pool, clock } = setUp({ lastPort: 20_399 })
    await pool.start()
    for (let i = 0; i < 100; i++) {
      take(pool)
      await clock.advanceAsync(20)
    }
    await clock.advanceAsync(200)
    // A refill begins below three quarters of the aim, 25.
    expect(pool.counts.spare).toBeGreaterThanOrEqual(19)
  })

  it('uses the port that was given back last after all others', async () => {
    const { pool, clock } = setUp()
    await pool.start()
    const first = take(pool)
    pool.give(first)
    const seen: number[] = []
    for (let i = 0; i < 40; i++) {
      const pair = take(pool)
      seen.push(pair.rtp.port)
      pool.give(pair)
      await clock.advanceAsync(20)
    }
    expect(seen.indexOf(first.rtp.port)).toBeGreaterThanOrEqual(18)
    expect(new Set(seen.slice(0, 19)).size).toBe(19)
  })

  it('closes the sockets of a pair that is given back, once', async () => {
    const { pool, network } = setUp()
    await pool.start()
    const pair = take(pool)
    const before = network.boundPorts
    pool.give(pair)
    pool.give(pair)
    expect(network.boundPorts).toBe(before - 2)
    expect(pool.counts).toMatchObject({ inUse: 0, unbound: 17 })
  })

  it('skips a pair of which somebody else holds either port, and takes it when it is free', async () => {
    const { pool, network, clock } = setUp({ lastPort: 20_007, minSpare: 2 })
    network.hold(address, 20_000)
    network.hold(address, 20_003)
    await pool.start()
    const taken = [take(pool).rtp.port, take(pool).rtp.port]
    expect(taken).toEqual([20_004, 20_006])
    await clock.advanceAsync(5000)
    expect(pool.take()).toBeNull()
    expect(network.boundPorts).toBe(4)
    network.hold(address, 20_000, false)
    await clock.advanceAsync(2000)
    expect(take(pool).rtp.port).toBe(20_000)
  })

  it('has nothing when all are in use, and something again when one comes back', async () => {
    const { pool, clock } = setUp({ lastPort: 20_007, minSpare: 8 })
    await pool.start()
    const pairs = [take(pool), take(pool), take(pool), take(pool)]
    expect(pool.take()).toBeNull()
    await clock.advanceAsync(5000)
    expect(pool.take()).toBeNull()
    pool.give(pairs[2] ?? fail())
    await clock.advanceAsync(20)
    expect(take(pool).rtp.port).toBe(20_004)
  })

  it('refuses to start where not one pair can be bound, and says which range', async () => {
    const { pool, network } = setUp({ firstPort: 20_001, lastPort: 20_004 })
    network.hold(address, 20_003)
    await expect(pool.start()).rejects.toMatchObject({ code: 'rtp.no-usable-port', facts: { firstPort: 20_001 } })
    const none = setUp({ firstPort: 20_001, lastPort: 20_002 })
    await expect(none.pool.start()).rejects.toMatchObject({ code: 'rtp.no-usable-port' })
  })

  it('leaves no socket and no timer behind when closed, in the middle of a refill too', async () => {
    const { pool, network, clock } = setUp()
    await pool.start()
    const pair = take(pool)
    take(pool)
    take(pool)
    const refill = clock.advanceAsync(0, 1)
    pool.close()
    await refill
    await clock.advanceAsync(5000)
    pool.give(pair)
    expect(network.boundPorts).toBe(4)
    expect(clock.pending).toBe(0)
    expect(pool.take()).toBeNull()
  })
})
