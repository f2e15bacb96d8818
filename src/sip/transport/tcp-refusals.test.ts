import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { TcpRefusals } from './tcp-refusals.ts'

describe('TcpRefusals', () => {
  it('remembers a peer that took no TCP for ten minutes, by address and port', () => {
    const clock = new TestClock()
    const refusals = new TcpRefusals(clock)
    const peer = { address: '192.0.2.1', port: 5060 }
    expect(refusals.has(peer)).toBe(false)
    refusals.add(peer)
    expect(refusals.has({ ...peer })).toBe(true)
    expect(refusals.has({ ...peer, port: 5062 })).toBe(false)
    clock.advance(599_999)
    expect(refusals.has(peer)).toBe(true)
    clock.advance(1)
    expect(refusals.has(peer)).toBe(false)
  })

  it('forgets all when there are too many to remember', () => {
    const refusals = new TcpRefusals(new TestClock())
    const peer = (port: number) => ({ address: '192.0.2.1', port })
    for (let port = 1; port <= 1025; port++) refusals.add(peer(port))
    expect(refusals.has(peer(1))).toBe(false)
    expect(refusals.has(peer(1025))).toBe(true)
  })
})
