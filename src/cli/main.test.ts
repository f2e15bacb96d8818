import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startReceiver } from '../../test/support/receiver.ts'
import type { CommandIo, ExitCode } from './command.ts'
import { run } from './main.ts'

describe('the command line', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-cli-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  async function say(...words: string[]): Promise<{ code: ExitCode; out: string; err: string }> {
    const said = { out: '', err: '' }
    const io: CommandIo = {
      out: (text) => (said.out += `${text}\n`),
      err: (text) => (said.err += `${text}\n`),
      env: {},
      cwd: folder,
      signal: new AbortController().signal,
    }
    return { code: await run(words, io), ...said }
  }

  it('names its commands, and each its options', async () => {
    const overview = await say('--help')
    expect(overview.code).toBe(0)
    for (const name of ['start', 'check', 'call NUMBER', 'user']) expect(overview.out).toContain(name)
    const help = await say('call', '--help')
    expect(help).toMatchObject({ code: 0 })
    for (const option of ['--press 1,2#', '--save FILE', '--max-seconds N', '--as EXTENSION'])
      expect(help.out).toContain(option)
  })

  it('tells its version', async () => {
    expect(await say('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('says 1 and why where what was asked for could not be done, to programs as JSON, and 2 where it was asked wrongly', async () => {
    const down = ['user', 'add', '300', '--token', 'a', '--server', 'http://127.0.0.1:1']
    const plain = await say(...down)
    expect(plain).toMatchObject({ code: 1, out: '' })
    expect(plain.err).toContain('no server answers at http://127.0.0.1:1')
    expect(plain.err).not.toContain('usage:')
    const read = await say(...down, '--json')
    expect(read.code).toBe(1)
    expect(JSON.parse(read.out)).toMatchObject({ ok: false, error: { code: 'cli.failed' } })
    const refusing = await startReceiver({
      answer: (_request, response) => {
        response.statusCode = 422
        response.end(JSON.stringify({ error: { code: 'config.invalid', message: 'The secret is too short.' } }))
      },
    })
    try {
      const refused = await say(
        'user',
        'add',
        '300',
        '--token',
        'a',
        '--server',
        refusing.url.replace(/\/$/, ''),
        '--json',
      )
      expect(refused).toMatchObject({ code: 1, err: 'switchhook user: The secret is too short.\n' })
      expect(JSON.parse(refused.out)).toMatchObject({ ok: false, error: { code: 'config.invalid' } })
    } finally {
      await refusing.close()
    }
    const wrong = await say('user', 'add', '300', '--token', 'a', '--server', 'nonsense')
    expect(wrong).toMatchObject({
      code: 2,
      err: expect.stringContaining("--server takes http://HOST:PORT, not 'nonsense'"),
    })
    await writeFile(join(folder, 'bad.yaml'), 'http: { listen: 1 }')
    const start = await say('start', '--config', 'bad.yaml', '--json')
    expect(start.code).toBe(1)
    expect(JSON.parse(start.out)).toMatchObject({ ok: false, error: { code: 'config.invalid' } })
  })

  it('verifies a Voicenter handler: 0 when it can be used, 1 when not, 2 for a wrong call', async () => {
    const answers = [
      {
        STATUS: '0',
        ACTION: 'MENU',
        LANGUAGE: 'en',
        DATA: { REC: '', LOOP: 1, DELAY: 0, SIZE: 1, MENU: 'A', VALIDATION: 0 },
      },
      { STATUS: 0, ACTION: 'HANGUP', LANGUAGE: 'en', DATA: {} },
      { STATUS: 0 },
    ]
    let asked = 0
    const handler = await startReceiver({
      answer: (_request, response) => {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(answers[asked++] ?? {}))
      },
    })
    try {
      const good = await say('verify', 'voicenter', handler.url, '--format', 'json')
      expect(good).toMatchObject({ code: 0, err: '' })
      expect(good.out).toContain('  tolerated  STATUS is "0" and not a number.\n')
      expect(good.out).toContain('The handler can be used, 1 slip is tolerated.\n')
      const bad = await say('verify', 'voicenter', handler.url, '--format', 'json', '--json')
      expect(bad.code).toBe(1)
      expect(JSON.parse(bad.out)).toMatchObject({ ok: false, wrong: 2 })
    } finally {
      await handler.close()
    }
    expect(await say('verify', 'asterisk', handler.url)).toMatchObject({ code: 2 })
    expect(await say('verify', 'voicenter', 'ftp://x/')).toMatchObject({ code: 2 })
    expect(await say('verify', 'voicenter', handler.url, '--press', '1,x')).toMatchObject({ code: 2 })
    expect(await say('verify', 'voicenter', handler.url, '--format', 'soap')).toMatchObject({ code: 2 })
  })

  it('verifies the notify_url of a Hoiio application', async () => {
    const program = await startReceiver({ answer: (_request, response) => void response.writeHead(200).end() })
    const good = await say('verify', 'hoiio', `${program.url}/in`)
    expect(good).toMatchObject({ code: 0, err: '' })
    expect(good.out).toContain('POST hangup call_state=ended: the call is over')
    await program.close()
    expect(await say('verify', 'hoiio', `${program.url}/in`)).toMatchObject({ code: 1 })
  })

  it('gives 2 and the help for a call that is wrong, naming the word', async () => {
    for (const [words, complaint] of [
      [['dial'], "no command 'dial'"],
      [['call'], 'NUMBER is missing'],
      [['call', '1', '2'], "'2' is one word too many"],
      [['call', '1', '--loud'], "'--loud'"],
      [['call', '1', '--max-seconds', 'x'], '--max-seconds takes a whole number'],
      [['call', '1', '--server', 'example'], '--server takes an IP address'],
      [['start', '--config', 'x.yaml', '--lan'], '--lan'],
      [['user', 'rename', '101'], "'rename' is neither add nor remove"],
    ] as const) {
      const { code, err } = await say(...words)
      expect(code, words.join(' ')).toBe(2)
      expect(err).toContain(complaint)
    }
  })

  it('checks a configuration: every problem with line, column, path and expectation', async () => {
    await writeFile(
      join(folder, 'switchhook.yaml'),
      'sip: { anonymous: everybody }\ntenants:\n  a: { numbers: { "1": { app: gone } } }\n',
    )
    const { code, err } = await say('check')
    expect(code).toBe(1)
    expect(err).toMatch(/switchhook\.yaml:1:\d+: sip\.anonymous: .*Expected/)
    expect(err).toMatch(/switchhook\.yaml:3:\d+: tenants\.a\.numbers\."1"\.app: .*gone/)
    const json = JSON.parse((await say('check', '--json')).out) as { ok: boolean; problems: unknown[] }
    expect(json).toMatchObject({ ok: false })
    expect(json.problems).toHaveLength(2)
    await writeFile(
      join(folder, 'switchhook.yaml'),
      'tenants: { a: { numbers: { "1": { app: menu } }, apps: { menu: { builtin: menu } } } }\n',
    )
    expect(await say('check')).toMatchObject({ code: 0, out: expect.stringContaining('1 tenant, 1 number') })
  })

  it('names a configuration file that is not there', async () => {
    expect(await say('check', '--config', 'none.yaml')).toMatchObject({
      code: 1,
      err: expect.stringContaining('none.yaml'),
    })
  })
})
