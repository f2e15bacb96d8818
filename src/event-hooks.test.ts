import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  endedCall,
  endedLeg,
  sampleCall,
  sampleEvents,
  sampleLeg,
  sampleRecording,
  sampleStart,
} from '../test/support/call-samples.ts'
import { databaseKinds } from '../test/support/databases.ts'
import { TestClock } from '../test/support/test-clock.ts'
import { openTestStore, type TestStore } from '../test/support/test-store.ts'
import { viewCall, viewLeg, viewRecording } from './admin/views.ts'
import { StoreError } from './base/errors.ts'
import { silentLogger } from './base/log.ts'
import type { CallRecord, RecordingState } from './call/records.ts'
import type { EventSettings } from './config/settings.ts'
import { EventHooks, type EventHooksParts } from './event-hooks.ts'
import type { OutboxEvent } from './store/outbox-types.ts'

const all: EventSettings = {
  url: 'http://u:secret-user@127.0.0.1:9000/in?token=secret-token',
  secrets: ['secret-new', 'secret-old'],
  kinds: ['call.ended', 'recording.saved', 'recording.failed'],
  headers: new Map([['authorization', 'Bearer secret-header']]),
}

const closed = { state: 'saved', durationMs: 2500, fileBytes: 40_044, problem: null } as const

