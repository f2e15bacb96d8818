import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import { SourceRoutes } from './source-routes.ts'

describe('SourceRoutes', () => {
  it('asks the kernel which address a loopback peer sees', () => {
    const routes = new SourceRoutes(new TestClock())
    expect(routes.sourceFor('127.0.0.1')).toBe('127.0.0.1')
    expect(routes.sourceFor('::1')).toBe('::1')
  })

  it('remembers an answer for half a minute, then asks again', () => {
    const clock = new TestClock()
    const asked: string[] = []
    const routes = new SourceRoutes(clock, (remote) => {
      asked.push(remote)
      return `192.0.2.${asked.length}`
    })
    expect(routes.sourceFor('198.51.100.1')).toBe('192.0.2.1')
    clock.advance(29_999)
    expect(routes.sourceFor('198.51.100.1')).toBe('192.0.2.1')
    clock.advance(1)
    expect(routes.sourceFor('198.51.100.1')).toBe('192.0.2.2')
    expect(asked).toHaveLength(2)
  })

  it('keeps a bounded number of peers, however many there are', () => {
    const routes = new SourceRoutes(new TestClock(), () => '192.0.2.1')
    for (let i = 0; i < 5000; i++) routes.sourceFor(`10.0.${i >> 8}.${i & 255}`)
    expect(routes.size).toBe(2048)
  })

  it('still names an address of the right family when there is no route', () => {
    const routes = new SourceRoutes(new TestClock(), () => null)
    expect(routes.sourceFor('203.0.113.1')).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(routes.sourceFor('2001:db8::1')).toContain(':')
    expect(routes.sourceFor('127.0.0.9')).toBe('127.0.0.1')
  })
})
