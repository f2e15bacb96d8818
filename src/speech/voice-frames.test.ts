import { describe, expect, it } from 'vitest'
import { ResponseReader, requestFrame } from './voice-frames.ts'

function frame(header: unknown, audio: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = Buffer.alloc(6)
  bytes.writeUInt32BE(2 + json.length + audio.length, 0)
  bytes.writeUInt16BE(json.length, 4)
  return Buffer.concat([bytes, json, audio])
}

const ready = { ready: true, engine: 'e', version: '1', sampleRateHz: 22050 }

describe('ResponseReader', () => {
  it('gives the same responses however the bytes are cut', () => {
    const audio = Uint8Array.of(1, 0, 255, 255, 0, 128)
    const bytes = Buffer.concat([
      frame(ready),
      frame({ id: 1, ok: true, sampleRateHz: 22050 }, audio),
      frame({ id: 2, ok: false, code: 'failed', sentence: 'No.' }),
    ])
    const expected = [
      { kind: 'ready', info: { engine: 'e', version: '1', sampleRateHz: 22050 } },
      { kind: 'spoken', id: 1, pcm: Int16Array.of(1, -1, -32768), sampleRateHz: 22050 },
      { kind: 'refused', id: 2, code: 'failed', sentence: 'No.' },
    ]
    for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
      const reader = new ResponseReader()
      const found = []
      for (let at = 0; at < bytes.length; at += size) found.push(...(reader.push(bytes.subarray(at, at + size)) ?? []))
      expect(found).toEqual(expected)
    }
  })

  it.each([
    ['a length beyond all audio', Buffer.from('7fffffff0000', 'hex')],
    ['text on the pipe', Buffer.from('Aborted(). Build with -sASSERTIONS\n')],
    ['a header that is no JSON', frame('{nope')],
    ['a header longer than the frame', Buffer.from('00000003ffff7b', 'hex')],
    ['a frame without a header length', Buffer.from('0000000100', 'hex')],
    ['a header of another kind', frame([1])],
    ['a response without id', frame({ ok: true, sampleRateHz: 22050 })],
    ['a rate that cannot be', frame({ id: 1, ok: true, sampleRateHz: -5 })],
    ['a ready without version', frame({ ready: true })],
  ])('is out of step for good after %s', (_, bytes) => {
    const reader = new ResponseReader()
    expect(reader.push(bytes)).toBeNull()
    expect(reader.push(frame(ready))).toBeNull()
  })

  it('drops half a sample at the end', () => {
    const [response] =
      new ResponseReader().push(frame({ id: 1, ok: true, sampleRateHz: 8000 }, Uint8Array.of(1, 0, 7))) ?? []
    expect(response).toMatchObject({ pcm: Int16Array.of(1) })
  })
})

describe('requestFrame', () => {
  it('is the length and JSON in UTF-8', () => {
    const bytes = Buffer.from(requestFrame({ id: 7, text: 'chào', voice: 'vi' }))
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 4)
    expect(JSON.parse(bytes.subarray(4).toString())).toEqual({ id: 7, text: 'chào', voice: 'vi' })
  })
})
