import { describe, expect, it } from 'vitest'
import { keyOfEvent, writeEventPayload } from './event-payload.ts'
import { EventReceiver, lostEndMs } from './event-receiver.ts'

interface Heard {
  readonly log: string[]
  readonly receiver: EventReceiver
  readonly send: (code: number, ticks: number, timestamp: number, isEnd?: boolean, nowMs?: number) => void
}

function listen(): Heard {
  const log: string[] = []
  const receiver = new EventReceiver({
    eventStarted: (code) => log.push(`down ${code}`),
    eventEnded: (code, ticks) => log.push(`up ${code} ${ticks}`),
  })
  return {
    log,
    receiver,
    send: (code, ticks, timestamp, isEnd = false, nowMs = 0) => {
      const bytes = new Uint8Array(16)
      writeEventPayload(bytes, 12, code, isEnd, ticks)
      receiver.receive(bytes, 12, 4, timestamp, nowMs)
    },
  }
}

describe('EventReceiver', () => {
  it('tells a key once when it goes down and once, with its length, when it comes up', () => {
    const { log, send } = listen()
    for (const ticks of [160, 320, 480, 640]) send(5, ticks, 1000)
    for (let i = 0; i < 3; i++) send(5, 800, 1000, true)
    expect(log).toEqual(['down 5', 'up 5 800'])
  })

  it('counts a key of which only one end packet arrived', () => {
    const { log, send } = listen()
    send(9, 800, 1000, true)
    expect(log).toEqual(['down 9', 'up 9 800'])
  })

  it('tells the same key pressed twice apart by the timestamp, marker or not', () => {
    const { log, send } = listen()
    send(1, 160, 1000)
    send(1, 800, 1000, true)
    send(1, 160, 3000)
    send(1, 800, 3000, true)
    expect(log).toEqual(['down 1', 'up 1 800', 'down 1', 'up 1 800'])
  })

  it('ends a key whose end was lost when the next begins, and does not begin it again when its packets come late', () => {
    const { log, send } = listen()
    send(1, 160, 1000)
    send(1, 480, 1000)
    send(2, 160, 3000)
    send(1, 800, 1000, true)
    send(1, 640, 1000)
    send(2, 800, 3000, true)
    send(2, 320, 3000)
    expect(log).toEqual(['down 1', 'up 1 480', 'down 2', 'up 2 800'])
  })

  it('does not shorten a key by updates that come out of order', () => {
    const { log, send } = listen()
    send(3, 480, 1000)
    send(3, 160, 1000)
    send(3, 320, 1000, true)
    expect(log).toEqual(['down 3', 'up 3 480'])
  })

  it('adds up the segments of a key held longer than the field can tell', () => {
    const { log, send } = listen()
    send(4, 160, 1000)
    send(4, 0xffff, 1000)
    send(4, 160, 1000 + 0xffff)
    send(4, 0xfff0, 1000)
    send(4, 0xffff, 1000 + 0xffff)
    send(4, 800, 1000 + 2 * 0xffff, true)
    send(4, 800, 1000 + 2 * 0xffff, true)
    expect(log).toEqual(['down 4', `up 4 ${2 * 0xffff + 800}`])
  })

  it('knows a timestamp on both sides of the wrap', () => {
    const { log, send } = listen()
    send(4, 0xffff, 0xffff_f000)
    send(4, 160, (0xffff_f000 + 0xffff) >>> 0, true)
    expect(log).toEqual(['down 4', `up 4 ${0xffff + 160}`])
  })

  it('passes over codes that are no key, and payloads too short to be an event', () => {
    const { log, send, receiver } = listen()
    send(16, 160, 1000)
    send(255, 160, 1000, true)
    receiver.receive(Uint8Array.from([5, 0, 0]), 0, 3, 1000, 0)
    receiver.receive(Uint8Array.from([5, 0, 0, 160]), 2, 4, 1000, 0)
    expect(log).toEqual([])
    expect(receiver.isActive).toBe(false)
  })

  it('ends a key that went silent', () => {
    const { log, send, receiver } = listen()
    send(7, 160, 1000, false, 0)
    send(7, 320, 1000, false, 20)
    receiver.expire(20 + lostEndMs - 1)
    expect(log).toEqual(['down 7'])
    receiver.expire(20 + lostEndMs)
    receiver.expire(20 + 2 * lostEndMs)
    send(7, 480, 1000, false, 500)
    expect(log).toEqual(['down 7', 'up 7 320'])
  })

  it('ends a key and forgets old timestamps when the stream is a new one', () => {
    const { log, send, receiver } = listen()
    send(7, 160, 1000)
    receiver.reset()
    send(7, 160, 1000)
    expect(log).toEqual(['down 7', 'up 7 160', 'down 7'])
  })
})

describe('keyOfEvent', () => {
  it('names the sixteen keys and nothing else', () => {
    expect(Array.from({ length: 16 }, (_, code) => keyOfEvent(code)).join('')).toBe('0123456789*#ABCD')
    expect(keyOfEvent(16)).toBeNull()
  })
})
