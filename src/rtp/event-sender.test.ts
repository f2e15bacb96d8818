import { describe, expect, it } from 'vitest'
import { writeEventPayload } from './event-payload.ts'
import { EventReceiver } from './event-receiver.ts'
import { EventSender } from './event-sender.ts'

/** What each frame carried: `5 T0 160 M`, `pause`, `idle`. Timestamps relative to the first frame. */
function run(sender: EventSender, frames: number, frameTicks = 160, from = 0): string[] {
  const told: string[] = []
  for (let n = 0; n < frames; n++) {
    const what = sender.next((from + n * frameTicks) >>> 0, frameTicks)
    const flags = `${sender.isMarked ? ' M' : ''}${sender.isEnd ? ' E' : ''}`
    told.push(what === 'event' ? `${sender.code} T${sender.timestamp} ${sender.durationTicks}${flags}` : what)
  }
  return told
}

describe('EventSender', () => {
  it('sends a key of 100 ms, its end three times, and begins the next 160 ms after the first', () => {
    const sender = new EventSender()
    sender.enqueue(5)
    sender.enqueue(11)
    expect(run(sender, 18, 160, 8000)).toEqual([
      '5 T8000 160 M',
      '5 T8000 320',
      '5 T8000 480',
      '5 T8000 640',
      '5 T8000 800 E',
      '5 T8000 800 E',
      '5 T8000 800 E',
      'pause',
      '11 T9280 160 M',
      '11 T9280 320',
      '11 T9280 480',
      '11 T9280 640',
      '11 T9280 800 E',
      '11 T9280 800 E',
      '11 T9280 800 E',
      'pause',
      'idle',
      'idle',
    ])
    expect(sender.isBusy).toBe(false)
  })

  it.each([10, 20, 30, 40, 50, 60])('sends three ends and a whole tone at frames of %i ms', (ptimeMs) => {
    const sender = new EventSender()
    sender.enqueue(1)
    sender.enqueue(2)
    const told = run(sender, Math.ceil(600 / ptimeMs), ptimeMs * 8)
    for (const code of [1, 2]) {
      const ends = told.filter((line) => line.startsWith(`${code} `) && line.endsWith(' E'))
      const first = told.findIndex((line) => line.startsWith(`${code} `))
      expect(ends.length, told.join(', ')).toBe(3)
      expect(ends.every((line) => line.includes(' 800'))).toBe(true)
      expect(told[first]).toMatch(/ M/)
    }
    const second = told.findIndex((line) => line.startsWith('2 '))
    expect(second * ptimeMs).toBeGreaterThanOrEqual(160)
  })

  it('stops: what waits is forgotten, what sounds is ended properly', () => {
    const sender = new EventSender()
    sender.enqueue(5)
    sender.enqueue(6)
    expect(run(sender, 2)).toEqual(['5 T0 160 M', '5 T0 320'])
    sender.stop()
    expect(run(sender, 8, 160, 320)).toEqual([
      '5 T0 480 E',
      '5 T0 480 E',
      '5 T0 480 E',
      'pause',
      'idle',
      'idle',
      'idle',
      'idle',
    ])
    sender.stop()
    expect(sender.isBusy).toBe(false)
  })

  it('refuses keys without end', () => {
    const sender = new EventSender()
    let taken = 0
    while (sender.enqueue(1)) taken++
    expect(taken).toBe(256)
  })

  it('is heard by a receiver key by key, whichever third of its packets is lost', () => {
    for (let lost = 0; lost < 3; lost++) {
      const sender = new EventSender()
      const keys: number[] = []
      const receiver = new EventReceiver({ eventStarted: (code) => keys.push(code), eventEnded: () => {} })
      for (let code = 0; code < 16; code++) sender.enqueue(code)
      const bytes = new Uint8Array(4)
      for (let n = 0; sender.isBusy; n++) {
        if (sender.next((0xffff_f000 + n * 160) >>> 0, 160) !== 'event' || n % 3 === lost) continue
        writeEventPayload(bytes, 0, sender.code, sender.isEnd, sender.durationTicks)
        receiver.receive(bytes, 0, 4, sender.timestamp, n * 20)
      }
      expect(keys).toEqual(Array.from({ length: 16 }, (_, code) => code))
    }
  })
})
