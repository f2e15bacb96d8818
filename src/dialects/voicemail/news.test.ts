import { afterEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import { stageVoicemail, type VoicemailStage } from '../../../test/support/voicemail-stage.ts'
import { silentLogger } from '../../base/log.ts'
import { type EventSettings, eventKinds, usualEventKinds } from '../../config/settings.ts'
import { MessageNews } from './news.ts'

const events: EventSettings = {
  url: 'http://u:secret-user@127.0.0.1:9000/in?token=secret-token',
  secrets: [],
  kinds: eventKinds,
  headers: new Map(),
}

describe.each(databaseKinds)('events of voicemail messages on %s', (kind) => {
  let stage: VoicemailStage
  afterEach(() => stage.close())

  const leave = (voice: string, b = '101') =>
    stage.ask({ command: 'RECMAIL', number: { a: '0812', b }, deposit: true, filename: voice, duration: 4 })

  async function told(): Promise<readonly Record<string, unknown>[]> {
    await stage.news.idle()
    const { items } = await stage.test.store.outbox.list({})
    const bodies = items.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    return bodies.toSorted((a, b) => String(a['at']).localeCompare(String(b['at'])))
  }

  async function announced(): Promise<readonly string[]> {
    const ids: string[] = []
    for await (const { id } of stage.test.store.outbox.announced(Number.MAX_SAFE_INTEGER)) ids.push(id)
    return ids
  }

  it('tells of each message left, heard, deleted and restored, once, with the counts', async () => {
    stage = await stageVoicemail(kind, { events })
    const steps = ['READMAIL', 'READMAIL', 'UNREADMAIL', 'DELMAIL', 'DELMAIL', 'UNDELMAIL', 'UNDELMAIL']
    await leave('msg_1')
    // The counts of an event are those of the moment in which it is made.
    await stage.news.idle()
    for (const command of steps) {
      stage.clock.advance(1000)
      await stage.ask({ command, number: '101', voice: 'msg_1' })
      await stage.news.idle()
    }
    const all = await told()
    expect(all.map((event) => event['kind'])).toEqual([
      'voicemail.left',
      'voicemail.heard',
      'voicemail.deleted',
      'voicemail.restored',
    ])
    expect(all[0]).toMatchObject({
      tenant: 'acme',
      at: '2026-01-31T20:00:00.000Z',
      message: { from: '0812', durationSeconds: 4, voice: 'msg_1', isRead: false },
      mailbox: { owner: '101', read: 0, unread: 1, max: 3 },
    })
    expect(all[2]).toMatchObject({ at: '2026-01-31T20:00:04.000Z', mailbox: { read: 0, unread: 0 } })
    expect(await announced()).toEqual([])
    const { items } = await stage.test.store.outbox.list({})
    expect(items.every(({ url }) => url === 'http://127.0.0.1:9000/in')).toBe(true)
  })

  it('tells nobody where the tenant wants nothing, and of nothing that did not come about', async () => {
    stage = await stageVoicemail(kind)
    await leave('msg_1')
    expect(await told()).toEqual([])
    await stage.close()
    stage = await stageVoicemail(kind, { events: { ...events, kinds: ['call.ended', 'voicemail.left'] } })
    await leave('msg_1')
    await leave('msg_1')
    await stage.ask({ command: 'DELMAIL', number: '101', voice: 'msg_1' })
    expect((await told()).map((event) => event['kind'])).toEqual(['voicemail.left'])
    expect(await announced()).toEqual([])
  })

  it('has a promo sent by the program of a tenant that has asked for it, and by nobody else', async () => {
    stage = await stageVoicemail(kind, { events })
    expect(await stage.news.promo('acme', '0812', 'y', 'Buy!')).toBe(true)
    expect(await told()).toEqual([
      {
        id: expect.stringMatching(/^voicemail\.promo:y:\d+:[0-9a-f]{12}$/),
        kind: 'voicemail.promo',
        at: '2026-01-31T20:00:00.000Z',
        tenant: 'acme',
        promo: { name: 'y', number: '0812', text: 'Buy!' },
      },
    ])
    await stage.close()
    stage = await stageVoicemail(kind, { events: { ...events, kinds: usualEventKinds } })
    expect(await stage.news.promo('acme', '0812', 'y', 'Buy!')).toBe(false)
    expect(await told()).toEqual([])
  })

  it('tells a mailbox to which a message was passed on, and callers who found it full', async () => {
    stage = await stageVoicemail(kind, { events })
    await leave('msg_1')
    stage.clock.advance(1000)
    await stage.ask({ command: 'FWDMAIL', number: '101', voice: 'msg_1', to: '102' })
    expect((await told()).at(-1)).toMatchObject({
      kind: 'voicemail.left',
      message: { forwardedBy: '101' },
      mailbox: { owner: '102' },
    })
    for (const voice of ['msg_2', 'msg_3']) await leave(voice)
    for (const a of ['1', '2']) await stage.ask({ command: 'INITLEAVING', number: { a, b: '101' } })
    const full = (await told()).filter((event) => event['kind'] === 'voicemail.full')
    expect(full).toMatchObject([{ mailbox: { owner: '101', unread: 3, max: 3 } }])
  })

  it('announces a change before it is written, and withdraws one that failed', async () => {
    stage = await stageVoicemail(kind, { events })
    await leave('msg_1')
    const before = (await told()).length
    const [row] = await stage.test.store.voicemail.messages('acme', '101')
    const mailbox = await stage.mailboxes.get('acme', '101')
    if (!row || !mailbox) throw new Error('no message')
    const tell = stage.news.announce('voicemail.deleted', mailbox, row.id, 5)
    // What is written behind it is committed behind it.
    await stage.test.store.voicemail.markRead({ tenant: 'acme', owner: '101', voice: 'msg_1' }, 5)
    expect(await announced()).toEqual([`voicemail.deleted:${row.id}:5`])
    tell(false)
    expect(await told()).toHaveLength(before)
    expect(await announced()).toEqual([])
  })

  it('adds after a crash what was announced and came about, and withdraws what did not', async () => {
    stage = await stageVoicemail(kind, { events })
    await leave('msg_1')
    await leave('msg_2')
    const before = (await told()).length
    stage.clock.advance(1000)
    const { store } = stage.test
    const rows = await store.voicemail.messages('acme', '101')
    const one = rows.find(({ voice }) => voice === 'msg_1')
    const two = rows.find(({ voice }) => voice === 'msg_2')
    const at = stage.clock.wallTime()
    const announce = (id: string, change: string, subject: string) =>
      store.outbox.announce({ id, kind: change, subject, tenant: 'acme' })
    await announce('voicemail.heard:x', 'voicemail.heard', `${one?.id}:${at}`)
    await announce('voicemail.deleted:x', 'voicemail.deleted', `${two?.id}:${at}`)
    await announce('voicemail.left:x', 'voicemail.left', `msg_none:${at}`)
    await announce('call:x', 'call', 'call_x')
    await store.voicemail.markRead({ tenant: 'acme', owner: '101', voice: 'msg_1' }, at)
    const again = new MessageNews({
      outbox: store.outbox,
      store: store.voicemail,
      mailboxes: stage.mailboxes,
      clock: stage.clock,
      log: silentLogger,
      eventsOf: () => events,
      mailServer: null,
    })
    await again.recover()
    expect((await told()).slice(before)).toMatchObject([{ kind: 'voicemail.heard', message: { voice: 'msg_1' } }])
    expect(await announced()).toEqual(['call:x'])
  })
})
