import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import type { Monitor } from './monitor.ts'

describe('monitor', () => {
  it('records beside other verbs for the whole call, on two channels, and is saved when it ends', async () => {
    const harness = await startFlow(async (call) => {
      await call.answer()
      await call.monitor()
      await call.say('Hello')
      await call.gather()
    })
    await harness.pass(3000)
    const [row] = harness.records.recordings.values()
    expect(row).toMatchObject({ channels: 2, state: 'recording', callId: harness.call.id })
    harness.leg.hangUp()
    await harness.call.ended
    const [saved] = harness.records.recordings.values()
    expect(saved).toMatchObject({ state: 'saved', durationMs: 3000 })
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })

  it('is stopped by its handle, which tells how it ended, and can then be begun anew', async () => {
    const told: unknown[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      const first = await call.monitor({ beep: true })
      await call.play('a')
      told.push(await first.stop(), await first.ended)
      const second = await call.monitor({ maxSeconds: 1 })
      told.push(await second.ended)
    })
    await harness.pass(5000)
    expect(told).toMatchObject([
      { outcome: 'recorded', endedBy: 'stopped', durationMs: 1000 },
      { outcome: 'recorded', endedBy: 'stopped', durationMs: 1000 },
      { outcome: 'recorded', endedBy: 'max-duration', durationMs: 1000 },
    ])
    expect(harness.leg.lines.slice(1, 4)).toEqual(['play tone:beep', 'finished tone:beep', 'record'])
    expect(harness.records.recordings.size).toBe(2)
  })

  it('is paused and resumed, once each however often it is asked', async () => {
    const monitors: Monitor[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      monitors.push(await call.monitor())
      await call.gather({ firstDigitTimeoutMs: 60_000 })
    })
    const [monitor] = monitors
    if (!monitor) throw new Error('no monitor')
    monitor.pause()
    monitor.pause()
    expect(monitor.isPaused).toBe(true)
    monitor.resume()
    harness.leg.hangUp()
    await harness.call.ended
    monitor.pause()
    expect(monitor.isPaused).toBe(false)
    const notes = harness.records.journal.filter(({ kind }) => kind === 'recording').map(({ what }) => what)
    expect(notes).toEqual(['recordingStarted', 'recordingPaused', 'recordingResumed', 'recordingEnded'])
  })

  it('runs once a call, and not on one that is over', async () => {
    const codes: unknown[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      await call.monitor()
      await call.monitor().catch((error: { code: string }) => codes.push(error.code))
      await call.hangUp()
      await call.monitor().catch((error: { code: string }) => codes.push(error.code))
    })
    await harness.call.ended
    await harness.pass(0)
    expect(codes).toEqual(['action.monitored-already', 'action.call-over'])
    expect(harness.records.recordings.size).toBe(1)
  })
})
