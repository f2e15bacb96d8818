import { describe, expect, it } from 'vitest'
import { httpAnswer, startVoicenter, voicenterTenant } from '../../../test/support/voicenter-harness.ts'
import type { CallId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import type { CallRecord, JournalEvent } from '../../call/records.ts'
import type { OutgoingAnswer } from '../../http/outgoing/types.ts'
import type { Announcement, NewEvent, OutboxEvent } from '../../store/outbox-types.ts'
import { hangupEventKind } from './hangup.ts'
import { HangupSource } from './hangup-source.ts'
import type { HangupCall } from './wire.ts'

interface Owed {
  readonly source: HangupSource
  readonly added: { event: NewEvent; fulfils: string | undefined }[]
  readonly withdrawn: string[]
}

async function sourceWith(
  announced: readonly Announcement[],
  call: { call: CallRecord; journal: readonly JournalEvent[] } | null,
  app = '',
): Promise<Owed> {
  const tenant = await voicenterTenant(app)
  const added: Owed['added'] = []
  const withdrawn: string[] = []
  const source = new HangupSource({
    outbox: {
      add: async (event, fulfils) => {
        added.push({ event, fulfils })
        return true
      },
      announced: async function* () {
        yield* announced
      },
      withdraw: async (id) => void withdrawn.push(id),
    },
    calls: { get: async () => call && { ...call, legs: [], recordings: [] } },
    log: silentLogger,
    now: () => 0,
    tenant: (name) => (name === 'demo' ? tenant : null),
    isTrusted: (_tenant, url) => url.startsWith('http://handler/'),
  })
  return { source, added, withdrawn }
}

const announcement = (change: Partial<Announcement> = {}): Announcement => ({
  id: 'vch_0123',
  tenant: 'demo',
  kind: hangupEventKind,
  subject: 'call_x',
  announcedAt: 0,
  ...change,
})

const event = (change: Partial<OutboxEvent> = {}): OutboxEvent =>
  ({
    id: 'vch_0123',
    tenant: 'demo',
    kind: hangupEventKind,
    headers: { 'switchhook-app': 'ivr' },
    ...change,
  }) as OutboxEvent

const record = {
  id: 'call_x' as CallId,
  tenant: 'demo',
  direction: 'inbound',
  from: '0541234567',
  to: '+972721234567',
  extension: null,
  app: 'ivr',
  startedAt: 1_000_000,
  answeredAt: 1_002_000,
  endedAt: 1_060_400,
  endedBy: 'server',
} as CallRecord

describe('HANGUP_CALL', () => {
  it('is sent with what its app says now, and not to one that is gone', async () => {
    const { source } = await sourceWith(
      [],
      null,
      'hangupUrl: "http://handler/bye", headers: { "X-Key": "abc" }, timeoutMs: 700',
    )
    expect(source.profileOf(event())).toMatchObject({
      url: 'http://handler/bye',
      isTrusted: true,
      headers: { 'X-Key': 'abc' },
      timeoutMs: 700,
      signingSecrets: [],
    })
    expect(source.profileOf(event({ kind: 'call.ended' }))).toBeNull()
    expect(source.profileOf(event({ headers: { 'switchhook-app': 'old' } }))).toBeNull()
    expect(source.profileOf(event({ tenant: 'other' }))).toBeNull()
  })

  it.each([
    ['{"STATUS":0}', null],
    ['{"STATUS":"0"}', null],
    ['STATUS=0', null],
    ['{"STATUS":1}', /STATUS is 1/],
    ['{}', /no STATUS/],
    ['', /empty/],
    ['ok', /no JSON/],
  ])('answered %j is delivered, or why it is not', async (body, fault) => {
    const { source } = await sourceWith([], null)
    const found = source.profileOf(event())?.findFault?.(httpAnswer(body) as OutgoingAnswer)
    if (fault === null) expect(found).toBeNull()
    else expect(found).toMatch(fault)
  })

  it('keeps no credentials of the address with it', async () => {
    const harness = await startVoicenter(['silence'], { app: 'hangupUrl: "http://user:pass@handler/bye?key=secret"' })
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.events[0]?.url).toBe('http://handler/bye')
    expect(harness.events[0]?.maxAttempts).toBe(5)
  })

  it('of a call that a killed server left is made from its record and its journal', async () => {
    const note = (what: string, facts: JournalEvent['facts']): JournalEvent => ({
      at: 0,
      kind: 'decision',
      legId: null,
      what,
      facts,
    })
    const journal = [
      note('voicenterBegun', { ivrUniqueId: '0123', app: 'ivr', callerId: '0541234567' }),
      note('voicenterCall', { target: '050', startedAt: 1_010_000, dialMs: 7000, status: 'ANSWER' }),
    ]
    const { source, added } = await sourceWith([announcement(), announcement({ kind: 'call' })], {
      call: record,
      journal,
    })
    await source.recover()
    expect(added).toHaveLength(1)
    expect(added[0]?.fulfils).toBe('vch_0123')
    expect((JSON.parse(added[0]?.event.body ?? '') as { DATA: HangupCall }).DATA).toEqual({
      CALLER_ID: '0541234567',
      DID: '0721234567',
      IVR_UNIQUE_ID: '0123',
      TARGET: '050',
      CALL_TIME_EPOCH: 1010,
      CALL_START_EPOCH: 1000,
      CALL_DURATION: 60,
      CALL_DAILTIME: 7,
      CALL_STATUS: 'ANSWER',
    })
  })

  it('is made without a journal too, and withdrawn where the call or the app is gone', async () => {
    const known = await sourceWith([announcement()], { call: record, journal: [] })
    await known.source.recover()
    expect((JSON.parse(known.added[0]?.event.body ?? '') as { DATA: HangupCall }).DATA).toMatchObject({
      CALLER_ID: '0541234567',
      CALL_STATUS: 'ANSWER',
      CALL_DAILTIME: 0,
    })
    for (const call of [null, { call: { ...record, app: 'old' }, journal: [] }]) {
      const gone = await sourceWith([announcement()], call)
      await gone.source.recover()
      expect(gone.added).toEqual([])
      expect(gone.withdrawn).toEqual(['vch_0123'])
    }
  })
})
