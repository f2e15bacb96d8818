import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { audioStart, mp3Frames, readFrameHeader } from './mp3-frames.ts'
import { looksLikeMp3, readMp3Format } from './mp3-reader.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../../test/fixtures/media/${name}`, import.meta.url))

describe('mp3 frames', () => {
  it('are told by their headers: version, layer, rate and length', () => {
    for (const [bytes, expected] of [
      [[0xff, 0xfb, 0x90, 0x00], { bytes: 417, rateHz: 44_100, samples: 1152 }],
      [[0xff, 0xfb, 0x92, 0x00], { bytes: 418, rateHz: 44_100, samples: 1152 }],
      [[0xff, 0xf3, 0x40, 0x00], { bytes: 104, rateHz: 22_050, samples: 576 }],
      [[0xff, 0xe3, 0x18, 0x00], { bytes: 72, rateHz: 8000, samples: 576 }],
      [[0xff, 0xfd, 0x84, 0x00], { bytes: 384, rateHz: 48_000, samples: 1152 }],
      [[0xff, 0xff, 0x90, 0x00], { bytes: 312, rateHz: 44_100, samples: 384 }],
    ] as const) {
      expect(readFrameHeader(Uint8Array.from(bytes), 0)).toEqual({ offset: 0, ...expected })
    }
  })

  it('are not seen in reserved values, free format or cut headers', () => {
    for (const bytes of [
      [0xff, 0xeb, 0x90, 0x00],
      [0xff, 0xf9, 0x90, 0x00],
      [0xff, 0xfb, 0x00, 0x00],
      [0xff, 0xfb, 0xf0, 0x00],
      [0xff, 0xfb, 0x9c, 0x00],
      [0xfe, 0xfb, 0x90, 0x00],
      [0xff, 0xfb, 0x90],
    ]) {
      expect(readFrameHeader(Uint8Array.from(bytes), 0)).toBeNull()
    }
  })

  it('begin behind the ID3 tag, whose length is written 7 bits to the byte', () => {
    const file = fixture('stereo-44100-id3.mp3')
    expect(audioStart(file)).toBe(321)
    expect([...mp3Frames(file)][0]?.offset).toBe(321)
    expect(looksLikeMp3(file)).toBe(true)
    expect(looksLikeMp3(fixture('mono-8000-mulaw.wav'))).toBe(false)
  })

  it('add up to the length of the sound', () => {
    // One second, and the encoder's own delay and padding.
    expect(readMp3Format(fixture('mono-22050.mp3')).durationMs).toBeCloseTo(1071, -1)
    expect(readMp3Format(fixture('stereo-44100-id3.mp3')).durationMs).toBeCloseTo(1045, -2)
  })

  it('are found again behind damage, and a cut one at the end is left out', () => {
    const whole = fixture('mono-22050.mp3')
    const count = [...mp3Frames(whole)].length
    const damaged = Buffer.from(whole)
    damaged.fill(0, 1000, 1500)
    const left = [...mp3Frames(damaged)].length
    expect(left).toBeLessThan(count)
    expect(left).toBeGreaterThanOrEqual(count - 8)
    expect([...mp3Frames(whole.subarray(0, whole.length - 10))].length).toBe(count - 1)
  })

  it('are not taken from chance bits: text and noise hold none', () => {
    const noise = Uint8Array.from({ length: 50_000 }, (_, i) => (Math.imul(i, 2_654_435_761) >>> 13) & 0xff)
    expect([...mp3Frames(noise)].length).toBeLessThan(5)
    expect(() => readMp3Format(new Uint8Array(1000))).toThrow('no whole mp3 frame')
  })
})
