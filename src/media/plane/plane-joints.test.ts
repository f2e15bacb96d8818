import { createSocket, type Socket } from 'node:dgram'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { hears, hearsNone, readWav, sine } from '../../../test/support/hear.ts'
import { NotingUser, promptOf } from '../../../test/support/media-harness.ts'
import { settle } from '../../../test/support/test-clock.ts'
import { SystemClock } from '../../base/clock.ts'
import type { RecordingId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import type { AgreedMedia } from '../../sdp/types.ts'
import { decodeG711, encodeG711 } from '../g711.ts'
import { RecordingWriter } from '../recording-writer.ts'
import { startMediaWorker, WorkerMediaPlane } from './plane.ts'
import type { MediaEndpoint } from './types.ts'

/** What a test opened, closed behind it whatever happened. */
const cleanUps: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

let nextPort = 34_000

async function startPlane(workers: number) {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-joints-'))
  const clock = new SystemClock()
  const writer = new RecordingWriter({ clock, log: silentLogger, folder })
  cleanUps.push(async () => {
    await writer.close()
    await rm(folder, { recursive: true, force: true })
  })
  const firstPort = nextPort
  nextPort += 80
  const threads: Worker[] = []
  const plane = await WorkerMediaPlane.start({
    clock,
    log: silentLogger,
    workers,
    addresses: ['127.0.0.1'],
    firstPort,
    lastPort: firstPort + 79,
    portsAhead: 8,
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

/** A telephone on a real socket. It sends 20 ms of its tone for each packet that another one hears, so nothing is timed. */
class Phone {
  readonly socket: Socket
  readonly user = new NotingUser()
  readonly heard: Buffer[] = []
  endpoint!: MediaEndpoint
  readonly hz: number
  #sequence = 0
  #wake = (): void => {}
  readonly #tone: Int16Array

  constructor(socket: Socket, hz: number) {
    this.socket = socket
    this.hz = hz
    this.#tone = sine(hz, 1000)
    socket.on('message', (bytes) => {
      this.heard.push(bytes)
      this.#wake()
    })
  }

  say(): void {
    const packet = Buffer.alloc(172)
    const at = (this.#sequence % 50) * 160
    packet.writeUInt16BE(0x8000, 0)
    packet.writeUInt16BE(this.#sequence & 0xffff, 2)
    packet.writeUInt32BE(this.#sequence * 160, 4)
    packet.writeUInt32BE(this.hz, 8)
    encodeG711('PCMU', this.#tone.subarray(at, at + 160), packet, 12)
    this.#sequence++
    this.socket.send(packet, this.endpoint.localPort, '127.0.0.1')
  }

  async until(count: number): Promise<void> {
    while (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Its last `count` packets in the order of their numbers. */
  hearing(count: number): Int16Array {
    const pcm = new Int16Array(count * 160)
    for (const [i, bytes] of this.heard.slice(-count).entries()) decodeG711('PCMU', bytes.subarray(12), pcm, i * 160)
    return pcm
  }
}

async function phone(plane: WorkerMediaPlane, hz: number, near?: MediaEndpoint): Promise<Phone> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  const one = new Phone(socket, hz)
  const options = { user: one.user, localAddress: '127.0.0.1', timeoutMs: null }
  one.endpoint = plane.open(near ? { ...options, near } : options)
  const remotePort = socket.address().port
  const agreed: AgreedMedia = {
    remoteAddress: '127.0.0.1',
    remotePort,
    remoteRtcpPort: 0,
    sendCodec: 'PCMU',
    sendPayloadType: 0,
    receivePayloadTypes: new Map([[0, 'PCMU']]),
    telephoneEvent: { sendPayloadType: 101, receivePayloadType: 101 },
    ptimeMs: 20,
    direction: 'sendrecv',
    isHeld: false,
  }
  one.endpoint.connect(agreed)
  return one
}

for (const workers of [1, 2]) {
  describe(`joining in a media plane with ${workers} worker${workers === 1 ? '' : 's'}`, () => {
    it('bridges two telephones on real sockets, passes a key, and records both sides', async () => {
      const { plane, folder } = await startPlane(workers)
      const [a, b] = [await phone(plane, 500), await phone(plane, 900)]
      expect([a.endpoint.worker, b.endpoint.worker]).toEqual(workers === 1 ? [0, 0] : [0, 1])
      plane.bridge(a.endpoint, b.endpoint)
      await Promise.all([a.endpoint.stats(), b.endpoint.stats()])
      for (let n = 1; n <= 60; n++) {
        a.say()
        b.say()
        await Promise.all([a.until(n), b.until(n)])
      }
      expect(hears(a.hearing(60), [b.hz]) && hearsNone(a.hearing(60), [a.hz])).toBe(true)
      expect(hears(b.hearing(60), [a.hz]) && hearsNone(b.hearing(60), [b.hz])).toBe(true)
      const numbers = b.heard.map((bytes) => bytes.readUInt16BE(2))
      expect(numbers.every((number, i) => i === 0 || number === (((numbers[i - 1] ?? 0) + 1) & 0xffff))).toBe(true)

      const key = Buffer.from([0x80, 0x80 | 101, 0, 60, 0, 0, 0x25, 0x80, 0, 0, 1, 0xf4, 5, 10, 0, 160])
      a.socket.send(key, a.endpoint.localPort, '127.0.0.1')
      await b.until(61)
      expect([b.heard[60]?.[1], [...(b.heard[60]?.subarray(12) ?? [])]]).toEqual([0x80 | 101, [5, 10, 0, 160]])
      await a.endpoint.stats()
      expect(a.user.digits.map(({ digit }) => digit)).toEqual(['5'])

      const recording = b.endpoint.record({
        recordingId: 'rec_1' as RecordingId,
        file: join(folder, 'both.wav'),
        channels: 'both',
        maxDurationMs: 1000,
        silenceMs: null,
      })
      await b.endpoint.stats()
      const clock = new SystemClock()
      let isOver = false
      // A second of both, paced roughly: jitter buffers see to the rest.
      for (let n = 0; n < 60 && !isOver; n++) {
        a.say()
        b.say()
        await new Promise<void>((resolve) => clock.after(20, resolve))
      }
      const result = await recording.ended
      isOver = true
      expect(result).toMatchObject({ end: 'max-duration', problem: null })
      const { channels } = readWav(await readFile(join(folder, 'both.wav')))
      const [left, right] = channels
      if (!left || !right) throw new Error('two channels were asked for')
      // What was heard when depends on the machine; never on which channel.
      expect([left.length, right.length]).toEqual([8000, 8000])
      expect(hearsNone(left, [a.hz], 8000, -30) && hearsNone(right, [b.hz], 8000, -30)).toBe(true)
    })

    it('lets three telephones meet in a room', async () => {
      const { plane } = await startPlane(workers)
      const phones = [await phone(plane, 500), await phone(plane, 900), await phone(plane, 1700)]
      const room = plane.openRoom({ user: { roomFailed: () => {} } })
      for (const { endpoint } of phones) room.join(endpoint)
      // Each frame that is heard asks for the next ones: the room's own clock sets the pace.
      for (let n = 1; n <= 60; n++) {
        for (const one of phones) one.say()
        await phones[0]?.until(n)
      }
      for (const one of phones) {
        await one.until(50)
        const others = phones.filter((other) => other !== one).map(({ hz }) => hz)
        expect(hears(one.hearing(30), others)).toBe(true)
        expect(hearsNone(one.hearing(30), [one.hz])).toBe(true)
      }
      const playing = room.play([promptOf('tone', sine(3100, 200))])
      expect(await playing.ended).toEqual({ end: 'finished', playedMs: 200 })
      room.close()
    })

    it('tells a room whose worker ends, and joins who is left with who is new', async () => {
      const { plane, threads } = await startPlane(workers)
      const [a, b] = [await phone(plane, 500), await phone(plane, 900)]
      const failed = new Promise<string>((resolve) => {
        const room = plane.openRoom({ user: { roomFailed: resolve }, near: a.endpoint })
        for (const { endpoint } of [a, b]) room.join(endpoint)
      })
      await a.until(3)
      await b.until(3)
      await threads[a.endpoint.worker]?.terminate()
      expect(await failed).toBe('Media worker 0 ended unexpectedly.')
      expect(a.user.failed.length).toBe(1)
      expect(b.user.failed.length).toBe(workers === 1 ? 1 : 0)
      while (threads.length === workers || plane.counts.freePorts < workers * 8 - 1) await settle(1)
      // In the worker that took its place.
      const c = await phone(plane, 1700)
      const d = workers === 1 ? await phone(plane, 2100) : b
      expect(c.endpoint.worker).toBe(0)
      plane.bridge(c.endpoint, d.endpoint)
      await Promise.all([c.endpoint.stats(), d.endpoint.stats()])
      const before = [c.heard.length, d.heard.length]
      for (let n = 1; n <= 20; n++) {
        c.say()
        d.say()
        await Promise.all([c.until((before[0] ?? 0) + n), d.until((before[1] ?? 0) + n)])
      }
      expect(hears(c.hearing(20), [d.hz]) && hears(d.hearing(20), [c.hz])).toBe(true)
    })
  })
}
