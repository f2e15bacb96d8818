import { describe, expect, it } from 'vitest'
import { settle, TestClock } from '../../test/support/test-clock.ts'
import { silentLogger } from '../base/log.ts'
import type { VoiceChild, VoiceUser } from './voice-child.ts'
import { VoiceDesk } from './voice-desk.ts'
import type { VoiceRequest } from './voice-frames.ts'

/** One run of a voice that does what the test says. */
class ScriptedChild implements VoiceChild {
  readonly pid = 1
  readonly requests: VoiceRequest[] = []
  readonly user: VoiceUser
  isKilled = false
  isEnding = false

  constructor(user: VoiceUser) {
    this.user = user
  }

  send(request: VoiceRequest): void {
    this.requests.push(request)
  }

  kill(): void {
    this.isKilled = true
    this.user.ended('The voice ended by SIGKILL.')
  }

  end(): void {
    this.isEnding = true
  }

  ready(): void {
    this.user.ready({ engine: 'test', version: '1', sampleRateHz: 22050 })
  }

  /** Answers the last request. */
  answer(): void {
    const id = this.requests.at(-1)?.id ?? 0
    this.user.answered({ kind: 'spoken', id, pcm: new Int16Array(10), sampleRateHz: 22050 })
  }
}

function scripted(options: { maxQueue?: number } = {}): {
  desk: VoiceDesk
  clock: TestClock
  children: ScriptedChild[]
  child: () => ScriptedChild
} {
  const clock = new TestClock()
  const children: ScriptedChild[] = []
  const start = (user: VoiceUser): VoiceChild => {
    const child = new ScriptedChild(user)
    children.push(child)
    return child
  }
  const desk = new VoiceDesk({ start, clock, log: silentLogger, ...options })
  const child = (): ScriptedChild => {
    const last = children.at(-1)
    if (!last) throw new Error('nothing was started')
    return last
  }
  return { desk, clock, children, child }
}

/** What became of a promise by now. */
function outcomeOf(promise: Promise<unknown>): { value: string } {
  const outcome = { value: 'waiting' }
  promise.then(
    () => (outcome.value = 'spoken'),
    (thrown: unknown) => (outcome.value = String((thrown as { code?: string }).code ?? thrown)),
  )
  return outcome
}

