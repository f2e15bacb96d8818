import { describe, expect, it } from 'vitest'
import { countingPrompt, NotingUser } from '../../../test/support/media-harness.ts'
import { settle, TestClock } from '../../../test/support/test-clock.ts'
import type { RecordingId } from '../../base/ids.ts'
import { type LogFields, type Logger, silentLogger } from '../../base/log.ts'
import type { EngineCommand } from './messages.ts'
import { PlaneCore } from './plane-core.ts'
import type { MediaEndpointUser, MediaStats } from './types.ts'

const stats: MediaStats = {
  packetsSent: 7,
  packetsReceived: 0,
  packetsLost: 0,
  jitterMs: 0,
  remotePacketsLost: null,
  roundTripMs: null,
  receivedFrom: null,
  maxLatenessMs: 0,
  discarded: { malformed: 0, stranger: 0, unknownPayload: 0 },
}

function setUp(options: { workers?: number; log?: Logger } = {}) {
  const clock = new TestClock()
  const posted: { worker: number; command: EngineCommand }[] = []
  const core = new PlaneCore({
    clock,
    log: options.log ?? silentLogger,
    workers: options.workers ?? 1,
    portsAhead: 2,
    post: (worker, command) => posted.push({ worker, command }),
  })
  const free = (worker: number, address: string, ...ports: number[]): void =>
    core.heard(worker, { kind: 'pairsFree', address, pairs: ports.map((port) => ({ pair: port, port })) })
  const open = (localAddress = '192.0.2.1', user: MediaEndpointUser = new NotingUser()) =>
    core.open({ user, localAddress, timeoutMs: null })
  return { clock, core, posted, free, open, last: () => posted.at(-1)?.command }
}

describe('handing out endpoints', () => {
  it('takes the least loaded worker that has a port, or the one of a near endpoint', () => {
    const { core, free, open } = setUp({ workers: 2 })
    free(0, '192.0.2.1', 20_000, 20_002, 20_004, 20_006)
    free(1, '192.0.2.1', 25_000)
    const opened = [open(), open(), open()]
    expect(opened.map(({ worker }) => worker)).toEqual([0, 1, 0])
    expect(opened.map(({ localPort }) => localPort)).toEqual([20_000, 25_000, 20_002])
    const near = core.open({ user: new NotingUser(), localAddress: '192.0.2.1', timeoutMs: null, near: open() })
    expect(near.worker).toBe(0)
  })

  it('refuses when the near endpoint’s worker has no port, though another has', () => {
    const { core, free, open } = setUp({ workers: 2 })
    free(1, '192.0.2.1', 25_000)
    const first = open()
    free(0, '192.0.2.1', 20_000)
    const near = () => core.open({ user: new NotingUser(), localAddress: '192.0.2.1', timeoutMs: null, near: first })
    expect(near).toThrow(expect.objectContaining({ code: 'media.no-ports', sipStatus: 503 }))
  })

  it('serves any address of a family whose wildcard is bound, and compares addresses by meaning', () => {
    const { free, open } = setUp()
    free(0, '0.0.0.0', 20_000)
    free(0, '2001:db8::1', 20_002)
    expect(open('203.0.113.9').localPort).toBe(20_000)
    expect(open('2001:DB8:0::1').localPort).toBe(20_002)
    expect(() => open('2001:db8::2')).toThrow('No RTP ports are prepared on 2001:db8::2.')
    expect(() => open('203.0.113.9')).toThrow('No pair of RTP ports is free on 203.0.113.9.')
  })

  it('counts endpoints and free ports, and gives back what a rush left over', () => {
    const { core, free, open, posted } = setUp()
    const released = (): number[] =>
      posted.flatMap(({ command }) => (command.kind === 'releasePairs' ? command.pairs : []))
    free(0, '192.0.2.1', 20_000, 20_002, 20_004, 20_006)
    const endpoints = [open(), open(), open(), open()]
    expect(core.counts).toEqual({ endpoints: 4, freePorts: 0 })
    free(0, '192.0.2.1', 20_008, 20_010, 20_012, 20_014)
    expect(released()).toEqual([])
    for (const [i, endpoint] of endpoints.entries()) {
      void endpoint.close()
      core.heard(0, { kind: 'closed', endpoint: i + 1, stats })
    }
    free(0, '192.0.2.1', 20_000, 20_002)
    expect(core.counts).toEqual({ endpoints: 0, freePorts: 4 })
    expect(released()).toEqual([20_002, 20_000])
  })
})

