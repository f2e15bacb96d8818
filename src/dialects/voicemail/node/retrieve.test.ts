import { describe, expect, it } from 'vitest'
import { type FlowHarness, startFlow } from '../../../../test/support/flow-harness.ts'
import { type FakeService, type FakeServiceOptions, fakeService } from '../../../../test/support/voicemail-service.ts'
import { retrieveFlow } from './retrieve.ts'
import { retrieveTable } from './retrieve-table.ts'

const message = (voice: string, number = '08123445') => ({ number, date: '2026-01-20', time: '13:05:00', voice })
const two = { voices: ['msg_c', 'msg_d'], retrieve: { message_unread: [message('msg_c'), message('msg_d')] } }

async function start(
  options: FakeServiceOptions,
  caller: { readonly isOwner?: boolean } = {},
): Promise<FlowHarness & { readonly service: FakeService; said(): readonly string[]; commands(): readonly string[] }> {
  const service = fakeService(options)
  const { client, log, voices } = service
  const media = {
    ...service.media,
    adopt: async (_tenant: string, voice: string) => void voices.add(voice),
    remove: async (_tenant: string, voice: string) => void voices.delete(voice),
  }
  const isOwner = caller.isOwner ?? true
  const flow = retrieveFlow({ client, media, dataFolder: '/data', log, owner: () => '101', isOwner: () => isOwner })
  const harness = await startFlow(flow)
  const said = (): readonly string[] =>
    harness.leg.lines.flatMap((line) => (line.startsWith('play ') ? [line.replace(/^play (say:)?/, '')] : []))
  const commands = (): readonly string[] =>
    service.requests.map(({ command, voice }) =>
      typeof voice === 'string' ? `${command as string} ${voice}` : (command as string),
    )
  return Object.assign(Object.create(harness), { service, said, commands })
}

