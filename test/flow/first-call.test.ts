import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { CallRecord } from '../../src/call/records.ts'
import { PromptLibrary } from '../../src/media/prompt-library.ts'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { startPhone } from '../../src/phone/start-phone.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { loudSeconds, readWav, shareWith } from '../support/hear.ts'
import { callByPhone, type PhoneCall, type PhoneCallRequest } from '../support/phone-call.ts'
import { removeFolder } from '../support/server-process.ts'
import { lastCallTo } from '../support/server-watch.ts'
import { callerHz, keyHz, promptHz, type Stage, setStage } from '../support/stage.ts'
import { tonesIn } from '../support/stage-tones.ts'

function call(stage: Pick<Stage, 'server'>, options: Omit<PhoneCallRequest, 'sipPort'>): Promise<PhoneCall> {
  return callByPhone({ sipPort: stage.server.sipPort, ...options })
}

/** The newest call to a number, once its record is closed. */
async function lastCall(stage: Pick<Stage, 'server'>, number: string): Promise<CallRecord | undefined> {
  return await eventually(
    () => lastCallTo(stage.server, number),
    (record) => (record?.endedAt ?? null) !== null,
  )
}

interface RecordingRow {
  readonly id: string
  readonly state: string
  readonly startedAt: string
  readonly durationSeconds: number
}

async function lastRecording(stage: Pick<Stage, 'server'>): Promise<RecordingRow | undefined> {
  const { items } = (await stage.server.get('/api/v1/recordings?limit=1')) as { items: readonly RecordingRow[] }
  return items[0]
}

let database: TestDatabase | null = null
const stages = new Map<'one worker' | 'two workers' | 'PostgreSQL' | 'IPv6' | 'killed', Stage>()

beforeAll(async () => {
  database = await createTestDatabase('postgres')
  // One after the other: nothing keeps a machine as busy as starting.
  stages.set('one worker', await setStage({ workers: 1 }))
  stages.set('two workers', await setStage({ workers: 2 }))
  stages.set('PostgreSQL', await setStage({ database: database.url }))
  stages.set('IPv6', await setStage({ sipAddress: '::1' }))
  stages.set('killed', await setStage())
}, 240_000)

afterAll(async () => {
  await Promise.all([...stages.values()].map(({ server }) => server.stop()))
  for (const { server } of stages.values()) await removeFolder(server)
  await database?.remove()
})

function stageOf(name: Parameters<typeof stages.get>[0]): Stage {
  const stage = stages.get(name)
  if (!stage) throw new Error(`the server with ${name} does not run`)
  return stage
}

// Most of their time is sound in real time: the calls go on side by side, each to a number of its own.
describe.concurrent.each(['one worker', 'two workers'] as const)('a server with %s', (name) => {
  const stage = {
    get server() {
      return stageOf(name).server
    },
    get speech() {
      return stageOf(name).speech
    },
  }

  it('plays, hears keys by RFC 4733, answers each and hangs up, and its record says so', async () => {
    const { result, pcm } = await call(stage, { number: '1', press: parsePressScript('4,0') })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server', packetsLost: 0 })
    expect(tonesIn(pcm)).toEqual([promptHz, keyHz(4), keyHz(0)])
    const record = await lastCall(stage, '1')
    expect(record).toMatchObject({ to: '1', cause: 'normal', endedBy: 'program', app: 'tones' })
    expect(record?.sentence).toMatch(/^The program hung up after \d/)
  })

  it('hears keys by INFO over TCP', async () => {
    const { pcm } = await call(stage, {
      number: '5',
      press: parsePressScript('7,0'),
      pressCarrier: 'info',
      protocol: 'tcp',
    })
    expect(tonesIn(pcm)).toEqual([promptHz, keyHz(7), keyHz(0)])
  })

  it('gives the caller back what it says', async () => {
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const speak = [await prompts.load(stage.speech)]
    await prompts.close()
    const { pcm } = await call(stage, { number: '1200', speak, maxSeconds: 14 })
    const echoed = pcm.subarray(-8000 * 2)
    expect(shareWith(echoed, callerHz)).toBeGreaterThan(0.9)
  })

  it('records what the caller says, and the WAV holds it', async () => {
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const speak = [await prompts.load(stage.speech)]
    await prompts.close()
    await call(stage, { number: '2', speak, maxSeconds: 6 })
    const recording = await eventually(
      () => lastRecording(stage),
      (row) => row?.state === 'saved',
    )
    expect(recording).toMatchObject({ state: 'saved' })
    const day = new Date().toISOString().slice(0, 10)
    const file = join(stage.server.folder, 'data', 'recordings', day, `${recording?.id}.wav`)
    const { channels, rateHz } = readWav(await readFile(file))
    expect(rateHz).toBe(8000)
    const [heard = new Int16Array()] = channels
    expect(heard.length / 8000).toBeCloseTo(recording?.durationSeconds ?? 0, 1)
    expect(shareWith(heard.subarray(8000 * 3), callerHz)).toBeGreaterThan(0.9)
  })

  it('speaks the menu, and another text for a key', { timeout: 60_000 }, async () => {
    const { result, pcm } = await call(stage, { number: '1000', press: parsePressScript('1'), maxSeconds: 60 })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    // Speech, before and after the pause in which the key was pressed; of the menu alone it would be half as much.
    expect(loudSeconds(pcm)).toBeGreaterThan(6)
  })

  it('refuses a number nobody has with 404 and says why in the record', async () => {
    const { result } = await call(stage, { number: '31415' })
    expect(result).toMatchObject({ outcome: 'refused', sipStatus: 404 })
    expect((await lastCall(stage, '31415'))?.sentence).toContain('Nobody has the number 31415')
  })

  it('lets an extension prove who it is, and refuses a wrong password', async () => {
    const right = await call(stage, {
      number: '6',
      identity: { extension: '101', password: 'secret-of-101' },
      press: parsePressScript('!0'),
    })
    expect(right.result).toMatchObject({ outcome: 'completed' })
    expect(await lastCall(stage, '6')).toMatchObject({ extension: '101', from: '101' })
    const wrong = await call(stage, { number: '6', identity: { extension: '101', password: 'guess' } })
    expect(wrong.result).toMatchObject({ outcome: 'refused', sipStatus: 401 })
  })
})

