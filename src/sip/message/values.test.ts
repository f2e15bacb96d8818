import { describe, expect, it } from 'vitest'
import { toLegible } from './escapes.ts'
import { Headers } from './headers.ts'
import { MessageError } from './message-error.ts'
import { parseReasonList, printReason } from './reason.ts'
import { parseSipDate, printSipDate } from './sip-date.ts'
import {
  accepts,
  hasOption,
  parseContentType,
  parseDeltaSeconds,
  parseQ,
  parseRAck,
  parseRSeq,
  parseTokenWithParameters,
  printDeltaSeconds,
  printRAck,
  tokenList,
} from './values.ts'

describe('lists of tokens', () => {
  const headers = Headers.from([
    ['Require', '100rel, Timer'],
    ['k', ''],
    ['Allow', 'INVITE , "x"'],
  ])

  it('are read over empty and several values', () => {
    expect(tokenList(headers, 'Require')).toEqual(['100rel', 'Timer'])
    expect(tokenList(headers, 'Supported')).toEqual([])
    expect(() => tokenList(headers, 'Allow')).toThrow(MessageError)
  })

  it('compare option tags without case', () => {
    expect(hasOption(headers, 'Require', 'timer')).toBe(true)
    expect(hasOption(headers, 'Supported', 'timer')).toBe(false)
    expect(hasOption(headers, 'Proxy-Require', 'timer')).toBe(false)
  })
})

describe('Accept', () => {
  it('means application/sdp alone when it is missing, and nothing when it is empty', () => {
    expect(accepts(Headers.from(), 'application/sdp')).toBe(true)
    expect(accepts(Headers.from(), 'text/plain')).toBe(false)
    expect(accepts(Headers.from([['Accept', '']]), 'application/sdp')).toBe(false)
  })

  it('knows ranges, and q=0 as a refusal', () => {
    expect(accepts(Headers.from([['Accept', 'text/html, application/*;q=0.5']]), 'application/sdp')).toBe(true)
    expect(accepts(Headers.from([['Accept', '*/*']]), 'application/sdp')).toBe(true)
    expect(accepts(Headers.from([['Accept', 'application/sdp;q=0.0']]), 'application/sdp')).toBe(false)
  })
})

describe('single values', () => {
  it('Content-Type', () => {
    expect(parseContentType('Multipart / Mixed ; boundary="a b"')).toEqual({
      type: 'multipart/mixed',
      parameters: new Map([['boundary', 'a b']]),
    })
    for (const text of ['text', 'text/', '/plain', 'text/plain;', 'text/plain x']) {
      expect(() => parseContentType(text)).toThrow(MessageError)
    }
  })

  it('Session-Expires, Min-SE and Retry-After', () => {
    expect(parseDeltaSeconds('1800;refresher=uas')).toEqual({
      seconds: 1800,
      parameters: new Map([['refresher', 'uas']]),
    })
    expect(parseDeltaSeconds(' 5 (in a (short) \\) while);duration=60').parameters.get('duration')).toBe('60')
    expect(printDeltaSeconds(parseDeltaSeconds('90 ; refresher = uac'))).toBe('90;refresher=uac')
    for (const text of ['', '-1', '1.5', '4294967296', '1 (', '1 x']) {
      expect(() => parseDeltaSeconds(text)).toThrow(MessageError)
    }
  })

  it('RSeq and RAck', () => {
    expect(parseRAck('776656  1 INVITE')).toEqual({ rseq: 776656, cseq: 1, method: 'INVITE' })
    expect(printRAck({ rseq: 1, cseq: 2, method: 'INVITE' })).toBe('1 2 INVITE')
    expect(parseRSeq('4294967295')).toBe(4294967295)
    for (const text of ['0', '4294967296', '', 'x']) expect(() => parseRSeq(text)).toThrow(MessageError)
    for (const text of ['0 1 INVITE', '1 INVITE', '1 2', '1 2 INVITE x'])
      expect(() => parseRAck(text)).toThrow(MessageError)
  })

  it('q of a Contact', () => {
    expect([undefined, '0', '1', '0.5', '0.123', '1.000', '0.'].map((value) => parseQ(value))).toEqual([
      1, 0, 1, 0.5, 0.123, 1, 0,
    ])
    for (const text of [null, '', '.5', '2', '1.001', '0.1234', '0,5', '-0'])
      expect(() => parseQ(text)).toThrow(MessageError)
  })

  it('Event and Content-Disposition', () => {
    expect(parseTokenWithParameters('session;handling=optional')).toEqual({
      token: 'session',
      parameters: new Map([['handling', 'optional']]),
    })
    expect(() => parseTokenWithParameters('a b')).toThrow(MessageError)
  })
})

describe('Reason', () => {
  it('is read with several values and written again', () => {
    const found = parseReasonList('SIP ;cause=200 ;text="Call completed, elsewhere" , Q.850;cause=16, preemption')
    expect(found).toEqual([
      { protocol: 'SIP', cause: 200, text: 'Call completed, elsewhere' },
      { protocol: 'Q.850', cause: 16, text: '' },
      { protocol: 'preemption', cause: null, text: '' },
    ])
    expect(found.map((reason) => printReason(reason)).join(', ')).toBe(
      'SIP;cause=200;text="Call completed, elsewhere", Q.850;cause=16, preemption',
    )
    expect(() => parseReasonList('SIP;cause=x')).toThrow(MessageError)
  })
})

describe('Date', () => {
  it('is read in the one form the standard has', () => {
    expect(parseSipDate('Sat, 13 Nov 2010 23:29:00 GMT')).toBe(Date.UTC(2010, 10, 13, 23, 29, 0))
    expect(printSipDate(Date.UTC(2010, 10, 13, 23, 29, 0))).toBe('Sat, 13 Nov 2010 23:29:00 GMT')
  })

  it.each([
    'Sat, 13 Nov 2010 23:29:00 EST',
    'Sat, 13 Nov 2010 24:29:00 GMT',
    'Sat, 13 Abc 2010 23:29:00 GMT',
    'Xyz, 13 Nov 2010 23:29:00 GMT',
    'Sat, 13 Nov 10 23:29:00 GMT',
    'Sat, 00 Nov 2010 23:29:00 GMT',
    'Sat, 1e Nov 2010 23:29:00 GMT',
    '2010-11-13T23:29:00Z',
    '',
  ])('refuses %j', (text) => {
    expect(parseSipDate(text)).toBeNull()
  })
})

describe('toLegible', () => {
  it('replaces what no database takes and leaves every letter', () => {
    expect(toLegible('a\0b\r\nc\u007f\udce9d')).toBe('a\ufffdb\ufffd\ufffdc\ufffd\ufffdd')
    expect(toLegible('Lan ở 😀')).toBe('Lan ở 😀')
    expect(toLegible('\ud83d')).toBe('\ufffd')
  })
})