describe('VoiceDesk', () => {
  it('gives the voice one text at a time, in the order asked', async () => {
    const { desk, child } = scripted()
    const outcomes = ['a', 'b', 'c'].map((text) => outcomeOf(desk.speak(text, 'en')))
    expect(child().requests).toEqual([])
    child().ready()
    expect(child().requests.map(({ text }) => text)).toEqual(['a'])
    child().answer()
    await settle()
    expect(outcomes.map(({ value }) => value)).toEqual(['spoken', 'waiting', 'waiting'])
    expect(child().requests.map(({ text }) => text)).toEqual(['a', 'b'])
    child().answer()
    child().answer()
    await settle()
    expect(outcomes.map(({ value }) => value)).toEqual(['spoken', 'spoken', 'spoken'])
  })

  it('kills a voice that hangs, fails its text, and speaks the next with a new one', async () => {
    const { desk, clock, children, child } = scripted()
    child().ready()
    const [hung, next] = [outcomeOf(desk.speak('hang', 'en')), outcomeOf(desk.speak('next', 'en'))]
    await clock.advanceAsync(20_000)
    expect(hung.value).toBe('speech.timed-out')
    expect(children[0]?.isKilled).toBe(true)
    await clock.advanceAsync(100)
    expect(children).toHaveLength(2)
    child().ready()
    child().answer()
    await settle()
    expect(next.value).toBe('spoken')
    expect(child().requests.map(({ text }) => text)).toEqual(['next'])
  })

  it('tries a text once more when the voice ended over it, and not a third time', async () => {
    const { desk, clock, children, child } = scripted()
    child().ready()
    const [deadly, next] = [outcomeOf(desk.speak('deadly', 'en')), outcomeOf(desk.speak('next', 'en'))]
    child().user.ended('The voice ended by SIGSEGV.')
    await clock.advanceAsync(100)
    child().ready()
    expect(child().requests.map(({ text }) => text)).toEqual(['deadly'])
    child().user.ended('The voice ended by SIGSEGV.')
    await settle()
    expect(deadly.value).toBe('speech.failed')
    await clock.advanceAsync(200)
    expect(children).toHaveLength(3)
    child().ready()
    child().answer()
    await settle()
    expect(next.value).toBe('spoken')
  })

  it('pauses twice as long with each end that follows no answer, up to half a minute', async () => {
    const { clock, children, child } = scripted()
    child().ready()
    const pauses: number[] = []
    for (let i = 0; i < 12; i++) {
      child().user.ended('The voice ended with exit code 1.')
      const started = children.length
      const fromMs = clock.now()
      while (children.length === started) clock.advance(clock.untilNext ?? 0)
      pauses.push(clock.now() - fromMs)
      child().ready()
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000])
  })

  it('gives up where the voice is never once ready, and says why', async () => {
    const { desk, clock, children, child } = scripted()
    const waiting = outcomeOf(desk.speak('a', 'en'))
    const decided = desk.decided()
    for (let i = 0; i < 3; i++) {
      child().user.ended('The voice ended with exit code 3. Cannot find package.')
      await clock.advanceAsync(1000)
    }
    expect(children).toHaveLength(3)
    expect(await decided).toEqual({
      isAvailable: false,
      sentence: 'The voice ended with exit code 3. Cannot find package.',
    })
    expect(waiting.value).toBe('speech.unavailable')
    await expect(desk.speak('b', 'en')).rejects.toMatchObject({ code: 'speech.unavailable' })
    expect(clock.pending).toBe(0)
  })

  it('kills a voice that does not become ready', async () => {
    const { clock, children } = scripted()
    await clock.advanceAsync(30_000)
    expect(children[0]?.isKilled).toBe(true)
    await clock.advanceAsync(100)
    expect(children).toHaveLength(2)
  })

  it('refuses a text when too many wait', async () => {
    const { desk, child } = scripted({ maxQueue: 2 })
    child().ready()
    const outcomes = ['a', 'b', 'c', 'd'].map((text) => outcomeOf(desk.speak(text, 'en')))
    await settle()
    expect(outcomes.map(({ value }) => value)).toEqual(['waiting', 'waiting', 'waiting', 'speech.busy'])
  })

  it('takes a text back when it is no longer wanted', async () => {
    const { desk, clock, child } = scripted()
    child().ready()
    const abort = new AbortController()
    const running = outcomeOf(desk.speak('a', 'en', abort.signal))
    const waiting = outcomeOf(desk.speak('b', 'en', abort.signal))
    abort.abort(new Error('hung up'))
    await settle()
    expect([running.value, waiting.value]).toEqual(['Error: hung up', 'Error: hung up'])
    child().answer()
    expect(child().requests.map(({ text }) => text)).toEqual(['a'])
    await expect(desk.speak('c', 'en', AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
    expect(clock.pending).toBe(0)
  })

  it('fails a text that waits a minute', async () => {
    const { desk, clock, child } = scripted()
    child().ready()
    const waiting = outcomeOf(desk.speak('a', 'en'))
    child().user.ended('gone')
    for (let i = 0; i < 10 && waiting.value === 'waiting'; i++) {
      await clock.advanceAsync(30_000)
    }
    expect(waiting.value).toBe('speech.timed-out')
  })

  it('does not take the words of an earlier run for this one', async () => {
    const { desk, clock, children, child } = scripted()
    child().ready()
    child().user.ended('gone')
    await clock.advanceAsync(100)
    child().ready()
    const outcome = outcomeOf(desk.speak('a', 'en'))
    children[0]?.user.answered({
      kind: 'spoken',
      id: child().requests.at(-1)?.id ?? 0,
      pcm: new Int16Array(1),
      sampleRateHz: 8000,
    })
    children[0]?.user.ended('again')
    await settle()
    expect([outcome.value, children.length]).toEqual(['waiting', 2])
  })

  it('lets refusals through as what they are', async () => {
    const { desk, child } = scripted()
    child().ready()
    for (const [code, expected] of [
      ['unknown-voice', 'speech.voice-unknown'],
      ['failed', 'speech.failed'],
    ] as const) {
      const outcome = outcomeOf(desk.speak('a', 'tlh'))
      child().user.answered({ kind: 'refused', id: child().requests.at(-1)?.id ?? 0, code, sentence: 'No.' })
      await settle()
      expect(outcome.value).toBe(expected)
    }
  })

  it('leaves nothing behind when it is closed', async () => {
    const { desk, clock, child } = scripted()
    child().ready()
    const outcomes = [desk.speak('a', 'en'), desk.speak('b', 'en')].map(outcomeOf)
    const closed = desk.close()
    expect(child().isEnding).toBe(true)
    await clock.advanceAsync(2000)
    await closed
    expect(child().isKilled).toBe(true)
    expect(outcomes.map(({ value }) => value)).toEqual(['speech.unavailable', 'speech.unavailable'])
    expect(desk.availability.isAvailable).toBe(false)
    expect(clock.pending).toBe(0)
    await desk.close()
  })
})
