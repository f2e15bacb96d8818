import { PromptResolver } from '../../src/action/prompts.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { Admission } from '../../src/call/admission.ts'
import { Calls } from '../../src/call/calls.ts'
import { Rooms } from '../../src/call/rooms.ts'
import { Supervisions } from '../../src/call/supervisions.ts'
import { loadSettings } from '../../src/config/load.ts'
import type { TenantSettings } from '../../src/config/settings.ts'
import { PlacedCalls, type PlacedCallsParts } from '../../src/placed-calls.ts'
import { Directory } from '../../src/routing/directory.ts'
import { FakeMixer } from './fake-mixer.ts'
import { FakeReacher } from './fake-reacher.ts'
import { fakeSounds, fakeSpeech, noRecordings } from './fake-sounds.ts'
import { MemoryRecords } from './memory-records.ts'
import { TestClock } from './test-clock.ts'

export interface PlaceHarness {
  readonly clock: TestClock
  readonly reacher: FakeReacher
  readonly records: MemoryRecords
  readonly calls: Calls
  readonly placed: PlacedCalls
  readonly tenants: ReadonlyMap<string, TenantSettings>
}

/** What places calls of its own, with nobody but fakes to call. @param text - the configuration. */
export async function startPlacing(
  text: string,
  flowPartsOf: (tenants: ReadonlyMap<string, TenantSettings>) => Partial<PlacedCallsParts['flowParts']> = () => ({}),
): Promise<PlaceHarness> {
  const clock = new TestClock()
  const reacher = new FakeReacher(clock)
  const mixer = new FakeMixer()
  const ids = new IdFactory(clock, new SeededRandom(1))
  const records = new MemoryRecords()
  const calls = new Calls({ clock, ids, log: silentLogger, records, mixer, reacher })
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
      ...flowPartsOf(tenants),
    },
  })
  return { clock, reacher, records, calls, placed, tenants }
}
