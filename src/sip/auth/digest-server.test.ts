import { describe, expect, it } from 'vitest'
import { TestClock } from '../../../test/support/test-clock.ts'
import type { SipCallId } from '../../base/ids.ts'
import { SeededRandom } from '../../base/random.ts'
import { createRequest, createResponse } from '../message/build.ts'
import { parseNameAddress } from '../message/name-address.ts'
import type { SipRequest } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import { computeHa1, computeResponse } from './digest.ts'
import { DigestClient } from './digest-client.ts'
import { type Credential, DigestServer, type DigestVerdict } from './digest-server.ts'

const realm = 'acme.example'
const account = { username: '101', password: 'correct horse' }
const home = { address: '192.0.2.9' }

function request(headers: readonly (readonly [string, string])[] = [], method = 'REGISTER'): SipRequest {
  return createRequest({
    method,
    uri: parseUri('sip:acme.example'),
    from: parseNameAddress('<sip:101@acme.example>;tag=a'),
    to: parseNameAddress('<sip:101@acme.example>'),
    sipCallId: 'call' as SipCallId,
    cseq: 1,
    headers,
  })
}

class Setup {
  readonly clock = new TestClock()
  readonly random: SeededRandom
  readonly server: DigestServer
  readonly client: DigestClient
  readonly lookups: string[] = []

  constructor(seed = 1) {
    this.random = new SeededRandom(seed)
    const { clock, random } = this
    this.server = new DigestServer({ clock, random })
    this.client = new DigestClient({ ...account, random })
  }

  verify(asked: SipRequest, source = home): Promise<DigestVerdict<Credential>> {
    const lookup = (username: string): Credential | null => {
      this.lookups.push(username)
      return username === '101' ? { password: account.password } : null
    }
    return this.server.verify(asked, realm, lookup, source)
  }

  /** A request with credentials for a fresh challenge. */
  authorized(client = this.client, options: { stale?: boolean } = {}): SipRequest {
    const plain = request()
    const headers = this.server.challengeHeaders(realm, options)
    client.takeChallenge(plain, createResponse(plain, 401, { headers }), 0)
    return request(client.credentials(plain))
  }

  guess(username = '101'): SipRequest {
    return this.authorized(new DigestClient({ username, password: 'guess', random: this.random }))
  }
}

/** What the client would send, with parts of its credentials exchanged. */
function altered(asked: SipRequest, from: string | RegExp, to: string): SipRequest {
  return request([['Authorization', (asked.headers.get('Authorization') ?? '').replace(from, to)]])
}

describe('the challenge', () => {
  it('offers SHA-256 first and MD5 second, each with a nonce of its own', () => {
    const headers = new Setup().server.challengeHeaders('a "realm"', { form: 'proxy', stale: true })
    expect(headers.map(([name]) => name)).toEqual(['Proxy-Authenticate', 'Proxy-Authenticate'])
    const [first = '', second = ''] = headers.map(([, value]) => value)
    expect(first).toMatch(
      /^Digest realm="a \\"realm\\"", qop="auth", nonce="[\w-]{40}", stale=true, algorithm=SHA-256$/,
    )
    expect(second).toMatch(/algorithm=MD5$/)
    expect(first.slice(0, 80)).not.toBe(second.slice(0, 80))
  })

  it('names MD5 alone where told so, and then an answer by SHA-256 is none', async () => {
    const setup = new Setup()
    const { clock, random } = setup
    const server = new DigestServer({ clock, random, algorithms: ['MD5'] })
    expect(server.challengeHeaders(realm).map(([, value]) => /algorithm=(.*)$/.exec(value)?.[1])).toEqual(['MD5'])
    const lookup = (): Credential => ({ password: account.password })
    expect(await server.verify(setup.authorized(), realm, lookup, home)).toMatchObject({ outcome: 'challenge' })
  })

  it('has 401 or 407 for its status', () => {
    const { server } = new Setup()
    expect([server.challengeStatus('user'), server.challengeStatus('proxy')]).toEqual([401, 407])
  })
})

