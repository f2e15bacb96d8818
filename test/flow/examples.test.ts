import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { PromptLibrary } from '../../src/media/prompt-library.ts'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { loudSeconds, shareWith, sine } from '../support/hear.ts'
import { callByPhone, type PhoneCall, type PhoneCallRequest } from '../support/phone-call.ts'
import { freePort, spawnOwn } from '../support/server-process.ts'
import { callerHz, writeWav } from '../support/stage.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
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
  const program = ['--import', 'tsx', join(root, 'examples', name, 'index.ts')]
  const child = spawnOwn(program, { cwd: root, env, folder })
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

async function endExample({ child, folder }: Running): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  await rm(folder, { recursive: true, force: true })
}

const names = ['menu', 'message', 'conference', 'voicenter', 'dial', 'hoiio'] as const

function call(running: Running, options: Omit<PhoneCallRequest, 'sipPort'>): Promise<PhoneCall> {
  return callByPhone({ sipPort: running.port, ...options })
}

// Most of their time is people talking: they go on side by side.
describe.concurrent('the examples', () => {
  const examples = new Map<(typeof names)[number], Running>()

  beforeAll(async () => {
    // One after the other: nothing keeps a machine as busy as starting.
    for (const name of names) examples.set(name, await runExample(name))
  }, 240_000)

  afterAll(() => Promise.all([...examples.values()].map(endExample)))

  function running(name: (typeof names)[number]): Running {
    const found = examples.get(name)
    if (!found) throw new Error(`the example ${name} does not run`)
    return found
  }

  it('menu: asks, answers the key in another language, says goodbye and hangs up', { timeout: 60_000 }, async () => {
    const example = running('menu')
    const { result, pcm } = await call(example, { number: '2000', press: parsePressScript('2'), maxSeconds: 40 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(4)
  })

  it('message: records what is said and plays it back', { timeout: 60_000 }, async () => {
    const example = running('message')
    const file = join(example.folder, 'said.wav')
    await writeWav(file, sine(callerHz, 3000))
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const speak = [await prompts.load(file)]
    await prompts.close()
    const { result, pcm } = await call(example, {
      number: '2001',
      speak,
      press: parsePressScript(',#'),
      maxSeconds: 50,
    })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    // Its own tone, and only from the playback: the phone does not hear itself.
    expect(shareWith(pcm, callerHz) * (pcm.length / 8000)).toBeGreaterThan(2)
  })

  it('conference: two who call hear each other, and not themselves', {
    timeout: 90_000,
  }, async () => {
    const example = running('conference')
    // Where neither the voice nor the music is loud.
    const [annHz, bobHz] = [2100, 2700]
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const toneOf = async (hz: number) => {
      const file = join(example.folder, `${hz}.wav`)
      await writeWav(file, sine(hz, 4000))
      return await prompts.load(file)
    }
    const speak = [await toneOf(annHz), await toneOf(bobHz)] as const
    await prompts.close()
    const [ann, bob] = await Promise.all([
      call(example, { number: '2002', speak: [speak[0]], maxSeconds: 30 }),
      call(example, { number: '2002', speak: [speak[1]], maxSeconds: 30 }),
    ])
    const secondsOf = (pcm: Int16Array, hz: number): number => shareWith(pcm, hz, 8000, -25) * (pcm.length / 8000)
    expect(secondsOf(ann.pcm, bobHz)).toBeGreaterThan(1)
    expect(secondsOf(bob.pcm, annHz)).toBeGreaterThan(1)
    expect(secondsOf(ann.pcm, annHz)).toBeLessThan(0.2)
    expect(secondsOf(bob.pcm, bobHz)).toBeLessThan(0.2)
  })

  it('voicenter: the handler in JSON says its menu, and goodbye', { timeout: 60_000 }, async () => {
    const example = running('voicenter')
    const { result, pcm } = await call(example, { number: '2004', press: parsePressScript('9'), maxSeconds: 40 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(1)
  })

  it.skipIf(!hasPython)('voicenter: the handler in Python reads the code back', { timeout: 60_000 }, async () => {
    const example = running('voicenter')
    const press = parsePressScript(',1234,1')
    const { result, pcm } = await call(example, { number: '2005', press, maxSeconds: 50 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(5)
  })

  it('dial: says so when nobody is there, and goodbye', { timeout: 60_000 }, async () => {
    const example = running('dial')
    const { result, pcm } = await call(example, { number: '2003', press: parsePressScript('1'), maxSeconds: 40 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(3)
  })

  it('hoiio: a program over REST asks, reads the digits back, and is told of the end', {
    timeout: 60_000,
  }, async () => {
    const example = running('hoiio')
    const { result, pcm } = await call(example, {
      number: '2006',
      press: parsePressScript('3,12#,9'),
      maxSeconds: 50,
    })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(loudSeconds(pcm)).toBeGreaterThan(8)
  })
})
