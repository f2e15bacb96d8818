import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFolder } from '../support/server-process.ts'
import { type Stage, setStage } from '../support/stage.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { type ProgramResult, runProgram } from './support/program.ts'
import { runSipp } from './support/sipp.ts'
import { step } from './support/sipp-steps.ts'

const ports = new PeerPorts(32_200)
/** Where the attacker is (svcrack cannot be told otherwise), and a telephone elsewhere. */
const attacker = '127.0.0.1'
const elsewhere = '127.0.0.3'

describeAtOnceWith(['svmap', 'sipp'], 'sipvicious', () => {
  let stage: Stage

  beforeAll(async () => {
    // As outside of loopback: nobody may call without a password.
    stage = await setStage({ sipPort: await ports.take(), sip: 'anonymous: none' })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  async function run(program: string, ...args: readonly string[]): Promise<ProgramResult> {
    const local = ['-b', attacker, '-P', String(await ports.take()), '-p', String(stage.server.sipPort)]
    return await runProgram(program, [...args, ...local, '127.0.0.1'], { cwd: stage.folder, limitMs: 30_000 })
  }

  /** A telephone registers; the exit code of sipp. */
  async function register(
    name: string,
    extension: string,
    address: string,
  ): Promise<{ code: number | null; log: string }> {
    const password = `secret-of-${extension}`
    const text = (cseq: number, headers: readonly string[]): string =>
      step
        .request({ method: 'REGISTER', cseq, place: 'outside', headers: ['Expires: 300', ...headers] })
        .replace('sip:[service]@[remote_ip]', 'sip:[remote_ip]')
        .replace(/To: .*>/, 'To: <sip:[caller]@[remote_ip]:[remote_port]>')
    const steps = [text(1, []), step.response(401, 'auth="true"')]
    steps.push(text(2, [`[authentication username=${extension} password=${password}]`]), step.only(200))
    const { folder, server } = stage
    const credentials = { username: extension, password }
    const place = { folder, serverPort: server.sipPort, port: await ports.take(), number: '1' }
    return await runSipp({ ...place, address, name, caller: extension, credentials, steps })
  }

  it('svmap finds the server, and that is all', async () => {
    const { output } = await run('svmap')
    expect(output).toContain(`127.0.0.1:${stage.server.sipPort}`)
    expect(output).toContain('Switchhook')
  })

  for (const method of ['REGISTER', 'INVITE', 'OPTIONS']) {
    it(`svwar cannot tell extensions from others by ${method}`, async () => {
      const { output } = await run('svwar', '--force', '-m', method, '-e', '100-110', '--maximumtime', '5')
      expect(output).toMatch(/found nothing|no extensions|401|200/i)
      expect(output).not.toMatch(/\|\s*10[12]\s*\|/)
    })
  }

  it('svcrack is stopped before it comes to the right password; telephones register meanwhile and afterwards', async () => {
    // It does find a password that it comes to early.
    const short = join(stage.folder, 'short.txt')
    await writeFile(short, 'word\nsecret-of-101\n')
    expect((await run('svcrack', '-u', '101', '-d', short, '--maximumtime', '3')).output).toContain('secret-of-101')
    const neighbour = await register('neighbour', '101', attacker)
    expect(neighbour.code, neighbour.log).toBe(0)
    const words = Array.from({ length: 60 }, (_, i) => `word-${i}`)
    const file = join(stage.folder, 'passwords.txt')
    await writeFile(file, `${[...words, 'secret-of-102', ...words].join('\n')}\n`)
    const cracking = run('svcrack', '-u', '102', '-d', file, '--maximumtime', '5')
    const meanwhile = await register('meanwhile', '102', elsewhere)
    expect(meanwhile.code, meanwhile.log).toBe(0)
    const { output } = await cracking
    expect(output).not.toContain('secret-of-102')
    expect(stage.server.output()).toContain('Too many wrong passwords')
    // The one who is guessed at, from its own place; and another telephone behind the guesser's address.
    for (const [name, extension, address] of [
      ['guessed-at', '102', elsewhere],
      ['at-home', '101', attacker],
    ] as const) {
      const result = await register(name, extension, address)
      expect(result.code, result.log).toBe(0)
    }
  })
})
