import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { SystemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { PromptLibrary } from '../../src/media/prompt-library.ts'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { startPhone } from '../../src/phone/start-phone.ts'
import type { PhoneCallOptions, PhoneResult } from '../../src/phone/test-phone.ts'
import { levelDb, shareWith, sine } from '../support/hear.ts'
import { freePort } from '../support/server-process.ts'
import { callerHz, writeWav } from '../support/stage.ts'

const root = join(import.meta.dirname, '..', '..')

interface Running {
  readonly child: ChildProcess
  readonly port: number
  readonly folder: string
}

/** Runs an example as its README says, on ports of its own, until it says that it is ready. */
async function runExample(name: string): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-example-'))
  const port = await freePort('127.0.0.1')
  const env = { ...process.env, SIP_PORT: String(port), HTTP_PORT: '0', DATA: folder }
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', name, 'index.ts')], {
    cwd: root,
    env,
  })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString()
      if (output.includes('ready: call')) resolve()
    }
    child.stdout.on('data', look)
    child.stderr.on('data', look)
    child.once('exit', (code) => reject(new Error(`the example ended with ${code}:\n${output}`)))
  })
  return { child, port, folder }
}

async function call(
  running: Running,
  options: Omit<PhoneCallOptions, 'server'>,
): Promise<{ result: PhoneResult; pcm: Int16Array }> {
  const server = { address: '127.0.0.1', port: running.port, protocol: 'udp' as const }
  const phone = await startPhone({ server, maxSeconds: options.maxSeconds })
  try {
    const result = await phone.call({ ...options, server })
    return { result, pcm: phone.ear.heard() }
  } finally {
    await phone.close()
  }
}

/** How many seconds of it are speech or anything else that loud. */
function loudSeconds(pcm: Int16Array): number {
  const tenths = Array.from({ length: Math.floor(pcm.length / 800) }, (_, i) =>
    levelDb(pcm.subarray(i * 800, (i + 1) * 800)),
  )
  return tenths.filter((level) => level > -40).length / 10
}

describe('the examples', () => {
  let running: Running | null = null

  afterEach(async () => {
    if (!running) return
    const { child, folder } = running
    running = null
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    }
    await rm(folder, { recursive: true, force: true })
  })

  it('menu: asks, answers the key in another language, says goodbye and hangs up', { timeout: 60_000 }, async () => {
    running = await runExample('menu')
    const { result, pcm } = await call(running, { number: '2000', press: parsePressScript('2'), maxSeconds: 40 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(4)
  })

  it('message: records what is said and plays it back', { timeout: 60_000 }, async () => {
    running = await runExample('message')
    const file = join(running.folder, 'said.wav')
    await writeWav(file, sine(callerHz, 3000))
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const speak = [await prompts.load(file)]
    await prompts.close()
    const { result, pcm } = await call(running, {
      number: '2001',
      speak,
      press: parsePressScript(',#'),
      maxSeconds: 50,
    })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    // Its own tone, and only from the playback: the phone does not hear itself.
    expect(shareWith(pcm, callerHz) * (pcm.length / 8000)).toBeGreaterThan(2)
  })
})
