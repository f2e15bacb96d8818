import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { CallRecord } from '../../src/call/records.ts'
import { PromptLibrary } from '../../src/media/prompt-library.ts'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { type RunningPhone, startPhone } from '../../src/phone/start-phone.ts'
import type { PhoneCallOptions, PhoneResult } from '../../src/phone/test-phone.ts'
import { createTestDatabase } from '../support/databases.ts'
import { levelDb, readWav, shareWith } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { callerHz, keyHz, promptHz, type Stage, setStage } from '../support/stage.ts'
import { tonesIn } from '../support/stage-tones.ts'

interface Heard {
  readonly result: PhoneResult
  readonly pcm: Int16Array
}

async function call(
  stage: Stage,
  options: Partial<PhoneCallOptions> & { number: string; protocol?: 'udp' | 'tcp' },
): Promise<Heard> {
  const server = { address: '127.0.0.1', port: stage.server.sipPort, protocol: options.protocol ?? ('udp' as const) }
  const maxSeconds = options.maxSeconds ?? 20
  const phone: RunningPhone = await startPhone({ server, maxSeconds })
  try {
    const result = await phone.call({ ...options, server, maxSeconds })
    return { result, pcm: phone.ear.heard() }
  } finally {
    await phone.close()
  }
}

/** Polls until it holds: the server is a process of its own. */
async function eventually<Value>(read: () => Promise<Value>, holds: (value: Value) => boolean): Promise<Value> {
  for (let i = 0; i < 100; i++) {
    const value = await read()
    if (holds(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return await read()
}

/** The newest call, once its record is closed. */
async function lastCall(stage: Stage): Promise<CallRecord> {
  const read = async (): Promise<CallRecord> => {
    const { items } = (await stage.server.get('/api/v1/calls?limit=1')) as { items: readonly CallRecord[] }
    return items[0] as CallRecord
  }
  return await eventually(read, (record) => record.endedAt !== null)
}

interface RecordingRow {
  readonly id: string
  readonly state: string
  readonly startedAt: string
  readonly durationSeconds: number
}

async function lastRecording(stage: Stage): Promise<RecordingRow | undefined> {
  const { items } = (await stage.server.get('/api/v1/recordings?limit=1')) as { items: readonly RecordingRow[] }
  return items[0]
}

describe.each([1, 2])('a server with media.workers: %i', (workers) => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage({ workers })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  it('plays, hears keys by RFC 4733, answers each and hangs up, and its record says so', async () => {
    const { result, pcm } = await call(stage, { number: '1', press: parsePressScript('4,0') })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server', packetsLost: 0 })
    expect(tonesIn(pcm)).toEqual([promptHz, keyHz(4), keyHz(0)])
    const record = await lastCall(stage)
    expect(record).toMatchObject({ to: '1', cause: 'normal', endedBy: 'program', app: 'tones' })
    expect(record.sentence).toMatch(/^The program hung up after \d/)
  })

  it('hears keys by INFO over TCP', async () => {
    const { pcm } = await call(stage, {
      number: '1',
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
    // Speech: seconds of it, well above silence, before and after the pause in which the key was pressed.
    const seconds = Array.from({ length: Math.floor(pcm.length / 8000) }, (_, i) =>
      levelDb(pcm.subarray(i * 8000, (i + 1) * 8000)),
    )
    expect(seconds.filter((level) => level > -40).length).toBeGreaterThan(8)
  })

  it('refuses a number nobody has with 404 and says why in the record', async () => {
    const { result } = await call(stage, { number: '31415' })
    expect(result).toMatchObject({ outcome: 'refused', sipStatus: 404 })
    expect((await lastCall(stage)).sentence).toContain('Nobody has the number 31415')
  })

  it('lets an extension prove who it is, and refuses a wrong password', async () => {
    const right = await call(stage, {
      number: '1',
      identity: { extension: '101', password: 'secret-of-101' },
      press: parsePressScript('!0'),
    })
    expect(right.result).toMatchObject({ outcome: 'completed' })
    expect(await lastCall(stage)).toMatchObject({ extension: '101', from: '101' })
    const wrong = await call(stage, { number: '1', identity: { extension: '101', password: 'guess' } })
    expect(wrong.result).toMatchObject({ outcome: 'refused', sipStatus: 401 })
  })
})

describe('a server on PostgreSQL', () => {
  it('serves a call and keeps its record', { timeout: 60_000 }, async () => {
    const database = await createTestDatabase('postgres')
    const stage = await setStage({ database: database.url })
    try {
      const { pcm } = await call(stage, { number: '1', press: parsePressScript('!0') })
      expect(tonesIn(pcm)).toContain(keyHz(0))
      expect(await lastCall(stage)).toMatchObject({ cause: 'normal', endedBy: 'program' })
      const ready = (await stage.server.get('/readyz')) as { parts: readonly { name: string; sentence: string }[] }
      expect(ready.parts.find(({ name }) => name === 'database')?.sentence).toMatch(/PostgreSQL/)
    } finally {
      await stage.server.stop()
      await removeFolder(stage.server)
      await database.remove()
    }
  })
})

describe('a server on IPv6', () => {
  it('serves a call over ::1, media included', { timeout: 60_000 }, async () => {
    const stage = await setStage({ sipAddress: '::1' })
    const server = { address: '::1', port: stage.server.sipPort, protocol: 'udp' as const }
    const phone = await startPhone({ server, maxSeconds: 20 })
    try {
      const result = await phone.call({ server, number: '1', press: parsePressScript('!0'), maxSeconds: 20 })
      expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
      expect(tonesIn(phone.ear.heard())).toContain(keyHz(0))
    } finally {
      await phone.close()
      await stage.server.stop()
      await removeFolder(stage.server)
    }
  })
})

describe('a server that is killed', () => {
  it('has, after its restart, the recording up to the last half second and the call closed as interrupted', {
    timeout: 60_000,
  }, async () => {
    const stage = await setStage()
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
    try {
      const call = await lastCall(again)
      expect(call).toMatchObject({ cause: 'interrupted', endedBy: 'server' })
      const recording = await lastRecording(again)
      expect(recording?.state).toBe('interrupted')
      expect((recording?.durationSeconds ?? 0) * 1000).toBeGreaterThan(lengthMs - 600)
      const audio = await fetch(`${again.server.httpUrl}/api/v1/recordings/${recording?.id}/audio`, {
        headers: { authorization: 'Bearer test-admin-token' },
      })
      const { channels } = readWav(new Uint8Array(await audio.arrayBuffer()))
      expect(shareWith((channels[0] ?? new Int16Array()).subarray(8000 * 3), callerHz)).toBeGreaterThan(0.9)
    } finally {
      await again.server.stop()
      await phone.close()
      await calling
      await removeFolder(again.server)
    }
  })
})
