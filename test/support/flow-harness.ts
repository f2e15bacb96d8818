import { PromptResolver } from '../../src/action/prompts.ts'
import { type Flow, flowProgram } from '../../src/action/run-flow.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Call } from '../../src/call/call.ts'
import { Calls } from '../../src/call/calls.ts'
import type { CallRecord } from '../../src/call/records.ts'
import type { Speech } from '../../src/speech/types.ts'
import { FakeLeg } from './fake-leg.ts'
import { fakeSounds, fakeSpeech, noRecordings } from './fake-sounds.ts'
import { MemoryRecords } from './memory-records.ts'
import { TestClock } from './test-clock.ts'

export interface FlowHarness {
  readonly clock: TestClock
  readonly leg: FakeLeg
  readonly records: MemoryRecords
  readonly calls: Calls
  readonly call: Call
  /** The record as it was closed; throws when it is still open. */
  readonly record: CallRecord
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>
}

/** Runs a flow on a call of a fake caller: all but the wire is real. */
export async function startFlow(
  flow: Flow,
  options: {
    speech?: Speech
    idleLimitMs?: number
    before?: (parts: { leg: FakeLeg; records: MemoryRecords }) => void
  } = {},
): Promise<FlowHarness> {
  const clock = new TestClock()
  const leg = new FakeLeg(clock)
  const records = new MemoryRecords()
  const ids = new IdFactory(clock, new SeededRandom(1))
  const speech = options.speech ?? fakeSpeech
  const prompts = new PromptResolver({ sounds: fakeSounds, speech, recordings: noRecordings, folder: '/sounds' })
  const calls = new Calls({ clock, ids, log: silentLogger, records })
  options.before?.({ leg, records })
  const program = flowProgram(
    flow,
    { prompts, ids, dataFolder: '/data' },
    { name: 'The flow', language: 'en', timeZone: 'UTC', idleLimitMs: options.idleLimitMs ?? 60_000 },
  )
  const call = calls.begin(leg, { tenant: 'demo', to: '1000', app: 'flow' }, program)
  await clock.advanceAsync(0)
  return {
    clock,
    leg,
    records,
    calls,
    call,
    get record() {
      const row = records.calls.get(call.id)
      if (!row || row.endedAt === null) throw new Error('The call record is still open.')
      return row
    },
    pass: (ms) => clock.advanceAsync(ms),
  }
}
