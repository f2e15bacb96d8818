import { createSocket, type Socket } from 'node:dgram'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { hears, sine } from '../../../test/support/hear.ts'
import { NotingUser, promptOf } from '../../../test/support/media-harness.ts'
import { settle } from '../../../test/support/test-clock.ts'
import { SystemClock } from '../../base/clock.ts'
import type { RecordingId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import type { AgreedMedia } from '../../sdp/types.ts'
import { decodeG711 } from '../g711.ts'
import { RecordingWriter } from '../recording-writer.ts'
import { startMediaWorker, WorkerMediaPlane } from './plane.ts'

/** What a test opened, closed behind it whatever happened. */
const cleanUps: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

let nextPort = 31_000

async function startPlane(workers: number, options: { addresses?: string[]; pairs?: number; firstPort?: number } = {}) {
  const { addresses = ['127.0.0.1'], pairs = 40 } = options
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-plane-'))
  const clock = new SystemClock()
  const writer = new RecordingWriter({ clock, log: silentLogger, folder })
  cleanUps.push(async () => {
    await writer.close()
    await rm(folder, { recursive: true, force: true })
  })
  const firstPort = options.firstPort ?? nextPort
  nextPort += pairs * 2
  const threads: Worker[] = []
  const plane = await WorkerMediaPlane.start({
    clock,
    log: silentLogger,
    workers,
    addresses,
    firstPort,
    lastPort: firstPort + pairs * 2 - 1,
    portsAhead: 4,
    newRecordingPort: () => writer.newPort(),
    startThread: (index, data) => {
      const thread = startMediaWorker(index, data)
      threads.push(thread)
      return thread
    },
  })
  cleanUps.push(() => plane.close())
  return { plane, folder, threads }
}

/** A real socket that keeps what it hears. */
async function peer(
  address = '127.0.0.1',
): Promise<{ socket: Socket; port: number; heard: Buffer[]; until(count: number): Promise<void> }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const heard: Buffer[] = []
  let wake = (): void => {}
  socket.on('message', (bytes) => {
    heard.push(bytes)
    wake()
  })
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  cleanUps.push(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  const until = async (count: number): Promise<void> => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  return { socket, port: socket.address().port, heard, until }
}

function agreed(remotePort: number, remoteAddress = '127.0.0.1'): AgreedMedia {
  return {
    remoteAddress,
    remotePort,
    remoteRtcpPort: remotePort + 1,
    sendCodec: 'PCMU',
    sendPayloadType: 0,
    receivePayloadTypes: new Map([[0, 'PCMU']]),
    telephoneEvent: { sendPayloadType: 101, receivePayloadType: 101 },
    ptimeMs: 20,
    direction: 'sendrecv',
    isHeld: false,
  }
}

for (const workers of [1, 2]) {
  describe(`the media plane with ${workers} worker${workers === 1 ? '' : 's'}`, () => {
    it('plays, is heard, hears keys, echoes and records, on real sockets', async () => {
      const { plane, folder } = await startPlane(workers)
      const phones = await Promise.all([peer(), peer(), peer()])
      const users = phones.map(() => new NotingUser())
      const endpoints = users.map((user) => plane.open({ user, localAddress: '127.0.0.1', timeoutMs: 30_000 }))
      expect(new Set(endpoints.map(({ worker }) => worker)).size).toBe(Math.min(workers, 3))
      const plays = endpoints.map((endpoint, i) => {
        endpoint.connect(agreed(phones[i]?.port ?? 0))
        return endpoint.play([promptOf('tone', sine(1000, 300))])
      })
      for (const playing of plays) expect(await playing.ended).toEqual({ end: 'finished', playedMs: 300 })
      for (const { heard, until } of phones) {
        await until(15)
        const sound = new Int16Array(15 * 160)
        for (let i = 0; i < 15; i++) decodeG711('PCMU', heard[i]?.subarray(12) ?? new Uint8Array(0), sound, i * 160)
        expect(hears(sound, [1000])).toBe(true)
      }

      const [phone, endpoint, user] = [phones[0], endpoints[0], users[0]]
      if (!phone || !endpoint || !user) throw new Error('unreachable')
      const recording = endpoint.record({
        recordingId: 'rec_1' as RecordingId,
        file: join(folder, 'one.wav'),
        channels: 'both',
        maxDurationMs: 200,
        silenceMs: null,
      })
      endpoint.echo(true)
      // Commands keep their order: with this answer the echo is on.
      await endpoint.stats()
      const packet = Buffer.alloc(172, 0x30)
      packet.writeUInt16BE(0x8000, 0)
      packet.writeUInt16BE(7, 2)
      phone.socket.send(packet, endpoint.localPort, '127.0.0.1')
      await phone.until(16)
      expect(phone.heard[15]?.subarray(12)).toEqual(packet.subarray(12))
      const key = Buffer.from([0x80, 0x80 | 101, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 5, 10, 0, 160])
      phone.socket.send(key, endpoint.localPort, '127.0.0.1')
      while (user.digits.length === 0) await settle(1)
      const result = await recording.ended
      expect(result).toMatchObject({ end: 'max-duration', durationMs: 200, problem: null })
      expect((await readFile(join(folder, 'one.wav'))).length).toBe(result.fileBytes)
      expect(user.digits.map(({ digit, carrier }) => [digit, carrier])).toEqual([['5', 'rfc4733']])
      expect(user.latched).toEqual([`127.0.0.1:${phone.port}`])

      const stats = await endpoint.close()
      expect(stats).toMatchObject({ packetsSent: 16, packetsReceived: 2, packetsLost: 0 })
      const snapshot = await plane.snapshot()
      expect(snapshot.endpoints).toBe(2)
      expect(snapshot.packetsSent).toBe(46)
      expect(snapshot.workers.length).toBe(workers)
      expect(snapshot.lateness.count).toBe(45)
      expect(plane.counts.endpoints).toBe(2)
    })

    it('tells each endpoint of a worker that ends, and starts another', async () => {
      const { plane, threads } = await startPlane(workers)
      const phone = await peer()
      const user = new NotingUser()
      const failed = new Promise<string>((resolve) => {
        user.mediaFailed = resolve
      })
      const endpoint = plane.open({ user, localAddress: '127.0.0.1', timeoutMs: null })
      endpoint.connect(agreed(phone.port))
      const playing = endpoint.play([promptOf('tone', sine(1000, 20_000))])
      await phone.until(3)
      await threads[endpoint.worker]?.terminate()
      expect(await failed).toBe(`Media worker ${endpoint.worker} ended unexpectedly.`)
      expect((await playing.ended).end).toBe('stopped')
      expect(plane.counts.endpoints).toBe(0)
      // The other worker serves on; the new one joins it.
      const ready = async (): Promise<void> => {
        while (threads.length === workers || plane.counts.freePorts < workers * 4) await settle(1)
      }
      await ready()
      const again = Array.from({ length: workers }, () =>
        plane.open({ user: new NotingUser(), localAddress: '127.0.0.1', timeoutMs: null }),
      )
      expect(again.map(({ worker }) => worker).sort()).toEqual(workers === 1 ? [0] : [0, 1])
      const second = await peer()
      again[endpoint.worker]?.connect(agreed(second.port))
      again[endpoint.worker]?.play([promptOf('tone', sine(1000, 100))])
      await second.until(5)
    })
  })
}

describe('the media plane', () => {
  it('serves IPv4 and IPv6, each on its own address', async (context) => {
    if (!Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1')))
      context.skip()
    const { plane } = await startPlane(1, { addresses: ['127.0.0.1', '::1'] })
    const phone = await peer('::1')
    const endpoint = plane.open({ user: new NotingUser(), localAddress: '::1', timeoutMs: null })
    endpoint.connect(agreed(phone.port, '::1'))
    endpoint.play([promptOf('tone', sine(1000, 60))])
    await phone.until(3)
    expect((await endpoint.close()).packetsSent).toBe(3)
  })

  it('says why it cannot start', async () => {
    const blocker = await peer()
    await expect(startPlane(1, { firstPort: blocker.port - (blocker.port % 2), pairs: 1 })).rejects.toMatchObject({
      code: 'media.cannot-start',
    })
  })
})
