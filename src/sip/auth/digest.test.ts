import { describe, expect, it } from 'vitest'
import { computeHa1, computeResponse, constantTimeEquals, parseAlgorithm } from './digest.ts'

describe('the digest response', () => {
  // RFC 7616 §3.9.1: the same request by both algorithms.
  const input = {
    isSession: false,
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: 'auth',
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    method: 'GET',
    uri: '/dir/index.html',
    body: new Uint8Array(),
  } as const
  const account = ['Mufasa', 'http-auth@example.org', 'Circle of Life'] as const

  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('by %s is that of RFC 7616', (algorithm, expected) => {
    expect(computeResponse({ ...input, algorithm, ha1: computeHa1(algorithm, ...account) })).toBe(expected)
  })

  it('without qop is that of RFC 2069 as RFC 2617 corrects it', () => {
    const ha1 = computeHa1('MD5', 'Mufasa', 'testrealm@host.com', 'CircleOfLife')
    const response = computeResponse({
      ...input,
      algorithm: 'MD5',
      ha1,
      qop: null,
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    })
    expect(response).toBe('1949323746fe6a43ef61f9606e7febea')
  })

  it('by SHA-512-256 is as long as that by SHA-256, and another', () => {
    const [long, other] = (['SHA-512-256', 'SHA-256'] as const).map((algorithm) =>
      computeResponse({ ...input, algorithm, ha1: computeHa1(algorithm, ...account) }),
    )
    expect(long).toHaveLength(64)
    expect(long).not.toBe(other)
  })
})

describe('an algorithm parameter', () => {
  it.each([
    [undefined, 'MD5', false],
    ['sha-256', 'SHA-256', false],
    ['MD5-sess', 'MD5', true],
    ['SHA-512-256', 'SHA-512-256', false],
  ] as const)('%s is understood', (value, algorithm, isSession) => {
    expect(parseAlgorithm(value)).toEqual({ algorithm, isSession })
  })

  it('that nobody knows is not', () => {
    expect(parseAlgorithm('token')).toBeNull()
  })
})

describe('the comparison of secrets', () => {
  it('tells equal from unequal, whatever their length', () => {
    expect(constantTimeEquals('abc', 'abc')).toBe(true)
    expect(constantTimeEquals('abc', 'abd')).toBe(false)
    expect(constantTimeEquals('abc', 'abcd')).toBe(false)
  })
})
