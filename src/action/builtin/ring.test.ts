import { describe, expect, it } from 'vitest'
import { LiveCalls } from '../../../test/support/live-calls.ts'
import { extensionFlow } from './extension.ts'
import { ringFlow } from './ring.ts'

const group = {
  targets: [
    { kind: 'extension', extension: '137' },
    { kind: 'number', number: '+6560000001' },
  ],
  seconds: 20,
} as const

describe('a ring group', () => {
  it('rings all at once and joins the caller with who answers first', async () => {
    const live = new LiveCalls()
    const [lan, mobile] = [live.telephone('137'), live.telephone('+6560000001')]
    const { leg, call } = await live.flow('ann', ringFlow(group, null))
    expect([lan.lines[0], mobile.lines[0]]).toEqual(['start', 'start'])
    mobile.peerAnswers()
    await live.pass(0)
    expect(live.mixer.joined).toEqual([`${leg.id}+${mobile.id}`])
    expect(lan.lines.at(-1)).toMatch(/^end answered-elsewhere/)
    mobile.hangUp()
    const record = await call.ended
    expect(record).toMatchObject({ cause: 'normal', answeredBy: '+6560000001' })
    expect(leg.lines.at(-1)).toBe('end normal')
    await live.pass(0)
    expect(live.clock.pending).toBe(0)
  })

  it('that nobody takes goes on with what stands under otherwise, and else refuses the caller', async () => {
    const live = new LiveCalls()
    live.telephone('137')
    const first = await live.flow(
      'ann',
      ringFlow(group, async (call) => {
        await call.answer()
        await call.say('Please leave a message.')
      }),
    )
    await live.pass(20_000)
    expect(first.leg.lines).toContain('play say:en:Please leave a message.')
    const second = await live.flow('bob', ringFlow({ targets: group.targets.slice(1), seconds: 20 }, null))
    await live.pass(0)
    expect(second.leg.lines.at(-1)).toBe('end not-registered 480')
    expect((await second.call.ended).sentence).toMatch(/^No telephone is registered for \+6560000001\./)
  })

  it('stops ringing when the caller gives up', async () => {
    const live = new LiveCalls()
    const lan = live.telephone('137')
    let wentOn = false
    const { leg, call } = await live.flow(
      'ann',
      ringFlow(group, () => {
        wentOn = true
      }),
    )
    leg.hangUp()
    await call.ended
    expect(lan.lines.at(-1)).toMatch(/^end cancelled/)
    expect(wentOn).toBe(false)
  })
})

describe('a call to an extension', () => {
  const refusals: readonly [number, string][] = [
    [486, 'end busy 486'],
    [603, 'end rejected 603'],
  ]
  it.each(refusals)('that is refused with %i tells the caller’s telephone so', async (status, line) => {
    const live = new LiveCalls()
    const lan = live.telephone('137')
    const { leg, call } = await live.flow('ann', extensionFlow('137'))
    lan.peerProgresses(180)
    lan.peerRefuses(status)
    await live.pass(0)
    expect(leg.lines.at(-1)).toBe(line)
    expect(leg.lines).not.toContain('answer')
    expect((await call.ended).sentence).toContain('137')
  })

  it('that nobody answers within 30 s, or that has no telephone, is refused with 480 and its own cause', async () => {
    const live = new LiveCalls()
    const lan = live.telephone('137')
    const first = await live.flow('ann', extensionFlow('137'))
    lan.peerProgresses(180)
    await live.pass(30_000)
    expect(first.leg.lines.at(-1)).toBe('end no-answer 480')
    const second = await live.flow('bob', extensionFlow('138'))
    await live.pass(0)
    expect(second.leg.lines.at(-1)).toBe('end not-registered 480')
    expect((await second.call.ended).cause).toBe('not-registered')
  })

  it('that is answered lasts until one of the two hangs up', async () => {
    const live = new LiveCalls()
    const lan = live.telephone('137')
    const { leg, call } = await live.flow('ann', extensionFlow('137'))
    lan.peerAnswers()
    await live.pass(5000)
    leg.hangUp()
    expect(await call.ended).toMatchObject({ cause: 'normal', endedBy: 'caller', answeredBy: '137' })
    expect(lan.lines.at(-1)).toBe('end normal')
    await live.pass(0)
    expect(live.clock.pending).toBe(0)
  })
})
