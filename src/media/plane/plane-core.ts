import type { Clock } from '../../base/clock.ts'
import { assert, LimitError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { canonicalAddress } from '../../sdp/address.ts'
import { BridgeFace } from './bridge-face.ts'
import { EndpointFace } from './endpoint-face.ts'
import { Joints } from './joints.ts'
import { type LatenessSnapshot, worstLateness } from './lateness.ts'
import type { EngineCommand, EngineEvent, EngineSnapshot } from './messages.ts'
import { PairStock } from './pair-stock.ts'
import { RoomFace } from './room-face.ts'
import type {
  BridgeOptions,
  MediaBridge,
  MediaEndpoint,
  MediaEndpointUser,
  MediaPlane,
  MediaRoom,
  MediaRoomUser,
} from './types.ts'

export interface PlaneCoreOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly workers: number
  /** Free pairs kept for each worker and address. */
  readonly portsAhead: number
  readonly post: (worker: number, command: EngineCommand) => void
}

/** The whole plane's figures, since each worker's start. */
export interface MediaPlaneSnapshot {
  readonly endpoints: number
  /** Pairs of ports bound and waiting. */
  readonly freePorts: number
  readonly packetsSent: number
  readonly packetsReceived: number
  readonly sendErrors: number
  readonly skippedFrames: number
  readonly recordingBytesWaiting: number
  /** Frames on their way to a worker that did not keep up, left out. */
  readonly crossingsDropped: number
  /** How late packets left: sums of all workers, quantiles of the worst. */
  readonly lateness: LatenessSnapshot
  /** The event loops' lag, in the same way. */
  readonly loopLag: LatenessSnapshot
  /** Worker by worker; null for one that gave no answer. */
  readonly workers: readonly (EngineSnapshot | null)[]
}

interface WorkerState {
  readonly stocks: Map<string, PairStock>
  readonly faces: Map<number, EndpointFace>
  /** Whose home it is. */
  readonly rooms: Map<number, RoomFace>
  readonly questions: Map<number, (snapshot: EngineSnapshot | null) => void>
  /** Endpoints open, not yet closed. */
  load: number
}

/** Files of recordings may be slow to finish; a plane that closes waits no longer than this for them. */
const maxDrainMs = 5000

/** A worker that gives no figures within this has none. */
const snapshotMs = 1000

/** What binds to every address of a family, and so serves for each of them. */
const wildcards = { 4: '0.0.0.0', 6: '::' } as const

/**
 * The main thread's side of the media plane, whatever engines stand behind it: hands out endpoints and ports, and passes
 * news on.
 */
export class PlaneCore implements MediaPlane {
  readonly #options: PlaneCoreOptions
  readonly #workers: readonly WorkerState[]
  readonly #joints = new Joints()
  #lastId = 0
  #isClosed = false
  #drained: (() => void) | null = null

