import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { CrossingPort } from './crossing.ts'
import { Endpoint, type EndpointShop } from './endpoint.ts'
import type { Recordings } from './endpoint-recording.ts'
import type { JointCommand, RoomCommand } from './join-messages.ts'
import { LatenessHistogram } from './lateness.ts'
import type { EngineCommand, EngineEvent, EngineSnapshot } from './messages.ts'
import { Pacer } from './pacer.ts'
import { PacketRing } from './packet-ring.ts'
import { PairDesk, type PairSource } from './pair-desk.ts'
import { Switchboard } from './switchboard.ts'

export interface EngineOptions {
  readonly clock: Clock
  readonly random: Random
  /** Its number among the workers, from 0. */
  readonly worker: number
  /** Local address -> where its ports come from. */
  readonly sources: ReadonlyMap<string, PairSource>
  /** Free pairs announced ahead for each address. */
  readonly portsAhead: number
  readonly recordings: Recordings
  /** News for the main thread, in order. */
  readonly tell: (event: EngineEvent) => void
}

/** Defects are told no faster than this: one may come with every packet. */
const defectEveryMs = 1000

/** What closed endpoints sent and received, so that totals never fall. */
interface Totals {
  packetsSent: number
  packetsReceived: number
}

/**
 * All endpoints of one thread, and what moves them: one pacer, one ring of packets, the ports. Knows nothing of threads:
 * commands come in, events go out, in a worker or in the thread that asks.
 */
export class Engine {
  readonly #options: EngineOptions
  readonly #pacer: Pacer
  readonly #lateness = new LatenessHistogram()
  readonly #loopLag = new LatenessHistogram()
  readonly #shop: EndpointShop
  readonly #desks: readonly PairDesk[]
  readonly #switchboard: Switchboard
  readonly #endpoints = new Map<number, { readonly endpoint: Endpoint; readonly pair: number }>()
  readonly #past: Totals = { packetsSent: 0, packetsReceived: 0 }
  #sendErrorsPast = 0
  #defectToldMs = Number.NEGATIVE_INFINITY

