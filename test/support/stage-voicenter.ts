import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sine } from './hear.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { writeWav } from './stage.ts'

/** The recordings of the handler, their frequencies, and how long each of them is. */
export const recordingHz = {
  level1: 440,
  level2: 540,
  level3: 640,
  bye: 740,
  short: 840,
  jazz: 940,
  'digits/4': 1040,
  'digits/7': 1140,
} as const
export const recordingMs: Readonly<Record<keyof typeof recordingHz, number>> = {
  level1: 1200,
  level2: 1200,
  level3: 1200,
  bye: 800,
  short: 300,
  jazz: 1000,
  'digits/4': 400,
  'digits/7': 400,
}

/** The tones and their lengths, for `tonesIn`. */
export const handlerTones: ReadonlyMap<number, number> = new Map(
  (Object.keys(recordingHz) as (keyof typeof recordingHz)[]).map((name) => [recordingHz[name], recordingMs[name]]),
)

/** What the handler was asked, and what it said. */
export interface Exchange {
  readonly method: 'GET_IVR_ACTION' | 'HANGUP_CALL'
  readonly data: Readonly<Record<string, string | number>>
  readonly answer: { readonly STATUS: number; readonly ACTION?: string }
}

export interface PythonHandler {
  readonly url: string
  readonly format: 'xmlrpc' | 'json'
  readonly exchanges: readonly Exchange[]
  /** Those of one caller, in order. */
  of(caller: string): readonly Exchange[]
  close(): void
}

/** Starts `handlers/ivr.py`. @param refusesWhile - HANGUP_CALL is refused while this file is there. */
export async function startPythonHandler(format: 'xmlrpc' | 'json', refusesWhile?: string): Promise<PythonHandler> {
  const words = [join(import.meta.dirname, 'handlers', 'ivr.py'), format]
  const more = refusesWhile === undefined ? [] : ['--refuse-hangups', refusesWhile]
  const child: ChildProcess = spawn('python3', [...words, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exchanges: Exchange[] = []
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error('the handler ended')))
    if (child.stdout === null) return reject(new Error('the handler has no output'))
    createInterface(child.stdout).on('line', (line) => {
      const [, found] = /^listening on (\d+)$/.exec(line) ?? []
      if (found === undefined) exchanges.push(JSON.parse(line) as Exchange)
      else resolve(Number(found))
    })
  })
  return {
    url: `http://127.0.0.1:${port}/ivr`,
    format,
    exchanges,
    of: (caller) => exchanges.filter(({ data }) => data['CALLER_ID'] === caller),
    close: () => void child.kill('SIGKILL'),
  }
}

export interface VoicenterStage {
  readonly folder: string
  readonly server: ServerProcess
}

export interface VoicenterStageOptions {
  readonly handler: Pick<PythonHandler, 'url' | 'format'>
  readonly sipPort: number
  /** Where the peers behind the trunks `first`, `second` and `third` listen. */
  readonly trunkPorts?: readonly [number, number, number]
  /** Of an earlier stage, to start again on its data. */
  readonly folder?: string
  /** SQLite in the folder if absent. */
  readonly database?: string
}

/** A server whose numbers 7000 to 7003 ask the handler; layer 1 answers with the echo test. */
export async function setVoicenterStage(options: VoicenterStageOptions): Promise<VoicenterStage> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchhook-voicenter-')))
  await mkdir(join(folder, 'prompts', 'digits'), { recursive: true })
  for (const [name, hz] of Object.entries(recordingHz)) {
    const ms = recordingMs[name as keyof typeof recordingHz]
    await writeWav(join(folder, 'prompts', `${name}.wav`), sine(hz, ms))
  }
  await writeFile(join(folder, 'nothing'), '')
  const [first, second, third] = options.trunkPorts ?? [5, 5, 5]
  const { url, format } = options.handler
  const trunk = (port: number) => ({ uri: `sip:127.0.0.1:${port}`, health: 0, callerId: '+6560000001' })
  const tenant = {
    countryCode: '65',
    limits: { callsPerSecond: 1000, concurrentCalls: 500 },
    trunks: { first: trunk(first), second: trunk(second), third: trunk(third) },
    outbound: [{ prefix: '', trunk: ['first', 'second', 'third'] }],
    recordings: { en: join(folder, 'prompts') },
    numbers: {
      '7000': { app: 'ivr' },
      '7001': { app: 'ivr' },
      '7002': { app: 'ivr' },
      '7003': { app: 'ivr' },
    },
    layers: { '1': 'echo' },
    apps: { ivr: { dialect: 'voicenter', url, format }, echo: { builtin: 'echo' } },
  }
  // The ports above are the peers'.
  const head = ['media: { workers: 1 }', 'rtp: { portRange: "10000-24999" }']
  if (options.database !== undefined) head.push(`database: ${JSON.stringify(options.database)}`)
  const config = [...head, `tenants: ${JSON.stringify({ test: tenant })}`].join('\n')
  return { folder, server: await startServer({ config, folder, sipPort: options.sipPort }) }
}
