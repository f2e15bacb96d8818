import { availableParallelism } from 'node:os'
import type { MessagePort, Worker } from 'node:worker_threads'
import type { Cancel, Clock } from '../../base/clock.ts'
import { ConfigError, toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { startWorker } from '../../base/worker.ts'
import { newCrossing } from './crossing-port.ts'
import type { MediaWorkerData, MediaWorkerNews, MediaWorkerRequest } from './media-worker.ts'
import type { EngineCommand } from './messages.ts'
import { type MediaPlaneSnapshot, PlaneCore } from './plane-core.ts'
import { type PortSettings, portShares } from './port-sources.ts'
import type {
  BridgeOptions,
  MediaBridge,
  MediaEndpoint,
  MediaEndpointUser,
  MediaPlane,
  MediaRoom,
  MediaRoomUser,
} from './types.ts'

export interface WorkerMediaPlaneOptions extends PortSettings {
  readonly clock: Clock
  readonly log: Logger
  /** Null: the machine's cores but one, at least 1. */
  readonly workers: number | null
  /** Pairs of ports bound ahead for each worker and address: a rush of so many calls finds its ports. Default 256. */
  readonly portsAhead?: number
  /** A new port to the thread that writes recordings, `RecordingWriter.newPort`. */
  readonly newRecordingPort: () => MessagePort
  /** Starts a thread; tests hand in one that they can end. Default: a worker thread. */
  readonly startThread?: StartThread
}

/** Starts `media-worker` with its data. */
export type StartThread = (index: number, workerData: MediaWorkerData) => Worker

export const startMediaWorker: StartThread = (index, workerData) =>
  startWorker(import.meta.url, './media-worker', {
    workerData,
    transferList: [workerData.recordingPort],
    name: `media-${index}`,
  })

interface Slot {
  readonly ports: PortSettings
  worker: Worker | null
  startedMs: number
  /** Commands of this turn. */
  commands: EngineCommand[]
  cancelRestart: Cancel | null
}

/** A worker that lived shorter than this is not started again at once. */
const restartAfterMs = 1000

/**
 * The media plane in worker threads. Each endpoint lives in one of them, with its sockets; commands and news cross in one
 * message per turn of the loop, packets never. A worker that ends takes its endpoints with it, each is told, and another
 * worker takes its place.
 */
export class WorkerMediaPlane implements MediaPlane {
  readonly #options: WorkerMediaPlaneOptions
  readonly #core: PlaneCore
  readonly #slots: readonly Slot[]
  #isClosed = false

  /**
   * Resolves when every worker has its first ports bound.
   * Rejects with ConfigError `media.cannot-start` when one cannot.
   */
  static async start(options: WorkerMediaPlaneOptions): Promise<WorkerMediaPlane> {
    const plane = new WorkerMediaPlane(options)
    const problems = await Promise.all(plane.#slots.map((_, index) => plane.#startWorker(index)))
    const problem = problems.find((one) => one !== null)
    if (problem === undefined) return plane
    await plane.close()
    throw new ConfigError('media.cannot-start', problem)
  }

  private constructor(options: WorkerMediaPlaneOptions) {
    const { clock, log, portsAhead = 256 } = options
    const workers = options.workers ?? Math.max(1, availableParallelism() - 1)
    this.#options = { ...options, portsAhead }
    this.#core = new PlaneCore({
      clock,
      log,
      workers,
      portsAhead,
      post: (index, command) => this.#post(index, command),
    })
    this.#slots = portShares(options, workers).map((ports) => ({
      ports,
      worker: null,
      startedMs: 0,
      commands: [],
      cancelRestart: null,
    }))
  }

  get counts(): MediaPlane['counts'] {
    return this.#core.counts
  }

  open(options: {
    user: MediaEndpointUser
    localAddress: string
    timeoutMs: number | null
    near?: MediaEndpoint
  }): MediaEndpoint {
    return this.#core.open(options)
  }

  bridge(a: MediaEndpoint, b: MediaEndpoint, options: BridgeOptions = {}): MediaBridge {
    return this.#core.bridge(a, b, options)
  }

  openRoom(options: { user: MediaRoomUser; near?: MediaEndpoint }): MediaRoom {
    return this.#core.openRoom(options)
  }

  /** Figures for metrics. */
  snapshot(): Promise<MediaPlaneSnapshot> {
    return this.#core.snapshot()
  }

  /** The writer thread was started anew: every worker gets a new port to it. */
  recordingWriterRestarted(): void {
    for (const { worker } of this.#slots) {
      if (!worker) continue
      const port = this.#options.newRecordingPort()
      worker.postMessage({ kind: 'recordingPort', port } satisfies MediaWorkerRequest, [port])
    }
  }

  /** Closes all endpoints, lets their recordings finish, and ends the threads. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    await this.#core.close()
    this.#isClosed = true
    await Promise.all(this.#slots.map((slot) => this.#stopWorker(slot)))
  }

  /** Resolves with null when it is ready, else with the reason, as one sentence. */
  #startWorker(index: number): Promise<string | null> {
    const slot = this.#slots[index]
    if (!slot || this.#isClosed) return Promise.resolve(null)
    const { clock, log, newRecordingPort, portsAhead = 0, startThread = startMediaWorker } = this.#options
    const data = { worker: index, ports: slot.ports, portsAhead, recordingPort: newRecordingPort() }
    const worker = startThread(index, data)
    slot.worker = worker
    slot.startedMs = clock.now()
    this.#connect(index, worker)
    return new Promise((resolve) => {
      worker.on('message', (news: MediaWorkerNews) => {
        for (const event of news) {
          if (event.kind === 'ready') resolve(null)
          if (event.kind === 'failed') resolve(event.sentence)
          this.#core.heard(index, event)
        }
      })
      worker.on('error', (thrown) => {
        log.error({ worker: index, err: toError(thrown) }, 'a media worker failed')
      })
      worker.on('exit', (code) => {
        this.#exited(index, slot, worker, code)
        resolve(`Media worker ${index} ended with code ${code} before it was ready.`)
      })
    })
  }

  /**
   * Opens the ways between a worker that starts and all that run. They are there before any endpoint of the new one: its
   * ports are not announced yet.
   */
  #connect(index: number, worker: Worker): void {
    for (const [other, slot] of this.#slots.entries()) {
      if (other === index || !slot.worker) continue
      const [ours, theirs] = newCrossing()
      worker.postMessage({ kind: 'crossing', worker: other, end: ours } satisfies MediaWorkerRequest, [ours.port])
      slot.worker.postMessage({ kind: 'crossing', worker: index, end: theirs } satisfies MediaWorkerRequest, [
        theirs.port,
      ])
    }
  }

  #exited(index: number, slot: Slot, worker: Worker, code: number): void {
    if (slot.worker !== worker) return
    const { clock, log } = this.#options
    slot.worker = null
    slot.commands = []
    this.#core.workerLost(index, `Media worker ${index} ended unexpectedly.`)
    if (this.#isClosed) return
    const waitMs = clock.now() - slot.startedMs < restartAfterMs ? restartAfterMs : 0
    log.error({ worker: index, code, waitMs }, 'a media worker ended; its calls have lost their media')
    slot.cancelRestart = clock.after(waitMs, () => {
      slot.cancelRestart = null
      void this.#startWorker(index).then((problem) => {
        if (problem !== null) log.error({ worker: index }, problem)
      })
    })
  }

  #stopWorker(slot: Slot): Promise<void> {
    slot.cancelRestart?.()
    slot.cancelRestart = null
    const { worker } = slot
    if (!worker) return Promise.resolve()
    return new Promise((resolve) => {
      worker.once('exit', () => resolve())
      worker.postMessage({ kind: 'shutDown' } satisfies MediaWorkerRequest)
    })
  }

  /** Keeps a command for the end of this turn. */
  #post(index: number, command: EngineCommand): void {
    const slot = this.#slots[index]
    if (!slot?.worker) return
    if (slot.commands.length === 0) setImmediate(() => this.#flush(slot))
    slot.commands.push(command)
  }

  #flush(slot: Slot): void {
    const { commands } = slot
    slot.commands = []
    if (commands.length > 0) slot.worker?.postMessage({ kind: 'commands', commands } satisfies MediaWorkerRequest)
  }
}
