import { SpokenCallSounds } from '../../src/action/call-sounds.ts'
import { type NamedRecordings, PromptResolver } from '../../src/action/prompts.ts'
import { type Flow, flowProgram } from '../../src/action/run-flow.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Call, CallTarget } from '../../src/call/call.ts'
import { Calls, type Program } from '../../src/call/calls.ts'
import type { CallRecord } from '../../src/call/records.ts'
import { Rooms } from '../../src/call/rooms.ts'
import { Supervisions } from '../../src/call/supervisions.ts'
import type { RecordingPolicy } from '../../src/config/settings.ts'
import type { Speech } from '../../src/speech/types.ts'
import { FakeLeg } from './fake-leg.ts'
import { FakeMixer } from './fake-mixer.ts'
import { FakeReacher } from './fake-reacher.ts'
import { fakeSounds, fakeSpeech, noRecordings } from './fake-sounds.ts'
import { MemoryRecords } from './memory-records.ts'
import { TestClock } from './test-clock.ts'

export interface FlowHarness {
  readonly clock: TestClock
  readonly leg: FakeLeg
  readonly records: MemoryRecords
  readonly calls: Calls
  readonly mixer: FakeMixer
  /** Whom the flow calls: `reacher.leg('137')`. */
  readonly reacher: FakeReacher
  readonly call: Call
  /** The record as it was closed; throws when it is still open. */
  readonly record: CallRecord
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>
  /** One more call, with a flow of its own. */
  begin(user: string, flow: Flow, options?: BeginOptions): Promise<{ readonly leg: FakeLeg; readonly call: Call }>
}

export interface BeginOptions {
  readonly to?: string
  /** Instead of a caller that came in. */
  readonly leg?: FakeLeg
  readonly target?: Partial<CallTarget>
}

/** Runs a flow on a call of a fake caller: all but the wire is real. */
export async function startFlow(
  flow: Flow,
  options: {
    speech?: Speech
    /** Files by name; none unless told otherwise. */
    recordings?: NamedRecordings
    leg?: (clock: TestClock) => FakeLeg
    to?: string
    idleLimitMs?: number
    /** What every extension wants done with its calls; off unless told otherwise. */
    recordingPolicy?: RecordingPolicy
    before?: (parts: { leg: FakeLeg; records: MemoryRecords; reacher: FakeReacher; clock: TestClock }) => void
  } = {},
): Promise<FlowHarness> {
  const clock = new TestClock()
  const leg = options.leg?.(clock) ?? new FakeLeg(clock)
  const records = new MemoryRecords()
  const ids = new IdFactory(clock, new SeededRandom(1))
  const speech = options.speech ?? fakeSpeech
  const prompts = new PromptResolver({
    sounds: fakeSounds,
    speech,
    recordings: options.recordings ?? noRecordings,
    folder: '/sounds',
  })
  const mixer = new FakeMixer()
  const reacher = new FakeReacher(clock)
  const { recordingPolicy = 'off' } = options
  const context = { language: 'en', timeZone: 'UTC' } as const
  const sounds = new SpokenCallSounds({ prompts, contextOf: (tenant) => ({ tenant, ...context }) })
  const calls = new Calls({ clock, ids, log: silentLogger, records, mixer, reacher, sounds })
  const rooms = new Rooms({ mixer, clock, log: silentLogger, ids, dataFolder: '/data' })
  const supervisions = new Supervisions({ mixer, find: (id) => calls.find(id) })
  options.before?.({ leg, records, reacher, clock })
  const programOf = (one: Flow): Program =>
    flowProgram(
      one,
      { prompts, ids, dataFolder: '/data', rooms, supervisions, recordingPolicyOf: () => recordingPolicy },
      { name: 'The flow', ...context, idleLimitMs: options.idleLimitMs ?? 60_000 },
    )
  const call = calls.begin(leg, { tenant: 'demo', to: options.to ?? '1000', app: 'flow' }, programOf(flow))
  await clock.advanceAsync(0)
  return {
    clock,
    leg,
    records,
    calls,
    mixer,
    reacher,
    call,
    get record() {
      const row = records.calls.get(call.id)
      if (!row || row.endedAt === null) throw new Error('The call record is still open.')
      return row
    },
    pass: (ms) => clock.advanceAsync(ms),
    begin: async (user, one, { to = '1001', leg: given, target } = {}) => {
      const another = given ?? new FakeLeg(clock, { id: `leg_${user}`, user })
      const begun = calls.begin(another, { tenant: 'demo', to, app: 'flow', ...target }, programOf(one))
      await clock.advanceAsync(0)
      return { leg: another, call: begun }
    },
  }
}
