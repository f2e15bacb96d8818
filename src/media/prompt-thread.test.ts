import { describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { SwitchhookError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import type { PromptJob } from './prompt-messages.ts'
import { PromptThread, type PromptThreadOptions } from './prompt-thread.ts'

const limits = { maxFileBytes: 1e6, maxDurationMs: 3_600_000 }
const never = new AbortController().signal

function speech(id: string, seconds = 1): PromptJob {
  return { kind: 'pcm', id, samples: new Int16Array(22_050 * seconds), rateHz: 22_050, limits }
}

function tone(id: string): PromptJob {
  return { kind: 'tone', id, name: 'beep', region: 'eu' }
}

function start(more: Partial<PromptThreadOptions> = {}): { thread: PromptThread; clock: TestClock } {
  const clock = new TestClock()
  const thread = new PromptThread({ clock, log: silentLogger, maxRunning: 2, maxWaiting: 3, deadlineMs: 1000, ...more })
  return { thread, clock }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'made',
    (thrown: unknown) => (thrown instanceof SwitchhookError ? thrown.code : String(thrown)),
  )

describe('the thread that makes prompts', () => {
  it('takes so many at once, lets so many wait, and refuses the rest', async () => {
    const { thread, clock } = start()
    const jobs = Array.from({ length: 7 }, (_, i) => codeOf(thread.run(tone(`t${i}`), never)))
    expect(thread.counts).toEqual({ running: 2, waiting: 3 })
    expect(await Promise.all(jobs)).toEqual([
      'made',
      'made',
      'made',
      'made',
      'made',
      'media.prompts-busy',
      'media.prompts-busy',
    ])
    expect(thread.counts).toEqual({ running: 0, waiting: 0 })
    expect(clock.pending).toBe(0)
    await thread.close()
  })

  it('lets speech go before what waits', async () => {
    const { thread } = start({ maxRunning: 1 })
    const order: string[] = []
    const note = (name: string) => (): number => order.push(name)
    await Promise.all([
      thread.run(tone('first'), never).then(note('first')),
      thread.run(tone('tone'), never).then(note('tone')),
      thread.run(speech('speech'), never).then(note('speech')),
    ])
    expect(order).toEqual(['first', 'speech', 'tone'])
    await thread.close()
  })

  it('ends a job over its deadline with the thread it may hang in, and does the others again', async () => {
    const { thread, clock } = start({ maxRunning: 2 })
    const late = codeOf(thread.run(speech('late', 600), never))
    clock.advance(600)
    const other = codeOf(thread.run(speech('other', 20), never))
    clock.advance(400)
    expect(await late).toBe('media.prompt-timed-out')
    expect(await other).toBe('made')
    expect(clock.pending).toBe(0)
    await thread.close()
  })

  it('forgets what waits when nobody does, and lets go of what is in hand', async () => {
    const { thread, clock } = start({ maxRunning: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const running = codeOf(thread.run(speech('long', 600), first.signal))
    const waiting = codeOf(thread.run(tone('t'), second.signal))
    second.abort('gone')
    expect(thread.counts).toEqual({ running: 1, waiting: 0 })
    first.abort('gone')
    expect(await Promise.all([running, waiting])).toEqual(['gone', 'gone'])
    // The place of the job in hand comes free long before ten minutes of speech are converted.
    expect(await codeOf(thread.run(tone('next'), never))).toBe('made')
    expect(clock.pending).toBe(0)
    await thread.close()
  })

  it('rejects everything when it is closed', async () => {
    const { thread, clock } = start({ maxRunning: 1 })
    const jobs = [codeOf(thread.run(speech('a', 600), never)), codeOf(thread.run(tone('b'), never))]
    await thread.close()
    expect(await Promise.all(jobs)).toEqual(['media.prompts-stopped', 'media.prompts-stopped'])
    expect(await codeOf(thread.run(tone('c'), never))).toBe('media.prompts-stopped')
    expect(clock.pending).toBe(0)
  })
})
