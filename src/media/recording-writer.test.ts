import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readWav } from '../../test/support/hear.ts'
import { settle, TestClock } from '../../test/support/test-clock.ts'
import type { RecordingId } from '../base/ids.ts'
import { silentLogger } from '../base/log.ts'
import { RecordingClient } from './recording-client.ts'
import { RecordingDesk } from './recording-desk.ts'
import { RecordingWriter } from './recording-writer.ts'
import { repairWav } from './wav-repair.ts'

let folder = ''
const clock = new TestClock()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-recordings-'))
})
afterEach(() => rm(folder, { recursive: true }))

const id = (text: string): RecordingId => text as RecordingId
const unexpected = (problem: string): void => expect.fail(problem)

/** Until `isSo` holds: other threads work in their own time. The test's own time-out bounds it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

describe('the recording writer', () => {
  it('writes what a media worker hands it, in a file only its user may read', async () => {
    const writer = new RecordingWriter({ clock, log: silentLogger, folder })
    const client = new RecordingClient(writer.newPort())
    const file = join(folder, '2026-01-01', 'rec_1.wav')
    const recording = client.open({ recordingId: id('rec_1'), file, channels: 2 }, unexpected)
    for (let slice = 0; slice < 10; slice++) recording.write(new Int16Array(4000).fill(slice))
    const result = await recording.close()
    expect(result).toEqual({ durationMs: 2500, fileBytes: 44 + 80_000, problem: null })
    expect(await recording.close()).toBe(result)
    const { channels } = readWav(await readFile(file))
    expect(channels.map((channel) => channel[19_999])).toEqual([9, 9])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await until(() => client.waitingBytes === 0)
    await writer.close()
  })

  it('serves several media workers at once', async () => {
    const writer = new RecordingWriter({ clock, log: silentLogger, folder })
    const clients = [1, 2, 3].map(() => new RecordingClient(writer.newPort()))
    const recordings = clients.flatMap((client, worker) =>
      [0, 1, 2, 3].map((number) => {
        const name = `rec_${worker}_${number}`
        return client.open({ recordingId: id(name), file: join(folder, `${name}.wav`), channels: 1 }, unexpected)
      }),
    )
    for (let slice = 0; slice < 4; slice++) {
      for (const [index, recording] of recordings.entries()) recording.write(new Int16Array(2000).fill(index))
    }
    const results = await Promise.all(recordings.map((recording) => recording.close()))
    for (const result of results) expect(result).toEqual({ durationMs: 1000, fileBytes: 16_044, problem: null })
    const { channels } = readWav(await readFile(join(folder, 'rec_2_3.wav')))
    expect(channels[0]?.every((sample) => sample === 11)).toBe(true)
    await writer.close()
  })

  it('makes every file whole when it is closed', async () => {
    const writer = new RecordingWriter({ clock, log: silentLogger, folder })
    const client = new RecordingClient(writer.newPort())
    const recording = client.open({ recordingId: id('a'), file: join(folder, 'a.wav'), channels: 1 }, () => {})
    recording.write(new Int16Array(2000))
    await until(() => client.waitingBytes === 0)
    await writer.close()
    expect(readWav(await readFile(join(folder, 'a.wav'))).channels[0]?.length).toBe(2000)
    expect(clock.pending).toBe(0)
  })

  it.each(['../outside.wav', 'sub/../../outside.wav', '.hidden.wav', 'a b.wav', 'a.mp3', '-/../x\u0000.wav'])(
    'refuses the name %s',
    async (name) => {
      const { port1, port2 } = new MessageChannel()
      const desk = new RecordingDesk({ folder, isSynced: false })
      desk.accept(port2)
      const problems: string[] = []
      const client = new RecordingClient(port1)
      const recording = client.open({ recordingId: id('a'), file: `${folder}/${name}`, channels: 1 }, (problem) =>
        problems.push(problem),
      )
      recording.write(new Int16Array(100))
      expect(await recording.close()).toMatchObject({ durationMs: 0, fileBytes: 0 })
      expect(problems).toEqual(['The name of the recording is not one inside the recordings folder.'])
      await until(() => client.waitingBytes === 0)
      port1.close()
    },
  )

  it('tells a recording that cannot be made at once, and the call goes on', async () => {
    const { port1, port2 } = new MessageChannel()
    const desk = new RecordingDesk({
      folder,
      isSynced: false,
      make: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
    })
    desk.accept(port2)
    const problems: string[] = []
    const client = new RecordingClient(port1)
    const recording = client.open({ recordingId: id('a'), file: join(folder, 'a.wav'), channels: 1 }, (problem) =>
      problems.push(problem),
    )
    await until(() => problems.length > 0)
    recording.write(new Int16Array(2000))
    expect(await recording.close()).toEqual({
      durationMs: 0,
      fileBytes: 0,
      problem: 'The disk of the recordings folder is full.',
    })
    expect(problems).toEqual(['The disk of the recordings folder is full.'])
    expect(client.waitingBytes).toBe(0)
    port1.close()
  })

  it('bounds what waits for a thread that does not answer', async () => {
    const { port1, port2 } = new MessageChannel()
    const problems: string[] = []
    const client = new RecordingClient(port1)
    const recording = client.open({ recordingId: id('a'), file: join(folder, 'a.wav'), channels: 2 }, (problem) =>
      problems.push(problem),
    )
    for (let slice = 0; slice < 10_000; slice++) recording.write(new Int16Array(4000))
    expect(client.waitingBytes).toBeLessThanOrEqual(64 * 1024 * 1024)
    expect(problems).toEqual(['The thread that writes recordings did not keep up.'])
    const closing = recording.close()
    port2.close()
    expect((await closing).problem).toBe(problems[0])
  })

  it('fails what is open when the thread is gone, and goes on over a new port', async () => {
    const first = new MessageChannel()
    const problems: string[] = []
    const client = new RecordingClient(first.port1)
    const open = (name: string): ReturnType<RecordingClient['open']> =>
      client.open({ recordingId: id(name), file: join(folder, `${name}.wav`), channels: 1 }, (problem) =>
        problems.push(problem),
      )
    const lost = open('lost')
    first.port2.close()
    await until(() => problems.length === 1)
    lost.write(new Int16Array(100))
    expect((await lost.close()).problem).toBe('The thread that writes recordings stopped.')
    const between = open('between')
    await settle()
    expect(problems).toHaveLength(2)
    expect((await between.close()).problem).toBe('The thread that writes recordings stopped.')

    const desk = new RecordingDesk({ folder, isSynced: false })
    const second = new MessageChannel()
    desk.accept(second.port2)
    client.usePort(second.port1)
    const kept = open('kept')
    kept.write(new Int16Array(8000))
    expect(await kept.close()).toEqual({ durationMs: 1000, fileBytes: 16_044, problem: null })
    second.port1.close()
  })

  it('starts a new thread a second after the old one died, and says so', async () => {
    let restarts = 0
    const restarted = (): void => {
      restarts++
    }
    const writer = new RecordingWriter({ clock, log: silentLogger, folder, restarted })
    const client = new RecordingClient(writer.newPort())
    const problems: string[] = []
    const recording = client.open({ recordingId: id('a'), file: join(folder, 'a.wav'), channels: 1 }, (problem) =>
      problems.push(problem),
    )
    // Nothing of ours sends this; a defect in the thread would end it the same way.
    writer.newPort().postMessage(null)
    await until(() => problems.length === 1 && clock.pending === 1)
    expect((await recording.close()).problem).toBe('The thread that writes recordings stopped.')
    clock.advance(1000)
    expect(restarts).toBe(1)
    client.usePort(writer.newPort())
    const next = client.open({ recordingId: id('b'), file: join(folder, 'b.wav'), channels: 1 }, unexpected)
    next.write(new Int16Array(2000))
    expect(await next.close()).toEqual({ durationMs: 250, fileBytes: 4044, problem: null })
    await writer.close()
  })

  it('keeps after kill -9 all that had left for the disk, and it plays after the repair', async () => {
    const file = join(folder, 'killed.wav')
    const program = fileURLToPath(new URL('../../test/fixtures/media/record-until-killed.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, file])
    let printed = ''
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString()
      if (printed.includes('\n21\n')) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const slices = Number(printed.trim().split('\n').at(-1))
    expect(slices).toBeGreaterThanOrEqual(21)
    const { outcome, durationMs } = await repairWav(file)
    expect(['repaired', 'sound']).toContain(outcome)
    expect(durationMs).toBeGreaterThanOrEqual(slices * 250)
    const samples = readWav(await readFile(file)).channels[0] as Int16Array
    for (let i = 0; i < slices * 2000; i++) if (samples[i] !== i % 32_768) expect.fail(`sample ${i} is ${samples[i]}`)
  }, 60_000)
})
