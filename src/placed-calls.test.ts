import { describe, expect, it } from 'vitest'
import { FakeMixer } from '../test/support/fake-mixer.ts'
import { FakeReacher } from '../test/support/fake-reacher.ts'
import { fakeSounds, fakeSpeech, noRecordings } from '../test/support/fake-sounds.ts'
import { MemoryRecords } from '../test/support/memory-records.ts'
import { settle, TestClock } from '../test/support/test-clock.ts'
import { PromptResolver } from './action/prompts.ts'
import type { Flow } from './action/run-flow.ts'
import { IdFactory } from './base/ids.ts'
import { silentLogger } from './base/log.ts'
import { SeededRandom } from './base/random.ts'
import { Admission } from './call/admission.ts'
import { Calls } from './call/calls.ts'
import { Rooms } from './call/rooms.ts'
import { Supervisions } from './call/supervisions.ts'
import { loadSettings } from './config/load.ts'
import { PlacedCalls } from './placed-calls.ts'
import { Directory } from './routing/directory.ts'

async function start(limits = ''): Promise<{
  readonly clock: TestClock
  readonly reacher: FakeReacher
  readonly calls: Calls
  readonly placed: PlacedCalls
}> {
  const clock = new TestClock()
  const reacher = new FakeReacher(clock)
  const mixer = new FakeMixer()
  const ids = new IdFactory(clock, new SeededRandom(1))
  const records = new MemoryRecords()
  const calls = new Calls({ clock, ids, log: silentLogger, records, mixer, reacher })
  const text = `tenants: { acme: { domain: acme.example, limits: { ${limits} } }, umbra: { domain: umbra.example } }`
  const { tenants } = await loadSettings({ text, name: 'test.yaml', baseDir: '/', environment: {} })
  const placed = new PlacedCalls({
    calls,
    ids,
    directory: new Directory(tenants),
    admission: new Admission(clock),
    reacher,
    flowParts: {
      prompts: new PromptResolver({ sounds: fakeSounds, speech: fakeSpeech, recordings: noRecordings, folder: '/' }),
      ids,
      dataFolder: '/data',
      rooms: new Rooms({ mixer, clock, log: silentLogger, ids, dataFolder: '/data' }),
      supervisions: new Supervisions({ mixer, find: (id) => calls.find(id) }),
    },
  })
  return { clock, reacher, calls, placed }
}

const talk: Flow = async (call) => {
  await call.say('Hello')
  await call.hangUp()
}

describe('a call that a program places', () => {
  it('rings, and runs its flow once it is answered', async () => {
    const { clock, reacher, placed } = await start()
    let hasRun = false
    const call = await placed.place({ tenant: 'acme', to: '137' }, async (flowCall) => {
      hasRun = true
      await talk(flowCall)
    })
    await settle()
    expect(reacher.leg('137').lines).toContain('start')
    expect(hasRun).toBe(false)
    reacher.leg('137').peerAnswers()
    expect(await call.answered).toBe(true)
    await clock.advanceAsync(60_000)
    expect(await call.ended).toMatchObject({ direction: 'outbound', to: '137', cause: 'normal', endedBy: 'program' })
    expect(hasRun).toBe(true)
  })

  it('that nobody answers ends at the ring limit, and its flow never runs', async () => {
    const { clock, placed } = await start()
    const call = await placed.place({ tenant: 'acme', to: '137', seconds: 20 }, () => {
      throw new Error('it ran')
    })
    await clock.advanceAsync(20_000)
    expect(await call.answered).toBe(false)
    expect(await call.ended).toMatchObject({ cause: 'no-answer', answeredAt: null })
  })

  it('to somebody who cannot be reached has a record that says why', async () => {
    const { reacher, placed } = await start()
    const sentence = 'Extension 137 is not registered.'
    reacher.set('137', { kind: 'unreachable', cause: 'not-registered', sentence })
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    expect(await call.ended).toMatchObject({ cause: 'not-registered', sentence: expect.stringContaining(sentence) })
  })

  it('to an extension with two telephones is taken by the first that answers', async () => {
    const { clock, reacher, placed } = await start()
    reacher.set('137', 2)
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    await settle()
    reacher.leg('137-2').peerAnswers()
    expect(reacher.leg('137-1').lines).toContain('end answered-elsewhere')
    await clock.advanceAsync(60_000)
    expect(await call.ended).toMatchObject({ cause: 'normal' })
    expect(reacher.leg('137-2').state).toBe('ended')
  })

  it('can be given up while it rings', async () => {
    const { reacher, placed } = await start()
    const call = await placed.place({ tenant: 'acme', to: '137' }, talk)
    await settle()
    call.hangUp()
    expect(reacher.leg('137').state).toBe('ended')
    expect((await call.ended).answeredAt).toBeNull()
  })

  it('is refused over the limits of the tenant, and where it is not said which tenant is meant', async () => {
    const { placed } = await start('concurrentCalls: 1')
    await placed.place({ tenant: 'acme', to: '137' }, talk)
    await expect(placed.place({ tenant: 'acme', to: '137' }, talk)).rejects.toMatchObject({ code: 'call.refused' })
    await expect(placed.place({ to: '137' }, talk)).rejects.toMatchObject({ code: 'tenant.unknown' })
    await expect(placed.place({ tenant: 'nobody', to: '137' }, talk)).rejects.toMatchObject({ code: 'tenant.unknown' })
  })
})
