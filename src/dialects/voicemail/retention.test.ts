import { afterEach, describe, expect, it } from 'vitest'
import { databaseKinds } from '../../../test/support/databases.ts'
import { stageVoicemail, type VoicemailStage } from '../../../test/support/voicemail-stage.ts'
import { MessageRetention } from './retention.ts'

const dayMs = 86_400_000

describe.each(databaseKinds)('messages by their age on %s', (kind) => {
  let stage: VoicemailStage
  const changed: string[] = []
  afterEach(async () => {
    changed.length = 0
    await stage.close()
  })

  async function open(newDays: number | null, savedDays: number | null): Promise<MessageRetention> {
    stage = await stageVoicemail(kind, { mailbox: { max: 50, retention: { newDays, savedDays } } })
    const { test, mailboxes, news, clock, service } = stage
    return new MessageRetention({
      store: test.store.voicemail,
      mailboxes,
      news,
      clock,
      isBusy: (mailbox) => service.isBusy(mailbox),
      changed: ({ owner }) => void changed.push(owner),
    })
  }

  /** A message that came, and was heard, so many days ago. */
  async function keep(voice: string, cameDays: number, heardDays: number | null = null, owner = '101'): Promise<void> {
    const now = stage.clock.wallTime()
    await stage.test.store.voicemail.addMessage({
      id: `msg_${voice}`,
      tenant: 'acme',
      owner,
      voice,
      caller: '0812',
      received_at: now - cameDays * dayMs,
      duration_seconds: 4,
      is_read: heardDays === null ? 0 : 1,
      read_at: heardDays === null ? null : now - heardDays * dayMs,
      deleted_at: null,
      forwarded_by: null,
    })
  }
  const voices = async () => (await stage.test.store.voicemail.messages('acme', '101')).map(({ voice }) => voice)

  it('counts new ones from when they came and others from when they were heard, and can be had back', async () => {
    const retention = await open(10, 5)
    await keep('old-new', 11)
    await keep('new', 9)
    await keep('old-heard-late', 20, 4)
    await keep('old-heard', 20, 6)
    await keep('of-another', 100, null, '102')
    const would = [{ owner: '101', unread: 1, read: 1, isBusy: false }]
    expect(await retention.run({ isDryRun: true })).toMatchObject(would)
    expect(await voices()).toHaveLength(4)
    expect(changed).toEqual([])
    expect(await retention.run({ isDryRun: false })).toMatchObject(would)
    expect(await voices()).toEqual(['old-heard-late', 'new'])
    expect(new Set(changed)).toEqual(new Set(['101']))
    expect(await retention.run({ isDryRun: false })).toEqual([])
    expect(await stage.ask({ command: 'UNDELMAIL', number: '101', voice: 'old-new' })).toMatchObject({ status: 'ok' })
    expect(await stage.test.store.voicemail.messages('acme', '102')).toHaveLength(1)
  })

  it('leaves a mailbox alone to which somebody listens', async () => {
    const retention = await open(null, 1)
    await keep('msg_1', 3, 2)
    await stage.ask({ command: 'INITRETRIEVE', number: { a: '101', b: '222' } })
    expect(await retention.run({ isDryRun: false })).toMatchObject([{ read: 1, isBusy: true }])
    expect(await voices()).toEqual(['msg_1'])
    stage.clock.advance(30 * 60_000)
    expect(await retention.run({ isDryRun: false })).toMatchObject([{ read: 1, isBusy: false }])
    expect(await voices()).toEqual([])
  })

  it('keeps everything where nothing else is said, and takes more than one batch at a time', async () => {
    const retention = await open(null, null)
    const { store } = stage.test
    await Promise.all(Array.from({ length: 1100 }, (_, i) => keep(`v${i}`, 10_000)))
    expect(await retention.run({ isDryRun: false })).toEqual([])
    await stage.mailboxes.change({ tenant: 'acme', owner: '101' }, { new_days: 3 })
    expect(await retention.run({ isDryRun: false })).toMatchObject([{ unread: 1100 }])
    expect(await store.voicemail.counts('acme', '101')).toEqual({ read: 0, unread: 0 })
  })
})
