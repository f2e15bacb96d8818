import { describe, expect, it } from 'vitest'
import { hears, hearsNone, shareWith, sine } from '../../../test/support/hear.ts'
import { agreedMedia, mediaHarness, promptOf } from '../../../test/support/media-harness.ts'
import type { RecordingId } from '../../base/ids.ts'
import { encodeG711 } from '../g711.ts'
import type { RecordOptions } from './types.ts'

const recordingId = 'rec_1' as RecordingId

function recordOptions(changes: Partial<RecordOptions> = {}): RecordOptions {
  const file = '/recordings/one.wav'
  return { recordingId, file, channels: 'received', maxDurationMs: 60_000, silenceMs: null, ...changes }
}

function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function encoded(samples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(samples.length)
  encodeG711('PCMU', samples, bytes)
  return bytes
}

const quiet = (ms: number): Int16Array => new Int16Array(ms * 8)

describe('recording', () => {
  it('keeps what the peer says, in slices of at most 250 ms', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    await peer.speak(endpoint.localPort, joined(sine(400, 1000), sine(1000, 1000)))
    await clock.advanceAsync(100)
    recording.stop()
    const result = await recording.ended
    expect(result).toMatchObject({ end: 'stopped', heardSound: true, problem: null })
    const slices = recordings.slices.get(recordingId) ?? []
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(2000)
    const sound = recordings.channel(recordingId)
    expect(sound.length / 8).toBe(result.durationMs)
    expect(result.durationMs).toBeGreaterThanOrEqual(2060)
    expect(result.durationMs).toBeLessThanOrEqual(2100)
    expect(shareWith(sound, 400)).toBeCloseTo(1000 / result.durationMs, 1)
    expect(shareWith(sound, 1000)).toBeCloseTo(1000 / result.durationMs, 1)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('of a stream with losses and gaps has the length of the time that passed', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    const startMs = clock.now()
    await peer.speak(endpoint.localPort, sine(400, 1000), { drop: (n) => n % 7 === 3 })
    // Silence that the peer does not send, then sound again.
    await clock.advanceAsync(1500)
    peer.timestamp += 1500 * 8
    await peer.speak(endpoint.localPort, sine(1000, 1000))
    await clock.advanceAsync(60)
    recording.stop()
    const { durationMs } = await recording.ended
    expect(Math.abs(durationMs - (clock.now() - startMs))).toBeLessThanOrEqual(20)
    const sound = recordings.channel(recordingId)
    expect(hearsNone(sound.subarray(1300 * 8, 2400 * 8), [400, 1000])).toBe(true)
    expect(hears(sound.subarray(2700 * 8, 3400 * 8), [1000])).toBe(true)
    await finish()
  })

  it('keeps its length over a stall of the thread, and what was said meanwhile', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    const startMs = clock.now()
    await peer.speak(endpoint.localPort, sine(400, 500))
    clock.stall(160)
    // What came meanwhile waits in the socket and is read in one go.
    const missed = sine(400, 160)
    const before = clock.now()
    for (let n = 0; n < 8; n++) peer.send(endpoint.localPort, encoded(missed.subarray(n * 160, n * 160 + 160)))
    await peer.speak(endpoint.localPort, sine(400, 500))
    await clock.advanceAsync(250)
    recording.stop()
    const { durationMs } = await recording.ended
    expect(before).toBe(660)
    expect(Math.abs(durationMs - (clock.now() - startMs))).toBeLessThanOrEqual(20)
    expect(shareWith(recordings.channel(recordingId), 400) * durationMs).toBeGreaterThan(1050)
    await finish()
  })

  it('of both sides has the peer left and us right, at the same time', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ channels: 'both' }))
    endpoint.play([promptOf('ours', joined(quiet(500), sine(1000, 500)))])
    await peer.speak(endpoint.localPort, joined(sine(400, 500), quiet(500)))
    await clock.advanceAsync(200)
    recording.stop()
    const { durationMs } = await recording.ended
    const [theirs, ours] = [recordings.channel(recordingId, 0), recordings.channel(recordingId, 1)]
    expect([theirs.length, ours.length]).toEqual([durationMs * 8, durationMs * 8])
    expect(hears(theirs.subarray(100 * 8, 450 * 8), [400])).toBe(true)
    expect(hearsNone(theirs, [1000])).toBe(true)
    expect(hears(ours.subarray(550 * 8, 950 * 8), [1000])).toBe(true)
    expect(hearsNone(ours.subarray(0, 480 * 8), [1000, 400])).toBe(true)
    expect(hearsNone(ours.subarray(1060 * 8), [1000])).toBe(true)
    await finish()
  })

  for (const ptimeMs of [10, 30, 60] as const) {
    it(`keeps our side whole at packets of ${ptimeMs} ms`, async () => {
      const { clock, endpoint, recordings, finish } = await mediaHarness()
      endpoint.connect(agreedMedia({ ptimeMs }))
      const recording = endpoint.record(recordOptions({ channels: 'both' }))
      endpoint.play([promptOf('ours', sine(1000, 900))])
      await clock.advanceAsync(1200)
      recording.stop()
      await recording.ended
      const ours = recordings.channel(recordingId, 1)
      const loud = [...ours.keys()].filter((i) => Math.abs(ours[i] ?? 0) > 500)
      expect((loud.at(-1) ?? 0) - (loud[0] ?? 0)).toBeGreaterThan(895 * 8)
      expect((loud.at(-1) ?? 0) - (loud[0] ?? 0)).toBeLessThan(905 * 8)
      expect(hears(ours.subarray(loud[0], loud.at(-1)), [1000])).toBe(true)
      await finish()
    })
  }

  it('ends at its longest, to the sample', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ maxDurationMs: 505 }))
    await peer.speak(endpoint.localPort, sine(400, 1000))
    await clock.advanceAsync(100)
    expect(await recording.ended).toMatchObject({ end: 'max-duration', durationMs: 505, heardSound: true })
    expect(recordings.channel(recordingId).length).toBe(4040)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('ends after the wished quiet behind the last sound', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ silenceMs: 1000 }))
    let end: string | null = null
    void recording.ended.then((result) => (end = result.end))
    await peer.speak(endpoint.localPort, joined(sine(400, 300), quiet(700), sine(400, 300), quiet(900)))
    expect(end).toBeNull()
    await clock.advanceAsync(300)
    expect(await recording.ended).toMatchObject({ end: 'silence', heardSound: true })
    await finish()
  })

  it('says that nothing was heard when nothing was', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ silenceMs: 500 }))
    await peer.speak(endpoint.localPort, quiet(1000))
    await clock.advanceAsync(100)
    expect(await recording.ended).toMatchObject({ end: 'silence', heardSound: false })
    await finish()
  })

  it('holds quiet of the same length for what is said while paused, where it is asked to', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ channels: 'both', pausedAs: 'silence' }))
    await peer.speak(endpoint.localPort, sine(400, 400))
    recording.pause(true)
    await peer.speak(endpoint.localPort, sine(1000, 1000))
    recording.pause(false)
    await peer.speak(endpoint.localPort, sine(400, 400))
    recording.stop()
    const { durationMs } = await recording.ended
    expect(Math.abs(durationMs - 1800)).toBeLessThanOrEqual(60)
    const said = recordings.channel(recordingId)
    expect(hearsNone(said.subarray(500 * 8, 1300 * 8), [400, 1000])).toBe(true)
    expect(hears(said.subarray(1500 * 8, 1750 * 8), [400])).toBe(true)
    await clock.advanceAsync(10)
    await finish()
  })

  it('leaves out what is said while paused', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions({ channels: 'both', silenceMs: 300 }))
    await peer.speak(endpoint.localPort, sine(400, 400))
    recording.pause(true)
    await peer.speak(endpoint.localPort, joined(sine(1000, 400), quiet(1000)))
    recording.pause(false)
    await peer.speak(endpoint.localPort, sine(400, 400))
    recording.stop()
    const { durationMs, end } = await recording.ended
    expect(end).toBe('stopped')
    expect(Math.abs(durationMs - 800)).toBeLessThanOrEqual(40)
    expect(shareWith(recordings.channel(recordingId), 1000)).toBeLessThan(0.15)
    await clock.advanceAsync(10)
    await finish()
  })

  it('ends with the endpoint, and its result comes all the same', async () => {
    const { endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    await peer.speak(endpoint.localPort, sine(400, 400))
    await endpoint.close()
    expect(await recording.ended).toMatchObject({ end: 'endpoint-closed', durationMs: 400, problem: null })
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('ends when the writer fails, with its sentence', async () => {
    const { endpoint, peer, recordings, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    await peer.speak(endpoint.localPort, sine(400, 400))
    recordings.fail(recordingId, 'The disk is full.')
    expect(await recording.ended).toMatchObject({ end: 'write-failed', problem: 'The disk is full.' })
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('goes on through a hold and a change of codec, and beside another recording', async () => {
    const { clock, endpoint, peer, recordings, finish } = await mediaHarness()
    const other = 'rec_2' as RecordingId
    endpoint.connect(agreedMedia())
    const recording = endpoint.record(recordOptions())
    await peer.speak(endpoint.localPort, sine(400, 500))
    const second = endpoint.record(recordOptions({ recordingId: other, channels: 'both' }))
    endpoint.connect(agreedMedia({ direction: 'inactive', isHeld: true }))
    await clock.advanceAsync(500)
    peer.timestamp += 4000
    endpoint.connect(agreedMedia())
    await peer.speak(endpoint.localPort, sine(400, 500), { codec: 'PCMA' })
    await clock.advanceAsync(60)
    recording.stop()
    second.stop()
    const [first, last] = [await recording.ended, await second.ended]
    expect(Math.abs(first.durationMs - 1560)).toBeLessThanOrEqual(20)
    expect(Math.abs(last.durationMs - 1060)).toBeLessThanOrEqual(20)
    expect(shareWith(recordings.channel(recordingId), 400) * first.durationMs).toBeGreaterThan(900)
    await finish()
  })
})