describe('fetching messages', () => {
  it('plays the new ones by itself, newest first, marks them as read, and then offers the menu', async () => {
    const harness = await start(two)
    await harness.pass(24_000)
    expect(harness.said().slice(0, 5)).toEqual([
      'en:You have+say:en:two+say:en:new messages.',
      'file:/voices/msg_d',
      'en:Press five to repeat, six for the next message, seven to delete, nine to save.',
      'file:/voices/msg_c',
      expect.stringContaining('Press one for new messages'),
    ])
    expect(harness.commands()).toEqual(['INITRETRIEVE', 'READMAIL msg_d', 'READMAIL msg_c'])
    await harness.pass(20_000)
    expect(harness.said().at(-1)).toBe('en:Goodbye.')
    expect(harness.record.cause).toBe('normal')
    expect(harness.clock.pending).toBe(0)
  })

  it('goes on to the next at 6, back at 4, repeats at 5, and does not count what was left early as read', async () => {
    const harness = await start(two)
    await harness.pass(3500)
    harness.leg.press('5')
    await harness.pass(300)
    harness.leg.press('6')
    await harness.pass(300)
    harness.leg.press('4')
    await harness.pass(300)
    expect(harness.said().slice(1)).toEqual([
      'file:/voices/msg_d',
      'file:/voices/msg_d',
      'file:/voices/msg_c',
      'file:/voices/msg_d',
    ])
    expect(harness.commands()).toEqual(['INITRETRIEVE', 'READMAIL msg_d'])
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('deletes at the end of the call what was deleted and not taken back, also after a hang-up', async () => {
    const harness = await start(two)
    await harness.pass(3300)
    harness.leg.press('7')
    await harness.pass(1500)
    expect(harness.said()).toContain('en:Message deleted.')
    harness.leg.press('6')
    await harness.pass(300)
    harness.leg.press('7')
    await harness.pass(1500)
    harness.leg.press('7')
    await harness.pass(1500)
    expect(harness.said()).toContain('en:Message restored.')
    expect(harness.commands().join()).not.toContain('DELMAIL')
    harness.leg.hangUp()
    await harness.pass(100)
    expect(harness.commands().filter((line) => line.startsWith('DELMAIL'))).toEqual(['DELMAIL msg_d'])
  })

  it('keeps a message as new, forwards it, and says from whom it is and when', async () => {
    const harness = await start(two)
    await harness.pass(3300)
    harness.leg.press('3')
    await harness.pass(500)
    expect(harness.said().at(-1)).toMatch(
      /^en:From number\+say:en:zero eight one, .*\+say:en:January .*\+say:en:one .*p/i,
    )
    await harness.pass(5000)
    harness.leg.press('8')
    await harness.pass(300)
    harness.leg.press('102#')
    await harness.pass(1500)
    expect(harness.service.requests.at(-1)).toMatchObject({ command: 'FWDMAIL', to: '102' })
    harness.leg.press('9')
    await harness.pass(300)
    expect(harness.commands().filter((line) => line.startsWith('UNREAD'))).toHaveLength(1)
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('asks for the PIN who calls from elsewhere, three times, and then lets it go', async () => {
    const options = {
      ...two,
      retrieve: { ...two.retrieve, pin: true },
      others: { AUTHMAIL: { status: 'ok', access: false } },
    }
    const harness = await start(options, { isOwner: false })
    for (let attempt = 1; attempt <= 3; attempt++) {
      await harness.pass(300)
      harness.leg.press('0000#')
      await harness.pass(1200)
    }
    await harness.pass(5000)
    expect(harness.commands()).toEqual(['INITRETRIEVE', 'AUTHMAIL', 'AUTHMAIL', 'AUTHMAIL'])
    expect(harness.said().join()).not.toContain('/voices/')
    expect(harness.record.cause).toBe('normal')
  })

  it('lets in by the right PIN, and nobody from elsewhere where there is none', async () => {
    const withPin = {
      ...two,
      retrieve: { ...two.retrieve, pin: true },
      others: { AUTHMAIL: { status: 'ok', access: true } },
    }
    const right = await start(withPin, { isOwner: false })
    await right.pass(300)
    right.leg.press('4711#')
    await right.pass(3000)
    expect(right.said().join()).toContain('/voices/msg_d')
    right.leg.hangUp()
    const none = await start(two, { isOwner: false })
    await none.pass(5000)
    expect(none.said()).toEqual(['en:You have no mailbox.', 'en:Goodbye.'])
  })

  it('records a greeting, plays it back, and changes nothing before it is saved', async () => {
    const harness = await start({})
    await harness.pass(1500)
    harness.leg.press('3')
    await harness.pass(300)
    harness.leg.press('1')
    await harness.pass(4500)
    harness.leg.press('5')
    await harness.pass(300)
    harness.leg.press('2')
    await harness.pass(300)
    expect(harness.said().at(-1)).toMatch(/^file:\/voices\/greet_/)
    expect(harness.commands()).not.toContain('RECGREETING')
    await harness.pass(1000)
    harness.leg.press('1')
    await harness.pass(300)
    const [greeting] = [...harness.service.voices]
    expect(harness.service.requests.at(-1)).toEqual({
      command: 'RECGREETING',
      number: '101',
      filename: greeting,
      active: true,
    })
    await harness.pass(1000)
    harness.leg.press('5')
    await harness.pass(300)
    expect(harness.service.requests.at(-1)).toMatchObject({ command: 'RECGREETING', filename: '', active: false })
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('leaves no greeting behind that was cancelled or whose caller hung up', async () => {
    for (const end of ['cancel', 'hang up'] as const) {
      const harness = await start({})
      await harness.pass(1500)
      harness.leg.press('3')
      await harness.pass(300)
      harness.leg.press('1')
      await harness.pass(4500)
      harness.leg.press('5')
      await harness.pass(300)
      if (end === 'cancel') harness.leg.press('*')
      else harness.leg.hangUp()
      await harness.pass(300)
      expect([...harness.service.voices], end).toEqual([])
      expect(harness.commands(), end).not.toContain('RECGREETING')
      harness.leg.hangUp()
      await harness.pass(100)
    }
  })

  it('changes the language by phone and goes on in it', async () => {
    const harness = await start({})
    await harness.pass(1500)
    harness.leg.press('4')
    await harness.pass(300)
    expect(harness.said().at(-1)).toBe('id:Untuk Bahasa Indonesia tekan satu.+say:en:For English press two.')
    harness.leg.press('1')
    await harness.pass(300)
    expect(harness.service.requests.at(-1)).toEqual({ command: 'CFGLANG', number: '101', language: 'ina' })
    expect(harness.said().at(-1)).toContain('id:Tekan satu untuk pesan baru')
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('says that a choice of language was none, and changes nothing', async () => {
    const harness = await start({})
    await harness.pass(1500)
    harness.leg.press('4')
    await harness.pass(300)
    harness.leg.press('7')
    await harness.pass(300)
    expect(harness.said().at(-1)).toBe('en:Invalid choice.')
    expect(harness.commands()).toEqual(['INITRETRIEVE'])
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('tells the owner that nobody can leave a message any more, where the service says how many there may be', async () => {
    for (const [mailbox, isTold] of [
      [{ total: 2, max: 2 }, true],
      [{ total: 2, max: 3 }, false],
      [{ total: 2 }, false],
    ] as const) {
      const harness = await start({ ...two, retrieve: { ...two.retrieve, mailbox } })
      await harness.pass(6000)
      const full = 'en:Your mailbox is full. Please delete some messages.'
      expect(harness.said().includes(full), JSON.stringify(mailbox)).toBe(isTold)
      if (isTold) expect(harness.said().indexOf(full)).toBe(1)
      harness.leg.hangUp()
      await harness.pass(100)
    }
  })

  it('says that a message whose voice is missing is not there yet, and leaves it new', async () => {
    const harness = await start({ retrieve: two.retrieve, voices: [] })
    await harness.pass(30_000)
    expect(harness.said()).toContain('en:This message is not available yet.')
    expect(harness.commands()).toEqual(['INITRETRIEVE'])
    harness.leg.hangUp()
    await harness.pass(100)
  })

  it('ends in order whenever the owner hangs up: at every moment of a call through all menus', async () => {
    const presses: Readonly<Record<number, string>> = {
      3500: '7',
      6000: '6',
      7000: '*',
      8000: '3',
      9000: '2',
      11_000: '*',
      12_000: '4',
      13_000: '1',
      14_000: '2',
      16_000: '#',
    }
    const states = new Set<string>()
    for (let hangUpAtMs = 0; hangUpAtMs <= 20_000; hangUpAtMs += 250) {
      const harness = await start({ ...two, voices: ['msg_c', 'msg_d', 'px'] })
      while (harness.clock.now() < hangUpAtMs) {
        await harness.pass(250)
        const keys = presses[harness.clock.now()]
        if (keys) harness.leg.press(keys)
      }
      harness.leg.hangUp()
      await harness.pass(500)
      expect(harness.record.endedAt, `hang-up at ${hangUpAtMs} ms`).not.toBeNull()
      expect(harness.clock.pending, `hang-up at ${hangUpAtMs} ms`).toBe(0)
      const deleted = harness.commands().filter((line) => line === 'DELMAIL msg_d')
      expect(deleted, `hang-up at ${hangUpAtMs} ms`).toHaveLength(hangUpAtMs > 3500 ? 1 : 0)
      for (const { what, facts } of harness.records.journal) {
        if (what === 'voicemail') states.add(String(facts['state']))
      }
    }
    for (const state of ['count', 'newMessages', 'main', 'greeting', 'language', 'oldMessages', 'bye', 'finish']) {
      expect([...states]).toContain(state)
    }
  })

  it('apologises when the service is down, and turns away who has no mailbox or no access', async () => {
    for (const [options, said] of [
      [{ retrieve: { access: false } }, 'You have no mailbox.'],
      [{ retrieve: { status: 'error', reason: 'NO_MAILBOX' } }, 'You have no mailbox.'],
      [{ retrieve: { status: 'error', reason: 'INTERNAL' } }, 'The service is not available.'],
    ] as const) {
      const harness = await start(options)
      await harness.pass(5000)
      expect(harness.said()[0]).toBe(`en:${said}`)
      expect(harness.record.cause).toBe('normal')
    }
  })

  it('has a table in which every state is reached and every hang-up leads to the finish', () => {
    const reached = new Set<string>(Object.values(retrieveTable).flatMap((row) => Object.values(row)))
    expect(Object.keys(retrieveTable).filter((state) => state !== 'init' && !reached.has(state))).toEqual([])
    for (const row of Object.values(retrieveTable)) expect(row['hangUp'] ?? 'finish').toBe('finish')
  })
})