describe.concurrent('a server on PostgreSQL', () => {
  it('serves a call and keeps its record', { timeout: 60_000 }, async () => {
    const stage = stageOf('PostgreSQL')
    const { pcm } = await call(stage, { number: '1', press: parsePressScript('!0') })
    expect(tonesIn(pcm)).toContain(keyHz(0))
    expect(await lastCall(stage, '1')).toMatchObject({ cause: 'normal', endedBy: 'program' })
    const ready = (await stage.server.get('/readyz')) as { parts: readonly { name: string; sentence: string }[] }
    expect(ready.parts.find((part) => part.name === 'database')?.sentence).toMatch(/PostgreSQL/)
  })
})

describe.concurrent('a server on IPv6', () => {
  it('serves a call over ::1, media included', { timeout: 60_000 }, async () => {
    const stage = stageOf('IPv6')
    const { result, pcm } = await call(stage, { address: '::1', number: '1', press: parsePressScript('!0') })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(tonesIn(pcm)).toContain(keyHz(0))
  })
})

describe.concurrent('a server that is killed', () => {
  it('has, after its restart, the recording up to the last half second and the call closed as interrupted', {
    timeout: 60_000,
  }, async () => {
    const stage = stageOf('killed')
    const prompts = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
    const speak = [await prompts.load(stage.speech)]
    await prompts.close()
    const server = { address: '127.0.0.1', port: stage.server.sipPort, protocol: 'udp' as const }
    const phone = await startPhone({ server, maxSeconds: 30 })
    const stop = new AbortController()
    const calling = phone.call({ server, number: '2', speak, maxSeconds: 30, signal: stop.signal })
    // Until the server itself says that the recording is going on and has heard three seconds.
    const recorded = async (): Promise<number> => {
      const row = await lastRecording(stage)
      return row ? Date.now() - Date.parse(row.startedAt) : 0
    }
    while ((await recorded()) < 5000) await new Promise((resolve) => setTimeout(resolve, 50))
    const lengthMs = await recorded()
    await stage.server.kill()
    stop.abort()
    const again = await setStage({ folder: stage.server.folder })
    stages.set('killed', again)
    try {
      const record = await lastCall(again, '2')
      expect(record).toMatchObject({ cause: 'interrupted', endedBy: 'server' })
      const recording = await lastRecording(again)
      expect(recording?.state).toBe('interrupted')
      expect((recording?.durationSeconds ?? 0) * 1000).toBeGreaterThan(lengthMs - 600)
      const audio = await fetch(`${again.server.httpUrl}/api/v1/recordings/${recording?.id}/audio`, {
        headers: { authorization: 'Bearer test-admin-token' },
      })
      const { channels } = readWav(new Uint8Array(await audio.arrayBuffer()))
      expect(shareWith((channels[0] ?? new Int16Array()).subarray(8000 * 3), callerHz)).toBeGreaterThan(0.9)
    } finally {
      await phone.close()
      await calling
    }
  })
})
