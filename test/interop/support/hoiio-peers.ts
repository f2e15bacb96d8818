import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type ServerProcess, startServer } from '../../support/server-process.ts'
import { until } from './program.ts'

/** A notification as the program got it. */
export interface Told {
  /** Wall-clock ms. */
  readonly at: number
  readonly kind: 'told'
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly type: string
  readonly fields: Readonly<Record<string, string>>
}

/** A request of the program with its answer. */
export interface Asked {
  readonly at: number
  readonly kind: 'asked'
  readonly id: number | null
  readonly app: string
  readonly path: string
  readonly session: string | null
  readonly answer: Readonly<Record<string, string>>
}

/** The applications of the stage, `desk` and `other` of one tenant, and `sick`, whose notify_url hangs. */
export const credentials = {
  desk: { app_id: 'APP-DESK', access_token: 'desk-token-0123456789' },
  other: { app_id: 'APP-OTHER', access_token: 'other-token-0123456789' },
  sick: { app_id: 'APP-SICK', access_token: 'sick-token-0123456789' },
} as const

export type AppName = keyof typeof credentials

/** `hoiio-program.py` under way: a customer's program that nobody of this server wrote a library for. */
export class HoiioProgram {
  readonly #child: ChildProcess
  readonly #told: Told[] = []
  readonly #asked: Asked[] = []
  #port = 0
  #nextId = 1

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(busyNumber: string): Promise<HoiioProgram> {
    const script = join(import.meta.dirname, 'hoiio-program.py')
    const words = [script, JSON.stringify(credentials), busyNumber]
    const child = spawn('python3', words, { stdio: ['pipe', 'pipe', 'inherit'] })
    const program = new HoiioProgram(child)
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => reject(new Error('the program ended')))
      createInterface(child.stdout).on('line', (line) => {
        const said = JSON.parse(line) as Told | Asked | { readonly kind: 'listening'; readonly port: number }
        if (said.kind === 'told') program.#told.push(said)
        else if (said.kind === 'asked') program.#asked.push(said)
        else {
          program.#port = said.port
          resolve()
        }
      })
    })
    return program
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Where the API is. */
  use(server: ServerProcess): void {
    this.#say({ base: `${server.httpUrl}/open` })
  }

  /** A request that it makes as this application; resolves with the answer. */
  async ask(app: AppName, path: string, parameters: Readonly<Record<string, string>>): Promise<Asked['answer']> {
    const id = this.#nextId++
    this.#say({ id, app, path, parameters })
    const asked = await until(
      () => this.#asked.find((one) => one.id === id) ?? null,
      () => `${path} was not answered`,
      25_000,
    )
    return asked.answer
  }

  /** The notifications that have come, of one session where given. */
  told(session?: string): readonly Told[] {
    return this.#told.filter(({ fields }) => session === undefined || fields['session'] === session)
  }

  /** The first notification that is so. */
  toldThat(isSo: (told: Told) => boolean, what: string, limitMs?: number): Promise<Told> {
    const describe = (): string =>
      `${what} was not told; but: ${JSON.stringify(this.#told.slice(-12))}\nand asked: ${JSON.stringify(this.#asked.slice(-12))}`
    return until(() => this.#told.find(isSo) ?? null, describe, limitMs)
  }

  /** The answer to the request that it made of itself for a block of a session. */
  askedFor(session: string, path: string, times = 1): Promise<Asked> {
    return until(
      () => this.#asked.filter((one) => one.session === session && one.path === path)[times - 1] ?? null,
      () => `${path} of ${session} was not asked for; but: ${JSON.stringify(this.#asked.slice(-12))}`,
    )
  }

  /** It ends with its input, and what it let hang ends too. */
  close(): void {
    this.#child.stdin?.end()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #say(wish: object): void {
    this.#child.stdin?.write(`${JSON.stringify(wish)}\n`)
  }
}

export interface HoiioStage {
  readonly folder: string
  readonly server: ServerProcess
}

export interface HoiioStageOptions {
  readonly program: HoiioProgram
  readonly sipPort: number
  readonly trunks: Readonly<Record<string, object>>
  readonly outbound: readonly object[]
  /** Of an earlier stage, to start again on its data. */
  readonly folder?: string
}

/**
 * A server with three applications. 7000, 7001 and 7004 are numbers of `desk`, 7002 of `other`, 7003 of `sick`; the telephones
 * are 101 to 104.
 */
export async function setHoiioStage(options: HoiioStageOptions): Promise<HoiioStage> {
  const { program, sipPort, trunks, outbound } = options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchhook-hoiio-')))
  const app = (name: AppName, path: string) => ({
    dialect: 'hoiio',
    appId: credentials[name].app_id,
    accessToken: credentials[name].access_token,
    notifyUrl: `${program.url}/${path}`,
    idleSeconds: 20,
    currency: 'SGD',
    rates: { '+65': 0.02 },
  })
  const login = (name: string) => ({ password: `secret-of-${name}` })
  const tenant = {
    countryCode: '65',
    limits: { callsPerSecond: 1000, concurrentCalls: 500 },
    trunks,
    outbound,
    extensions: { '101': login('101'), '102': login('102'), '103': login('103'), '104': login('104') },
    numbers: {
      '7000': { app: 'desk' },
      '7001': { app: 'desk' },
      '7004': { app: 'desk' },
      '7002': { app: 'other' },
      '7003': { app: 'sick' },
    },
    apps: { desk: app('desk', 'desk'), other: app('other', 'other'), sick: app('sick', 'hang') },
  }
  const head = ['media: { workers: 1 }', 'rtp: { portRange: "10000-24999" }']
  const config = [...head, `tenants: ${JSON.stringify({ test: tenant })}`].join('\n')
  const server = await startServer({ config, folder, sipPort })
  program.use(server)
  return { folder, server }
}
