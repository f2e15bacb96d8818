import { describe, expect, it } from 'vitest'
import { ScriptedSip } from '../../../test/support/scripted-sip.ts'
import { SeededRandom } from '../../base/random.ts'
import { createResponse } from '../message/build.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import { computeHa1, computeResponse } from './digest.ts'
import { DigestClient } from './digest-client.ts'

type HeaderLine = readonly [string, string]

/** One account, and the request that it is asked for. */
class Account {
  readonly client = new DigestClient({ username: 'Mufasa', password: 'Circle of Life', random: new SeededRandom(1) })
  request: SipRequest = new ScriptedSip().build('INVITE')

  /** The request with credentials, as it would be sent. */
  send(): readonly HeaderLine[] {
    this.request = new ScriptedSip().build('INVITE')
    const lines = this.client.credentials(this.request)
    for (const [name, value] of lines) this.request.headers.append(name, value)
    return lines
  }

  refuse(attempt: number, status: 401 | 407, ...challenges: readonly string[]): boolean {
    const name = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
    const headers = challenges.map((challenge) => [name, challenge] as const)
    const response: SipResponse = createResponse(this.request, status, { headers })
    return this.client.takeChallenge(this.request, response, attempt)
  }
}

function parameter(value: string | undefined, name: string): string | null {
  return new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(value ?? '')?.[1] ?? null
}

describe('the client of digest authentication', () => {
  it.each(['MD5', 'SHA-256', 'SHA-512-256'] as const)('computes what the server expects by %s', (algorithm) => {
    const account = new Account()
    account.send()
    const challenge = `Digest realm="r", nonce="n", qop="auth,auth-int", opaque="o", algorithm=${algorithm}`
    expect(account.refuse(0, 401, challenge)).toBe(true)
    const [[name, value] = ['', '']] = account.send()
    expect(name).toBe('Authorization')
    const expected = computeResponse({
      algorithm,
      isSession: false,
      ha1: computeHa1(algorithm, 'Mufasa', 'r', 'Circle of Life'),
      nonce: 'n',
      qop: 'auth',
      nc: '00000001',
      cnonce: parameter(value, 'cnonce') ?? '',
      method: 'INVITE',
      uri: 'sip:1000@192.0.2.1',
      body: account.request.body,
    })
    expect(parameter(value, 'response')).toBe(expected)
    expect(parameter(value, 'opaque')).toBe('o')
    expect(value).toContain(`algorithm=${algorithm}`)
  })

  it('answers server and proxy at once, each in its own header field', () => {
    const account = new Account()
    account.send()
    expect(account.refuse(0, 407, 'Digest realm="proxy", nonce="p"')).toBe(true)
    account.send()
    expect(account.refuse(1, 401, 'Digest realm="server", nonce="s"')).toBe(true)
    expect(account.send().map(([name, value]) => [name, parameter(value, 'realm')])).toEqual([
      ['Proxy-Authorization', 'proxy'],
      ['Authorization', 'server'],
    ])
  })

  it('takes the strongest algorithm that it knows, and none that it does not', () => {
    const account = new Account()
    account.send()
    const all = ['MD5', 'SHA-512-256', 'SHA-256', 'SHA3'].map(
      (name) => `Digest realm="r", nonce="n", algorithm=${name}`,
    )
    expect(account.refuse(0, 401, ...all)).toBe(true)
    expect(account.send()[0]?.[1]).toContain('algorithm=SHA-256')
    const other = new Account()
    other.send()
    expect(other.refuse(0, 401, 'Digest realm="r", nonce="n", algorithm=SHA3')).toBe(false)
    expect(other.refuse(0, 401, 'Basic realm="r"')).toBe(false)
    expect(other.refuse(0, 401, 'Digest realm="r", nonce="n", qop="unheard-of"')).toBe(false)
    expect(other.refuse(0, 401, 'Digest realm="r')).toBe(false)
    expect(other.refuse(0, 401)).toBe(false)
  })

  it('counts the uses of a nonce over all requests, and begins anew with the next', () => {
    const account = new Account()
    account.send()
    account.refuse(0, 401, 'Digest realm="r", nonce="a", qop="auth"')
    expect(parameter(account.send()[0]?.[1], 'nc')).toBe('00000001')
    expect(parameter(account.send()[0]?.[1], 'nc')).toBe('00000002')
    // An old nonce that ran out between two requests: the account was not refused.
    expect(account.refuse(0, 401, 'Digest realm="r", nonce="b", qop="auth"')).toBe(true)
    const [[, value] = ['', '']] = account.send()
    expect([parameter(value, 'nonce'), parameter(value, 'nc')]).toEqual(['b', '00000001'])
  })

  it('answers no nonce twice', () => {
    const account = new Account()
    account.send()
    expect(account.refuse(0, 401, 'Digest realm="r", nonce="a", qop="auth"')).toBe(true)
    account.send()
    expect(account.refuse(0, 401, 'Digest realm="r", nonce="a", qop="auth"')).toBe(false)
    expect(account.refuse(1, 401, 'Digest realm="r", nonce="a", qop="auth", stale=true')).toBe(false)
  })

  it.each([
    ['a new nonce each time', (i: number) => `Digest realm="r", nonce="${i}", qop="auth"`, 1],
    ['a stale one each time', (i: number) => `Digest realm="r", nonce="${i}", qop="auth", stale=${i > 0}`, 2],
    ['a new realm each time', (i: number) => `Digest realm="${i}", nonce="${i}", qop="auth"`, 4],
  ])('gives up on a server that asks for ever, with %s', (_, challenge, repeats) => {
    const account = new Account()
    account.send()
    let attempt = 0
    while (attempt < 100 && account.refuse(attempt, 401, challenge(attempt))) {
      attempt++
      account.send()
    }
    expect(attempt).toBe(repeats)
  })
})
