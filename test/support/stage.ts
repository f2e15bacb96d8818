import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeG711 } from '../../src/media/g711.ts'
import { wavHeader } from '../../src/media/wav-header.ts'
import { sine } from './hear.ts'
import { type ServerOptions, type ServerProcess, startServer } from './server-process.ts'

const flows = join(dirname(fileURLToPath(import.meta.url)), 'flows')

/** The opening question, and the answer to each key: their frequencies and their lengths. */
export const promptHz = 440
export const promptMs = 1500
export const keyMs = 800
export function keyHz(key: number): number {
  return 600 + 100 * key
}

/** The tones of `melody.wav`, and how long each of them is. */
export const melodyMs = 500
export const melodyHz: readonly number[] = Array.from({ length: 12 }, (_, step) => 500 + 100 * step)

/** What a caller says in tests that judge what the server heard. */
export const callerHz = 330

export interface Stage {
  readonly folder: string
  readonly server: ServerProcess
  /** A WAV of 30 s of `callerHz`, for baresip to speak with. */
  readonly speech: string
}

export interface StageOptions extends Pick<ServerOptions, 'sipPort' | 'sipAddress' | 'sip'> {
  readonly workers?: number
  readonly database?: string
  /** Of an earlier stage, to start again on its data. */
  readonly folder?: string
  /** Of the tenant, as YAML in one line: `concurrentCalls: 20`. The usual ones if absent. */
  readonly limits?: string
  /** Further numbers, each with the module that takes it. */
  readonly modules?: Readonly<Record<string, string>>
  /** Of those modules; 60 if absent. */
  readonly idleSeconds?: number
}

/** Extensions and numbers of the stage: `1`, `5` and `6` answer keys with tones, `2` records; `1000` and `1200` are the demo's. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchhook-stage-')))
  await writeWav(join(folder, 'prompt.wav'), sine(promptHz, promptMs))
  await writeWav(join(folder, 'silence.wav'), new Int16Array(160))
  const speech = join(folder, 'speech.wav')
  await writeWav(speech, sine(callerHz, 30_000))
  for (let key = 0; key <= 9; key++) await writeWav(join(folder, `key-${key}.wav`), sine(keyHz(key), keyMs))
  await writeWav(join(folder, 'melody.wav'), joined(melodyHz.map((hz) => sine(hz, melodyMs))))
  const modules = Object.entries(options.modules ?? {})
  const config = `
media: { workers: ${options.workers ?? 1} }
${options.database ? `database: ${JSON.stringify(options.database)}` : ''}
tenants:
  test:
    limits: { ${options.limits ?? ''} }
    extensions: { "101": { password: "secret-of-101" }, "102": { password: "secret-of-102" } }
    numbers:
      "1": { app: tones }
      "2": { app: recorder }
      "3": { app: early }
      "4": { app: melody }
      "5": { app: tones }
      "6": { app: tones }
      "1000": { app: menu }
      "1200": { app: echo }
${modules.map(([number]) => `      "${number}": { app: module-${number} }`).join('\n')}
    apps:
      tones: { module: ${JSON.stringify(join(flows, 'tones.ts'))} }
      recorder: { module: ${JSON.stringify(join(flows, 'recorder.ts'))} }
      early: { module: ${JSON.stringify(join(flows, 'early.ts'))} }
      melody: { module: ${JSON.stringify(join(flows, 'melody.ts'))} }
      menu: { builtin: menu }
      echo: { builtin: echo }
${modules.map(([number, file]) => `      module-${number}: { module: ${JSON.stringify(file)}, idleSeconds: ${options.idleSeconds ?? 60} }`).join('\n')}
`
  const server = await startServer({
    config,
    folder,
    env: { TONES: folder },
    ...(options.sipPort === undefined ? {} : { sipPort: options.sipPort }),
    ...(options.sipAddress === undefined ? {} : { sipAddress: options.sipAddress }),
    ...(options.sip === undefined ? {} : { sip: options.sip }),
  })
  return { folder, server, speech }
}

/** 16-bit mono WAV of 8,000 Hz. */
export async function writeWav(file: string, pcm: Int16Array): Promise<void> {
  const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength)
  const header = wavHeader({ encoding: 'pcm16', channels: 1, rateHz: 8000 }, bytes.length)
  await writeFile(file, Buffer.concat([header, bytes]))
}

/** Raw mu-law, as sipp streams it. */
export async function writeMulaw(file: string, pcm: Int16Array): Promise<void> {
  await writeRaw('PCMU', file, pcm)
}

/** Raw A-law, as sipp streams it. */
export async function writeAlaw(file: string, pcm: Int16Array): Promise<void> {
  await writeRaw('PCMA', file, pcm)
}

async function writeRaw(codec: 'PCMU' | 'PCMA', file: string, pcm: Int16Array): Promise<void> {
  const bytes = new Uint8Array(pcm.length)
  encodeG711(codec, pcm, bytes)
  await writeFile(file, bytes)
}

/** One behind the other. */
export function joined(parts: readonly Int16Array[]): Int16Array {
  const pcm = new Int16Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    pcm.set(part, at)
    at += part.length
  }
  return pcm
}
