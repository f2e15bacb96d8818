import { afterAll, beforeAll, expect } from 'vitest'
import type { PlanStep } from '../../support/flows/two-sided.ts'
import { removeFolder } from '../../support/server-process.ts'
import { troubles } from '../../support/server-watch.ts'
import { setTwoSidedStage, type TwoSidedOptions, type TwoSidedStage } from '../../support/stage-two-sided.ts'
import { Capture } from './capture.ts'
import { type Line, type LineKeys, Lines } from './lines.ts'
import { PeerPorts } from './ports.ts'
import { type RunningSipp, type SippOptions, type SippResult, sipOffset } from './sipp.ts'
import { step } from './sipp-steps.ts'
import {
  callThrough,
  expectNothingLeft,
  registerAt,
  startCallee,
  theCallOf,
  type WholeCall,
} from './two-sided-calls.ts'

export interface TwoSidedTests extends Omit<TwoSidedOptions, 'sipPort' | 'trunks' | 'folder' | 'dns'> {
  /** Of the file: ports of its peers. */
  readonly firstPort: number
  /** A trunk for each case that needs one, by the case's name; with further keys of it. */
  readonly lines?: Readonly<Record<string, LineKeys>>
  /** What must be there before the server starts, made when the ports of the lines are known. */
  readonly prepare?: (line: (name: string) => Line) => Promise<Pick<TwoSidedOptions, 'dns'>>
}

/** One case: a caller by sipp and those whom it reaches. */
export interface TwoSidedCase {
  readonly caller: readonly string[]
  /** Behind lines, by their names. */
  readonly behind?: Readonly<Record<string, readonly string[]>>
  /** Telephones, each with its extension. */
  readonly devices?: readonly { readonly extension: string; readonly steps: readonly string[] }[]
  /** What the program does; dials the first of the lines if absent. */
  readonly plan?: readonly PlanStep[]
  /** Dialled by the caller in place of a program's number. */
  readonly number?: string
  /** The extension that calls; nobody in particular if absent. */
  readonly extension?: string
  /** A number of ours to which the call is led on. */
  readonly inner?: string
  /** Whether the media ports of all are captured. */
  readonly isCaptured?: boolean
}

export interface TwoSidedResult {
  readonly caller: SippResult
  /** Those behind lines first, then the devices. */
  readonly callees: readonly SippResult[]
  readonly call: WholeCall
  /** Of `isCaptured`, over already; the media ports are those of the caller and of the callees, in the order above. */
  readonly capture: Capture | null
  readonly ports: readonly number[]
}

/** A stage for the cases of a file or of a group: begun before them, and looked over when they are through. */
export class TwoSided {
  readonly ports: PeerPorts
  readonly #lines: Lines
  readonly #attempts = new Map<string, number>()
  #stage: TwoSidedStage | null = null

  /** Sets the hooks of the group that it is made in. */
  constructor(tests: TwoSidedTests) {
    this.ports = new PeerPorts(tests.firstPort)
    this.#lines = new Lines(this.ports)
    beforeAll(async () => {
      const { firstPort: _, lines = {}, outbound = [], prepare, ...options } = tests
      for (const [name, keys] of Object.entries(lines)) await this.#lines.add(name, keys)
      const prepared = await prepare?.((name) => this.line(name))
      this.#stage = await setTwoSidedStage({
        ...options,
        ...prepared,
        sipPort: await this.ports.take(),
        trunks: this.#lines.trunks,
        outbound: [...outbound, ...this.#lines.outbound],
      })
    })
    afterAll(async () => {
      if (this.#stage === null) return
      const { server } = this.#stage
      try {
        await expectNothingLeft(this.#stage)
        expect(troubles(server)).toEqual([])
      } finally {
        await server.stop()
        await removeFolder(server)
      }
    })
  }

  get stage(): TwoSidedStage {
    if (this.#stage === null) throw new Error('the stage is not set')
    return this.#stage
  }

  line(name: string): Line {
    return this.#lines.get(name)
  }

  /** The name, or, where the case is tried again, another: so that its call can be told from the one before. */
  again(name: string): string {
    const attempt = (this.#attempts.get(name) ?? 0) + 1
    this.#attempts.set(name, attempt)
    return attempt === 1 ? name : `${name}-${attempt}`
  }

  /** Plays one case through, expects that every scenario went as written, and returns its one call. */
  async play(name: string, one: TwoSidedCase): Promise<TwoSidedResult> {
    const { stage } = this
    const { behind = {}, devices = [], extension } = one
    const own = this.again(name)
    const since = new Date()
    const first = Object.keys(behind)[0]
    const usualPlan: readonly PlanStep[] = first === undefined ? [] : [{ do: 'dial', to: this.line(first).number }]
    const number = one.number ?? (await stage.plan(...(one.plan ?? usualPlan)))
    const running: RunningSipp[] = []
    for (const [line, steps] of Object.entries(behind)) {
      running.push(await startCallee(stage, { name: `${own}-${line}`, ...placeOf(this.line(line)), steps }))
    }
    const places = await Promise.all(
      devices.map(async ({ extension: name }) => {
        const port = await this.ports.take()
        await registerAt(stage, name, port)
        return { extension: name, port }
      }),
    )
    const callerPort = await this.ports.take()
    const ports = [
      callerPort,
      ...Object.keys(behind).map((line) => this.line(line).port),
      ...places.map(({ port }) => port),
    ]
    const capture = one.isCaptured ? await captureOf(stage, `${own}-audio`, ports) : null
    try {
      for (const [index, { port }] of places.entries()) {
        const steps = devices[index]?.steps ?? []
        running.push(await startCallee(stage, { name: `${own}-device-${index}`, port, steps, address: '127.0.0.1' }))
      }
      const login = extension === undefined ? {} : loginOf(extension)
      const peer = { name: own, number, port: callerPort, steps: one.caller, ...login }
      const { caller, callees } = await callThrough(stage, peer, running)
      await capture?.stop()
      return { caller, callees, call: await theCallOf(stage, extension ?? own, since, one.inner), capture, ports }
    } finally {
      await capture?.stop()
      for (const one of running) one.kill()
      await Promise.all(running.map(({ ended }) => ended))
      await Promise.all(places.map((place) => registerAt(stage, place.extension, place.port, 0)))
    }
  }
}

/** @param ports - the first of the ports of each peer. */
export function captureOf(stage: TwoSidedStage, name: string, ports: readonly number[]): Promise<Capture> {
  const ranges = ports.map((port) => `udp portrange ${port}-${port + sipOffset - 1}`)
  return Capture.start(stage.folder, name, ranges.join(' or '))
}

function placeOf({ port, transport }: Line): Pick<SippOptions, 'port' | 'transport'> {
  return { port, transport }
}

/** How an extension calls: see `inviteAs`. */
export function loginOf(extension: string): Pick<SippOptions, 'caller' | 'credentials'> {
  return { caller: extension, credentials: { username: extension, password: `secret-of-${extension}` } }
}

/** A caller that gives up, `afterMs` behind the first response that it waits for. */
export function callerGivesUp(afterMs: number, behind: 100 | 180 = 100): readonly string[] {
  const cancel = { method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' } as const
  return [
    step.invite(),
    behind === 100 ? step.only(100) : step.response(behind),
    step.pause(afterMs),
    step.request(cancel),
    step.only(200),
    step.only(487),
    step.ackRefusal(),
  ]
}
