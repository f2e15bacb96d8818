import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { LiveCalls } from '../../test/support/live-calls.ts'
import { ringFlow } from '../action/builtin/ring.ts'
import type { Call } from './call.ts'
import { extensionCalls } from './extension-calls.ts'

/** Calls of strangers to telephones of extensions. */
class Office {
  readonly live = new LiveCalls()

  telephone(extension: string): FakeLeg {
    const leg = new FakeLeg(this.live.clock, {
      id: `leg_${extension}`,
      user: extension,
      extension,
      role: 'callee',
      direction: 'outbound',
    })
    this.live.telephones.set(extension, [leg])
    return leg
  }

  group(...extensions: readonly string[]) {
    const targets = extensions.map((extension) => ({ kind: 'extension', extension }) as const)
    return ringFlow({ targets, seconds: 20 }, null)
  }

  /** What the closed call was to its extensions: `137 direct answered 5000`. */
  async account(call: Call): Promise<readonly string[]> {
    const record = await call.ended
    await this.live.pass(0)
    const legs = [...this.live.records.legs.values()].filter(({ callId }) => callId === call.id)
    return extensionCalls(record, legs).map(({ extension, kind, outcome, talkMs }) =>
      [extension, kind, outcome, talkMs].join(' '),
    )
  }
}

describe('whose call it was', () => {
  it('that rings one extension alone: that one, directly', async () => {
    const office = new Office()
    const lan = office.telephone('137')
    const { leg, call } = await office.live.flow('+84911111111', office.group('137'))
    await office.live.pass(3000)
    lan.peerAnswers()
    await office.live.pass(5000)
    leg.hangUp()
    expect(await office.account(call)).toEqual(['137 direct answered 5000'])
  })

  it('that rings a group: who took it, else the first that rang', async () => {
    const office = new Office()
    const [, nam] = [office.telephone('137'), office.telephone('138')]
    const taken = await office.live.flow('+84911111111', office.group('137', '138'))
    await office.live.pass(1000)
    nam.peerAnswers()
    await office.live.pass(2000)
    nam.hangUp()
    expect(await office.account(taken.call)).toEqual(['138 handled answered 2000'])

    const other = new Office()
    const busy = other.telephone('137')
    other.telephone('138')
    const missed = await other.live.flow('+84911111111', other.group('137', '138', '139'))
    busy.peerRefuses(486)
    await other.live.pass(30_000)
    expect(await other.account(missed.call)).toEqual(['138 handled no-answer 0'])
  })

  it('that finds no telephone registered: the extension that it was for, and it failed', async () => {
    const office = new Office()
    const one = await office.live.flow('+84911111111', office.group('137'))
    expect(await office.account(one.call)).toEqual(['137 direct failed 0'])
    const two = await office.live.flow('+84922222222', office.group('138', '139'))
    expect(await office.account(two.call)).toEqual(['138 handled failed 0'])
  })

  it('that a menu had answered before: handled', async () => {
    const office = new Office()
    const lan = office.telephone('137')
    const { leg, call } = await office.live.flow('+84911111111', async (flow) => {
      await flow.answer()
      await flow.dial('137')
      await flow.hangUp()
    })
    await office.live.pass(2000)
    lan.peerAnswers()
    await office.live.pass(1000)
    leg.hangUp()
    expect(await office.account(call)).toEqual(['137 handled answered 1000'])
  })

  it('that is passed on: of both who talked, each for as long as it did', async () => {
    const office = new Office()
    const [lan, nam] = [office.telephone('137'), office.telephone('140')]
    const { leg, call } = await office.live.flow('+84911111111', office.group('137'))
    await office.live.pass(1000)
    lan.peerAnswers()
    await office.live.pass(4000)
    lan.peerAsksTransfer('sip:140@acme.example', { dialled: '140' })
    await office.live.pass(1000)
    nam.peerAnswers()
    await office.live.pass(100)
    lan.hangUp()
    await office.live.pass(6000)
    leg.hangUp()
    const account = await office.account(call)
    expect(account).toHaveLength(2)
    expect(account[0]).toMatch(/^137 direct answered 5\d00$/)
    expect(account[1]).toMatch(/^140 direct answered 6100$/)
  })

  it('that an extension placed: its own alone, whoever took it', async () => {
    const office = new Office()
    const lan = office.telephone('137')
    const caller = new FakeLeg(office.live.clock, { id: 'leg_101', user: '101', extension: '101' })
    const target = { tenant: 'acme', to: '137', app: null }
    const call = office.live.calls.begin(caller, target, async (begun) => {
      begun.answer()
      const other = begun.add(lan, { label: '137', dialled: '137' })
      lan.peerAnswers()
      begun.join(begun.party, other)
    })
    await office.live.pass(3000)
    caller.hangUp()
    expect(await office.account(call)).toEqual(['101 outgoing answered 3000'])
  })
})
