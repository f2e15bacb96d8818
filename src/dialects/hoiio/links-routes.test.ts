import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { frequenciesIn, readWav, sine } from '../../../test/support/hear.ts'
import { readMp3 } from '../../../test/support/hear-mp3.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import { LimitError, StoreError } from '../../base/errors.ts'
import type { CallId, RecordingId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import type { RecordingRecord, RecordingState } from '../../call/records.ts'
import { createHttpServer, type HttpServer } from '../../http/server.ts'
import { Mp3Files } from '../../media/mp3-files.ts'
import { wavHeader } from '../../media/wav-header.ts'
import { RecordingLinks } from './links.ts'
import { recordingRoutes } from './links-routes.ts'

const clock = new TestClock()
const rows = new Map<RecordingId, RecordingRecord>()
let folder: string
let server: HttpServer
let base: string
let mp3: Mp3Files
let isBusy = false
let isBroken = false

const links = new RecordingLinks(() => base, 'key-of-the-test')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-links-'))
  mp3 = new Mp3Files({ clock, log: silentLogger, folder: join(folder, 'cache') })
  server = await createHttpServer({ log: silentLogger, version: '0' })
  await server.register(async (scope) =>
    recordingRoutes(scope, {
      links,
      recordings: { get: async (id) => rows.get(id) ?? null },
      mp3: {
        open: async (path) => {
          if (isBusy) throw new LimitError('media.mp3-busy', 'Too many.')
          const file = await mp3.open(path)
          if (!isBroken) return file
          await file.close()
          const thrown = new StoreError('media.mp3-failed', 'The disk is full.')
          return { ...file, read: () => new Readable({ read: (): void => void 0, construct: (done) => done(thrown) }) }
        },
      },
      dataFolder: folder,
      log: silentLogger,
    }),
  )
  await server.listen({ port: 0, host: '127.0.0.1' })
  base = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`
})

afterAll(async () => {
  await server.close()
  await mp3.close()
  await rm(folder, { recursive: true, force: true })
  expect(clock.pending).toBe(0)
})

beforeEach(() => {
  isBusy = false
  isBroken = false
})

/** A monitored call: the caller at 500 Hz on the left, what it heard at 1,300 Hz on the right. */
async function recorded(id: string, state: RecordingState = 'saved', seconds = 2): Promise<string> {
  const [left, right] = [sine(500, seconds * 1000), sine(1300, seconds * 1000)]
  const pcm = Buffer.alloc(left.length * 4)
  for (let i = 0; i < left.length; i++) {
    pcm.writeInt16LE(left[i] ?? 0, i * 4)
    pcm.writeInt16LE(right[i] ?? 0, i * 4 + 2)
  }
  const header = wavHeader({ encoding: 'pcm16', channels: 2, rateHz: 8000 }, pcm.length)
  await writeFile(join(folder, `${id}.wav`), Buffer.concat([header, pcm]))
  rows.set(
    id as RecordingId,
    {
      id: id as RecordingId,
      callId: 'call_1' as CallId,
      tenant: 'acme',
      file: `${id}.wav`,
      state,
      channels: 2,
      startedAt: 0,
      durationMs: seconds * 1000,
      fileBytes: 44 + pcm.length,
      problem: null,
    } as unknown as RecordingRecord,
  )
  return links.linkOf(id as RecordingId)
}

const bytesOf = async (answer: Response): Promise<Uint8Array> => new Uint8Array(await answer.arrayBuffer())

async function hear(bytes: Uint8Array): Promise<readonly number[]> {
  const { rateHz, channels } = await readMp3(bytes)
  return channels.map((pcm) => frequenciesIn(pcm, rateHz)[0]?.hz ?? 0)
}

describe('the link to a recording', () => {
  it('plays as mp3, and as WAV under the other ending', async () => {
    const url = await recorded('rec_1')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/open\/recording\/rec_1-[0-9a-f]{32}\.mp3$/)
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'audio/mpeg',
      'content-disposition': 'inline; filename="rec_1.mp3"',
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'cross-origin-resource-policy': 'cross-origin',
    })
    const bytes = await bytesOf(answer)
    expect(bytes.length).toBe(Number(answer.headers.get('content-length')))
    const [left = 0, right = 0] = await hear(bytes)
    expect(Math.abs(left - 500)).toBeLessThan(5)
    expect(Math.abs(right - 1300)).toBeLessThan(5)

    const wav = await fetch(url.replace(/mp3$/, 'wav'))
    expect(wav.headers.get('content-type')).toBe('audio/wav')
    expect(wav.headers.get('content-disposition')).toBe('inline; filename="rec_1.wav"')
    expect(readWav(await bytesOf(wav)).channels).toHaveLength(2)
  })

  it('gives the ranges that players ask for', async () => {
    const url = await recorded('rec_2')
    const whole = await bytesOf(await fetch(url))
    const part = await fetch(url, { headers: { range: 'bytes=1000-1999' } })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 1000-1999/${whole.length}`])
    expect(await bytesOf(part)).toEqual(whole.subarray(1000, 2000))
    const end = await fetch(url, { headers: { range: 'bytes=-100' } })
    expect(await bytesOf(end)).toEqual(whole.subarray(-100))
    const beyond = await fetch(url, { headers: { range: `bytes=${whole.length}-` } })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${whole.length}`])
  })

  it('answers HEAD with the length, and sends nothing', async () => {
    const url = await recorded('rec_3')
    const whole = await bytesOf(await fetch(url))
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.length)])
    expect((await bytesOf(head)).length).toBe(0)
  })

  it('lets go of what a client no longer wants', async () => {
    const url = await recorded('rec_4', 'saved', 120)
    const abort = new AbortController()
    const answer = await fetch(url, { signal: abort.signal })
    await answer.body?.getReader().read()
    const { pending } = clock
    abort.abort()
    // The time after which it is given up runs.
    await eventually(
      () => clock.pending,
      (now) => now !== pending || mp3.counts.running === 0,
    )
    for (let i = 0; i < 100 && mp3.counts.running > 0; i++) {
      clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(
      await eventually(
        () => mp3.counts.running,
        (running) => running === 0,
      ),
    ).toBe(0)
  })

  it.each(['deleted', 'failed'] as const)('leads nowhere when the recording is %s', async (state) => {
    const url = await recorded('rec_5', state)
    for (const one of [url, url.replace(/mp3$/, 'wav')]) expect((await fetch(one)).status).toBe(404)
  })

  it('leads nowhere when its file is gone, or it was not signed here', async () => {
    const url = await recorded('rec_6')
    const others = new RecordingLinks(() => base, 'another key').linkOf('rec_6' as RecordingId)
    expect((await fetch(others)).status).toBe(404)
    await rm(join(folder, 'rec_6.wav'))
    for (const one of [url, url.replace(/mp3$/, 'wav')]) expect((await fetch(one)).status).toBe(404)
  })

  it('says of a damaged recording where to find it as it is', async () => {
    const url = await recorded('rec_7')
    await writeFile(join(folder, 'rec_7.wav'), 'RIFF and no more')
    const answer = await fetch(url)
    expect(answer.status).toBe(500)
    expect(await answer.text()).toContain('.wav')
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect((await fetch(url.replace(/mp3$/, 'wav'))).status).toBe(200)
  })

  it('says so too where it breaks before the first byte', async () => {
    const url = await recorded('rec_9')
    isBroken = true
    const answer = await fetch(url, { headers: { range: 'bytes=0-9' } })
    expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'text/plain; charset=utf-8'])
    expect(await answer.text()).toContain('.wav')
  })

  it('asks to come again when too many want one', async () => {
    const url = await recorded('rec_8')
    isBusy = true
    const answer = await fetch(url)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
  })
})
