import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'

const program = fileURLToPath(new URL('../../bin/switchhook.js', import.meta.url))
const tenants = 'tenants: { test: { extensions: { "101": { password: "secret-of-101" } } } }'

/** A server that fails has to end by itself; one that hangs is killed, and has no exit code. */
const longestMs = 15_000

let folder: string
/** The one that has the ports and the database. */
let first: ServerProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-config-'))
  first = await startServer({ config: tenants })
})

afterAll(async () => {
  await first.stop()
  await removeFolder(first)
  await rm(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly errors: string
}

async function start(config: string): Promise<Ended> {
  const file = join(folder, 'switchhook.yaml')
  await writeFile(file, config)
  const child = spawn(process.execPath, [program, 'start', '--config', file], {
    cwd: folder,
    timeout: longestMs,
    killSignal: 'SIGKILL',
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  child.stdout.resume()
  return await new Promise((resolve) => child.once('close', (code) => resolve({ code, errors: errors.trim() })))
}

/** A whole configuration, in which one thing is to be wrong. */
async function config(parts: { http?: string; sip?: string; data?: string; more?: string }): Promise<string> {
  const port = await freePort('127.0.0.1')
  return [
    `http: { listen: "${parts.http ?? '127.0.0.1:0'}", publicUrl: "http://127.0.0.1:8080" }`,
    `sip: { listen: ["${parts.sip ?? `udp:127.0.0.1:${port}`}"] }`,
    `data: ${JSON.stringify(parts.data ?? join(folder, 'data'))}`,
    parts.more ?? tenants,
  ].join('\n')
}

/** On Linux the message names who has the port: one who is not looked for elsewhere. */
function owner(): string {
  return process.platform === 'linux' ? `node (process ${first.pid})` : 'another program'
}

describe('a server that cannot have a port ends with 1 and says which, and who has it:', () => {
  it.each(['udp', 'tcp'])('SIP over %s', async (protocol) => {
    const { code, errors } = await start(await config({ sip: `${protocol}:127.0.0.1:${first.sipPort}` }))
    expect(errors).toContain(`${protocol.toUpperCase()} 127.0.0.1:${first.sipPort} is in use by ${owner()}`)
    expect(errors).toContain('[transport.address-in-use]')
    expect(code).toBe(1)
  })

  it('HTTP', async () => {
    const address = first.httpUrl.replace('http://', '')
    const { code, errors } = await start(await config({ http: address }))
    expect(errors).toContain(`The HTTP address ${address} is in use by ${owner()}`)
    expect(code).toBe(1)
  })

  it('an address this machine does not have', async () => {
    const { code, errors } = await start(await config({ sip: 'udp:192.0.2.1:5060' }))
    expect(errors).toMatch(/192\.0\.2\.1/)
    expect(code).toBe(1)
  })
})

describe('a server whose data cannot be had ends with 1 and says why:', () => {
  it('a second one on the same SQLite file', async () => {
    const { code, errors } = await start(await config({ data: join(first.folder, 'data') }))
    expect(errors).toMatch(/already using the database .*two servers cannot share it\. \[store\.in-use\]/)
    if (process.platform === 'linux') expect(errors).toContain(`Process ${first.pid} is`)
    expect(code).toBe(1)
    // The first one has not been harmed.
    expect(await first.get('/api/v1/calls?limit=1')).toMatchObject({ items: [] })
  })

  it('a file where the data folder should be', async () => {
    const data = join(folder, 'a-file')
    await writeFile(data, 'not a folder')
    const { code, errors } = await start(await config({ data }))
    expect(errors).toContain(data)
    expect(code).toBe(1)
  })

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('a folder it may not write to', async () => {
    const data = await mkdtemp(join(folder, 'closed-'))
    const { chmod } = await import('node:fs/promises')
    await chmod(data, 0o500)
    const { code, errors } = await start(await config({ data }))
    expect(errors).toContain(data)
    expect(code).toBe(1)
  })

  it('a database that is none', async () => {
    const data = await mkdtemp(join(folder, 'broken-'))
    await writeFile(join(data, 'switchhook.db'), 'this is a text, and no database at all'.repeat(200))
    const { code, errors } = await start(await config({ data }))
    expect(errors).toContain(data)
    expect(errors).toMatch(/\[store\./)
    expect(code).toBe(1)
  })
})

describe('a server whose configuration is wrong ends with 1 and names file, line, column, key and what was expected:', () => {
  const file = (): string => join(folder, 'switchhook.yaml')

  it('YAML that is none', async () => {
    const { code, errors } = await start('sip:\n  listen: [udp:127.0.0.1:5060\ntenants: {')
    expect(errors).toContain(`${file()}:3:1: `)
    expect(errors).toContain('Expected YAML 1.2')
    expect(code).toBe(1)
  })

  it('a key that is not known, and a value that does not fit: all of them at once', async () => {
    const { code, errors } = await start(
      'sip:\n  listen: ["udp:127.0.0.1:77777"]\n  anonymus: all\ntenants: { t: {} }\n',
    )
    expect(errors).toContain(
      `${file()}:2:12: sip.listen[0]: "udp:127.0.0.1:77777" does not fit here. Expected udp:ADDRESS:PORT`,
    )
    expect(errors).toContain(`${file()}:3:3: sip.anonymus: The key "anonymus" is not known, did you mean "anonymous"?`)
    expect(code).toBe(1)
  })

  it('a file that is not there', async () => {
    const { code, errors } = await new Promise<Ended>((resolve) => {
      const missing = join(folder, 'nowhere.yaml')
      const child = spawn(process.execPath, [program, 'start', '--config', missing])
      let text = ''
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.once('close', (status) => resolve({ code: status, errors: text }))
    })
    expect(errors).toContain(join(folder, 'nowhere.yaml'))
    expect(code).toBe(1)
  })

  it('an app that names a number of nobody, with its place', async () => {
    const more = 'tenants:\n  test:\n    numbers:\n      "1": { app: nobody }\n'
    const { code, errors } = await start(await config({ more }))
    expect(errors).toMatch(/switchhook\.yaml:7:\d+: tenants\.test\.numbers\."1"\.app: There is no app "nobody"/)
    expect(code).toBe(1)
  })
})
