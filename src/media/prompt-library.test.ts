import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frequenciesIn, hears, levelDb, sine } from '../../test/support/hear.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { SwitchhookError } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import { decodeG711 } from './g711.ts'
import type { Prompt } from './prompt.ts'
import { PromptLibrary } from './prompt-library.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../../test/fixtures/media/${name}`, import.meta.url))
const clock = new TestClock()
const options = { clock, log: silentLogger }
const library = new PromptLibrary(options)
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchhook-prompts-'))
})
afterAll(async () => {
  await library.close()
  await rm(folder, { recursive: true })
})

function listen(prompt: Prompt, codec: 'PCMU' | 'PCMA' = 'PCMU'): Int16Array {
  const bytes = new Uint8Array(prompt.encoded[codec])
  const pcm = new Int16Array(bytes.length)
  decodeG711(codec, bytes, pcm)
  return pcm
}

const hzIn = (prompt: Prompt): number[] =>
  frequenciesIn(listen(prompt).subarray(160, 1440))
    .map(({ hz }) => hz)
    .sort((a, b) => a - b)

async function problemWith(work: Promise<unknown>): Promise<{ code: string; name: string; text: string }> {
  const thrown = await work.then(
    () => expect.fail('it was loaded'),
    (error: unknown) => error,
  )
  if (!(thrown instanceof SwitchhookError)) throw thrown
  return { code: thrown.code, name: thrown.name, text: thrown.message }
}

