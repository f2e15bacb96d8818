import { describe, expect, it } from 'vitest'
import { defaultLimits } from './limits.ts'
import { MessageError } from './message-error.ts'
import { isKeepAlive, parseMessage } from './parse.ts'

const head = [
  'OPTIONS sip:a@b.example SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
  'From: <sip:c@d.example>;tag=1',
  'To: <sip:a@b.example>',
  'Call-ID: call-1',
  'CSeq: 1 OPTIONS',
  'Max-Forwards: 70',
]

/** The message with lines replaced by their first word, or added. */
function message(changes: Readonly<Record<string, string | null>> = {}, body = ''): Buffer {
  const left = { ...changes }
  const lines = head.flatMap((line) => {
    const word = line.split(/[ :]/, 1)[0] ?? ''
    if (!(word in left)) return [line]
    const { [word]: to } = left
    delete left[word]
    return to === null || to === undefined ? [] : [to]
  })
  const more = Object.values(left).filter((line) => line !== null)
  return Buffer.from(`${[...lines, ...more].join('\r\n')}\r\n\r\n${body}`)
}

function refusal(bytes: Uint8Array, limits = defaultLimits): MessageError {
  try {
    parseMessage(bytes, limits)
  } catch (error) {
    if (error instanceof MessageError) return error
  }
  throw new Error('It was not refused with a MessageError.')
}

