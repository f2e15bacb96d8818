import { describe, expect, it } from 'vitest'
import { startPlacing } from '../../test/support/place-harness.ts'
import { settle } from '../../test/support/test-clock.ts'
import { type ExtensionCall, extensionCalls } from '../call/extension-calls.ts'
import type { TenantSettings } from '../config/settings.ts'
import { recordingPolicy } from '../routing/recording-policy.ts'
import { ClickToDial } from './click-to-dial.ts'

const phone = '+84912345678'
const config = `
tenants:
  acme:
    countryCode: "84"
    limits: { concurrentCalls: 2, callsPerSecond: 100 }
    trunks: { out: { uri: "sip:127.0.0.1:5090" } }
    outbound: [ { prefix: "+", trunk: out } ]
    extensions: { "137": { password: "secret-of-137", record: "on" }, "138": { password: "secret-of-138" } }
    numbers: { "+84280000137": { app: lan } }
    apps: { lan: { dial: ["137"] } }
`

async function start() {
  const { clock, reacher, records, calls, placed, tenants } = await startPlacing(config, (loaded) => ({
    // Fake telephones do not say whose they are: here it is that of the caller which decides.
    recordingPolicyOf: () => recordingPolicy(loaded.get('acme') as TenantSettings, ['137']),
  }))
  const tenant = tenants.get('acme') as TenantSettings
  const clicks = new ClickToDial(placed, reacher)
  const rung = (label: string): number => reacher.legs.filter((leg) => leg.party.user === label).length
  /** What the call amounts to for its extension. */
  const entry = (): ExtensionCall | undefined => {
    const call = [...records.calls.values()].at(-1)
    return (
      call &&
      extensionCalls(
        call,
        [...records.legs.values()].filter(({ callId }) => callId === call.id),
      )[0]
    )
  }
  const click = (extension = '137', to = phone) => clicks.dial({ tenant, extension, phone: to })
  return { clock, reacher, records, calls, tenant, click, rung, entry }
}

describe('click-to-dial', () => {
  it('rings the extension, then the phone, and the two talk; the record is of the extension', async () => {
    const { clock, reacher, records, click, rung, entry } = await start()
    expect(await click()).toMatchObject({ outcome: 'accepted', call: { serial: expect.any(Number) } })
    await clock.advanceAsync(4000)
    expect([rung('137'), rung(phone)]).toEqual([1, 0])
    reacher.leg('137').peerAnswers()
    await clock.advanceAsync(3000)
    expect(rung(phone)).toBe(1)
    // The number under which 137 alone is called.
    expect(reacher.requests.at(-1)).toMatchObject({ destination: phone, callerId: '+84280000137' })
    expect(records.recordings.size).toBe(0)
    reacher.leg(phone).peerAnswers()
    await clock.advanceAsync(10_000)
    // Recorded from when the two were joined, as the extension wants it.
    expect([...records.recordings.values()]).toMatchObject([{ channels: 2 }])
    reacher.leg(phone).hangUp()
    await clock.advanceAsync(1000)
    expect(entry()).toMatchObject({
      extension: '137',
      kind: 'outgoing',
      outcome: 'answered',
      other: phone,
      talkMs: 10_000,
    })
    expect([...records.calls.values()]).toMatchObject([{ extension: '137', to: '137', from: phone, endedBy: 'callee' }])
  })

  it('never dials the phone when the extension does not answer, is busy, or hangs up first', async () => {
    const silent = await start()
    await silent.click()
    await silent.clock.advanceAsync(31_000)
    expect(silent.rung(phone)).toBe(0)
    expect(silent.entry()).toMatchObject({ outcome: 'no-answer', other: phone, talkMs: 0 })

    const busy = await start()
    await busy.click()
    await settle()
    busy.reacher.leg('137').peerRefuses(486)
    await busy.clock.advanceAsync(60_000)
    expect(busy.rung(phone)).toBe(0)
    expect(busy.entry()).toMatchObject({ outcome: 'busy' })

    const cancelled = await start()
    await cancelled.click()
    await settle()
    cancelled.calls.live()[0]?.end({ by: 'server', cause: 'normal', sentence: 'An operator ended it.' })
    await cancelled.clock.advanceAsync(60_000)
    expect(cancelled.rung(phone)).toBe(0)
    expect(cancelled.entry()).toMatchObject({ outcome: 'no-answer' })
  })

  it('stops ringing the phone when the extension hangs up meanwhile', async () => {
    const { clock, reacher, click, entry } = await start()
    await click()
    await settle()
    reacher.leg('137').peerAnswers()
    await clock.advanceAsync(2000)
    reacher.leg('137').hangUp()
    await clock.advanceAsync(2000)
    expect(reacher.leg(phone).lines.at(-1)).toMatch(/^end cancelled/)
    expect(entry()).toMatchObject({ outcome: 'no-answer', talkMs: 0 })
  })

  it('says in the record what the phone said', async () => {
    const { clock, reacher, records, click, entry } = await start()
    await click()
    await settle()
    reacher.leg('137').peerAnswers()
    await clock.advanceAsync(1000)
    reacher.leg(phone).peerRefuses(486)
    await clock.advanceAsync(1000)
    expect(entry()).toMatchObject({ outcome: 'busy', talkMs: 0 })
    expect([...records.calls.values()].at(-1)?.sentence).toContain(`${phone} was busy`)
  })

  it('places one call for two clicks at once and for one more while it goes on, and another afterwards', async () => {
    const { clock, reacher, click, rung } = await start()
    const [first, second] = await Promise.all([click(), click('137', '0912 345 678')])
    expect(second).toEqual(first)
    await clock.advanceAsync(20_000)
    expect(await click()).toEqual(first)
    expect(rung('137')).toBe(1)
    reacher.leg('137').peerRefuses(486)
    await clock.advanceAsync(1000)
    expect(await click()).not.toEqual(first)
    expect(rung('137')).toBe(2)
  })

  it('refuses before anything rings what cannot come to anything', async () => {
    const { clock, reacher, tenant, click } = await start()
    const unreachable = (
      cause: 'not-registered' | 'forbidden' | 'number-unknown' | 'limit-exceeded' | 'network-failure',
    ) => ({ kind: 'unreachable', cause, sentence: `It is ${cause}.` }) as const
    expect(await click('999')).toMatchObject({ outcome: 'refused', why: 'extension-unknown' })
    for (const [cause, why] of [
      ['forbidden', 'phone-invalid'],
      ['number-unknown', 'phone-invalid'],
      ['limit-exceeded', 'limit'],
      ['network-failure', 'no-route'],
    ] as const) {
      reacher.set(phone, unreachable(cause))
      expect(await click()).toMatchObject({ outcome: 'refused', why })
    }
    reacher.set(phone, 1)
    reacher.set('137', unreachable('not-registered'))
    expect(await click()).toMatchObject({ outcome: 'refused', why: 'extension-away' })
    // A refusal is not remembered.
    reacher.set('137', 1)
    expect(await click()).toMatchObject({ outcome: 'accepted' })
    expect(await click('138')).toMatchObject({ outcome: 'accepted' })
    expect(await click('138', '+84987654321')).toMatchObject({ outcome: 'refused', why: 'limit' })
    await clock.advanceAsync(40_000)
    expect(tenant.limits.concurrentCalls).toBe(2)
    expect(await click()).toMatchObject({ outcome: 'accepted' })
  })
})
