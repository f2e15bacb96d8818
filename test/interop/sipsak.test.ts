import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFolder } from '../support/server-process.ts'
import { type Stage, setStage } from '../support/stage.ts'
import { describeAtOnceWith, describeWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { type ProgramResult, runProgram } from './support/program.ts'

/** sipsak cuts the port of a URI off behind its fourth digit. */
const ports = new PeerPorts(9_300)

let stage: Stage

async function start(): Promise<void> {
  stage = await setStage({ sipPort: await ports.take() })
}

async function stop(): Promise<void> {
  await stage.server.stop()
  await removeFolder(stage.server)
}

/** @param user - of the URI; the server is its host. */
function sipsak(user: string, ...args: readonly string[]): Promise<ProgramResult> {
  const uri = `sip:${user}@127.0.0.1:${stage.server.sipPort}`
  return runProgram('sipsak', [...args, '-s', uri], { cwd: stage.folder, limitMs: 30_000 })
}

function register(extension: string, password: string, ...args: readonly string[]): Promise<ProgramResult> {
  return sipsak(extension, '-v', '-i', '-U', '-u', extension, '-a', password, '-x', '120', ...args)
}

/** The Contacts of an extension. */
async function contactsOf(extension: string): Promise<readonly string[]> {
  const { items } = (await stage.server.get('/api/v1/registrations')) as {
    items: readonly { extension: string; contact: string }[]
  }
  return items.filter((one) => one.extension === extension).map(({ contact }) => contact)
}

async function residentMegabytes(): Promise<number> {
  const status = await readFile(`/proc/${stage.server.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}

describeAtOnceWith(['sipsak'], 'sipsak', () => {
  beforeAll(start)
  afterAll(stop)

  for (const transport of ['udp', 'tcp'] as const) {
    it(`gets an answer to OPTIONS that says what we can do (${transport})`, async () => {
      const { code, output } = await sipsak('1', '-vv', '-E', transport)
      expect(code, output).toBe(0)
      expect(output).toMatch(/^SIP\/2\.0 200 OK/m)
      expect(output).toMatch(/^Allow: .*INVITE.*BYE/m)
      expect(output).toMatch(/^Accept: .*application\/sdp/m)
    })
  }

  it('registers several Contacts of an extension with its password, and removes them', async () => {
    const contacts = ['sip:101@127.0.0.1:30990', 'sip:101@127.0.0.1:30992']
    for (const contact of contacts) {
      const { code, output } = await register('101', 'secret-of-101', '-C', contact)
      expect(code, output).toBe(0)
    }
    const found = await contactsOf('101')
    for (const contact of contacts) expect(found.some((one) => one.includes(contact))).toBe(true)
    const { code, output } = await register('101', 'secret-of-101', '-C', 'star', '-x', '0')
    expect(code, output).toBe(0)
    expect(await contactsOf('101')).toEqual([])
  })

  it('is refused with a wrong password, and for an extension that is none, in the same way', async () => {
    const wrong = await register('102', 'guess')
    const unknown = await register('777', 'guess')
    for (const { code, output } of [wrong, unknown]) {
      expect(code, output).not.toBe(0)
      expect(output).toMatch(/^SIP\/2\.0 401 /m)
    }
    expect(await contactsOf('102')).toEqual([])
  })

  it('is told how short a registration may be', async () => {
    const { code, output } = await sipsak('102', '-v', '-i', '-U', '-u', '102', '-a', 'secret-of-102', '-x', '15')
    expect(code).not.toBe(0)
    expect(output).toMatch(/^SIP\/2\.0 423 /m)
    expect(output).toMatch(/^Min-Expires: \d+/m)
  })
})

describeWith(['sipsak'], 'sipsak as an attacker', () => {
  beforeAll(start)
  afterAll(stop)

  it('sends requests with more and more damaged characters; the server goes on', async () => {
    // It stops at the first that it gets no answer to: each round is damaged otherwise.
    for (let round = 0; round < 3; round++) await sipsak('1', '-R', '-t', '80', '-D', '1')
    const { code, output } = await sipsak('1')
    expect(code, output).toBe(0)
    expect(stage.server.output()).not.toMatch(/"level":[56]0/)
  })

  it('floods with OPTIONS: memory is bounded, and telephones are served at once afterwards', async () => {
    const before = await residentMegabytes()
    const { output } = await sipsak('1', '-i', '-F', '-e', '20000')
    expect(output).toContain('flood end reached')
    const served = await register('101', 'secret-of-101', '-C', 'sip:101@127.0.0.1:30994')
    expect(served.code, served.output).toBe(0)
    expect(await contactsOf('101')).toHaveLength(1)
    expect((await residentMegabytes()) - before).toBeLessThan(200)
  })
})