  constructor(options: PlaneCoreOptions) {
    this.#options = options
    this.#workers = Array.from({ length: options.workers }, () => ({
      stocks: new Map(),
      faces: new Map(),
      rooms: new Map(),
      questions: new Map(),
      load: 0,
    }))
  }

  get counts(): { readonly endpoints: number; readonly freePorts: number } {
    let endpoints = 0
    let freePorts = 0
    for (const worker of this.#workers) {
      endpoints += worker.load
      for (const stock of worker.stocks.values()) freePorts += stock.freeCount
    }
    return { endpoints, freePorts }
  }

  open(options: {
    user: MediaEndpointUser
    localAddress: string
    timeoutMs: number | null
    near?: MediaEndpoint
  }): MediaEndpoint {
    const { user, localAddress, timeoutMs, near } = options
    const index = this.#pick(localAddress, near?.worker ?? null)
    const worker = this.#workers[index]
    const stock = worker ? stockOf(worker, localAddress) : null
    const free = this.#isClosed ? null : (stock?.take() ?? null)
    if (!worker || !stock || !free) throw this.#noPorts(localAddress)
    const id = ++this.#lastId
    const face = new EndpointFace({
      id,
      worker: index,
      localPort: free.port,
      clock: this.#options.clock,
      user,
      post: (command) => this.#options.post(index, command),
      agreed: (codec) => this.#joints.of(face)?.agreed?.(codec),
      leaving: () => this.#joints.leave(face),
      closed: () => {
        worker.load--
        stock.gaveBack()
        this.#releaseSurplus(index, stock)
      },
      done: () => {
        worker.faces.delete(id)
        this.#tellIfDrained()
      },
    })
    worker.faces.set(id, face)
    worker.load++
    this.#options.post(index, { kind: 'open', endpoint: id, pair: free.pair, timeoutMs })
    return face
  }

  bridge(a: MediaEndpoint, b: MediaEndpoint, options: BridgeOptions = {}): MediaBridge {
    const isOurs = a instanceof EndpointFace && b instanceof EndpointFace
    assert(isOurs && a !== b, 'A bridge joins two endpoints of the same media plane.')
    return new BridgeFace(this.#joints, ++this.#lastId, [a, b], options.passDigits ?? true)
  }

  openRoom(options: { user: MediaRoomUser; near?: MediaEndpoint }): MediaRoom {
    const { user, near } = options
    const home =
      near?.worker ??
      Math.max(
        0,
        this.#leastLoaded((one) => one.stocks.size > 0),
      )
    const worker = this.#workers[home]
    assert(worker, 'A room has a home.')
    const id = ++this.#lastId
    const room = new RoomFace({
      id,
      home,
      user,
      joints: this.#joints,
      newNumber: () => ++this.#lastId,
      post: (command) => this.#options.post(home, command),
      done: () => {
        worker.rooms.delete(id)
        this.#tellIfDrained()
      },
    })
    worker.rooms.set(id, room)
    if (this.#isClosed) room.close()
    else if (worker.stocks.size === 0) {
      this.#options.clock.after(0, () => this.#guard(() => room.fail(`No media worker runs that could mix a room.`)))
    }
    return room
  }

  /** Takes one piece of news. A user who throws harms nobody else. */
  heard(index: number, event: EngineEvent): void {
    const worker = this.#workers[index]
    if (!worker) return
    switch (event.kind) {
      case 'pairsFree': {
        const stock = worker.stocks.get(event.address) ?? new PairStock()
        worker.stocks.set(event.address, stock)
        stock.add(event.pairs)
        return this.#releaseSurplus(index, stock)
      }
      case 'snapshot':
        worker.questions.get(event.request)?.(event.snapshot)
        return
      case 'defect':
        return this.#options.log.error({ worker: index, stack: event.stack }, `media: ${event.sentence}`)
      case 'ready':
      case 'failed':
        return
      case 'roomPlayEnded':
      case 'roomRecordEnded':
        return worker.rooms.get(event.room)?.heard(event)
      default:
        this.#guard(() => worker.faces.get(event.endpoint)?.heard(event))
    }
  }

  /** A worker has ended: its endpoints have failed, its ports are gone. It may come back with `pairsFree`. */
  workerLost(index: number, sentence: string): void {
    const worker = this.#workers[index]
    if (!worker) return
    worker.stocks.clear()
    for (const settle of [...worker.questions.values()]) settle(null)
    for (const face of [...worker.faces.values()]) this.#guard(() => face.fail(sentence))
    for (const room of [...worker.rooms.values()]) this.#guard(() => room.fail(sentence))
    worker.faces.clear()
    worker.rooms.clear()
    worker.load = 0
  }

  async snapshot(): Promise<MediaPlaneSnapshot> {
    const workers = await Promise.all(this.#workers.map((worker, index) => this.#ask(worker, index)))
    const known = workers.filter((one) => one !== null)
    const total = (pick: (one: EngineSnapshot) => number): number => known.reduce((sum, one) => sum + pick(one), 0)
    return {
      ...this.counts,
      packetsSent: total((one) => one.packetsSent),
      packetsReceived: total((one) => one.packetsReceived),
      sendErrors: total((one) => one.sendErrors),
      skippedFrames: total((one) => one.skippedFrames),
      recordingBytesWaiting: total((one) => one.recordingBytesWaiting),
      crossingsDropped: total((one) => one.crossingsDropped),
      lateness: worstLateness(known.map(({ lateness }) => lateness)),
      loopLag: worstLateness(known.map(({ loopLag }) => loopLag)),
      workers,
    }
  }

  /** Closes every endpoint and room and waits, for a bounded time, until their recordings are whole. Nothing opens any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const faces = this.#workers.flatMap((worker) => [...worker.faces.values()])
    for (const { rooms } of this.#workers) for (const room of [...rooms.values()]) room.close()
    if (faces.length === 0 && this.#workers.every(({ rooms }) => rooms.size === 0)) return
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    const cancel = this.#options.clock.after(maxDrainMs, () => this.#drained?.())
    for (const face of faces) void face.close()
    await drained
    cancel()
  }

  /** The least loaded worker that has a free pair; the wished one or none where one is wished. */
  #pick(localAddress: string, wished: number | null): number {
    if (wished !== null) return wished
    return this.#leastLoaded((worker) => (stockOf(worker, localAddress)?.freeCount ?? 0) > 0)
  }

  /** Of those that will do; -1 when none will. */
  #leastLoaded(willDo: (worker: WorkerState) => boolean): number {
    let best = -1
    let bestLoad = Number.POSITIVE_INFINITY
    for (const [index, worker] of this.#workers.entries()) {
      if (worker.load >= bestLoad || !willDo(worker)) continue
      best = index
      bestLoad = worker.load
    }
    return best
  }

  #tellIfDrained(): void {
    if (this.#workers.every(({ faces, rooms }) => faces.size === 0 && rooms.size === 0)) this.#drained?.()
  }

  /** What a rush left over is not kept bound. */
  #releaseSurplus(index: number, stock: PairStock): void {
    const pairs = stock.takeSurplus(this.#options.portsAhead)
    if (pairs.length > 0) this.#options.post(index, { kind: 'releasePairs', pairs })
  }

  #noPorts(localAddress: string): LimitError {
    const isPrepared = this.#workers.some((worker) => stockOf(worker, localAddress) !== null)
    const sentence = isPrepared
      ? `No pair of RTP ports is free on ${localAddress}.`
      : `No RTP ports are prepared on ${localAddress}.`
    return new LimitError('media.no-ports', sentence, { facts: { localAddress, endpoints: this.counts.endpoints } })
  }

  #ask(worker: WorkerState, index: number): Promise<EngineSnapshot | null> {
    if (worker.stocks.size === 0) return Promise.resolve(null)
    const request = ++this.#lastId
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(snapshotMs, () => worker.questions.get(request)?.(null))
      worker.questions.set(request, (snapshot) => {
        cancel()
        worker.questions.delete(request)
        resolve(snapshot)
      })
      this.#options.post(index, { kind: 'snapshot', request })
    })
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (thrown) {
      this.#options.log.error({ err: toError(thrown) }, 'a reader of media news threw')
    }
  }
}

function stockOf(worker: WorkerState, localAddress: string): PairStock | null {
  const address = canonicalAddress(localAddress)
  return worker.stocks.get(address) ?? worker.stocks.get(address.includes(':') ? wildcards[6] : wildcards[4]) ?? null
}
