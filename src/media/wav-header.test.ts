import { describe, expect, it } from 'vitest'
import { bytesPerFrame, wavHeader } from './wav-header.ts'
import { readWavFormat } from './wav-reader.ts'

describe('the WAV header', () => {
  it('is the 44 bytes of the specification for PCM', () => {
    const header = Buffer.from(wavHeader({ encoding: 'pcm16', channels: 2, rateHz: 8000 }, 1000))
    expect(header.toString('hex')).toBe(
      '524946460c04000057415645666d74201000000001000200401f0000007d00000400100064617461e8030000',
    )
  })

  it('is 58 bytes with a fact chunk for mu-law and A-law', () => {
    const header = Buffer.from(wavHeader({ encoding: 'mulaw', channels: 1, rateHz: 8000 }, 161))
    expect(header.length).toBe(58)
    expect(header.readUInt32LE(4)).toBe(50 + 161 + 1)
    expect(header.readUInt16LE(20)).toBe(7)
    expect(header.toString('latin1', 38, 42)).toBe('fact')
    expect(header.readUInt32LE(46)).toBe(161)
    expect(header.toString('latin1', 50, 54)).toBe('data')
  })

  it.each(['pcm16', 'mulaw', 'alaw'] as const)('of %s is understood by the reader', (encoding) => {
    const shape = { encoding, channels: 2, rateHz: 16_000 } as const
    const file = Buffer.concat([wavHeader(shape, 400), Buffer.alloc(400)])
    expect(readWavFormat(file)).toMatchObject({
      encoding,
      channels: 2,
      rateHz: 16_000,
      frames: 400 / bytesPerFrame(shape),
    })
  })
})
