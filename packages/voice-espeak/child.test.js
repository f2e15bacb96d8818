import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { FrameReader } from './frames.js'
import { readableHebrew } from './hebrew.js'

const file = fileURLToPath(new URL('child.js', import.meta.url))
/** Children that a test has started and not ended. */
const children = new Set()

/** The child with a way to ask it and to read its answers in order. */
function start() {
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.add(child)
  let bytes = Buffer.alloc(0)
  const answers = []
  let wake = () => {}
  child.stdout.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const frame = bytes.subarray(4, 4 + bytes.readUInt32BE(0))
      bytes = bytes.subarray(4 + frame.length)
      const headerBytes = frame.readUInt16BE(0)
      answers.push({ ...JSON.parse(frame.subarray(2, 2 + headerBytes)), audio: frame.subarray(2 + headerBytes) })
      wake()
    }
  })
  child.once('exit', () => wake())
  return {
    child,
    send(request) {
      const json = Buffer.from(JSON.stringify(request))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(json.length)
      child.stdin.write(Buffer.concat([length, json]))
    },
    async next() {
      while (answers.length === 0) {
        if (child.exitCode !== null) throw new Error(`the child ended with ${child.exitCode}`)
        await new Promise((resolve) => {
          wake = resolve
        })
      }
      return answers.shift()
    },
  }
}

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
  children.clear()
})

/** Samples of 16 bits, little-endian. */
function samplesOf(audio) {
  return new Int16Array(Uint8Array.from(audio).buffer)
}

function rms(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length))
}

describe('the child', () => {
  it('says that it is ready, speaks each language, and ends with its input', async () => {
    const voice = start()
    expect(await voice.next()).toMatchObject({ ready: true, engine: 'espeak-ng', sampleRateHz: 22050 })
    const sentences = [
      ['en-us', 'Welcome to the voice server. Please press one.'],
      ['id', 'Selamat datang di server suara. Silakan tekan satu.'],
      ['he', 'בְּרוּכִים הַבָּאִים. נָא לְהַקִּישׁ אַחַת.'],
      ['vi', 'Chào mừng quý khách. Xin vui lòng bấm một.'],
    ]
    for (const [i, [name, text]] of sentences.entries()) voice.send({ id: i, text, voice: name })
    for (const [i, [name]] of sentences.entries()) {
      const { id, ok, samples, sampleRateHz, audio } = await voice.next()
      expect([id, ok, samples]).toEqual([i, true, audio.length / 2])
      const seconds = samples / sampleRateHz
      expect(seconds, name).toBeGreaterThan(1.5)
      expect(seconds, name).toBeLessThan(6)
      expect(rms(samplesOf(audio)), name).toBeGreaterThan(500)
    }
    voice.child.stdin.end()
    expect(await once(voice.child, 'exit')).toEqual([0, null])
  })

  it('speaks plain text only: no breaks of an hour, no phonemes, nothing lost behind a NUL', async () => {
    const voice = start()
    await voice.next()
    const seconds = async (text) => {
      voice.send({ id: 1, text, voice: 'en-us' })
      const { samples, sampleRateHz } = await voice.next()
      return samples / sampleRateHz
    }
    expect(await seconds('<break time="3600s"/> hello')).toBeLessThan(10)
    expect(await seconds('&lt;break time="3600s"/&gt; hello')).toBeLessThan(10)
    expect(await seconds('[[h@l@U]]')).toBeGreaterThan(1)
    expect(await seconds('one\0 two three four five')).toBeGreaterThan(1)
    expect(await seconds('')).toBeLessThan(0.5)
  })

  it('says what it cannot do and goes on', async () => {
    const voice = start()
    await voice.next()
    voice.send({ id: 'a', text: 'hello', voice: 'tlh' })
    expect(await voice.next()).toMatchObject({ id: 'a', ok: false, code: 'unknown-voice' })
    voice.send({ id: 'b', text: 'hello', voice: '../../etc/passwd' })
    expect(await voice.next()).toMatchObject({ id: 'b', ok: false, code: 'unknown-voice' })
    voice.send({ id: 'c', voice: 'en' })
    expect(await voice.next()).toMatchObject({ id: 'c', ok: false, code: 'bad-request' })
    voice.send({ id: 'd', text: 'hello', voice: 'en', rate: 1e9, pitch: -5 })
    expect(await voice.next()).toMatchObject({ id: 'd', ok: true })
    voice.send({ id: 'e', text: 'one', voice: 'en-us', phonemes: true })
    expect((await voice.next()).phonemes).toContain('w')
  })

  it('ends when the frames are out of step', async () => {
    const voice = start()
    await voice.next()
    voice.child.stdin.write('GET / HTTP/1.1\r\n\r\n')
    expect(await once(voice.child, 'exit')).toEqual([2, null])
  })
})

describe('frames', () => {
  it('come out whole however they come in', () => {
    const reader = new FrameReader()
    const bytes = Buffer.concat([frame('one'), frame(''), frame('three')])
    const found = []
    for (const byte of bytes) found.push(...reader.push(Uint8Array.of(byte)))
    expect(found.map(String)).toEqual(['one', '', 'three'])
    expect(new FrameReader().push(bytes).map(String)).toEqual(['one', '', 'three'])
  })

  function frame(text) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, Buffer.from(text)])
  }
})

describe('readableHebrew', () => {
  it.each([
    ['the dot of shin stands before the vowel', 'ש\u05b8\u05c1לו\u05b9ם', 'ש\u05c1\u05b8לו\u05b9ם'],
    ['a dagesh in pe, which makes it a p, stays', 'מ\u05b4ס\u05b0פ\u05bc\u05b8ר', 'מ\u05b4ס\u05b0פ\u05bc\u05b8ר'],
    ['a dagesh in nun is left out', 'ש\u05c1\u05b0נ\u05b4י\u05bc\u05b8ה', 'ש\u05c1\u05b0נ\u05b4י\u05b8ה'],
    ['a holam without vav gets one', 'ש\u05c1\u05b8ל\u05b9ש\u05c1', 'ש\u05c1\u05b8לו\u05b9ש\u05c1'],
    ['a yod behind a hiriq is silent', 'ע\u05b6ש\u05c2\u05b0ר\u05b4ים', 'ע\u05b6ש\u05c2\u05b0ר\u05b4ם'],
    ['a prefix is spoken', 'ל\u05b0ה\u05b7', 'ל\u05b6ה\u05b7'],
    ['the hyphen is a blank', 'א\u05b7ב\u05beב\u05b8א', 'א\u05b7ב ב\u05b8א'],
    ['letters without points stay', 'שלום', 'שלום'],
    ['other languages stay, points of their own too', 'Xin chào, ca\u0301 <b>', 'Xin chào, ca\u0301 <b>'],
  ])('%s', (_, text, expected) => {
    expect(readableHebrew(text)).toBe(expected)
  })
})
