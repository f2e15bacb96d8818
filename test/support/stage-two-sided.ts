import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PlanStep } from './flows/two-sided.ts'
import { sine } from './hear.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { keyHz, keyMs, promptHz, promptMs, writeWav } from './stage.ts'

const flow = join(dirname(fileURLToPath(import.meta.url)), 'flows', 'two-sided.ts')

/** Those of the stage; the password of each is `secret-of-` and its number. */
export const extensions = ['101', '102', '103', '104', '105', '106', '107', '108', '109'] as const

/** With these the trunks of the stage let us in, where they ask. */
export const trunkLogin = { username: 'switchhook', password: 'secret-of-trunk' } as const

/** Where peers behind a trunk are: calls from there are believed to be the trunk's, those from 127.0.0.1 are telephones'. */
export const trunkAddress = '127.0.0.5'

/** What peers behind a trunk are shown: the names that callers give themselves are no numbers. */
export const ownNumber = '+6560000001'

/** Numbers of the plans; see `plan`. */
const planNumbers = Array.from({ length: 90 }, (_, index) => String(7000 + index))

/** Keys of a trunk in the configuration, as YAML knows them. */
export type TrunkKeys = Readonly<Record<string, unknown>>

export interface TwoSidedOptions {
  readonly sipPort: number
  readonly workers?: number
  readonly trunks?: Readonly<Record<string, TrunkKeys>>
  readonly outbound?: readonly { readonly prefix: string; readonly trunk: string | readonly string[] }[]
  /** Further apps and numbers; `dial` apps for ring groups. */
  readonly apps?: Readonly<Record<string, unknown>>
  readonly numbers?: Readonly<Record<string, { readonly app: string }>>
  /** `127.0.0.1:PORT` of a DNS server of the test. */
  readonly dns?: string
  readonly limits?: Readonly<Record<string, number>>
  /** Of an earlier stage, to start again on its data. */
  readonly folder?: string
}

export interface TwoSidedStage {
  readonly folder: string
  readonly server: ServerProcess
  /** Writes what the program at the next free number does, and returns that number. */
  plan(...steps: readonly PlanStep[]): Promise<string>
}

/** A server with extensions, trunks and numbers whose program does what a test plans. */
export async function setTwoSidedStage(options: TwoSidedOptions): Promise<TwoSidedStage> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchhook-two-sided-')))
  await mkdir(join(folder, 'plans'), { recursive: true })
  await writeWav(join(folder, 'prompt.wav'), sine(promptHz, promptMs))
  for (let key = 0; key <= 9; key++) await writeWav(join(folder, `key-${key}.wav`), sine(keyHz(key), keyMs))
  const tenant = {
    countryCode: '65',
    callerIds: 'any',
    limits: { callsPerSecond: 1000, concurrentCalls: 500, minutesPerDay: 100_000, ...options.limits },
    extensions: Object.fromEntries(extensions.map((name) => [name, { password: `secret-of-${name}` }])),
    trunks: Object.fromEntries(Object.entries(options.trunks ?? {}).map(([name, keys]) => [name, trunkOf(keys)])),
    outbound: options.outbound ?? [],
    numbers: { ...Object.fromEntries(planNumbers.map((number) => [number, { app: 'plan' }])), ...options.numbers },
    apps: { plan: { module: flow }, ...options.apps },
  }
  // JSON is YAML.
  const config = [
    `media: { workers: ${options.workers ?? 1} }`,
    // The ports above are the peers'.
    'rtp: { portRange: "10000-24999" }',
    `tenants: ${JSON.stringify({ test: tenant })}`,
  ].join('\n')
  const server = await startServer({
    config,
    folder,
    sipPort: options.sipPort,
    env: { TONES: folder },
    ...(options.dns === undefined ? {} : { sip: `dns: ["${options.dns}"]` }),
  })
  let used = 0
  return {
    folder,
    server,
    plan: async (...steps) => {
      const number = planNumbers[used++]
      if (number === undefined) throw new Error('the stage has no number left for a plan')
      await writeFile(join(folder, 'plans', `${number}.json`), JSON.stringify(steps))
      return number
    },
  }
}

/** Peers get no question about their health unless a test wants it: to a scenario it would be a message too many. */
function trunkOf(keys: TrunkKeys): TrunkKeys {
  return { ...trunkLogin, health: 0, callerId: ownNumber, from: [`${trunkAddress}/32`], ...keys }
}