describe('credentials', () => {
  it('that are right are accepted, by either algorithm', async () => {
    const setup = new Setup()
    const strong = setup.authorized()
    expect(strong.headers.get('Authorization')).toContain('algorithm=SHA-256')
    expect(await setup.verify(strong)).toMatchObject({ outcome: 'accepted', username: '101' })

    const plain = request()
    const [, md5] = setup.server.challengeHeaders(realm)
    const weak = new DigestClient({ ...account, random: setup.random })
    weak.takeChallenge(plain, createResponse(plain, 401, { headers: md5 ? [md5] : [] }), 0)
    expect(await setup.verify(request(weak.credentials(plain)))).toMatchObject({ outcome: 'accepted' })
  })

  it('that are missing, of another realm or another scheme are asked for', async () => {
    const setup = new Setup()
    const other = altered(setup.authorized(), `realm="${realm}"`, 'realm="elsewhere"')
    for (const asked of [request(), other, request([['Authorization', 'Bearer abc=1']])]) {
      expect(await setup.verify(asked)).toMatchObject({ outcome: 'challenge', stale: false })
    }
    expect(setup.lookups).toEqual([])
  })

  it('that are wrong, or of nobody, are asked for again', async () => {
    const setup = new Setup()
    expect(await setup.verify(setup.guess())).toMatchObject({ outcome: 'challenge', stale: false })
    expect(await setup.verify(setup.guess('nobody'))).toMatchObject({ outcome: 'challenge', stale: false })
  })

  it('whose nonce is too old, or of an earlier process, are stale when the password is right', async () => {
    const setup = new Setup()
    const asked = setup.authorized()
    setup.clock.advance(300_001)
    expect(await setup.verify(asked)).toMatchObject({ outcome: 'challenge', stale: true })
    expect(await new Setup(2).verify(asked)).toMatchObject({ outcome: 'challenge', stale: true })
    const wrong = setup.guess()
    setup.clock.advance(300_001)
    expect(await setup.verify(wrong)).toMatchObject({ outcome: 'challenge', stale: false })
  })

  it('that are replayed are stale; the next count of the same nonce is accepted', async () => {
    const setup = new Setup()
    const asked = setup.authorized()
    expect(await setup.verify(asked)).toMatchObject({ outcome: 'accepted' })
    expect(await setup.verify(asked)).toMatchObject({ outcome: 'challenge', stale: true })
    const next = request(setup.client.credentials(request()))
    expect(next.headers.get('Authorization')).toContain('nc=00000002')
    expect(await setup.verify(next)).toMatchObject({ outcome: 'accepted' })
  })

  it('for another method or another resource are not accepted', async () => {
    const setup = new Setup()
    const asked = setup.authorized()
    const invite = request(
      [...asked.headers.entries()].filter(([name]) => name === 'Authorization'),
      'INVITE',
    )
    expect(await setup.verify(invite)).toMatchObject({ outcome: 'challenge' })
    const elsewhere = altered(asked, 'uri="sip:acme.example"', 'uri="sip:other.example"')
    expect(await setup.verify(elsewhere)).toMatchObject({ outcome: 'refused', status: 400 })
  })

  it('for another user at the same host are accepted: a proxy may have rewritten the number', async () => {
    const setup = new Setup()
    const forwarded = { ...setup.authorized(), uri: parseUri('sip:1000@acme.example:5070') }
    expect(await setup.verify(forwarded)).toMatchObject({ outcome: 'accepted' })
  })

  it.each([
    ['nc=00000001', 'nc=1'],
    ['nc=00000001', 'nc=00000000'],
    ['qop=auth', 'qop=token'],
    [/cnonce="\w+", /, ''],
    ['username="101", ', ''],
    [/response="\w+"/, 'response=""'],
    [/nonce="[\w-]+"/, 'nonce="'],
  ])('with %s made %s are refused as illegal', async (from, to) => {
    const setup = new Setup()
    expect(await setup.verify(altered(setup.authorized(), from, to))).toMatchObject({ outcome: 'refused', status: 400 })
  })

  it('with qop=auth-int are accepted when the body is what was signed', async () => {
    const setup = new Setup()
    const [[, challenge] = ['', '']] = setup.server.challengeHeaders(realm)
    const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? ''
    const uri = 'sip:acme.example'
    const parts = { nonce, nc: '00000001', cnonce: 'c', qop: 'auth-int', method: 'REGISTER', uri } as const
    const ha1 = computeHa1('SHA-256', '101', realm, account.password)
    const sign = (body: Uint8Array): string =>
      computeResponse({ ...parts, algorithm: 'SHA-256', isSession: false, ha1, body })
    const withResponse = (response: string): SipRequest =>
      request([
        [
          'Authorization',
          `Digest username="101", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
            'algorithm=SHA-256, cnonce="c", qop=auth-int, nc=00000001',
        ],
      ])
    expect(await setup.verify(withResponse(sign(new Uint8Array([1]))))).toMatchObject({ outcome: 'challenge' })
    expect(await setup.verify(withResponse(sign(new Uint8Array())))).toMatchObject({ outcome: 'accepted' })
  })

  it('may be checked against stored H(A1), and against several accounts of the same name', async () => {
    const setup = new Setup()
    const ha1 = { 'SHA-256': computeHa1('SHA-256', '101', realm, account.password) }
    const mine = { ha1, tenant: 'b' }
    const lookup = async (): Promise<(Credential & { tenant: string })[]> => [{ password: 'other', tenant: 'a' }, mine]
    const verdict = await setup.server.verify(setup.authorized(), realm, lookup, home)
    expect(verdict.outcome === 'accepted' && verdict.credential.tenant).toBe('b')
  })
})

describe('failed authentications', () => {
  it('of one user from one address are bounded, and the bound ends with time', async () => {
    const setup = new Setup()
    for (let i = 0; i < 10; i++) await setup.verify(setup.guess())
    setup.lookups.length = 0
    expect(await setup.verify(setup.authorized())).toMatchObject({ outcome: 'refused', status: 403 })
    expect(setup.lookups).toEqual([])
    setup.clock.advance(300_000)
    expect(await setup.verify(setup.authorized())).toMatchObject({ outcome: 'accepted' })
  })

  it('do not count a request that merely has no credentials', async () => {
    const setup = new Setup()
    for (let i = 0; i < 100; i++) await setup.verify(request())
    expect(await setup.verify(setup.authorized())).toMatchObject({ outcome: 'accepted' })
  })

  it('of a guesser elsewhere do not lock out the telephone that was right before', async () => {
    const setup = new Setup()
    await setup.verify(setup.authorized())
    for (let i = 0; i < 30; i++) await setup.verify(setup.guess(), { address: `198.51.100.${i}` })
    expect(await setup.verify(setup.authorized())).toMatchObject({ outcome: 'accepted' })
    expect(await setup.verify(setup.authorized(), { address: '203.0.113.1' })).toMatchObject({ outcome: 'refused' })
  })

  it('from one address are bounded over all users, and so are those of one IPv6 household', async () => {
    for (const address of [() => '203.0.113.1', (i: number) => `2001:db8:1:2::${i.toString(16)}`]) {
      const setup = new Setup()
      for (let i = 0; i < 40; i++) await setup.verify(setup.guess(`user${i}`), { address: address(i) })
      expect(await setup.verify(setup.authorized(), { address: address(99) })).toMatchObject({ outcome: 'refused' })
      expect(await setup.verify(setup.authorized(), { address: '2001:db8:1:3::1' })).toMatchObject({
        outcome: 'accepted',
      })
    }
  })

  it('are forgotten in order when there are too many to count', async () => {
    const setup = new Setup()
    const failures = { perAddress: 2, perUser: 1000, perPair: 1000, windowSeconds: 300, capacity: 3 }
    const server = new DigestServer({ clock: setup.clock, random: setup.random, failures })
    const lookup = (): Credential => ({ password: 'x' })
    for (const address of ['a', 'a', 'b', 'c', 'd']) await server.verify(setup.guess(), realm, lookup, { address })
    expect((await server.verify(setup.guess(), realm, lookup, { address: 'a' })).outcome).toBe('challenge')
  })
})

describe('the client', () => {
  const challenge = (text: string) => ['WWW-Authenticate', `Digest realm="${realm}", ${text}`] as const
  const ask = (client: DigestClient, texts: readonly string[], attempt = 0, asked = request()): boolean =>
    client.takeChallenge(asked, createResponse(asked, 401, { headers: texts.map(challenge) }), attempt)

  it('takes SHA-256 before MD5, wherever it stands', () => {
    const { client } = new Setup()
    ask(client, ['nonce="a", qop="auth", algorithm=MD5', 'nonce="b", qop="auth", algorithm=SHA-256'])
    expect(client.credentials(request()).map(([, value]) => /nonce="(\w)"/.exec(value)?.[1])).toEqual(['b'])
  })

  it('answers a server of RFC 2069, which knows no qop', () => {
    const { client } = new Setup()
    ask(client, ['nonce="a", opaque="o"'])
    const [[, value] = ['', '']] = client.credentials(request())
    expect(value).toContain('opaque="o"')
    expect(value).not.toMatch(/qop|nc=|cnonce|algorithm/)
  })

  it('does not answer what it does not know', () => {
    const { client } = new Setup()
    expect(ask(client, ['nonce="a", algorithm=ROT13', 'nonce="a", qop="token"', 'qop="auth"'])).toBe(false)
    expect(client.credentials(request())).toEqual([])
  })

  it('repeats once for a stale nonce, and not when its password was refused', () => {
    const { client } = new Setup()
    const fresh = 'nonce="a", qop="auth"'
    expect(ask(client, [fresh])).toBe(true)
    const first = request(client.credentials(request()))
    expect(ask(client, ['nonce="b", qop="auth"'], 1, first)).toBe(false)
    expect(ask(client, ['nonce="b", qop="auth", stale=true'], 1, first)).toBe(true)
    const second = request(client.credentials(request()))
    expect(ask(client, ['nonce="c", qop="auth", stale=true'], 2, second)).toBe(false)
  })

  it('answers a server and the proxy before it together', () => {
    const { client } = new Setup()
    ask(client, ['nonce="a", qop="auth"'])
    const plain = request(client.credentials(request()))
    const headers = [['Proxy-Authenticate', 'Digest realm="proxy", nonce="p", qop="auth"']] as const
    expect(client.takeChallenge(plain, createResponse(plain, 407, { headers }), 1)).toBe(true)
    expect(client.credentials(request()).map(([name]) => name)).toEqual(['Authorization', 'Proxy-Authorization'])
  })
})
