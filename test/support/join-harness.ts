import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { decodeG711, encodeG711 } from '../../src/media/g711.ts'
import type { CrossingPort } from '../../src/media/plane/crossing.ts'
import { Engine } from '../../src/media/plane/engine.ts'
import { PlaneCore } from '../../src/media/plane/plane-core.ts'
import { portShares, portSources } from '../../src/media/plane/port-sources.ts'
import type { MediaEndpoint, MediaPlane } from '../../src/media/plane/types.ts'
import type { AgreedMedia, AudioCodec } from '../../src/sdp/types.ts'
import { sine } from './hear.ts'
import {
  agreedMedia,
  type HeardPacket,
  MemoryRecordings,
  NotingUser,
  ourAddress,
  RtpPeer,
  StallableClock,
} from './media-harness.ts'
import { settle } from './test-clock.ts'
import { VirtualNetwork } from './virtual-network.ts'

/** A whole media plane of one or two engines in one thread and in virtual time. What crosses takes a millisecond. */
export class EnginePlane {
  readonly core: PlaneCore
  readonly #engines: (Engine | null)[] = []
  /** What waits for an engine that hangs. */
  readonly #hanging = new Map<number, (() => void)[]>()
  /** Messages between the engines so far, and the frames in them. */
  crossings = 0

  static async start(
    clock: StallableClock,
    network: VirtualNetwork,
    recordings: MemoryRecordings,
    workers: number,
  ): Promise<EnginePlane> {
    const plane = new EnginePlane(clock, workers)
    const settings = { addresses: [ourAddress], firstPort: 20_000, lastPort: 22_999 }
    for (const [index, ports] of portShares(settings, workers).entries()) {
      const engine = new Engine({
        clock,
        random: new SeededRandom(2 + index),
        worker: index,
        portsAhead: 128,
        recordings,
        sources: portSources(ports, { clock, bind: network.bindLater, ahead: 128 }),
        tell: (event) => {
          if (plane.#engines[index] !== null) plane.core.heard(index, event)
        },
      })
      plane.#engines.push(engine)
    }
    for (const [from, engine] of plane.#engines.entries()) {
      for (const to of plane.#engines.keys()) if (from !== to) engine?.connectWorker(to, plane.#way(clock, from, to))
      await engine?.start()
    }
    return plane
  }

  private constructor(clock: StallableClock, workers: number) {
    this.core = new PlaneCore({
      clock,
      log: silentLogger,
      workers,
      portsAhead: 128,
      post: (index, command) => this.#engines[index]?.handle(command),
    })
  }

  /** As if its thread had ended. */
  kill(worker: number): void {
    const engine = this.#engines[worker]
    this.#engines[worker] = null
    engine?.close()
    this.core.workerLost(worker, `Media worker ${worker} ended unexpectedly.`)
  }

  /** As if its thread were busy: what the other sends it waits. */
  hang(worker: number, isHanging = true): void {
    if (isHanging) this.#hanging.set(worker, [])
    const waiting = this.#hanging.get(worker) ?? []
    if (isHanging) return
    this.#hanging.delete(worker)
    for (const deliver of waiting) deliver()
  }

  async close(): Promise<void> {
    await this.core.close()
    for (const engine of this.#engines) engine?.close()
  }

  #way(clock: StallableClock, from: number, to: number): CrossingPort {
    let untaken = 0
    return {
      get untaken() {
        return untaken
      },
      post: (buffer) => {
        untaken++
        this.crossings++
        // As a transfer does: the giver's views are empty afterwards.
        const moved = structuredClone(buffer, { transfer: [buffer] })
        const deliver = (): void => {
          untaken--
          this.#engines[to]?.crossed(from, moved)
        }
        clock.after(1, () => {
          const waiting = this.#hanging.get(to)
          if (waiting) waiting.push(deliver)
          else deliver()
        })
      },
    }
  }
}

export interface PartyOptions {
  /** The tone that it sends. */
  readonly hz?: number
  readonly levelDb?: number
  readonly codec?: AudioCodec
  readonly ptimeMs?: AgreedMedia['ptimeMs']
  readonly agreed?: Partial<AgreedMedia>
  /** An endpoint in whose worker it is to live. */
  readonly near?: MediaEndpoint
}

const numberOf: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 }

/** A telephone with a tone of its own, and the endpoint that it talks to. */
export class Party {
  readonly endpoint: MediaEndpoint
  readonly peer: RtpPeer
  readonly user: NotingUser
  readonly agreed: AgreedMedia
  readonly hz: number
  readonly #clock: StallableClock
  readonly #tone: Int16Array
  readonly #codec: AudioCodec
  readonly #ptimeMs: number
  #at = 0
  #isSpeaking = false
  /** The n-th packet: true leaves it out, as if it had been lost. */
  drop: (n: number) => boolean = () => false
  #sent = 0

