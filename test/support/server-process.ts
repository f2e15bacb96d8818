import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const adminToken = 'test-admin-token'
/** Calls in progress have 10 s; more than this no stop takes. */
const longestStopMs = 25_000

export interface ServerProcess {
  readonly pid: number
  readonly folder: string
  readonly sipPort: number
  readonly httpUrl: string
  /** A GET of the admin API, as JSON. */
  get(path: string): Promise<unknown>
  /** The same, as bytes: a recording. */
  download(path: string): Promise<Uint8Array>
  /** Everything it wrote so far, both streams. */
  output(): string
  /** SIGTERM, and waits for the end; resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
}

export interface ServerOptions {
  /** The whole configuration but `http`, `sip.listen`, `data` and `admin`, as YAML text. */
  readonly config: string
  /** A folder of an earlier run, to start again on its data. */
  readonly folder?: string
  readonly sipAddress?: string
  /** A free one if absent, the same for UDP and TCP. */
  readonly sipPort?: number
  readonly env?: Readonly<Record<string, string>>
  /** Further keys of `sip`, as YAML in one line: `anonymous: none`. */
  readonly sip?: string
}

/** Starts the built server as its users do, on free ports of loopback, in a folder of its own. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'switchhook-test-')))
  const file = join(folder, 'switchhook.yaml')
  const address = options.sipAddress ?? '127.0.0.1'
  const port = options.sipPort ?? (await freePort(address))
  const host = address.includes(':') ? `[${address}]` : address
  const head = [
    'http: { listen: "127.0.0.1:0", publicUrl: "http://127.0.0.1:8080" }',
    `data: ${JSON.stringify(join(folder, 'data'))}`,
    `admin: { token: ${adminToken} }`,
  ]
  const more = options.sip ? `, ${options.sip}` : ''
  const sip = /^sip:/m.test(options.config)
    ? []
    : [`sip: { listen: ["udp:${host}:${port}", "tcp:${host}:${port}"]${more} }`]
  await writeFile(file, [...head, ...sip, options.config].join('\n'))
  const args = [join(root, 'bin', 'switchhook.js'), 'start', '--config', file, '--json']
  const child = spawnOwn(args, { cwd: folder, env: { ...process.env, ...options.env }, folder })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ready = await waitReady(child, () => output).catch(async (thrown: unknown) => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    throw thrown
  })
  const ask = async (path: string): Promise<Response> => {
    const response = await fetch(`${ready.http}${path}`, { headers: { authorization: `Bearer ${adminToken}` } })
    if (!response.ok) throw new Error(`GET ${path} gave ${response.status}: ${await response.text()}`)
    return response
  }
  return {
    pid: child.pid ?? 0,
    folder,
    sipPort: ready.sipPort,
    httpUrl: ready.http,
    get: async (path) => await (await ask(path)).json(),
    download: async (path) => new Uint8Array(await (await ask(path)).arrayBuffer()),
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM')
      // One that does not end is a failure of the test that stops it, and must not outlive it.
      const tooLong = setTimeout(() => child.kill('SIGKILL'), longestStopMs)
      const code = await ended(child)
      clearTimeout(tooLong)
      return code
    },
    kill: async () => {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
}

/** Runs a Node program that ends when this process does, however that ends, and then takes `folder` with it. */
export function spawnOwn(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly folder: string },
): ChildProcessWithoutNullStreams {
  const { cwd, env, folder } = options
  // By the channel between the two it hears of our end.
  return spawn(process.execPath, ['--import', import.meta.resolve('./end-with-parent.js'), ...args], {
    cwd,
    env: { ...env, TEST_FOLDER: folder },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessWithoutNullStreams
}

/** Removes the folder of a server that has ended. */
export async function removeFolder(server: ServerProcess): Promise<void> {
  await rm(server.folder, { recursive: true, force: true })
}

interface Ready {
  readonly sipPort: number
  readonly http: string
}

/** The server prints one line of JSON when it is ready. */
function waitReady(child: ChildProcess, output: () => string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const line = output()
        .split('\n')
        .find((text) => text.startsWith('{"ready"'))
      if (!line) return
      child.stdout?.off('data', look)
      resolve(JSON.parse(line) as Ready)
    }
    child.stdout?.on('data', look)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready:\n${output()}`)))
  })
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
}

/** A port that is free for UDP and TCP alike, which the kernel cannot be asked for. */
export async function freePort(address: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, address, resolve))
    const { port } = server.address() as { port: number }
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    const isFree = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false))
      socket.bind(port, address, () => resolve(true))
    })
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    await new Promise<void>((resolve) => server.close(() => resolve()))
    if (isFree) return port
  }
  throw new Error(`no port of ${address} is free for both UDP and TCP`)
}
