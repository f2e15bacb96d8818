import { describe, expect, it } from 'vitest'
import { type FlowHarness, startFlow } from '../../../../test/support/flow-harness.ts'
import { type FakeService, fakeService } from '../../../../test/support/voicemail-service.ts'
import type { Flow } from '../../../action/run-flow.ts'
import { leavingFlow } from './leaving.ts'
import { leavingTable } from './leaving-table.ts'
import { voicemailTextNames } from './texts.ts'

const greeting = 'say:id:Nomor yang Anda hubungi tidak dapat menerima panggilan. Silakan tinggalkan pesan setelah nada.'

function flowOf(service: FakeService, retrieve: Flow | null = null): Flow {
  const { client, deposits, media, log } = service
  return leavingFlow({ client, service: 'local', deposits, media, log, owner: () => '137', retrieve })
}

async function start(service: FakeService, retrieve: Flow | null = null): Promise<FlowHarness> {
  return await startFlow(flowOf(service, retrieve))
}

/** Until the beep is over and the recording runs. */
async function untilRecording(harness: FlowHarness): Promise<void> {
  for (let i = 0; i < 200 && !harness.leg.lines.includes('record'); i++) await harness.pass(100)
  expect(harness.leg.lines).toContain('record')
}

describe('leaving a message', () => {
  it('greets, records, tells the service once and says that the message is saved, in the mailbox’s language', async () => {
    const service = fakeService()
    const harness = await start(service)
    await untilRecording(harness)
    await harness.pass(3000)
    harness.leg.press('#')
    await harness.pass(5000)
    expect(service.requests.map(({ command }) => command)).toEqual(['INITLEAVING', 'RECMAIL'])
    const voice = `msg_${harness.call.id.slice('call_'.length)}`
    expect(service.requests[0]).toMatchObject({ number: { a: '101', b: '137', c: '1000' } })
    expect(service.requests[1]).toEqual({
      command: 'RECMAIL',
      number: { a: '101', b: '137', c: '1000' },
      deposit: true,
      filename: voice,
      duration: 3,
    })
    const played = harness.leg.lines.filter((line) => line.startsWith('play '))
    expect(played).toEqual([
      `play ${greeting}`,
      'play tone:beep',
      'play say:id:Pesan tersimpan.',
      'play say:id:Sampai jumpa.',
    ])
    expect(service.adopted).toEqual([{ voice, cutMs: 0 }])
    expect(service.owed.size).toBe(0)
    expect(harness.record.cause).toBe('normal')
    expect(harness.clock.pending).toBe(0)
  })

  it('plays promo X, the personal greeting, the tariff and promo Y in their order, and tells who took it', async () => {
    const service = fakeService({
      voices: ['mine', 'px', 'py'],
      leaving: {
        language: 'eng',
        greeting: { type: 'personal', voice: 'mine' },
        play_promo_x: { general: 'on', personal: 'on', voice: 'px' },
        play_promo_y: { general: 'on', personal: 'on', voice: 'py' },
        play_tarif_call: 'on',
      },
    })
    const harness = await start(service)
    await untilRecording(harness)
    await harness.pass(2000)
    harness.leg.press('#')
    await harness.pass(2500)
    harness.leg.press('1')
    await harness.pass(5000)
    expect(harness.leg.lines.filter((line) => line.startsWith('play '))).toEqual([
      'play file:/voices/px',
      'play file:/voices/mine',
      "play say:en:You will be charged for this call at your operator's rate.",
      'play tone:beep',
      'play say:en:Your message has been saved.',
      'play file:/voices/py',
      'play say:en:If you are interested, press one.',
      'play say:en:Thank you.',
      'play say:en:Goodbye.',
    ])
    expect(service.requests.slice(1)).toMatchObject([
      { command: 'RECMAIL', deposit: true },
      { command: 'PROMOTAKER', number: '101', promo: 'y', taker: true },
    ])
  })

  it('plays no promo of which one of the two switches is off, and the standard greeting while the personal one is missing', async () => {
    const service = fakeService({
      voices: ['px'],
      leaving: {
        greeting: { type: 'personal', voice: 'not-there' },
        play_promo_x: { general: 'on', personal: 'off', voice: 'px' },
      },
    })
    const harness = await start(service)
    await untilRecording(harness)
    expect(harness.leg.lines.filter((line) => line.startsWith('play '))).toEqual([`play ${greeting}`, 'play tone:beep'])
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('goes straight to the beep at # or *, without the tariff', async () => {
    for (const key of ['#', '*']) {
      const service = fakeService({ leaving: { play_tarif_call: 'on' } })
      const harness = await start(service)
      await harness.pass(300)
      harness.leg.press(key)
      await harness.pass(300)
      expect(harness.leg.lines, key).toContain('record')
      expect(harness.leg.lines.join()).not.toContain('tarif')
      harness.leg.hangUp()
      await harness.pass(100)
    }
  })

  it('says that a message was too short, gives two more chances, and tells of a missed call', async () => {
    const service = fakeService()
    const harness = await start(service)
    for (let attempt = 1; attempt <= 3; attempt++) {
      await untilRecording(harness)
      await harness.pass(500)
      harness.leg.press('#')
      await harness.pass(600)
      harness.leg.happened.length = 0
      await harness.pass(1000)
    }
    await harness.pass(5000)
    expect(service.requests.slice(1)).toEqual([
      { command: 'RECMAIL', number: { a: '101', b: '137', c: '1000' }, deposit: false, filename: '', duration: 0 },
    ])
    expect(harness.record.cause).toBe('normal')
  })

  it('lets the caller think for some seconds before it speaks, without another beep', async () => {
    const service = fakeService()
    let silences = 0
    const harness = await startFlow(flowOf(service), {
      before: ({ leg, clock }) => {
        const record = leg.record.bind(leg)
        leg.record = (options) => {
          if (silences === 2) return record(options)
          silences++
          const durationMs = options.silenceMs ?? 0
          const result = { end: 'silence', durationMs, fileBytes: 44, heardSound: false, problem: null } as const
          const ended = new Promise<typeof result>((resolve) => clock.after(durationMs, () => resolve(result)))
          return { ended, pause: () => {}, stop: () => {} }
        }
      },
    })
    await untilRecording(harness)
    expect(silences).toBe(2)
    await harness.pass(3000)
    harness.leg.press('#')
    await harness.pass(5000)
    expect(harness.leg.lines.filter((line) => line === 'play tone:beep')).toHaveLength(1)
    expect(service.requests.slice(1)).toMatchObject([{ command: 'RECMAIL', deposit: true, duration: 3 }])
  })

  it('keeps what was said when the caller hangs up, and tells of it', async () => {
    const service = fakeService()
    const harness = await start(service)
    await untilRecording(harness)
    await harness.pass(4000)
    harness.leg.hangUp()
    await harness.pass(100)
    expect(service.requests.slice(1)).toMatchObject([{ command: 'RECMAIL', deposit: true }])
    expect(service.adopted).toHaveLength(1)
  })

  it('tells the caller of a mailbox that is full or takes nothing, and the service of a missed call', async () => {
    for (const [leaving, said] of [
      [{ mailbox: { total: 5, max: 5 } }, 'Kotak pesan penuh.'],
      [{ record: { status: 'off' } }, 'Penerima tidak menerima pesan suara.'],
      [{ record: undefined, record_message: 'off' }, 'Penerima tidak menerima pesan suara.'],
    ] as const) {
      const service = fakeService({ leaving })
      const harness = await start(service)
      await harness.pass(6000)
      expect(harness.leg.lines).toContain(`play say:id:${said}`)
      expect(harness.leg.lines).not.toContain('record')
      expect(service.requests.slice(1)).toMatchObject([{ command: 'RECMAIL', deposit: false }])
      expect(harness.record.cause).toBe('normal')
    }
  })

  it('says so when the mailbox has become full while the caller spoke; the service had its RECMAIL', async () => {
    const service = fakeService({ recmail: { status: 'error', reason: 'MAILBOX_FULL' } })
    const harness = await start(service)
    await untilRecording(harness)
    await harness.pass(3000)
    harness.leg.press('#')
    await harness.pass(5000)
    expect(harness.leg.lines).toContain('play say:id:Kotak pesan penuh.')
    expect(harness.leg.lines).not.toContain('play say:id:Pesan tersimpan.')
    expect(service.requests.slice(1)).toMatchObject([{ command: 'RECMAIL', deposit: true }])
  })

  it('apologises when the service is down, refuses, or answers garbage, and owes nobody a RECMAIL', async () => {
    for (const [init, said] of [
      [null, 'The service is not available.'],
      [{ status: 'error' }, 'The service is not available.'],
      [{ status: 'error', reason: 'NO_MAILBOX' }, 'This subscriber does not accept voice messages.'],
    ] as const) {
      const service = fakeService({ init })
      const harness = await start(service)
      await harness.pass(5000)
      expect(harness.leg.lines).toContain(`play say:en:${said}`)
      expect(service.requests).toHaveLength(1)
      expect(harness.record.cause).toBe('normal')
    }
  })

  it('owes a message to a service that goes down meanwhile, and delivers it later', async () => {
    const service = fakeService({ recmail: null })
    const harness = await start(service)
    await untilRecording(harness)
    await harness.pass(3000)
    harness.leg.press('#')
    await harness.pass(5000)
    expect(harness.leg.lines).toContain('play say:id:Pesan tersimpan.')
    expect(service.owed.size).toBe(1)
    await service.deposits.settle()
    expect(service.owed.size).toBe(1)
    service.recmail = { status: 'ok' }
    await service.deposits.settle()
    expect(service.owed.size).toBe(0)
    expect(service.requests.at(-1)).toEqual(service.requests[1])
  })

  it('lets the owner that calls its own number fetch messages with *', async () => {
    const service = fakeService()
    let isFetching = false
    const retrieve: Flow = async (call) => {
      isFetching = true
      await call.hangUp()
    }
    const { client, deposits, media, log } = service
    const owned = leavingFlow({ client, service: 'local', deposits, media, log, owner: () => '101', retrieve })
    const harness = await startFlow(owned, {
      before: ({ leg }) => Object.assign(leg.party, { extension: '101' }),
    })
    await harness.pass(300)
    harness.leg.press('*')
    await harness.pass(500)
    expect(isFetching).toBe(true)
    expect(service.requests.slice(1)).toMatchObject([{ command: 'RECMAIL', deposit: false }])
  })

  it('tells the service exactly once whenever the caller hangs up: in every state, at every moment', async () => {
    const states = new Set<string>()
    const options = {
      voices: ['px', 'py'],
      leaving: {
        play_promo_x: { general: 'on', personal: 'on', voice: 'px' },
        play_promo_y: { general: 'on', personal: 'on', voice: 'py' },
        play_tarif_call: 'on',
      },
    }
    for (const hangUpAtMs of Array.from({ length: 150 }, (_, index) => index * 100)) {
      const service = fakeService(options)
      const harness = await start(service)
      let hasPressed = false
      while (harness.clock.now() < hangUpAtMs) {
        await harness.pass(100)
        // The message is two seconds long.
        const begun = harness.leg.happened.find(({ what }) => what === 'record')
        const isTime = begun !== undefined && harness.clock.now() >= begun.atMs + 2000
        if (isTime && !hasPressed) harness.leg.press('#')
        hasPressed ||= isTime
      }
      const wasOver = harness.call.isEnded
      harness.leg.hangUp()
      await harness.pass(2000)
      const told = service.requests.filter(({ command }) => command === 'RECMAIL')
      expect(told, `hang-up at ${hangUpAtMs} ms`).toHaveLength(1)
      expect(told[0]?.deposit === true, `hang-up at ${hangUpAtMs} ms`).toBe(service.adopted.length === 1)
      expect(service.owed.size).toBe(0)
      expect(harness.record.endedAt).not.toBeNull()
      expect(harness.clock.pending, `hang-up at ${hangUpAtMs} ms`).toBe(0)
      const state = harness.records.journal.filter(({ what }) => what === 'voicemail').at(-1)
      if (state && !wasOver) states.add(String(state.facts['state']))
    }
    expect([...states].sort()).toEqual(['bye', 'greeting', 'promoX', 'promoY', 'record', 'saved', 'taker', 'tariff'])
  })

  it('keeps an unfinished message of a second or more over the death of the program, and tells of a shorter one as missed', async () => {
    const service = fakeService()
    service.recordings.push({ callId: 'call_a', durationMs: 900, file: 'short.wav' })
    service.recordings.push({ callId: 'call_b', durationMs: 4200, file: 'long.wav' })
    for (const id of ['call_a', 'call_b', 'call_c']) service.owe(id)
    await service.deposits.settle()
    expect(service.requests).toMatchObject([
      { command: 'RECMAIL', deposit: false },
      { command: 'RECMAIL', deposit: true, filename: 'msg_b', duration: 4 },
      { command: 'RECMAIL', deposit: false },
    ])
    expect(service.adopted).toEqual([{ voice: 'msg_b', cutMs: 0 }])
    expect(service.owed.size).toBe(0)
  })

  it('has a table in which every state is reached, and a text for every announcement', () => {
    const reached = new Set(Object.values(leavingTable).flatMap((row) => Object.values(row)))
    expect(Object.keys(leavingTable).filter((state) => state !== 'init' && !reached.has(state as never))).toEqual([])
    expect(voicemailTextNames.length).toBeGreaterThan(30)
  })
})
