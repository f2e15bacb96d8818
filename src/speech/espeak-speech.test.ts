import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { SystemClock } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { SystemRandom } from '../base/random.ts'
import type { Prompt } from '../media/prompt.ts'
import { type OpenSpeechOptions, openSpeech } from './open-speech.ts'
import { spokenDate, spokenDigits, spokenDuration, spokenNumber, spokenText, spokenTime } from './spoken/index.ts'
import { systemText, systemTextNames } from './texts.ts'
import type { Language, Speech } from './types.ts'
import { findVoice, startVoiceChild, type VoiceChild, type VoiceUser } from './voice-child.ts'

const voiceFile = findVoice() ?? ''

/** What the voice said, kept beside the prompt that would be played. */
interface Heard {
  readonly id: string
  readonly pcm: Int16Array
  readonly seconds: number
}

interface Started {
  readonly speech: Speech
  readonly heard: Heard[]
  /** Each run of the voice. */
  readonly children: VoiceChild[]
  /** How many texts were given to the voice. */
  readonly sent: { count: number }
  /** How many runs of the voice have ended. */
  readonly ends: { count: number }
}

const open: Started[] = []
const folders: string[] = []

afterEach(async () => {
  for (const { speech, children } of open.splice(0)) {
    // One that a failed test left frozen would not hear that it is to end.
    for (const child of children) child.kill()
    await speech.close()
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-voice-'))
  folders.push(folder)
  return folder
}

function newStarted(): Omit<Started, 'speech'> {
  return { heard: [], children: [], sent: { count: 0 }, ends: { count: 0 } }
}

/** @param file - of the voice's program; null: started by no hand of ours. */
async function start(
  options: Partial<OpenSpeechOptions> = {},
  file: string | null = voiceFile,
  parts = newStarted(),
): Promise<Started> {
  const { heard, children, sent, ends } = parts
  const startVoice = (user: VoiceUser): VoiceChild => {
    const ended = (sentence: string): void => {
      user.ended(sentence)
      ends.count++
    }
    const child = startVoiceChild(file ?? '', { ...user, ended })
    children.push(child)
    return { ...child, send: (request) => (sent.count++, child.send(request)) }
  }
  const speech = await openSpeech({
    engine: 'espeak-ng',
    dataFolder: null,
    cacheBytes: 1e6,
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: silentLogger,
    toPrompt: async (id, pcm, sampleRateHz): Promise<Prompt> => {
      heard.push({ id, pcm, seconds: pcm.length / sampleRateHz })
      const encoded = new SharedArrayBuffer(8)
      return {
        id,
        durationMs: Math.ceil((pcm.length / sampleRateHz) * 50) * 20,
        encoded: { PCMU: encoded, PCMA: encoded },
      }
    },
    ...(file === null ? {} : { start: startVoice }),
    ...options,
  })
  open.push({ speech, ...parts })
  return { speech, ...parts }
}

/** Waits for something that another process brings about, however long that takes. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

function rms(pcm: Int16Array): number {
  return Math.sqrt(pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length)
}

/** Stops a program where it stands; what is sent to it then waits unread. */
function freeze(child: VoiceChild | undefined): void {
  process.kill(child?.pid ?? 0, 'SIGSTOP')
}

describe('the voice', () => {
  it('speaks each language: not silence, and as long as its words take', async () => {
    const { speech, heard } = await start()
    expect(speech.availability).toEqual({ isAvailable: true })
    for (const language of ['en', 'id', 'he', 'vi'] as const) {
      const text = systemText('apology', language)
      const prompt = await speech.speak({ text, language, voice: null })
      expect(prompt.id).toMatch(new RegExp(`^say:${language}:[0-9a-f]{16}$`))
      const { pcm, seconds } = heard.at(-1) ?? { pcm: new Int16Array(1), seconds: 0 }
      expect(rms(pcm), language).toBeGreaterThan(500)
      // Spoken letters come at some 10 to 25 a second; points above and below letters are none.
      const letters = text.replaceAll(/\P{L}/gu, '').length
      expect(letters / seconds, language).toBeGreaterThan(5)
      expect(letters / seconds, language).toBeLessThan(25)
    }
  })

  it('speaks equal texts once, also when they are asked for at the same time', async () => {
    const { speech, sent } = await start()
    const ask = (text: string): Promise<Prompt> => speech.speak({ text, language: 'en', voice: null })
    const [a, b] = await Promise.all([ask('Hello  there'), ask(' Hello there\n')])
    expect(a).toBe(b)
    expect(await ask('Hello there')).toBe(a)
    expect(sent.count).toBe(1)
    expect((await speech.speak({ text: 'Hello there', language: 'en', voice: 'en+f3' })).id).not.toBe(a.id)
    expect(sent.count).toBe(2)
  })

  it('finds on disk after a restart what was spoken before', async () => {
    const dataFolder = await newFolder()
    const first = await start({ dataFolder })
    const spoken = { text: 'Kept for later.', language: 'en', voice: null } as const
    await first.speech.speak(spoken)
    await first.speech.close()
    const second = await start({ dataFolder })
    await second.speech.speak(spoken)
    expect(second.sent.count).toBe(0)
    expect(second.heard[0]?.pcm).toEqual(first.heard[0]?.pcm)
  })

  it('speaks a long text in pieces, and joins them', async () => {
    const { speech, heard, sent } = await start()
    const text = 'This is a sentence of a long text. '.repeat(60)
    await speech.speak({ text, language: 'en', voice: null })
    expect(sent.count).toBe(3)
    expect(heard[0]?.seconds).toBeGreaterThan(60)
    const tooLong = speech.speak({ text: 'x'.repeat(4001), language: 'en', voice: null })
    await expect(tooLong).rejects.toMatchObject({ code: 'speech.text-unusable' })
    const nothing = speech.speak({ text: ' \n\0', language: 'en', voice: null })
    await expect(nothing).rejects.toMatchObject({ code: 'speech.text-unusable' })
  })

  it('killed while it has a text, is started again and speaks it', async () => {
    const { speech, children, heard, sent } = await start()
    freeze(children[0])
    const prompt = speech.speak({ text: 'Spoken by the second.', language: 'en', voice: null })
    await until(() => sent.count === 1)
    process.kill(children[0]?.pid ?? 0, 'SIGKILL')
    await prompt
    expect(children).toHaveLength(2)
    expect(rms(heard[0]?.pcm ?? new Int16Array(1))).toBeGreaterThan(500)
  })

  it('that hangs is killed at its deadline, and the next text is spoken by a new one', async () => {
    const clock = new TestClock()
    const { speech, children, sent, ends } = await start({ clock })
    freeze(children[0])
    const hung = speech.speak({ text: 'Never spoken.', language: 'en', voice: null })
    const failed = expect(hung).rejects.toMatchObject({ code: 'speech.timed-out' })
    await until(() => sent.count === 1)
    clock.advance(20_000)
    await failed
    const next = speech.speak({ text: 'Spoken by the second.', language: 'en', voice: null })
    await until(() => ends.count === 1)
    clock.advance(100)
    expect((await next).durationMs).toBeGreaterThan(500)
    expect(children).toHaveLength(2)
  })

  it('no longer wanted by anyone, a text is dropped; wanted by one of two, it is spoken', async () => {
    const { speech, children, sent } = await start()
    freeze(children[0])
    const [one, two] = [new AbortController(), new AbortController()]
    const spoken = { text: 'Wanted by two.', language: 'en', voice: null } as const
    const [a, b] = [speech.speak(spoken, one.signal), speech.speak(spoken, two.signal)]
    await until(() => sent.count === 1)
    one.abort(new Error('hung up'))
    await expect(a).rejects.toThrow('hung up')
    process.kill(children[0]?.pid ?? 0, 'SIGCONT')
    expect((await b).durationMs).toBeGreaterThan(300)
    await expect(speech.speak({ ...spoken, text: 'Late.' }, one.signal)).rejects.toThrow('hung up')
  })

  it('that an application names wrongly is told by its code', async () => {
    const { speech } = await start()
    const wrong = speech.speak({ text: 'Hello', language: 'en', voice: '../../etc/passwd' })
    await expect(wrong).rejects.toMatchObject({ code: 'speech.voice-unknown' })
  })

  it('not installed, switched off, or broken, is told in a sentence', async () => {
    const absent = await start({ voiceFile: null }, null)
    const off = await start({ engine: 'none' }, null)
    const clock = new TestClock()
    const parts = newStarted()
    const starting = start({ clock }, join(await newFolder(), 'child.js'), parts)
    for (const [i, pauseMs] of [100, 200, 400].entries()) {
      await until(() => parts.ends.count === i + 1)
      clock.advance(pauseMs)
    }
    const sentences = [absent, off, await starting].map(({ speech: { availability } }) => {
      return availability.isAvailable ? 'available' : availability.sentence
    })
    expect(sentences[0]).toBe('The package @switchhook/voice-espeak is not installed.')
    expect(sentences[1]).toBe('The configuration says speech.engine: none.')
    expect(sentences[2]).toContain('The voice ended with exit code 1.')
    const asked = absent.speech.speak({ text: 'Hello', language: 'en', voice: null })
    await expect(asked).rejects.toMatchObject({ code: 'speech.unavailable' })
  })
})

describe('what Switchhook says of itself', () => {
  it('is read by the voice as words: no Hebrew point is spelled out by its name', async () => {
    const read = await phonemesOf(everything('he'), 'he')
    // Where its Hebrew rules do not know a sign, espeak-ng changes to English for its name.
    for (const [text, phonemes] of read) expect([text, phonemes.includes('(en)')]).toEqual([text, false])
    expect(read.get(systemText('goodbye', 'he'))).toContain('t')
  })
})

/** Every system text, and numbers, dates and times of every kind. */
function everything(language: Language): string[] {
  const numbers = [0, 5, 11, 15, 22, 105, 342, 1001, 2002, 7345, 11_000, 1_234_567, 3e9, 2e12]
  const date = new Date(Date.UTC(2026, 1, 14, 17, 25))
  const parts = [
    spokenDigits('0123456789*#+', language),
    spokenDuration(7384, language),
    spokenTime(date, language, 'UTC'),
    ...numbers.flatMap((value) => [spokenNumber(value, language), spokenNumber(value, language, 'masculine')]),
    ...Array.from({ length: 12 }, (_, month) =>
      spokenDate(new Date(Date.UTC(1999, month, month * 2 + 1)), language, 'UTC'),
    ),
  ]
  return [...systemTextNames.map((name) => systemText(name, language)), ...parts.map(spokenText)]
}

/** How the voice reads texts, in phonetic letters; by the same program, asked in its own words. */
async function phonemesOf(texts: readonly string[], voice: string): Promise<Map<string, string>> {
  const child = spawn(process.execPath, [voiceFile], { stdio: ['pipe', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const [id, text] of texts.entries()) {
    const json = Buffer.from(JSON.stringify({ id, text, voice, phonemes: true }))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(json.length)
    child.stdin.write(Buffer.concat([length, json]))
  }
  child.stdin.end()
  await new Promise((resolve) => child.once('close', resolve))
  const bytes = Buffer.concat(chunks)
  const read = new Map<string, string>()
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const header: unknown = JSON.parse(bytes.toString('utf8', at + 6, at + 6 + bytes.readUInt16BE(at + 4)))
    const { id, phonemes } = header as { id?: number; phonemes?: string }
    const text = texts[id ?? -1]
    if (text !== undefined && phonemes !== undefined) read.set(text, phonemes)
  }
  expect(read.size).toBe(new Set(texts).size)
  return read
}