describe('the prompt library', () => {
  it.each([
    ['mono-48000-s32.wav', [1000], 200],
    ['mono-16000-f32.wav', [1000], 200],
    ['mono-11025-u8.wav', [1000], 200],
    ['mono-8000-mulaw.wav', [1000], 200],
    ['stereo-8000-alaw.wav', [440, 1000], 200],
    ['stereo-44100-s24.wav', [440, 1000], 200],
    ['mono-22050.mp3', [1000], 1000],
    ['stereo-44100-id3.mp3', [440, 1000], 1000],
  ])('plays %s as it was recorded', async (name, expectedHz, durationMs) => {
    const prompt = await library.load(fixture(name))
    const heard = hzIn(prompt)
    expect(heard).toHaveLength(expectedHz.length)
    for (const [index, hz] of expectedHz.entries()) expect(Math.abs((heard[index] as number) - hz)).toBeLessThan(12)
    expect(prompt.durationMs % 20).toBe(0)
    expect(prompt.durationMs).toBeGreaterThanOrEqual(durationMs)
    // An mp3 has up to two frames of its encoder's own delay.
    expect(prompt.durationMs).toBeLessThan(durationMs + 150)
    expect(prompt.encoded.PCMU.byteLength).toBe(prompt.durationMs * 8)
    expect(prompt.encoded.PCMA.byteLength).toBe(prompt.durationMs * 8)
    expect(levelDb(listen(prompt, 'PCMA').subarray(160, 1440))).toBeCloseTo(
      levelDb(listen(prompt).subarray(160, 1440)),
      0,
    )
  })

  it('leaves the loudness alone', async () => {
    const prompt = await library.fromPcm('say:test', sine(1000, 1000, { rateHz: 22_050, levelDb: -20 }), 22_050)
    expect(prompt.id).toBe('say:test')
    expect(prompt.durationMs).toBe(1000)
    expect(levelDb(listen(prompt))).toBeCloseTo(-20, 0)
  })

  it('holds what is too loud at the edge instead of turning it round', async () => {
    const square = Int16Array.from({ length: 22_050 }, (_, i) => (Math.floor(i / 25) % 2 ? 32_767 : -32_768))
    const pcm = listen(await library.fromPcm('square', square, 22_050))
    let jumps = 0
    // Within one half of the square (9 samples) a sample turned round would jump to the other side and back.
    for (let i = 1; i < pcm.length; i++) if (Math.abs((pcm[i] as number) - (pcm[i - 1] as number)) > 50_000) jumps++
    expect(jumps).toBeLessThanOrEqual(900)
    expect(hears(pcm, [441])).toBe(true)
  })

  it('decodes a file once, for all who ask for it together or later', async () => {
    const own = new PromptLibrary(options)
    const file = join(folder, 'once.wav')
    await copyFile(fixture('mono-8000-mulaw.wav'), file)
    const [first, second] = await Promise.all([own.load(file), own.load(file)])
    expect(second).toBe(first)
    expect(await own.load(file)).toBe(first)
    expect(own.counts).toMatchObject({ cached: 1, running: 0, waiting: 0 })
    await own.close()
  })

  it('reads a file anew when it has changed, under another id', async () => {
    const file = join(folder, 'changing.wav')
    await copyFile(fixture('mono-8000-mulaw.wav'), file)
    const before = await library.load(file)
    await copyFile(fixture('stereo-44100-s24.wav'), file)
    clock.advance(249)
    expect((await library.load(file)).id).toBe(before.id)
    clock.advance(1)
    const after = await library.load(file)
    expect(after.id).not.toBe(before.id)
    expect(hzIn(after)).toHaveLength(2)
  })

  it('keeps no more than its memory allows', async () => {
    const own = new PromptLibrary({ ...options, cacheBytes: 10_000 })
    for (const name of ['mono-8000-mulaw.wav', 'stereo-8000-alaw.wav', 'mono-11025-u8.wav'])
      await own.load(fixture(name))
    expect(own.counts.cachedBytes).toBeLessThanOrEqual(10_000)
    expect(own.counts.cached).toBeGreaterThan(0)
    await own.close()
  })

  it('plays GSM full rate as it comes', async () => {
    expect((await library.load(fixture('mono-8000.gsm'))).durationMs).toBe(1000)
  })

  it('names the file and the reason when there is none', async () => {
    const { code, name, text } = await problemWith(library.load(join(folder, 'nothing.wav')))
    expect({ code, name }).toEqual({ code: 'media.file-not-found', name: 'NotFoundError' })
    expect(text).toContain('nothing.wav')
    expect((await problemWith(library.load(folder))).code).toBe('media.file-unreadable')
  })

  it.each([
    ['mono-8000-ima.wav', 'media.wav-unsupported', 'IMA ADPCM'],
    ['mono-8000-gsm.wav', 'media.wav-unsupported', 'GSM'],
    ['README.md', 'media.file-kind-unknown', 'neither WAV nor mp3'],
  ])('says why %s cannot be played', async (name, code, words) => {
    const problem = await problemWith(library.load(fixture(name)))
    expect(problem).toMatchObject({ code, name: 'ParseError' })
    expect(problem.text).toContain(name)
    expect(problem.text).toContain(words)
  })

  it('refuses files and sounds over the bounds', async () => {
    const own = new PromptLibrary({ ...options, limits: { maxFileBytes: 5000, maxDurationMs: 900 } })
    expect((await problemWith(own.load(fixture('mono-48000-s32.wav')))).code).toBe('media.file-too-large')
    expect((await problemWith(own.load(fixture('mono-22050.mp3')))).code).toBe('media.audio-too-long')
    expect((await problemWith(own.fromPcm('x', new Int16Array(8000), 8000))).code).toBe('media.audio-too-long')
    await own.close()
  })

  it('refuses a rate that no audio has', async () => {
    expect((await problemWith(library.fromPcm('x', new Int16Array(10), 300))).code).toBe('media.rate-unsupported')
  })

  it('stops waiting at once when the signal says so, and others go on waiting', async () => {
    const file = join(folder, 'two.wav')
    await copyFile(fixture('mono-48000-s32.wav'), file)
    const controller = new AbortController()
    const left = library.load(file, controller.signal)
    const stayed = library.load(file)
    controller.abort(new Error('the call ended'))
    await expect(left).rejects.toThrow('the call ended')
    expect((await stayed).durationMs).toBe(200)
    await expect(library.load(file, controller.signal)).rejects.toThrow('the call ended')
  })

  it('makes tones and music, and quiet without asking anyone', async () => {
    expect((await library.tone('busy')).durationMs).toBe(1000)
    expect((await library.tone('music')).durationMs).toBe(24_000)
    expect(await library.tone('beep')).toBe(await library.tone('beep'))
    expect(library.silence(50)).toMatchObject({ id: 'silence:60', durationMs: 60 })
    expect(levelDb(listen(library.silence(100)))).toBe(-100)
  })

  it('plays what is left of a damaged mp3, and says so when nothing is', async () => {
    const { readFile } = await import('node:fs/promises')
    const whole = await readFile(fixture('mono-22050.mp3'))
    const damaged = Buffer.from(whole)
    damaged.fill(0x55, 1000, 1600)
    await writeFile(join(folder, 'damaged.mp3'), damaged)
    const prompt = await library.load(join(folder, 'damaged.mp3'))
    expect(prompt.durationMs).toBeGreaterThan(500)
    await writeFile(join(folder, 'cut.mp3'), whole.subarray(0, whole.length - 50))
    expect((await library.load(join(folder, 'cut.mp3'))).durationMs).toBeGreaterThan(900)
    await writeFile(join(folder, 'head.mp3'), whole.subarray(0, 50))
    expect((await problemWith(library.load(join(folder, 'head.mp3')))).code).toBe('media.mp3-malformed')
    const noise = Buffer.from(whole)
    for (let i = 0; i < noise.length; i++) if (i % 104 > 3) noise[i] = (i * 7919) & 0x7f
    await writeFile(join(folder, 'noise.mp3'), noise)
    await library.load(join(folder, 'noise.mp3')).catch((error) => expect(error).toBeInstanceOf(SwitchhookError))
  })

  it('rejects what is under way when it is closed', async () => {
    const own = new PromptLibrary(options)
    const problem = problemWith(own.fromPcm('long', new Int16Array(22_050 * 60), 22_050))
    await own.close()
    expect((await problem).code).toBe('media.prompts-stopped')
    await own.close()
  })

  it('reads a file whose last bytes are still being written as far as they go', async () => {
    const file = join(folder, 'growing.wav')
    await copyFile(fixture('mono-8000-mulaw.wav'), file)
    await appendFile(file, new Uint8Array(37))
    expect((await library.load(file)).durationMs).toBe(200)
  })
})
