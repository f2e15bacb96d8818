import { describe, expect, it } from 'vitest'
import type { SipCallId } from '../../base/ids.ts'
import { createRequest, createResponse, withTopVia } from './build.ts'
import { MessageError } from './message-error.ts'
import { parseNameAddress } from './name-address.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'
import { reasonPhrase } from './reason-phrases.ts'
import type { SipMessage, SipRequest } from './types.ts'
import { parseUri } from './uri.ts'
import { parseVia } from './via.ts'

const text = (message: SipMessage): string => Buffer.from(printMessage(message)).toString()

const invite = createRequest({
  method: 'INVITE',
  uri: parseUri('sip:137@b.example'),
  from: parseNameAddress('"Lan ở" <sip:101@a.example>;tag=f'),
  to: parseNameAddress('<sip:137@b.example>'),
  sipCallId: 'c1' as SipCallId,
  cseq: 7,
  headers: [['Supported', 'timer']],
  body: 'v=0\r\n',
  contentType: 'application/sdp',
})

function incoming(via: string): SipRequest {
  const bytes = Buffer.from(
    `INVITE sip:137@b.example SIP/2.0\r\n${via}\r\nf: <sip:101@a.example>;tag=f\r\nTo: "x" <sip:137@b.example>;k=v\r\n` +
      'i: c1\r\nCSeq: 7 INVITE\r\nTimestamp: 54\r\nRecord-Route: <sip:p.example;lr>\r\n\r\n',
  )
  const message = parseMessage(bytes)
  if (message.kind !== 'request') throw new Error('A request was expected.')
  return message
}

describe('createRequest', () => {
  it('prints a whole request, its length counted in bytes', () => {
    expect(text(withTopVia(invite, parseVia('SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKb')))).toBe(
      [
        'INVITE sip:137@b.example SIP/2.0',
        'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKb',
        'Max-Forwards: 70',
        'From: "Lan ở" <sip:101@a.example>;tag=f',
        'To: <sip:137@b.example>',
        'Call-ID: c1',
        'CSeq: 7 INVITE',
        'Supported: timer',
        'Content-Type: application/sdp',
        'Content-Length: 5',
        '',
        'v=0\r\n',
      ].join('\r\n'),
    )
  })

  it('is read back as it was made', () => {
    const read = parseMessage(printMessage(invite))
    expect({ ...read, headers: null, body: null }).toEqual({ ...invite, headers: null, body: null })
    expect(Buffer.from(read.body).toString()).toBe('v=0\r\n')
  })

  it('takes no value with a line break', () => {
    const { method, uri, from, to, sipCallId } = invite
    const options = { method, uri, from, to, sipCallId, cseq: 1 }
    expect(() => createRequest({ ...options, headers: [['Subject', 'a\r\nRoute: <sip:x>']] })).toThrow(MessageError)
    expect(() => createRequest({ ...options, sipCallId: 'a\r\nb' as SipCallId })).toThrow(MessageError)
  })
})

describe('createResponse', () => {
  it('copies what a response must have, and adds our tag to To as it was written', () => {
    const request = incoming('v: SIP/2.0/UDP h1;branch=z9hG4bK1 , SIP/2.0/TCP h2\r\nVia: SIP/2.0/UDP h3')
    const response = createResponse(request, 180, { toTag: 't', headers: [['Contact', '<sip:192.0.2.1>']] })
    expect(text(response)).toBe(
      [
        'SIP/2.0 180 Ringing',
        'Via: SIP/2.0/UDP h1;branch=z9hG4bK1 , SIP/2.0/TCP h2',
        'Via: SIP/2.0/UDP h3',
        'From: <sip:101@a.example>;tag=f',
        'To: "x" <sip:137@b.example>;k=v;tag=t',
        'Call-ID: c1',
        'CSeq: 7 INVITE',
        'Contact: <sip:192.0.2.1>',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
    expect(response.to.parameters.get('tag')).toBe('t')
    expect(response.vias).toHaveLength(3)
  })

  it('keeps the tag that To has in a dialog', () => {
    const { headers } = invite
    const tagged = headers.clone()
    tagged.set('To', '<sip:137@b.example>;tag=old')
    const request = { ...invite, headers: tagged, to: parseNameAddress('<sip:137@b.example>;tag=old') }
    expect(createResponse(request, 200, { toTag: 'new' }).headers.get('To')).toBe('<sip:137@b.example>;tag=old')
  })

  it('copies Timestamp into 100 only', () => {
    const request = incoming('Via: SIP/2.0/UDP h1')
    expect(createResponse(request, 100).headers.get('Timestamp')).toBe('54')
    expect(createResponse(request, 200).headers.has('Timestamp')).toBe(false)
  })

  it('lets no line break out of a reason', () => {
    const response = createResponse(incoming('Via: SIP/2.0/UDP h1'), 486, { reason: 'no\r\nVia: x' })
    expect(text(response).split('\r\n', 1)).toEqual(['SIP/2.0 486 Busy Here'])
  })
})

describe('printMessage', () => {
  it('counts the body itself, whatever Content-Length says', () => {
    const headers = invite.headers.clone()
    headers.set('Content-Length', '999')
    expect(text({ ...invite, headers })).toMatch(/\r\nContent-Length: 5\r\n\r\nv=0\r\n$/)
  })
})

describe('a Request-URI made by hand', () => {
  it('adds no header field', () => {
    const uri = { scheme: 'tel', opaque: '1 SIP/2.0\r\nRoute: <sip:evil>' }
    expect(() => printMessage({ ...invite, uri })).toThrow(MessageError)
  })
})

describe('withTopVia', () => {
  it('leaves the other Vias of the same line where they are', () => {
    const request = incoming('v: SIP/2.0/UDP h1;branch=z9hG4bK1 , SIP/2.0/TCP h2\r\nVia: SIP/2.0/UDP h3')
    const changed = withTopVia(request, parseVia('SIP/2.0/UDP h1;branch=z9hG4bK1;received=192.0.2.9'))
    expect(changed.headers.getAll('Via')).toEqual([
      'SIP/2.0/UDP h1;branch=z9hG4bK1;received=192.0.2.9, SIP/2.0/TCP h2',
      'SIP/2.0/UDP h3',
    ])
    expect(changed.vias.map((via) => via.host)).toEqual(['h1', 'h2', 'h3'])
    expect(request.headers.get('Via')).not.toContain('received')
  })
})

describe('reasonPhrase', () => {
  it('has the words of the standard, and those of the class for what it does not know', () => {
    expect(reasonPhrase(481)).toBe('Call/Transaction Does Not Exist')
    expect(reasonPhrase(499)).toBe('Bad Request')
    expect(reasonPhrase(150)).toBe('Session Progress')
  })
})
