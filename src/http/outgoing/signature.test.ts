import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../base/clock.ts'
import { signature } from './signature.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/events.md'), 'utf8')
const hasPython = spawnSync('python3', ['--version']).status === 0

/** The one example of the page in that language. */
function example(language: string): string {
  const [found, ...more] = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    (one) => one[1],
  )
  expect(more).toEqual([])
  return found ?? ''
}

interface Check {
  readonly signature: string
  readonly eventId: string
  readonly body: string
}

const runners = {
  ts: {
    command: [process.execPath, '--import', import.meta.resolve('tsx')],
    file: 'check.ts',
    tail: `
import { readFileSync } from 'node:fs'
const checks = JSON.parse(readFileSync(0, 'utf8')) as { signature: string; eventId: string; body: string }[]
console.log(JSON.stringify(checks.map((one) => isGenuine({ 'switchhook-signature': one.signature, 'switchhook-event-id': one.eventId }, Buffer.from(one.body), 'a long secret'))))
`,
  },
  python: {
    command: ['python3'],
    file: 'check.py',
    tail: `
import json, sys
checks = json.load(sys.stdin)
print(json.dumps([is_genuine({"Switchhook-Signature": one["signature"], "Switchhook-Event-Id": one["eventId"]}, one["body"].encode(), "a long secret") for one in checks]))
`,
  },
} as const

describe('the signature of a request', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchhook-docs-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs the example of the page as it stands. */
  function run(language: keyof typeof runners, checks: readonly Check[]): unknown {
    const { command, file, tail } = runners[language]
    const path = join(folder, file)
    writeFileSync(path, example(language) + tail)
    const [program = '', ...parameters] = command
    const { stdout, stderr } = spawnSync(program, [...parameters, path], { input: JSON.stringify(checks) })
    expect(stderr.toString()).toBe('')
    return JSON.parse(stdout.toString())
  }

  const check = (language: keyof typeof runners): void => {
    const body = '{"id":"e1","text":"ünïcode"}'
    const now = new SystemClock().wallTime()
    const sign = (secrets: readonly string[], atMs = now): Check => {
      return { signature: signature({ secrets, eventId: 'e1' }, body, atMs), eventId: 'e1', body }
    }
    const good = sign(['a long secret'])
    const checks: readonly (readonly [check: Check, isGenuine: boolean])[] = [
      [good, true],
      [sign(['a new secret', 'a long secret']), true],
      [sign(['a long secret', 'an old secret']), true],
      [sign(['another secret']), false],
      [sign(['a long secret'], now - 400_000), false],
      [sign(['a long secret'], now + 400_000), false],
      [sign([]), false],
      [{ ...good, body: `${body} ` }, false],
      [{ ...good, eventId: 'e2' }, false],
      [{ ...good, signature: good.signature.replace(/t=\d+/, `t=${Math.floor(now / 1000) + 1}`) }, false],
      [{ ...good, signature: '' }, false],
      [{ ...good, signature: 'nonsense' }, false],
    ]
    expect(
      run(
        language,
        checks.map(([one]) => one),
      ),
    ).toEqual(checks.map(([, isGenuine]) => isGenuine))
  }

  it('is told genuine or not by the example of the documentation in TypeScript', () => check('ts'))

  it.skipIf(!hasPython)('is told genuine or not by the example of the documentation in Python', () => check('python'))
})
