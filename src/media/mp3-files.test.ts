import { copyFile, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { frequenciesIn, sine } from '../../test/support/hear.ts'
import { readMp3 } from '../../test/support/hear-mp3.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { SwitchhookError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { type Mp3File, Mp3Files, type Mp3FilesOptions } from './mp3-files.ts'
import { type WavShape, wavHeader } from './wav-header.ts'

let folder: string
let clock: TestClock
let files: Mp3Files

async function start(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-mp3-'))
  clock = new TestClock()
  files = make()
}

async function end(): Promise<void> {
  await files.close()
  expect(clock.pending).toBe(0)
  await rm(folder, { recursive: true, force: true })
}

const cached = (): Promise<string[]> => readdir(join(folder, 'cache'))

function make(options: Partial<Mp3FilesOptions> = {}): Mp3Files {
  return new Mp3Files({ clock, log: silentLogger, folder: join(folder, 'cache'), ...options })
}

/** A recording whose channels hold a tone each. */
async function recording(
  tones: readonly number[],
  ms: number,
  options: { name?: string; shape?: Partial<WavShape>; promisedBytes?: number } = {},
): Promise<string> {
  const channels = tones.map((hz) => sine(hz, ms))
  const frames = channels[0]?.length ?? 0
  const samples = new Int16Array(frames * channels.length)
  for (const [index, channel] of channels.entries()) {
    for (let i = 0; i < frames; i++) samples[i * channels.length + index] = channel[i] ?? 0
  }
  const path = join(folder, options.name ?? 'recording.wav')
  const shape: WavShape = {
    encoding: 'pcm16',
    rateHz: 8000,
    channels: channels.length === 2 ? 2 : 1,
    ...options.shape,
  }
  const header = wavHeader(shape, options.promisedBytes ?? samples.byteLength)
  await writeFile(path, Buffer.concat([header, Buffer.from(samples.buffer)]))
  return path
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

async function whole(file: Mp3File): Promise<Buffer> {
  const bytes = await bytesOf(file.read(0, file.bytes - 1))
  expect(bytes.length).toBe(file.bytes)
  return bytes
}

interface Heard {
  readonly rateHz: number
  readonly channels: number
  readonly ms: number
  /** The strongest frequency of each channel. */
  readonly tones: readonly (number | undefined)[]
}

async function hear(mp3: Buffer): Promise<Heard> {
  const { rateHz, channels } = await readMp3(mp3)
  const ms = Math.round(((channels[0]?.length ?? 0) / rateHz) * 1000)
  return { rateHz, channels: channels.length, ms, tones: channels.map((pcm) => frequenciesIn(pcm, rateHz)[0]?.hz) }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'made',
    (thrown: unknown) => (thrown instanceof SwitchhookError ? thrown.code : String(thrown)),
  )

describe('a recording as mp3', () => {
  // One thread for all of them: its start takes longer than they do.
  beforeAll(start)
  afterAll(end)

  it('sounds as the recording, of one channel', async () => {
    const file = await files.open(await recording([440], 3000))
    const { rateHz, channels, ms, tones } = await hear(await whole(file))
    expect(rateHz).toBe(8000)
    expect(channels).toBe(1)
    expect(Math.abs((tones[0] ?? 0) - 440)).toBeLessThan(5)
    // Encoders begin with silence and end with a whole frame.
    expect(ms).toBeGreaterThanOrEqual(3000)
    expect(ms).toBeLessThan(3250)
  })

  it('keeps the two channels of a monitored call apart', async () => {
    const { channels, tones } = await hear(await whole(await files.open(await recording([500, 1300], 2000))))
    expect(channels).toBe(2)
    expect(Math.abs((tones[0] ?? 0) - 500)).toBeLessThan(5)
    expect(Math.abs((tones[1] ?? 0) - 1300)).toBeLessThan(5)
  })

  it('is valid for a caller who hung up at once', async () => {
    const mp3 = await whole(await files.open(await recording([440], 0)))
    expect((await hear(mp3)).ms).toBeLessThan(300)
  })

  it('has all of a recording whose header was not written to the end', async () => {
    const path = await recording([440], 4000, { promisedBytes: 16_000 })
    expect((await hear(await whole(await files.open(path)))).ms).toBeGreaterThanOrEqual(4000)
  })

  it('has what there is of a recording that was cut, half a sample aside', async () => {
    const path = await recording([440], 4000)
    await truncate(path, 44 + 16_001)
    const { ms } = await hear(await whole(await files.open(path)))
    expect(ms).toBeGreaterThanOrEqual(1000)
    expect(ms).toBeLessThan(1250)
  })

  it('is made anew when the recording has gone on', async () => {
    const path = await recording([440], 1000)
    const first = await whole(await files.open(path))
    const { kept } = files.counts
    await recording([440], 2000)
    const second = await whole(await files.open(path))
    expect(second.length).toBeGreaterThan(first.length * 1.5)
    expect(files.counts.kept).toBe(kept)
    expect(await eventually(cached, (names) => names.length === kept)).toHaveLength(kept)
  })

  it.each([
    ['media.wav-malformed', 'no WAV at all'],
    ['media.wav-malformed', ''],
  ])('%s for %j', async (code, text) => {
    const path = join(folder, 'damaged.wav')
    await writeFile(path, text)
    const { kept } = files.counts
    expect(await codeOf(files.open(path))).toBe(code)
    expect(files.counts).toEqual({ kept, running: 0, waiting: 0 })
  })

  it('refuses what the recorder does not write', async () => {
    const shape: Partial<WavShape> = { rateHz: 16_000 }
    expect(await codeOf(files.open(await recording([440], 100, { shape })))).toBe('media.wav-unsupported')
  })

  it('says that a file is gone', async () => {
    expect(await codeOf(files.open(join(folder, 'nothing.wav')))).toBe('media.file-not-found')
  })

  it('says that the disk did not take it', async () => {
    const path = await recording([440], 100)
    await writeFile(join(folder, 'file'), '')
    const others = make({ folder: join(folder, 'file', 'cache') })
    expect(await codeOf(others.open(path))).toBe('media.mp3-failed')
    await others.close()
  })
})

describe('the files of mp3', () => {
  beforeEach(start)
  afterEach(end)

  it('makes one file for all who ask for it at once, and keeps it', async () => {
    const path = await recording([440], 5000)
    const asked = await Promise.all([files.open(path), files.open(path), files.open(path)])
    expect(files.counts).toMatchObject({ kept: 1, running: 1, waiting: 0 })
    const all = await Promise.all(asked.map((file) => whole(file)))
    expect(all[1]?.equals(all[0] ?? Buffer.alloc(0))).toBe(true)
    const again = await whole(await files.open(path))
    expect(again.equals(all[0] ?? Buffer.alloc(0))).toBe(true)
    expect(await cached()).toEqual(['0.mp3'])
  })

  it('tells its length before it is made, and gives ranges of it', async () => {
    const path = await recording([440], 20_000)
    const file = await files.open(path)
    expect(files.counts.running).toBe(1)
    const range = await files.open(path)
    const tail = bytesOf(range.read(file.bytes - 1000, file.bytes - 1))
    const start = await files.open(path)
    const head = bytesOf(start.read(0, 99))
    const all = await whole(file)
    expect((await head).equals(all.subarray(0, 100))).toBe(true)
    expect((await tail).equals(all.subarray(-1000))).toBe(true)
  })

  it('stops what nobody reads any more, half a minute later', async () => {
    const path = await recording([440], 600_000)
    const stream = (await files.open(path)).read(0, 1_000_000)
    await new Promise((resolve) => stream.once('readable', resolve))
    stream.destroy()
    expect(
      await eventually(
        () => clock.pending,
        (pending) => pending > 1,
      ),
    ).toBeGreaterThan(1)
    expect(files.counts).toMatchObject({ kept: 1, running: 1 })
    clock.advance(30_000)
    expect(files.counts.kept).toBe(0)
    expect(
      await eventually(
        () => files.counts.running,
        (running) => running === 0,
      ),
    ).toBe(0)
    expect(await eventually(cached, (names) => names.length === 0)).toEqual([])
  })

  it('goes on for a player that hangs up and comes back', async () => {
    const path = await recording([440], 30_000)
    const first = await files.open(path)
    await first.close()
    clock.advance(20_000)
    const second = await files.open(path)
    const third = await files.open(path)
    // Ten seconds of it: the thread has been heard of since.
    await bytesOf(third.read(0, 40_000))
    clock.advance(20_000)
    await whole(second)
    expect(await cached()).toEqual(['0.mp3'])
  })

  it('forgets an mp3 an hour after it was made', async () => {
    await whole(await files.open(await recording([440], 500)))
    clock.advance(3_600_000)
    expect(files.counts.kept).toBe(0)
    expect(await eventually(cached, (names) => names.length === 0)).toEqual([])
  })

  it('removes the oldest over its bound, and lets who reads it read on', async () => {
    await files.close()
    files = make({ mostBytes: 20_000 })
    const path = await recording([440], 3000, { name: 'first.wav' })
    const other = join(folder, 'second.wav')
    await copyFile(path, other)
    const slow = await files.open(path)
    const bytes = slow.bytes
    await whole(await files.open(other))
    expect(files.counts.kept).toBe(2)
    expect((await whole(slow)).length).toBe(bytes)
    await copyFile(path, join(folder, 'third.wav'))
    await whole(await files.open(join(folder, 'third.wav')))
    expect(files.counts.kept).toBe(1)
  })

  it('takes so many at once, lets so many wait, and refuses the rest', async () => {
    await files.close()
    files = make({ maxRunning: 1, maxWaiting: 1 })
    const path = await recording([440], 2000)
    const names = ['a.wav', 'b.wav', 'c.wav'].map((name) => join(folder, name))
    for (const name of names) await copyFile(path, name)
    const outcomes = await Promise.all(names.map((name) => codeOf(files.open(name).then(whole))))
    expect(outcomes.sort()).toEqual(['made', 'made', 'media.mp3-busy'])
  })

  it('tells whoever waits that the thread hangs, and starts another', async () => {
    const path = await recording([440], 600_000)
    const outcome = codeOf(files.open(path).then(whole))
    expect(
      await eventually(
        () => files.counts.running,
        (running) => running === 1,
      ),
    ).toBe(1)
    clock.advance(30_000)
    expect(await outcome).toBe('media.mp3-failed')
    await recording([440], 500)
    expect(await codeOf(files.open(path).then(whole))).toBe('made')
  })

  it('removes what an earlier run left', async () => {
    await mkdir(join(folder, 'cache'), { recursive: true })
    await writeFile(join(folder, 'cache', '0.mp3'), 'a part of a file')
    const { tones } = await hear(await whole(await files.open(await recording([700], 1000))))
    expect(Math.abs((tones[0] ?? 0) - 700)).toBeLessThan(5)
  })
})