describe('parseMessage', () => {
  it('takes the rest of a datagram without Content-Length as the body', () => {
    expect(Buffer.from(parseMessage(message({}, 'hello')).body).toString()).toBe('hello')
  })

  it('cuts what stands behind Content-Length, and refuses when there is less', () => {
    expect(parseMessage(message({ l: 'l: 3' }, 'hello')).body).toEqual(Buffer.from('hel'))
    expect(refusal(message({ l: 'l: 6' }, 'hello'))).toMatchObject({
      code: 'sip-message.content-length',
      sipStatus: 400,
    })
  })

  it('skips empty lines before the start line', () => {
    expect(parseMessage(Buffer.concat([Buffer.from('\r\n\r\n'), message()])).kind).toBe('request')
  })

  it('unfolds lines, empty ones among them', () => {
    const { headers } = parseMessage(message({ X: 'X:\r\n  a\r\n\tb  \r\n \r\n c' }))
    expect(headers.get('X')).toBe('a b c')
  })

  it('takes UTF-8 and refuses what is not', () => {
    expect(parseMessage(message({ From: 'From: "Lan ở" <sip:c@d>;tag=1' })).from.displayName).toBe('Lan ở')
    const latin1 = Buffer.from(message({ Subject: 'Subject: caf#' }).map((byte) => (byte === 0x23 ? 0xe9 : byte)))
    expect(refusal(latin1)).toMatchObject({ code: 'sip-message.framing', sipStatus: 400 })
    expect(refusal(latin1).reply?.sipCallId).toBe('call-1')
  })

  it('does not mind UTF-8 or any bytes in the body', () => {
    const body = Buffer.from([0xff, 0x00, 0xc3])
    const bytes = Buffer.concat([message(), body])
    expect(parseMessage(bytes).body).toEqual(body)
  })

  it('reads a Uint8Array that is a window into a larger buffer', () => {
    const bytes = message({}, 'x')
    const wide = new Uint8Array(bytes.length + 20)
    wide.set(bytes, 10)
    expect(parseMessage(wide.subarray(10, 10 + bytes.length)).body).toEqual(Buffer.from('x'))
  })

  it.each([
    ['OPTIONS', 'OPTIONS sip:a@b'],
    ['OPTIONS', 'OPTIONS sip:a@b SIP/2.0 '],
    ['OPTIONS', 'OPTIONS\tsip:a@b SIP/2.0'],
    ['OPTIONS', 'OPT[ONS sip:a@b SIP/2.0'],
    ['OPTIONS', ' OPTIONS sip:a@b SIP/2.0'],
    ['OPTIONS', 'OPTIONS sip:a@b HTTP/1.1'],
    ['OPTIONS', 'OPTIONS sip:a@b SIP/2'],
    ['OPTIONS', 'OPTIONS sip:a@b SIP/2.0.1'],
  ])('refuses the start line %j %j', (word, line) => {
    expect(refusal(message({ [word]: line })).code).toMatch(/start-line|header$/)
  })

  it('answers 505 for another version only', () => {
    expect(refusal(message({ OPTIONS: 'OPTIONS sip:a@b SIP/3.0' }))).toMatchObject({ sipStatus: 505 })
    expect(parseMessage(message({ OPTIONS: 'OPTIONS sip:a@b sip/2.0' })).kind).toBe('request')
  })

  it.each([
    ['Via', 'Via: SIP/2.0/UDP', 'Via'],
    ['From', 'From: sip:c@d;tag', 'From'],
    ['From', 'From: sip:c@d;tag="a b"', 'From'],
    ['To', 'To:', 'To'],
    ['Call-ID', 'Call-ID: a b', 'Call-ID'],
    ['Call-ID', 'Call-ID:', 'Call-ID'],
    ['Call-ID', 'Call-ID: a@', 'Call-ID'],
    ['Call-ID', 'Call-ID: a@b@c', 'Call-ID'],
    ['CSeq', 'CSeq: 1', 'CSeq'],
    ['CSeq', 'CSeq: OPTIONS', 'CSeq'],
    ['CSeq', 'CSeq: 2147483648 OPTIONS', 'CSeq'],
    ['CSeq', 'CSeq: -1 OPTIONS', 'CSeq'],
    ['CSeq', 'CSeq: 1 OPTIONS x', 'CSeq'],
    ['CSeq', 'CSeq: 1 options', 'CSeq'],
    ['Max-Forwards', 'Max-Forwards: 256', 'Max-Forwards'],
    ['Max-Forwards', 'Max-Forwards: x', 'Max-Forwards'],
    ['l', 'l: 0, 0', 'Content-Length'],
    ['l', 'l: +1', 'Content-Length'],
    ['l', 'l: 0x1', 'Content-Length'],
    ['m', 'm: *, <sip:a@b>', 'Contact'],
    ['m', 'm: *\r\nm: <sip:a@b>', 'Contact'],
    ['Route', 'Route: sip:a', 'Route'],
    ['Record-Route', 'Record-Route: <sip:a', 'Record-Route'],
    ['Expires', 'Expires: 4294967296', 'Expires'],
    ['Expires', 'Expires: soon', 'Expires'],
    ['c', 'c: text', 'Content-Type'],
    ['Date', 'Date: Sat, 13 Nov 2010 23:29:00 CET', 'Date'],
    ['c', 'c: a/b\r\nContent-Type: a/b', 'Content-Type'],
    ['Event', 'Event: a\r\no: b', 'Event'],
  ])('refuses %s written as %j and names the header field', (word, line, header) => {
    const error = refusal(message({ [word]: line }))
    expect(error).toMatchObject({ sipStatus: 400 })
    expect(error.facts.header).toBe(header)
    expect(error.message).toContain(header)
  })

  it.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('refuses a request without %s', (word) => {
    const error = refusal(message({ [word]: null }))
    expect(error).toMatchObject({ code: 'sip-message.header-missing', facts: { header: word } })
    expect(error.reply === null).toBe(word === 'Via')
  })

  it('takes requests of RFC 2543 without Max-Forwards, tag and branch', () => {
    const parsed = parseMessage(
      message({ 'Max-Forwards': null, From: 'From: sip:c@d', Via: 'Via: SIP/2.0/UDP 192.0.2.1' }),
    )
    expect(parsed).toMatchObject({ maxForwards: null })
  })

  it.each([
    ['a header field without a colon', 'X', 'Nonsense'],
    ['a name with a blank', 'X', 'X Y: z'],
    ['an empty name', 'X', ': z'],
    ['a bare LF', 'X', 'X: a\nY: b'],
    ['a bare CR', 'X', 'X: a\rY: b'],
  ])('refuses %s', (_, word, line) => {
    expect(refusal(message({ [word]: line }))).toMatchObject({ sipStatus: 400 })
  })

  it('refuses a head without an end', () => {
    const bytes = message()
    expect(refusal(bytes.subarray(0, bytes.length - 2))).toMatchObject({ code: 'sip-message.framing' })
    expect(refusal(Buffer.alloc(0)).reply).toBeNull()
  })

  it('names the byte where the fault is, also behind letters above ASCII', () => {
    const bytes = message({ From: 'From: "ởở" <sip:c@d>;tag=1', CSeq: 'CSeq: 1 OPT[ONS' })
    expect(refusal(bytes).facts).toMatchObject({ header: 'CSeq', offset: bytes.indexOf('[ONS') })
  })

  it.each([
    [{ messageBytes: 100 }, 513],
    [{ headBytes: 100 }, 513],
    [{ bodyBytes: 2 }, 513],
    [{ lineLength: 30 }, 513],
    [{ headerFields: 5 }, 513],
    [{ vias: 0 }, 513],
    [{ uriLength: 10 }, 414],
  ])('keeps the bound %j with status %i', (bound, status) => {
    const bytes = message({}, 'hello')
    expect(parseMessage(bytes).kind).toBe('request')
    expect(refusal(bytes, { ...defaultLimits, ...bound })).toMatchObject({
      code: 'sip-message.too-large',
      sipStatus: status,
    })
  })

  it('counts folded lines into the length of a line', () => {
    const bytes = message({ X: `X: a${'\r\n aaaaaaaa'.repeat(10)}` })
    expect(refusal(bytes, { ...defaultLimits, lineLength: 80 })).toMatchObject({ code: 'sip-message.too-large' })
  })

  it('reads responses, and gives no reply for broken ones', () => {
    expect(parseMessage(message({ OPTIONS: 'SIP/2.0 404 Not here' }))).toMatchObject({
      status: 404,
      reason: 'Not here',
    })
    expect(parseMessage(message({ OPTIONS: 'SIP/2.0 200' }))).toMatchObject({ status: 200, reason: '' })
    for (const line of [
      'SIP/2.0 99 x',
      'SIP/2.0 700 x',
      'SIP/2.0 20 x',
      'SIP/2.0  200 x',
      'SIP/2.0 2000 x',
      'SIP/2.0 200x',
    ]) {
      expect(refusal(message({ OPTIONS: line }))).toMatchObject({ reply: null })
    }
    expect(refusal(message({ OPTIONS: 'SIP/2.0 200 OK', CSeq: 'CSeq: x' })).reply).toBeNull()
  })
})

describe('isKeepAlive', () => {
  it('knows what telephones send to keep a binding open', () => {
    for (const text of ['', '\r\n', '\r\n\r\n', '\0', '\0\0\0\0', ' '])
      expect(isKeepAlive(Buffer.from(text))).toBe(true)
    for (const text of ['x', '\r\nx', '\r\n\r\n\r\n\r\n\r\n']) expect(isKeepAlive(Buffer.from(text))).toBe(false)
  })
})
