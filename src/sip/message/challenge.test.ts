import { describe, expect, it } from 'vitest'
import {
  parseAuthParameters,
  parseChallenge,
  parseChallengeList,
  printAuthParameters,
  printChallenge,
} from './challenge.ts'
import { MessageError } from './message-error.ts'

describe('parseChallenge', () => {
  it('reads a challenge with quoted and bare values, names without case', () => {
    const challenge = parseChallenge('Digest Realm="a \\"b\\", c", nonce = "x=,y" ,QOP="auth,auth-int",stale=FALSE')
    expect(challenge.scheme).toBe('Digest')
    expect([...challenge.parameters]).toEqual([
      ['realm', 'a "b", c'],
      ['nonce', 'x=,y'],
      ['qop', 'auth,auth-int'],
      ['stale', 'FALSE'],
    ])
  })

  it('reads an unknown scheme', () => {
    expect(parseChallenge('NoOneKnowsThisScheme opaque-data=here').parameters.get('opaque-data')).toBe('here')
  })

  it.each([
    '',
    'Digest realm',
    'Digest realm=',
    'Digest realm="a',
    'Digest realm="a" nonce="b"',
    'Digest a=1,',
    'Digest a=1,A=2',
    '"Digest" a=1',
  ])('refuses %j', (text) => {
    expect(() => parseChallenge(text)).toThrow(MessageError)
  })

  it('reads several challenges in one line, as some servers send them', () => {
    const found = parseChallengeList('Digest realm="a", nonce="1", algorithm=SHA-256, Digest realm="a", nonce="2"')
    expect(found.map((challenge) => challenge.parameters.get('nonce'))).toEqual(['1', '2'])
    expect(() => parseChallenge('Digest a=1, Digest b=2')).toThrow(MessageError)
  })
})

describe('printChallenge', () => {
  it('quotes in a challenge what the grammar quotes there', () => {
    const text = 'Digest realm="a\\"b", nonce="n", qop="auth", algorithm=MD5, stale=true, opaque=""'
    expect(printChallenge(parseChallenge(text))).toBe(text)
  })

  it('writes qop bare in credentials', () => {
    const text = 'Digest username="u", realm="r", uri="sip:a@b", response="00", qop=auth, nc=00000001, cnonce="c"'
    expect(printChallenge(parseChallenge(text))).toBe(text)
  })

  it('writes Authentication-Info without a scheme', () => {
    const text = 'nextnonce="n", qop=auth, rspauth="00", cnonce="c", nc=00000001'
    expect(printAuthParameters(parseAuthParameters(text))).toBe(text)
  })
})