  constructor(clock: StallableClock, plane: MediaPlane, network: VirtualNetwork, index: number, options: PartyOptions) {
    const { hz = 400 + index * 200, levelDb = -13, codec = 'PCMU', ptimeMs = 20, near } = options
    const address = `198.51.100.${10 + index}`
    this.hz = hz
    this.#clock = clock
    this.#codec = codec
    this.#ptimeMs = ptimeMs
    // A second holds a whole number of periods.
    this.#tone = sine(hz, 1000, { levelDb })
    this.peer = new RtpPeer(clock, network, address, 4000)
    this.peer.ssrc = 0x1000_0000 + index
    this.peer.timestamp = 1_000_000 * index
    this.user = new NotingUser()
    this.endpoint = plane.open({
      user: this.user,
      localAddress: ourAddress,
      timeoutMs: null,
      ...(near ? { near } : {}),
    })
    this.agreed = agreedMedia({
      remoteAddress: address,
      sendCodec: codec,
      sendPayloadType: numberOf[codec],
      ptimeMs,
      ...options.agreed,
    })
    this.endpoint.connect(this.agreed)
  }

  /** Agrees anew, with these changes. */
  agree(changes: Partial<AgreedMedia> = {}): void {
    this.endpoint.connect({ ...this.agreed, ...changes })
  }

  /** Speaks from now on, packet by packet, until hushed. */
  speak(): void {
    if (this.#isSpeaking) return
    this.#isSpeaking = true
    this.#sayNext()
  }

  hush(): void {
    this.#isSpeaking = false
  }

  /** Lets the source's clock go on as if it had been silent for so long. */
  skip(ms: number): void {
    this.peer.timestamp += ms * 8
    this.#at += ms * 8
  }

  /** What it heard since `fromMs`, each packet where its timestamp says. The first one lies at 0. */
  hearing(fromMs = 0): Int16Array {
    const sound = this.peer.heard.filter(({ atMs, payloadType }) => atMs >= fromMs && payloadType !== 96)
    const first = sound[0]?.timestamp ?? 0
    const placeOf = (timestamp: number): number => (timestamp - first) | 0
    const length = sound.reduce((most, one) => Math.max(most, placeOf(one.timestamp) + one.payload.length), 0)
    const pcm = new Int16Array(length)
    for (const { payloadType, timestamp, payload } of sound) {
      if (placeOf(timestamp) < 0) throw new Error('a timestamp lies before the first one')
      decodeG711(payloadType === numberOf.PCMA ? 'PCMA' : 'PCMU', payload, pcm, placeOf(timestamp))
    }
    return pcm
  }

  #sayNext(): void {
    if (!this.#isSpeaking) return
    const samples = this.#ptimeMs * 8
    const part = Int16Array.from({ length: samples }, (_, i) => this.#tone[(this.#at + i) % 8000] ?? 0)
    const payload = new Uint8Array(samples)
    encodeG711(this.#codec, part, payload)
    this.#at += samples
    if (this.drop(this.#sent++)) {
      this.peer.sequence++
      this.peer.timestamp += samples
    } else this.peer.send(this.endpoint.localPort, payload, { payloadType: numberOf[this.#codec] })
    this.#clock.after(this.#ptimeMs, () => this.#sayNext())
  }
}

export interface JoinHarness {
  readonly clock: StallableClock
  readonly network: VirtualNetwork
  readonly recordings: MemoryRecordings
  readonly engines: EnginePlane
  readonly plane: PlaneCore
  /** Another telephone, connected; with two engines they take turns. */
  party(options?: PartyOptions): Party
  /** Lets time pass. */
  run(ms: number): Promise<void>
  /** Closes all and tells what is left: no timer, no port. */
  finish(): Promise<{ pending: number; ports: number }>
}

export async function joinHarness(workers: number): Promise<JoinHarness> {
  const clock = new StallableClock()
  const network = new VirtualNetwork(clock, new SeededRandom(1))
  const recordings = new MemoryRecordings()
  const engines = await EnginePlane.start(clock, network, recordings, workers)
  const parties: Party[] = []
  // Until the first ports are all announced.
  await clock.advanceAsync(1000)
  return {
    clock,
    network,
    recordings,
    engines,
    plane: engines.core,
    party: (options = {}) => {
      const party = new Party(clock, engines.core, network, parties.length + 1, options)
      parties.push(party)
      return party
    },
    run: (ms) => clock.advanceAsync(ms, 1),
    finish: async () => {
      for (const party of parties) party.hush()
      await clock.advanceAsync(100)
      await engines.close()
      await settle()
      clock.advance(1000)
      return { pending: clock.pending, ports: network.boundPorts - 2 * parties.length }
    },
  }
}

const steps = (values: readonly number[]): number[] => values.slice(1).map((value, i) => value - (values[i] ?? 0))

/** From packet to packet, milliseconds. */
export const timeSteps = (packets: readonly HeardPacket[]): number[] => steps(packets.map(({ atMs }) => atMs))

/** From packet to packet, on the circle. */
export const sequenceSteps = (packets: readonly HeardPacket[]): number[] =>
  steps(packets.map(({ sequence }) => sequence)).map((step) => step & 0xffff)

/** From packet to packet, ticks; below zero where one was overtaken. */
export const timestampSteps = (packets: readonly HeardPacket[]): number[] =>
  steps(packets.map(({ timestamp }) => timestamp)).map((step) => step | 0)