  constructor(options: EngineOptions) {
    const { clock, random, recordings, tell } = options
    this.#options = options
    this.#pacer = new Pacer(clock, {
      tickMs: 1,
      onFailure: (thrown) => this.#defect(toError(thrown)),
      onWake: (lateMs) => this.#loopLag.add(lateMs),
    })
    this.#shop = {
      clock,
      random,
      recordings,
      tell,
      pacer: this.#pacer,
      ring: new PacketRing(),
      lateness: this.#lateness,
      skippedFrames: 0,
    }
    this.#switchboard = new Switchboard({
      worker: options.worker,
      shop: this.#shop,
      endpointOf: (id) => this.#endpoints.get(id)?.endpoint,
    })
    const sources = [...options.sources]
    this.#desks = sources.map(([address, source], index) => {
      let count = 0
      return new PairDesk({
        clock,
        source,
        ahead: options.portsAhead,
        // The number tells the desk: it is the remainder.
        nextId: () => count++ * sources.length + index,
        announce: (pairs) => tell({ kind: 'pairsFree', address, pairs }),
      })
    })
  }

  /** Tells `ready` when the first pairs of every address are announced, or `failed`. Never rejects. */
  async start(): Promise<void> {
    try {
      for (const desk of this.#desks) await desk.start()
      this.#options.tell({ kind: 'ready' })
    } catch (thrown) {
      this.#options.tell({ kind: 'failed', sentence: toError(thrown).message })
    }
  }

  /** Does what the main thread asks. What is about an endpoint that is not there is passed over. Never throws. */
  handle(command: EngineCommand): void {
    try {
      this.#handle(command)
    } catch (thrown) {
      this.#defect(toError(thrown))
    }
  }

  #handle(command: EngineCommand): void {
    switch (command.kind) {
      case 'open':
        return this.#open(command)
      case 'close':
        return this.#close(command.endpoint)
      case 'releasePairs':
        for (const pair of command.pairs) this.#deskOf(pair)?.release(pair)
        return
      case 'snapshot':
        return this.#options.tell({ kind: 'snapshot', request: command.request, snapshot: this.snapshot() })
      case 'bridge':
      case 'enterRoom':
      case 'mute':
      case 'part':
        return this.#switchboard.handleJoint(command)
      case 'openRoom':
      case 'joinRoom':
      case 'memberCodec':
      case 'heardBy':
      case 'hears':
      case 'leaveRoom':
      case 'playRoom':
      case 'stopRoomPlay':
      case 'recordRoom':
      case 'pauseRoomRecord':
      case 'stopRoomRecord':
      case 'closeRoom':
        return this.#switchboard.handleRoom(command)
      default: {
        const endpoint = this.#endpoints.get(command.endpoint)?.endpoint
        if (endpoint) this.#direct(endpoint, command)
      }
    }
  }

  snapshot(): EngineSnapshot {
    let { packetsSent, packetsReceived } = this.#past
    let sendErrors = this.#sendErrorsPast
    for (const { endpoint } of this.#endpoints.values()) {
      const stats = endpoint.stats()
      packetsSent += stats.packetsSent
      packetsReceived += stats.packetsReceived
      sendErrors += endpoint.sendErrors
    }
    return {
      endpoints: this.#endpoints.size,
      packetsSent,
      packetsReceived,
      sendErrors,
      skippedFrames: this.#shop.skippedFrames,
      lateness: this.#lateness.snapshot(),
      loopLag: this.#loopLag.snapshot(),
      recordingBytesWaiting: this.#options.recordings.waitingBytes,
      crossingsDropped: this.#switchboard.dropped,
    }
  }

  /** Opens the way to another worker, in place of the one there was. */
  connectWorker(worker: number, port: CrossingPort): void {
    this.#switchboard.connect(worker, port)
  }

  /** The other end of a way is gone. */
  disconnectWorker(worker: number, port: CrossingPort): void {
    this.#switchboard.disconnect(worker, port)
  }

  /** Takes a buffer that another worker handed over. Never throws. */
  crossed(worker: number, buffer: ArrayBuffer): void {
    try {
      this.#switchboard.crossed(worker, buffer)
    } catch (thrown) {
      this.#defect(toError(thrown))
    }
  }

  /** Closes every room, every endpoint and every socket. */
  close(): void {
    this.#switchboard.close()
    for (const id of [...this.#endpoints.keys()]) this.#close(id)
    for (const desk of this.#desks) desk.close()
  }

  #open(command: Extract<EngineCommand, { kind: 'open' }>): void {
    const { endpoint: id, pair: pairId, timeoutMs } = command
    const pair = this.#deskOf(pairId)?.open(pairId)
    if (!pair) {
      const sentence = `Port pair ${pairId} was to be opened and is not free.`
      this.#defect(new Error(sentence))
      return this.#options.tell({ kind: 'lost', endpoint: id, sentence })
    }
    this.#endpoints.set(id, { endpoint: new Endpoint(this.#shop, { id, pair, timeoutMs }), pair: pairId })
  }

  #close(id: number): void {
    const open = this.#endpoints.get(id)
    if (!open) return
    this.#endpoints.delete(id)
    const stats = open.endpoint.close()
    this.#past.packetsSent += stats.packetsSent
    this.#past.packetsReceived += stats.packetsReceived
    this.#sendErrorsPast += open.endpoint.sendErrors
    this.#deskOf(open.pair)?.give(open.pair)
    this.#options.tell({ kind: 'closed', endpoint: id, stats })
  }

  #defect(error: Error): void {
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#defectToldMs < defectEveryMs) return
    this.#defectToldMs = nowMs
    this.#options.tell({ kind: 'defect', sentence: error.message, stack: error.stack ?? null })
  }

  #deskOf(pair: number): PairDesk | undefined {
    return this.#desks[pair % this.#desks.length]
  }

  #direct(
    endpoint: Endpoint,
    command: Exclude<
      EngineCommand,
      JointCommand | RoomCommand | { kind: 'open' | 'close' | 'releasePairs' | 'snapshot' }
    >,
  ): void {
    switch (command.kind) {
      case 'connect':
        return endpoint.connect(command.agreed, command.signallingAddress)
      case 'play':
        return endpoint.play(command.run, command.prompts, command.isLoop)
      case 'stopPlay':
        return endpoint.stopPlay(command.run)
      case 'sendDigits':
        return endpoint.sendDigits(command.run, command.digits)
      case 'stopDigits':
        return endpoint.stopDigits(command.run)
      case 'detectInband':
        return endpoint.detectInband(command.isArmed)
      case 'echo':
        return endpoint.echo(command.isOn)
      case 'record':
        return endpoint.record(command.run, command.options)
      case 'pauseRecord':
        return endpoint.pauseRecord(command.run, command.isPaused)
      case 'stopRecord':
        return endpoint.stopRecord(command.run)
      case 'stats':
        return this.#options.tell({
          kind: 'stats',
          endpoint: command.endpoint,
          request: command.request,
          stats: endpoint.stats(),
        })
    }
  }
}
