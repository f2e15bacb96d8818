import type { Clock } from '../../base/clock.ts'
import { ConfigError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Recordings } from './endpoint-recording.ts'
import { Engine } from './engine.ts'
import { type MediaPlaneSnapshot, PlaneCore } from './plane-core.ts'
import { type Bind, bindReal, type PortSettings, portSources } from './port-sources.ts'
import type {
  BridgeOptions,
  MediaBridge,
  MediaEndpoint,
  MediaEndpointUser,
  MediaPlane,
  MediaRoom,
  MediaRoomUser,
} from './types.ts'

export interface InlineMediaPlaneOptions extends PortSettings {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Pairs of ports bound ahead for each address. Default 8. */
  readonly portsAhead?: number
  /** Default: real sockets. */
  readonly bind?: Bind
  /** Where recordings go; without it each ends at once with `write-failed`. */
  readonly recordings?: Recordings
}

const noRecordings: Recordings = {
  waitingBytes: 0,
  open: (_options, failed) => {
    const problem = 'Nothing records here.'
    queueMicrotask(() => failed(problem))
    return { write: () => {}, close: () => Promise.resolve({ durationMs: 0, fileBytes: 0, problem }) }
  },
}

/**
 * The media plane in the thread that calls it: for tests in virtual time, and for a telephone of one call, which wants
 * no thread of its own. The same engine, with nothing between.
 */
export class InlineMediaPlane implements MediaPlane {
  readonly #core: PlaneCore
  readonly #engine: Engine

  /** Rejects with ConfigError `media.cannot-start` when no ports can be bound. */
  static async start(options: InlineMediaPlaneOptions): Promise<InlineMediaPlane> {
    const plane = new InlineMediaPlane(options)
    const problem = await plane.#start()
    if (problem === null) return plane
    await plane.close()
    throw new ConfigError('media.cannot-start', problem)
  }

  private constructor(options: InlineMediaPlaneOptions) {
    const { clock, log, random, bind = bindReal, portsAhead = 8, recordings = noRecordings } = options
    this.#core = new PlaneCore({
      clock,
      log,
      workers: 1,
      portsAhead,
      post: (_, command) => this.#engine.handle(command),
    })
    this.#engine = new Engine({
      clock,
      random,
      worker: 0,
      recordings,
      portsAhead,
      sources: portSources(options, { clock, bind, ahead: portsAhead }),
      tell: (event) => {
        if (event.kind === 'failed') this.#problem = event.sentence
        this.#core.heard(0, event)
      },
    })
  }

  #problem: string | null = null

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

  async close(): Promise<void> {
    await this.#core.close()
    this.#engine.close()
  }

  async #start(): Promise<string | null> {
    await this.#engine.start()
    return this.#problem
  }
}
