import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { defaultLimits } from './limits.ts'
import { MessageError } from './message-error.ts'
import { type Framed, StreamFramer } from './stream-framer.ts'

const one = (id: string, body = ''): string =>
  `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: ${id}\r\nCSeq: 1 MESSAGE\r\nl: ${Buffer.byteLength(body)}\r\n\r\n${body}`

function drain(framer: StreamFramer): string[] {
  const found: string[] = []
  for (let item: Framed | null = framer.next(); item !== null; item = framer.next()) {
    found.push(item.kind === 'message' ? Buffer.from(item.bytes).toString() : item.kind)
  }
  return found
}

function feed(text: string | Uint8Array, sizes: () => number): string[] {
  const bytes = Buffer.from(text)
  const framer = new StreamFramer()
  const found: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = sizes()
    framer.push(bytes.subarray(at, at + size))
    at += size
    found.push(...drain(framer))
  }
  return found
}

function refusal(head: string): MessageError {
  const framer = new StreamFramer()
  framer.push(Buffer.from(head))
  try {
    framer.next()
  } catch (error) {
    if (error instanceof MessageError) return error
  }
  throw new Error('It was not refused with a MessageError.')
}

const torture = (name: string): Buffer =>
  readFileSync(new URL(`../../../test/fixtures/torture/rfc4475/${name}.dat`, import.meta.url))

describe('StreamFramer', () => {
  const first = one('1', 'hello\r\n\r\nworld')
  const second = one('2')
  const third = one('3', 'ở')
  const stream = `\r\n${first}${second}\r\n\r\n${third}\r\n\r\n\r\n\r\n${second}`
  const expected = [first, second, 'keep-alive', third, 'keep-alive', 'keep-alive', second]

  it('cuts several messages and keep-alives out of one chunk', () => {
    expect(feed(stream, () => stream.length)).toEqual(expected)
  })

  it('finds the same byte by byte', () => {
    expect(feed(stream, () => 1)).toEqual(expected)
  })

  it('finds the same in chunks of any size', () => {
    const random = new SeededRandom(1)
    for (let round = 0; round < 200; round++) expect(feed(stream, () => 1 + (random.uint32() % 97))).toEqual(expected)
  })

  it('gives messages that do not change when more bytes come', () => {
    const framer = new StreamFramer()
    const chunk = Buffer.from(first + second)
    framer.push(chunk)
    const item = framer.next()
    chunk.fill(0x78)
    expect(item?.kind === 'message' ? Buffer.from(item.bytes).toString() : null).toBe(first)
  })

  it('searches each byte once, however slowly the head comes', () => {
    // 60,000 single bytes of one head: a search from the start for each would look at 1.8 thousand million bytes.
    const framer = new StreamFramer()
    const head = Buffer.from(`${one('1').slice(0, -2)}X: ${'x'.repeat(60_000)}\r\n\r\n`)
    let found = 0
    for (const byte of head) {
      framer.push(Uint8Array.of(byte))
      found += drain(framer).length
    }
    expect(found).toBe(1)
    expect(framer.pending).toBe(0)
  })

  it('reads a Content-Length that is folded, padded and spelt oddly', () => {
    for (const line of ['cOnTent-LENGTH  :  05', 'L:\r\n 5', 'l:5\t']) {
      const text = one('1', 'hello').replace('l: 5', line)
      expect(feed(`${text}${second}`, () => 50)).toEqual([text, second])
    }
  })

  it.each([
    ['l: 0\r\nContent-Length: 5', 'two different ones'],
    ['l: 0\r\nL: 0', 'two equal ones'],
    ['l: -1', 'a negative one'],
    ['l: 1 2', 'two numbers'],
    ['l: ', 'nothing'],
    ['X: y', 'none'],
    ['l: 0\r\n 5', 'a second number by folding'],
  ])('refuses %j, %s, with a reply', (line) => {
    const error = refusal(one('1').replace('l: 0', line))
    expect(error).toMatchObject({ code: 'sip-message.content-length', sipStatus: 400 })
    expect(error.reply?.sipCallId).toBe('1')
  })

  it('refuses the messages of RFC 4475 whose length nobody can know', () => {
    for (const name of ['ncl', 'mcl01']) expect(refusal(torture(name).toString('latin1')).reply).not.toBeNull()
  })

  it('waits for a body that never comes', () => {
    expect(feed(torture('clerr'), () => 5000)).toEqual([])
  })

  it('reads both requests of dblreq, and then stumbles over the bytes that its Content-Length leaves over', () => {
    const framer = new StreamFramer()
    framer.push(torture('dblreq'))
    expect([framer.next()?.kind, framer.next()?.kind]).toEqual(['message', 'message'])
    expect(() => framer.next()).toThrow(MessageError)
  })

  it('refuses what is too large before it has come', () => {
    expect(refusal(one('1').replace('l: 0', 'l: 70000'))).toMatchObject({
      code: 'sip-message.too-large',
      sipStatus: 513,
    })
    expect(refusal(one('1').replace('l: 0', `l: ${'9'.repeat(30)}`)).code).toMatch(/content-length|too-large/)
    const framer = new StreamFramer({ ...defaultLimits, headBytes: 500 })
    framer.push(Buffer.from('x'.repeat(501)))
    expect(() => framer.next()).toThrow(expect.objectContaining({ code: 'sip-message.too-large' }))
  })

  it('reads nothing more and holds nothing after a refusal', () => {
    const framer = new StreamFramer()
    framer.push(Buffer.from(one('1').replace('l: 0', 'l: x') + second))
    expect(() => framer.next()).toThrow(MessageError)
    framer.push(Buffer.from(second))
    expect(framer.next()).toBeNull()
    expect(framer.pending).toBe(0)
  })
})