describe('news', () => {
  it('comes with the main thread’s time', () => {
    const { clock, core, free, open } = setUp()
    const user = new NotingUser()
    free(0, '192.0.2.1', 20_000)
    open('192.0.2.1', user)
    clock.advance(1000)
    core.heard(0, { kind: 'digit', endpoint: 1, digit: '5', carrier: 'inband', agoMs: 80, durationMs: 32 })
    expect(user.digits).toEqual([{ digit: '5', carrier: 'inband', startedMs: 920, durationMs: 32 }])
  })

  it('is not told after the user has closed', async () => {
    const { core, free, open } = setUp()
    const user = new NotingUser()
    free(0, '192.0.2.1', 20_000)
    const closed = open('192.0.2.1', user).close()
    core.heard(0, { kind: 'digit', endpoint: 1, digit: '5', carrier: 'rfc4733', agoMs: 0, durationMs: 20 })
    core.heard(0, { kind: 'timedOut', endpoint: 1, silentMs: 5 })
    core.heard(0, { kind: 'latched', endpoint: 1, from: 'x' })
    core.heard(0, { kind: 'closed', endpoint: 1, stats })
    expect(await closed).toBe(stats)
    expect([user.digits, user.timedOut, user.latched, user.failed]).toEqual([[], [], [], []])
  })

  it('a user who throws is logged and harms nobody', () => {
    const errors: LogFields[] = []
    const log: Logger = { ...silentLogger, error: (fields) => errors.push(fields) }
    const { core, free, open } = setUp({ log })
    free(0, '192.0.2.1', 20_000)
    const user = new NotingUser()
    user.mediaLatched = () => {
      throw new Error('broken')
    }
    open('192.0.2.1', user)
    core.heard(0, { kind: 'latched', endpoint: 1, from: 'x' })
    core.heard(0, { kind: 'timedOut', endpoint: 1, silentMs: 5 })
    expect(errors.length).toBe(1)
    expect(user.timedOut).toEqual([5])
  })
})

describe('a worker that ends', () => {
  it('takes its endpoints with it: each is told, and whatever waits is answered', async () => {
    const { core, free, open } = setUp({ workers: 2 })
    const [user, other] = [new NotingUser(), new NotingUser()]
    free(0, '192.0.2.1', 20_000)
    const endpoint = open('192.0.2.1', user)
    free(1, '192.0.2.1', 25_000)
    open('192.0.2.1', other)
    const playing = endpoint.play([countingPrompt('p', 5)])
    const sending = endpoint.sendDigits(['1'])
    const recording = endpoint.record({
      recordingId: 'rec_1' as RecordingId,
      file: '/x.wav',
      channels: 'received',
      maxDurationMs: 1000,
      silenceMs: null,
    })
    const asked = endpoint.stats()
    core.workerLost(0, 'Media worker 0 ended unexpectedly.')
    expect(user.failed).toEqual(['Media worker 0 ended unexpectedly.'])
    expect(other.failed).toEqual([])
    expect(await playing.ended).toEqual({ end: 'stopped', playedMs: 0 })
    expect(await sending.ended).toBe('stopped')
    expect(await recording.ended).toMatchObject({ end: 'write-failed', problem: 'Media worker 0 ended unexpectedly.' })
    expect((await asked).packetsSent).toBe(0)
    expect((await endpoint.close()).packetsSent).toBe(0)
    expect((await endpoint.play([]).ended).end).toBe('stopped')
    expect(core.counts).toEqual({ endpoints: 1, freePorts: 0 })
    expect(() => open()).toThrow(/No pair/)
    free(0, '192.0.2.1', 20_000)
    expect(open().worker).toBe(0)
  })

  it('gives no figures, and the others’ are shown', async () => {
    const { clock, core, free, last } = setUp({ workers: 2 })
    free(0, '192.0.2.1', 20_000)
    free(1, '192.0.2.1', 25_000)
    const asked = core.snapshot()
    core.workerLost(0, 'gone')
    expect(last()?.kind).toBe('snapshot')
    clock.advance(1000)
    const snapshot = await asked
    expect(snapshot.workers).toEqual([null, null])
    expect(clock.pending).toBe(0)
  })
})

describe('closing', () => {
  it('closes every endpoint and waits until their recordings are whole', async () => {
    const { clock, core, free, open, posted } = setUp()
    free(0, '192.0.2.1', 20_000)
    const recording = open().record({
      recordingId: 'rec_1' as RecordingId,
      file: '/x.wav',
      channels: 'received',
      maxDurationMs: 1000,
      silenceMs: null,
    })
    let isClosed = false
    const closing = core.close().then(() => (isClosed = true))
    expect(posted.at(-1)?.command).toEqual({ kind: 'close', endpoint: 1 })
    core.heard(0, { kind: 'closed', endpoint: 1, stats })
    await settle()
    expect(isClosed).toBe(false)
    const result = { end: 'endpoint-closed', durationMs: 20, fileBytes: 364, heardSound: false, problem: null } as const
    core.heard(0, { kind: 'recordEnded', endpoint: 1, run: 1, result })
    await closing
    expect(await recording.ended).toBe(result)
    expect(clock.pending).toBe(0)
    expect(() => open()).toThrow(/No pair/)
  })

  it('waits no longer than five seconds', async () => {
    const { clock, core, free, open } = setUp()
    free(0, '192.0.2.1', 20_000)
    open()
    const closing = core.close()
    await clock.advanceAsync(5000)
    await closing
    expect(clock.pending).toBe(0)
  })
})
