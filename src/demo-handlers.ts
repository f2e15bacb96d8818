import { type ChildProcess, spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock } from './base/clock.ts'
import type { Random } from './base/random.ts'
import { type DemoHandlerUrls, demoHoiioAppId } from './config/demo.ts'

/** A handler that has not said by then where it listens is not waited for. */
const startLimitMs = 10_000
const examples = join(import.meta.dirname, '..', 'examples')
const folder = join(examples, 'voicenter')

/** The example handlers that the demo starts beside itself. One that cannot be started has no number. */
export interface DemoHandlers {
  readonly urls: DemoHandlerUrls
  close(): void
}

/**
 * Starts `examples/voicenter`: its JSON handler, and the XML-RPC one where there is a python3; and the application of
 * `examples/hoiio`. Never rejects.
 * @param api - where the application asks: the HTTP port of the demo. With null, or port 0, it is not started.
 */
export async function startDemoHandlers(
  clock: Clock,
  api: { readonly random: Random; readonly httpPort: number } | null = null,
): Promise<DemoHandlers> {
  const tsx = ['--import', import.meta.resolve('tsx')]
  const httpPort = api?.httpPort ?? 0
  const accessToken = api?.random.token(32) ?? ''
  const access = {
    HOIIO_BASE: `http://127.0.0.1:${httpPort}/open`,
    HOIIO_APP_ID: demoHoiioAppId,
    HOIIO_ACCESS_TOKEN: accessToken,
  }
  const children = [
    spawnHandler(process.execPath, [...tsx, join(folder, 'handler.ts')]),
    spawnHandler('python3', [join(folder, 'handler.py')]),
    ...(httpPort === 0
      ? []
      : [spawnHandler(process.execPath, [...tsx, join(examples, 'hoiio', 'application.ts')], access)]),
  ] as const
  const [json = null, xmlrpc = null, hoiio = null] = await Promise.all(children.map((child) => portOf(child, clock)))
  return {
    urls: {
      json: json === null ? null : `http://127.0.0.1:${json}/`,
      xmlrpc: xmlrpc === null ? null : `http://127.0.0.1:${xmlrpc}/RPC2`,
      prompts: await prompts(),
      hoiio: hoiio === null ? null : { url: `http://127.0.0.1:${hoiio}/in`, accessToken },
    },
    close: () => {
      for (const child of children) child.kill()
    },
  }
}

/** It ends when its standard input does, so also with a server that was killed. */
function spawnHandler(command: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(command, [...words, '0', '--until-eof'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  })
  child.stdin?.on('error', () => {})
  return child
}

/** Where it listens; null where it cannot be started. */
function portOf(child: ChildProcess, clock: Clock): Promise<number | null> {
  return new Promise((resolve) => {
    const cancel = clock.after(startLimitMs, () => settle(null))
    const settle = (port: number | null): void => {
      cancel()
      resolve(port)
    }
    child.once('error', () => settle(null))
    child.once('exit', () => settle(null))
    if (!child.stdout) return settle(null)
    // What it says later is read and dropped: a full pipe would stop it.
    createInterface(child.stdout).on('line', (line) => {
      const [, port] = /^listening on (\d+)$/.exec(line) ?? []
      if (port !== undefined) settle(Number(port))
    })
  })
}

async function prompts(): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(join(folder, 'prompts', 'en')).catch(() => [])
  return new Map(files.map((file) => [file.replace(/\.wav$/, ''), join(folder, 'prompts', 'en', file)]))
}