describe.each(databaseKinds)('the events of a tenant on %s', (kind) => {
  let clock: TestClock
  let kept: TestStore
  let settings: EventSettings | null
  let hooks: EventHooks

  beforeEach(async () => {
    clock = new TestClock({ wallTime: sampleStart + 60_000 })
    kept = await openTestStore(kind, { clock })
    settings = all
    hooks = makeHooks()
  })

  afterEach(async () => {
    await hooks?.close()
    await kept?.remove()
    expect(clock.pending).toBe(0)
  })

  function makeHooks(change: Partial<EventHooksParts> = {}): EventHooks {
    const { outbox, calls, recordings } = kept.store
    return new EventHooks({
      outbox,
      calls,
      recordings,
      eventsOf: (tenant) => (tenant === 'acme' ? settings : null),
      isTrusted: (_tenant, url) => url === all.url,
      clock,
      log: silentLogger,
      ...change,
    })
  }

  const records = () => hooks.watch(kept.store.records)

  async function openCall(change: Partial<CallRecord> = {}) {
    const call = sampleCall(change)
    const leg = sampleLeg(call)
    await records().open(call, leg)
    return { call, leg }
  }

  /** Oldest first, as they would be sent. */
  async function events(): Promise<readonly OutboxEvent[]> {
    const { items } = await kept.store.outbox.list({})
    return [...items].toSorted((a, b) => a.createdAt - b.createdAt || (a.state === 'behind' ? 1 : -1))
  }

  async function announced(): Promise<readonly string[]> {
    const ids: string[] = []
    for await (const one of kept.store.outbox.announced(clock.wallTime() + 1)) ids.push(one.id)
    return ids
  }

  const bodyOf = (event: OutboxEvent | undefined): Record<string, unknown> =>
    JSON.parse(event?.body ?? '{}') as Record<string, unknown>

  it('tell of a call that is closed, with its legs and recordings in the words of the admin API', async () => {
    const { call, leg } = await openCall()
    const recording = sampleRecording(call)
    await records().openRecording(recording)
    clock.advance(10)
    await records().closeRecording(recording.id, closed)
    clock.advance(10)
    const ended = endedCall(call)
    expect(await records().close(ended, [endedLeg(leg)])).toBe(true)
    await hooks.close()
    const [saved, over] = await events()
    const view = {
      call: viewCall(ended),
      legs: [viewLeg(endedLeg(leg))],
      recordings: [viewRecording({ ...recording, ...closed })],
    }
    expect(over).toMatchObject({
      id: `call.ended:${call.id}`,
      tenant: 'acme',
      kind: 'call.ended',
      orderKey: call.id,
      state: 'behind',
      contentType: 'application/json',
    })
    expect(bodyOf(over)).toEqual({
      id: `call.ended:${call.id}`,
      kind: 'call.ended',
      at: new Date(ended.endedAt ?? 0).toISOString(),
      tenant: 'acme',
      ...view,
    })
    expect(saved).toMatchObject({ id: `recording.saved:${recording.id}`, orderKey: call.id, state: 'waiting' })
    expect(bodyOf(saved)).toMatchObject({
      kind: 'recording.saved',
      recording: view.recordings[0],
      call: { id: call.id },
    })
    expect(await announced()).toEqual([])
  })

  it.each<[RecordingState, string]>([
    ['saved', 'recording.saved'],
    ['failed', 'recording.failed'],
    ['interrupted', 'recording.saved'],
  ])('tell of a recording that is %s by %s', async (state, wanted) => {
    const { call } = await openCall()
    const recording = sampleRecording(call)
    await records().openRecording(recording)
    const problem = state === 'failed' ? 'The disk is full.' : null
    await records().closeRecording(recording.id, { ...closed, state, problem })
    await hooks.close()
    const [event] = await events()
    expect(event?.kind).toBe(wanted)
    expect(bodyOf(event)).toMatchObject({ recording: { id: recording.id, state, problem, durationSeconds: 2.5 } })
  })

  it('are only those that the tenant wants, and none of a tenant that wants none', async () => {
    settings = { ...all, kinds: ['recording.failed'] }
    const { call, leg } = await openCall()
    const [saved, failed] = [sampleRecording(call), sampleRecording(call)]
    for (const one of [saved, failed]) await records().openRecording(one)
    await records().closeRecording(saved.id, closed)
    await records().closeRecording(failed.id, { ...closed, state: 'failed' })
    await records().close(endedCall(call), [endedLeg(leg)])
    const other = await openCall({ tenant: 'other' })
    await records().close(endedCall(other.call), [])
    await hooks.close()
    expect((await events()).map((one) => one.id)).toEqual([`recording.failed:${failed.id}`])
    expect(await announced()).toEqual([])
  })

  it('keep no secret of the configuration in the database, and are sent with all of them', async () => {
    const { call } = await openCall()
    await records().close(endedCall(call), [])
    await hooks.close()
    const [event] = await events()
    expect(JSON.stringify(event)).not.toContain('secret-')
    expect(event?.url).toBe('http://127.0.0.1:9000/in')
    expect(event && hooks.profileOf(event)).toEqual({
      url: all.url,
      isTrusted: true,
      signingSecrets: ['secret-new', 'secret-old'],
      headers: { authorization: 'Bearer secret-header' },
    })
    // An address that came over the admin API is checked against private ranges.
    const ofApi = makeHooks({ isTrusted: () => false })
    expect(event && ofApi.profileOf(event)).toMatchObject({ isTrusted: false })
    settings = null
    expect(event && hooks.profileOf(event)).toBeNull()
    settings = all
    expect(event && hooks.profileOf({ ...event, kind: 'voicenter.hangup' })).toBeNull()
  })

  it('hold no key that was pressed', async () => {
    const { call, leg } = await openCall()
    const keys = sampleEvents(3, call.startedAt).map((one) => ({ ...one, facts: { digit: '8675309' } }))
    await records().appendJournal(call.id, 0, keys)
    await records().close(endedCall(call), [endedLeg(leg)])
    await hooks.close()
    expect((await events())[0]?.body).not.toContain('8675309')
  })

  it('come once, however often a call is closed', async () => {
    const { call, leg } = await openCall()
    expect(await records().close(endedCall(call), [endedLeg(leg)])).toBe(true)
    expect(await records().close(endedCall(call), [endedLeg(leg)])).toBe(false)
    hooks.callEnded(call)
    await hooks.close()
    expect(await events()).toHaveLength(1)
  })

  it('come of calls and recordings that a killed server left open, once those are closed', async () => {
    const { call } = await openCall()
    const recording = sampleRecording(call)
    await records().openRecording(recording)
    expect(await announced()).toHaveLength(2)
    // Killed here: the next start closes what was open, and then asks for what is owed.
    await kept.reopen()
    hooks = makeHooks()
    clock.advance(1000)
    const { recordings } = await kept.store.recoverInterrupted(clock.wallTime())
    for (const { id } of recordings) await kept.store.records.closeRecording(id, { ...closed, state: 'interrupted' })
    await hooks.recover()
    await hooks.recover()
    expect((await events()).map((one) => [one.id, one.state])).toEqual([
      [`recording.saved:${recording.id}`, 'waiting'],
      [`call.ended:${call.id}`, 'behind'],
    ])
    expect(bodyOf((await events())[1])).toMatchObject({ call: { cause: 'interrupted', endedBy: 'server' } })
    expect(await announced()).toEqual([])
  })

  it('come of a call that was closed just before the server was killed', async () => {
    const { call, leg } = await openCall()
    // Its close is committed, its event is not: the store is written to past the hooks.
    await kept.store.records.close(endedCall(call), [endedLeg(leg)])
    await kept.reopen()
    hooks = makeHooks()
    await hooks.recover()
    expect((await events()).map((one) => one.id)).toEqual([`call.ended:${call.id}`])
  })

  it('are forgotten at the start when their call never came to be, or nobody wants them any more', async () => {
    await kept.store.outbox.announce({ id: 'call:call_x', kind: 'call', subject: 'call_x', tenant: 'acme' })
    const { call } = await openCall()
    await kept.store.records.close(endedCall(call), [])
    settings = null
    await hooks.recover()
    expect(await announced()).toEqual([])
    expect(await events()).toEqual([])
  })

  it('leave calls alone that are still up', async () => {
    await openCall()
    await hooks.recover()
    expect(await announced()).toHaveLength(1)
    expect(await events()).toEqual([])
  })

  it('are tried again when the database has failed, and never keep a call from being closed', async () => {
    const { calls } = kept.store
    let tellAsked: (() => void) | null = null
    const asked = new Promise<void>((resolve) => (tellAsked = resolve))
    const outline: typeof calls.outline = (...which) => {
      if (tellAsked === null) return calls.outline(...which)
      tellAsked()
      tellAsked = null
      return Promise.reject(new StoreError('store.failed', 'It failed.'))
    }
    hooks = makeHooks({ calls: { outline } })
    const { call, leg } = await openCall()
    expect(await records().close(endedCall(call), [endedLeg(leg)])).toBe(true)
    await asked
    await clock.advanceAsync(0)
    expect(await events()).toEqual([])
    clock.advance(30_000)
    while ((await events()).length === 0) await kept.store.check()
    expect((await events()).map((one) => one.id)).toEqual([`call.ended:${call.id}`])
  })
})
