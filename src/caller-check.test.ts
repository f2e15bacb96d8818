import { beforeEach, describe, expect, it } from 'vitest'
import { ScriptedSip } from '../test/support/scripted-sip.ts'
import { TestClock } from '../test/support/test-clock.ts'
import { SeededRandom } from './base/random.ts'
import { type Caller, CallerCheck, type CallerVerdict, type InboundTrunk } from './caller-check.ts'
import { loadSettings } from './config/load.ts'
import { Directory } from './routing/directory.ts'
import { DigestClient } from './sip/auth/digest-client.ts'
import { DigestServer } from './sip/auth/digest-server.ts'
import type { IncomingInvite } from './sip/dialog/types.ts'
import { createRequest, createResponse } from './sip/message/build.ts'
import { parseNameAddress } from './sip/message/name-address.ts'
import type { SipRequest } from './sip/message/types.ts'
import { parseUri } from './sip/message/uri.ts'

const text = `
tenants:
  acme: { domain: acme.example, extensions: { "137": { password: "long-enough-137" } } }
`
const inside = { username: 'inside acme', password: 'only this process knows' }

let trunk: InboundTrunk | null
let accounts: readonly { readonly tenant: string; readonly username: string; readonly password: string }[]
let isOwn: boolean

async function checker(anonymous: 'none' | 'loopback' | 'any' = 'loopback'): Promise<CallerCheck> {
  const { tenants } = await loadSettings({ text, name: 'test.yaml', baseDir: '/', environment: {} })
  return new CallerCheck({
    directory: new Directory(tenants),
    digest: new DigestServer({ clock: new TestClock(), random: new SeededRandom(1) }),
    anonymous,
    trunkOf: () => trunk,
    trunkAccounts: (username) => accounts.filter((one) => one.username === username),
    inside: {
      isOwn: () => isOwn,
      find: (name) => (name === inside.username ? { tenant: 'acme', password: inside.password } : null),
    },
  })
}

function request(from: string): SipRequest {
  return createRequest({
    method: 'INVITE',
    uri: parseUri('sip:1000@acme.example'),
    from: parseNameAddress(`<sip:${from}@acme.example>;tag=a`),
    to: parseNameAddress('<sip:1000@acme.example>'),
    sipCallId: 'x@y' as SipRequest['sipCallId'],
    cseq: 1,
    headers: [],
  })
}

function invite(from: string, address: string, sent: SipRequest = request(from)): IncomingInvite {
  const { flow } = new ScriptedSip()
  return { request: sent, flow: { ...flow, remote: { address, port: 5060 } } } as unknown as IncomingInvite
}

/** Asks, answers the challenge with this account, and asks again. */
async function prove(
  check: CallerCheck,
  from: string,
  account: { readonly username: string; readonly password: string },
): Promise<CallerVerdict> {
  const first = request(from)
  const asked = await check.check(invite(from, '192.0.2.9', first))
  if (asked.kind === 'known') throw new Error('no challenge came')
  expect(asked.status).toBe(401)
  const client = new DigestClient({ ...account, random: new SeededRandom(2) })
  client.takeChallenge(first, createResponse(first, 401, { toTag: 'b', headers: asked.headers }), 0)
  const second = request(from)
  for (const [name, value] of client.credentials(second)) second.headers.append(name, value)
  return await check.check(invite(from, '192.0.2.9', second))
}

const by = (caller: Caller | null): string | null => caller && caller.by.kind

beforeEach(() => {
  trunk = null
  accounts = []
  isOwn = false
})

describe('who calls', () => {
  it('anybody from this machine, and from elsewhere only where that is allowed', async () => {
    expect((await checker()).welcome(invite('someone', '127.0.0.1'))).toMatchObject({
      by: { kind: 'guest', mayCallExtensions: true },
    })
    expect((await checker()).welcome(invite('someone', '192.0.2.9'))).toBeNull()
    expect((await checker('none')).welcome(invite('someone', '127.0.0.1'))).toBeNull()
    expect((await checker('any')).welcome(invite('someone', '192.0.2.9'))).toMatchObject({
      by: { kind: 'guest', mayCallExtensions: false },
    })
  })

  it('one that calls itself an extension has to prove it, wherever it comes from', async () => {
    trunk = { tenant: 'acme', mustProve: false }
    const check = await checker('any')
    expect(check.welcome(invite('137', '127.0.0.1'))).toBeNull()
    const right = await prove(check, '137', { username: '137', password: 'long-enough-137' })
    expect(right).toMatchObject({
      kind: 'known',
      caller: { by: { kind: 'extension', tenant: 'acme' }, extension: '137' },
    })
    const wrong = await prove(check, '137', { username: '137', password: 'guessed' })
    expect(wrong.kind).toBe('refused')
  })

  it('a trunk by its address', async () => {
    trunk = { tenant: 'acme', mustProve: false }
    const caller = (await checker('none')).welcome(invite('+84912345678', '192.0.2.80'))
    expect(caller).toMatchObject({ by: { kind: 'trunk', tenant: 'acme' }, extension: null, isTrusted: true })
  })

  it('a trunk that has to prove itself, by its own account and no extension of that name', async () => {
    trunk = { tenant: 'acme', mustProve: true }
    accounts = [{ tenant: 'acme', username: 'provider', password: 'of the provider' }]
    const check = await checker('any')
    expect(by(check.welcome(invite('+84912345678', '192.0.2.80')))).toBeNull()
    const right = await prove(check, '+84912345678', { username: 'provider', password: 'of the provider' })
    expect(right).toMatchObject({ kind: 'known', caller: { by: { kind: 'trunk' } } })
    expect((await prove(check, '+84912345678', { username: 'provider', password: 'x' })).kind).toBe('refused')
    accounts = []
    expect(
      (await prove(await checker('none'), '+84912345678', { username: 'provider', password: 'of the provider' })).kind,
    ).toBe('refused')
  })

  it('this server itself, from its own sockets and nowhere else', async () => {
    isOwn = true
    const check = await checker('any')
    expect(check.welcome(invite('+84912345678', '127.0.0.1'))).toBeNull()
    expect(await prove(check, '+84912345678', inside)).toMatchObject({
      caller: { by: { kind: 'inside', tenant: 'acme' } },
    })
    isOwn = false
    expect((await prove(await checker('none'), '+84912345678', inside)).kind).toBe('refused')
  })
})
