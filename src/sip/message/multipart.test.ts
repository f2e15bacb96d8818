import { describe, expect, it } from 'vitest'
import { MessageError } from './message-error.ts'
import { bodyOf, bodyParts, findBodyPart, isMultipart } from './multipart.ts'
import { parseMessage } from './parse.ts'
import type { SipMessage } from './types.ts'

function message(type: string | null, body: string): SipMessage {
  const line = type === null ? '' : `Content-Type: ${type}\r\n`
  return parseMessage(
    Buffer.from(
      `INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n${line}\r\n${body}`,
    ),
  )
}

const sdpOf = (type: string, body: string): string | null => {
  const bytes = findBodyPart(message(type, body), 'application/sdp')
  return bytes === null ? null : Buffer.from(bytes).toString()
}

const part = (type: string, body: string): string => `Content-Type: ${type}\r\n\r\n${body}`

describe('bodyOf', () => {
  it('gives the body of that type only', () => {
    expect(bodyOf(message('Application/SDP;x=y', 'v=0\r\n'), 'application/sdp')).toEqual(Buffer.from('v=0\r\n'))
    expect(bodyOf(message('text/plain', 'v=0\r\n'), 'application/sdp')).toBeNull()
    expect(bodyOf(message(null, 'v=0\r\n'), 'application/sdp')).toBeNull()
    expect(bodyOf(message('application/sdp', ''), 'application/sdp')).toBeNull()
  })
})

describe('findBodyPart', () => {
  it('finds SDP as the whole body', () => {
    expect(sdpOf('application/sdp', 'v=0\r\n')).toBe('v=0\r\n')
    expect(sdpOf('text/plain', 'v=0\r\n')).toBeNull()
  })

  it('finds SDP among parts, without the line break that belongs to the delimiter', () => {
    const body = `--b\r\n${part('application/isup', '\u0001--b\u0002')}\r\n--b  \r\n${part('application/sdp;x=1', 'v=0\r\n')}\r\n--b--\r\n`
    expect(sdpOf('multipart/mixed;boundary=b', body)).toBe('v=0\r\n')
  })

  it('passes over preamble and epilogue, and what only looks like a delimiter', () => {
    const body = `hello --b\r\n--bc\r\n--b\r\n${part('application/sdp', 'v=0 --b\r\n--bx')}\r\n--b--\r\nbye --b--`
    expect(sdpOf('multipart/mixed;boundary="b"', body)).toBe('v=0 --b\r\n--bx')
  })

  it('finds SDP in a multipart within a multipart', () => {
    const inner = `--i\r\n${part('application/sdp', 'v=0\r\n')}\r\n--i--`
    const body = `--o\r\n${part('text/plain', 'x')}\r\n--o\r\n${part('multipart/alternative;boundary=i', inner)}\r\n--o--`
    expect(sdpOf('multipart/mixed;boundary=o', body)).toBe('v=0\r\n')
    expect(isMultipart(message('multipart/mixed;boundary=o', body))).toBe(true)
  })

  it('reads parts without header fields, empty parts, and folded header fields', () => {
    const body =
      '--b\r\n\r\nplain\r\n--b\r\n\r\n\r\n--b\r\nContent-Type:\r\n text/x;\r\n\ty=1\r\nContent-ID: <1>\r\n\r\nz\r\n--b--'
    const parts = bodyParts(message('multipart/mixed;boundary=b', body))
    expect(parts.map(({ type, bytes }) => [type.type, Buffer.from(bytes).toString()])).toEqual([
      ['text/plain', 'plain'],
      ['text/plain', ''],
      ['text/x', 'z'],
    ])
    expect(parts[2]?.headers.get('Content-ID')).toBe('<1>')
  })

  const deep = (levels: number): string =>
    levels === 0
      ? part('application/sdp', 'v=0')
      : part(`multipart/mixed;boundary=b${levels}`, `--b${levels}\r\n${deep(levels - 1)}\r\n--b${levels}--`)

  it.each([
    ['multipart/mixed', '--b\r\n\r\nx\r\n--b--', 'no boundary'],
    ['multipart/mixed;boundary="a<b"', '--a<b\r\n\r\nx\r\n--a<b--', 'an illegal boundary'],
    [`multipart/mixed;boundary=${'b'.repeat(71)}`, 'x', 'a boundary too long'],
    ['multipart/mixed;boundary=b', 'x', 'no delimiter'],
    ['multipart/mixed;boundary=b', `--b\r\n${part('application/sdp', 'v=0')}`, 'no last delimiter'],
    ['multipart/mixed;boundary=b', '--b\r\nContent-Type: application/sdp\r\n--b--', 'header fields without an end'],
    ['multipart/mixed;boundary=b', '--b\r\nnonsense\r\n\r\nx\r\n--b--', 'a header field without a colon'],
    ['multipart/mixed;boundary=b', `--b\r\n${part('x', 'v')}\r\n--b--`, 'an illegal type of a part'],
    ['multipart/mixed;boundary=b', `${'--b\r\n\r\n\r\n'.repeat(40)}--b--`, 'too many parts'],
    ['multipart/mixed;boundary=b', `--b\r\n${'X: y\r\n'.repeat(20)}\r\n\r\n--b--`, 'too many header fields of a part'],
    ['multipart/mixed;boundary=o', `--o\r\n${deep(5)}\r\n--o--`, 'too deep'],
  ])('refuses %s with %j: %s', (type, body) => {
    expect(() => bodyParts(message(type, body))).toThrow(MessageError)
  })
})
