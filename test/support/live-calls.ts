import { PromptResolver } from '../../src/action/prompts.ts'
import { type Flow, flowProgram } from '../../src/action/run-flow.ts'
import { IdFactory } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type { Bridge } from '../../src/call/bridge.ts'
import type { Call } from '../../src/call/call.ts'
import { Calls, type Program } from '../../src/call/calls.ts'
import type { Reach } from '../../src/call/reach.ts'
import type { Guest } from '../../src/call/room-member.ts'
import { Rooms } from '../../src/call/rooms.ts'
import { Supervisions } from '../../src/call/supervisions.ts'
import { FakeLeg } from './fake-leg.ts'
import { FakeMixer } from './fake-mixer.ts'
import { fakeSounds, fakeSpeech, noRecordings } from './fake-sounds.ts'
import { MemoryRecords } from './memory-records.ts'
import { TestClock } from './test-clock.ts'

/** Several calls at once on one fake mixer. */
export class LiveCalls {
  readonly clock = new TestClock()
  readonly mixer = new FakeMixer()
  readonly records = new MemoryRecords()
  readonly ids = new IdFactory(this.clock, new SeededRandom(1))
  readonly calls = new Calls({
    clock: this.clock,
    ids: this.ids,
    log: silentLogger,
    records: this.records,
    mixer: this.mixer,
    reacher: { reach: async ({ destination }) => this.#reach(destination) },
  })
  /** The telephones that ring for an extension. One that is not named here has none registered. */
  readonly telephones = new Map<string, readonly FakeLeg[]>()
  readonly rooms = new Rooms({
    mixer: this.mixer,
    clock: this.clock,
    log: silentLogger,
    ids: this.ids,
    dataFolder: '/data',
  })

  readonly prompts = new PromptResolver({
    sounds: fakeSounds,
    speech: fakeSpeech,
    recordings: noRecordings,
    folder: '/sounds',
  })
  readonly supervisions = new Supervisions({ mixer: this.mixer, find: (id) => this.calls.find(id) })

  /** A call from that number, answered and left alone unless a program is given. */
  async begin(
    user: string,
    options: { readonly tenant?: string; readonly program?: Program } = {},
  ): Promise<{ readonly leg: FakeLeg; readonly call: Call }> {
    const leg = new FakeLeg(this.clock, { id: `leg_${user}`, user })
    const target = { tenant: options.tenant ?? 'acme', to: '1000', app: 'flow' }
    const call = this.calls.begin(leg, target, options.program ?? (async (begun) => begun.answer()))
    await this.clock.advanceAsync(0)
    return { leg, call }
  }

  /** A call on which a flow runs. */
  flow(user: string, flow: Flow): Promise<{ readonly leg: FakeLeg; readonly call: Call }> {
    const { prompts, ids, rooms, supervisions } = this
    const parts = { prompts, ids, dataFolder: '/data', rooms, supervisions }
    const options = { name: 'The flow', language: 'en', timeZone: 'UTC', idleLimitMs: 60_000 } as const
    return this.begin(user, { program: flowProgram(flow, parts, options) })
  }

  /** One who comes into a room from a call of its own. */
  async guest(user: string, options: { readonly tenant?: string } = {}): Promise<Guest & { readonly leg: FakeLeg }> {
    const { leg, call } = await this.begin(user, options)
    return { leg, call, party: call.party, label: user }
  }

  /** A call whose caller is joined with somebody: `ann` with `ann-desk`. */
  async pair(user: string): Promise<{ leg: FakeLeg; call: Call; otherLeg: FakeLeg; bridge: Bridge }> {
    const { leg, call } = await this.begin(user)
    const otherLeg = new FakeLeg(this.clock, {
      id: `leg_${user}-desk`,
      user: `${user}-desk`,
      role: 'callee',
      direction: 'outbound',
    })
    const other = call.add(otherLeg, { label: `${user}-desk`, dialled: '137' })
    otherLeg.peerAnswers()
    return { leg, call, otherLeg, bridge: call.join(call.party, other) }
  }

  /** A telephone that rings when the extension is dialled. */
  telephone(extension: string): FakeLeg {
    const leg = new FakeLeg(this.clock, {
      id: `leg_${extension}`,
      user: extension,
      role: 'callee',
      direction: 'outbound',
    })
    this.telephones.set(extension, [...(this.telephones.get(extension) ?? []), leg])
    return leg
  }

  #reach(destination: string): Reach {
    const legs = this.telephones.get(destination) ?? []
    if (legs.length > 0)
      return { kind: 'reachable', devices: legs.map((leg) => ({ label: destination, makeLeg: () => leg })) }
    const sentence = `No telephone is registered for ${destination}.`
    return { kind: 'unreachable', cause: 'not-registered', sentence }
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }
}
