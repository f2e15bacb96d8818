import { describe, expect, it } from 'vitest'
import { makeFlow, ScriptedServerTransaction } from '../../../test/support/scripted-sip.ts'
import { settle, TestClock } from '../../../test/support/test-clock.ts'
import type { SipCallId } from '../../base/ids.ts'
import { silentLogger } from '../../base/log.ts'
import { SeededRandom } from '../../base/random.ts'
import { DigestClient } from '../auth/digest-client.ts'
import { DigestServer } from '../auth/digest-server.ts'
import { createRequest } from '../message/build.ts'
import { parseNameAddress } from '../message/name-address.ts'
import { parseMessage } from '../message/parse.ts'
import { printMessage } from '../message/print.ts'
import type { SipRequest } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import type { Flow } from '../transport/types.ts'
import { Registrar, type RegistrarOptions } from './registrar.ts'
import type { AddressOfRecord, Binding, BindingStore } from './types.ts'

const aor: AddressOfRecord = { tenant: 'acme', extension: '101' }

/** Keeps bindings the way a database does: as text. */
class MemoryStore implements BindingStore {
  readonly rows = new Map<string, string>()
  readonly log: string[] = []
  isBroken = false

  async load(): Promise<readonly Binding[]> {
    return [...this.rows.values()].map((row) => JSON.parse(row) as Binding)
  }

  async put(binding: Binding): Promise<void> {
    this.log.push(`put ${binding.contactText}`)
    if (this.isBroken) throw new Error('disk full')
    this.rows.set(binding.contactText, JSON.stringify(binding))
  }

  async remove(_: AddressOfRecord, contactText: string): Promise<void> {
    this.log.push(`remove ${contactText}`)
    this.rows.delete(contactText)
  }
}

interface Parts {
  readonly to?: string
  readonly uri?: string
  readonly cseq?: number
  readonly sipCallId?: string
  readonly flow?: Flow
  readonly username?: string
  readonly password?: string
  readonly headers?: readonly (readonly [string, string])[]
}

class Setup {
  readonly clock = new TestClock()
  readonly random = new SeededRandom(1)
  readonly store: MemoryStore
  readonly registrar: Registrar
  readonly heard: string[] = []
  #cseq = 1

  constructor(options: Partial<RegistrarOptions> = {}, store = new MemoryStore()) {
    const { clock, random } = this
    this.store = store
    this.registrar = new Registrar({
      clock,
      random,
      log: silentLogger,
      digest: new DigestServer({ clock, random }),
      store,
      serverName: 'Switchhook test',
      subscribers: {
        realm: () => 'acme.example',
        // Two tenants have a 101; an address does not tell which is meant, the password does.
        find: async (host, username) => {
          if (username !== '101') return null
          const ofAcme = { aor, password: 'one' }
          const ofOther = { aor: { tenant: 'other', extension: '101' }, password: 'two' }
          return host === 'acme.example' ? ofAcme : [ofOther, ofAcme]
        },
      },
      ...options,
    })
    this.registrar.events.on('registered', ({ binding, isNew, note }) => {
      this.heard.push(`${isNew ? 'registered' : 'refreshed'} ${binding.contactText}${note === null ? '' : ' *'}`)
    })
    this.registrar.events.on('unregistered', ({ binding }) => this.heard.push(`unregistered ${binding.contactText}`))
    this.registrar.events.on('expired', ({ binding }) => this.heard.push(`expired ${binding.contactText}`))
  }

  /** Sends a REGISTER, answers its challenge, and gives back what was answered to that. */
  async register(contacts: readonly string[], parts: Parts = {}): Promise<ScriptedServerTransaction> {
    const client = new DigestClient({
      username: parts.username ?? '101',
      password: parts.password ?? 'one',
      random: this.random,
    })
    const first = await this.send(build(contacts, parts, this.#cseq++))
    if (!client.takeChallenge(first.request, first.last, 0)) return first
    const headers = [...(parts.headers ?? []), ...client.credentials(first.request)]
    return this.send(build(contacts, { ...parts, headers }, this.#cseq++), parts.flow)
  }

  async send(request: SipRequest, flow = makeFlow()): Promise<ScriptedServerTransaction> {
    const transaction = new ScriptedServerTransaction(request, flow)
    this.registrar.requestReceived(transaction)
    await settle(2)
    return transaction
  }

  get contacts(): readonly string[] {
    return this.registrar.lookup(aor).map(({ binding }) => binding.contactText)
  }
}

function build(contacts: readonly string[], parts: Parts, cseq: number): SipRequest {
  const request = createRequest({
    method: 'REGISTER',
    uri: parseUri(parts.uri ?? 'sip:acme.example'),
    from: parseNameAddress('<sip:101@acme.example>;tag=a'),
    to: parseNameAddress(parts.to ?? '<sip:101@acme.example>'),
    sipCallId: (parts.sipCallId ?? 'registration') as SipCallId,
    cseq: parts.cseq ?? cseq,
    headers: [...contacts.map((contact) => ['Contact', contact] as const), ...(parts.headers ?? [])],
  })
  const read = parseMessage(printMessage(request))
  if (read.kind !== 'request') throw new Error('not a request')
  return read
}

const phone = '<sip:101@192.0.2.9:5060>'
const second = '<sip:101@192.0.2.9:5062>'

describe('a registration that is revoked', () => {
  it('is gone at once, from memory and from the store, and those of others stay', async () => {
    const setup = new Setup()
    await setup.register([phone])
    await settle()
    setup.registrar.revoke(({ extension }) => extension === '102')
    expect(setup.registrar.lookup(aor)).toHaveLength(1)
    setup.registrar.revoke(({ tenant, extension }) => tenant === 'acme' && extension === '101')
    expect([setup.registrar.lookup(aor), setup.registrar.count]).toEqual([[], 0])
    await settle()
    expect([...setup.store.rows.keys()]).toEqual([])
    // It may come back, by proving itself.
    expect((await setup.register([phone])).last.status).toBe(200)
    await setup.registrar.stop()
    expect(setup.clock.pending).toBe(0)
  })
})

describe('a REGISTER', () => {
  it('is asked for a password, always, and then answered with every contact and the Date', async () => {
    const setup = new Setup()
    const first = await setup.send(build([phone], {}, 1))
    expect(first.last.status).toBe(401)
    expect(first.last.headers.getAll('WWW-Authenticate').length).toBe(2)
    const { last } = await setup.register([`${phone};expires=600;q=0.5`])
    expect(last.status).toBe(200)
    expect(last.headers.getAll('Contact')).toEqual([`${phone};expires=600;q=0.5`])
    expect(last.headers.get('Date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT')
    const both = await setup.register([second])
    expect(both.last.headers.getAll('Contact')).toEqual([`${phone};expires=600;q=0.5`, `${second};expires=3600`])
    expect(setup.heard).toEqual(['registered sip:101@192.0.2.9:5060', 'registered sip:101@192.0.2.9:5062 *'])
    await setup.registrar.stop()
    expect(setup.clock.pending).toBe(0)
  })

  it('with a wrong password, for another extension or a foreign scheme is refused', async () => {
    const setup = new Setup()
    expect((await setup.register([phone], { password: 'wrong' })).statuses).toEqual([401])
    expect((await setup.register([phone], { to: '<sip:102@acme.example>' })).statuses).toEqual([403])
    expect((await setup.register([phone], { to: '<tel:101>' })).statuses).toEqual([404])
    expect(setup.registrar.count).toBe(0)
  })

  it('to an address that is no tenant’s domain finds the tenant by the password', async () => {
    const setup = new Setup()
    await setup.register([phone], { uri: 'sip:192.0.2.1', password: 'two' })
    expect(setup.registrar.lookup({ tenant: 'other', extension: '101' }).length).toBe(1)
    expect(setup.contacts).toEqual([])
  })

  it('without a Contact only lists what there is', async () => {
    const setup = new Setup()
    await setup.register([phone])
    setup.clock.advance(600_000)
    const { last } = await setup.register([])
    expect(last.headers.getAll('Contact')).toEqual([`${phone};expires=3000`])
    expect(setup.heard.length).toBe(1)
  })

  it.each([
    ['the Expires header field', [phone], [['Expires', '120']], '120'],
    ['the expires parameter before it', [`${phone};expires=90`], [['Expires', '120']], '90'],
    ['the default where it says nothing', [phone], [], '3600'],
    ['the most that is allowed', [`${phone};expires=999999`], [], '7200'],
  ] as const)('binds for %s', async (_, contacts, headers, seconds) => {
    const { last } = await new Setup().register(contacts, { headers })
    expect(last.headers.get('Contact')).toBe(`${phone};expires=${seconds}`)
  })

  it('that is too brief gets 423 with Min-Expires, and changes nothing', async () => {
    const setup = new Setup()
    const { last } = await setup.register([second, `${phone};expires=59`])
    expect([last.status, last.headers.get('Min-Expires')]).toEqual([423, '60'])
    expect(setup.registrar.count).toBe(0)
  })

  it('refreshes, whatever the case of the host, and removes with expires=0', async () => {
    const setup = new Setup()
    await setup.register(['<sip:101@PHONE.example;transport=TCP>'])
    await setup.register(['<sip:101@phone.example;transport=tcp>'])
    expect(setup.heard.map((line) => line.split(' ')[0])).toEqual(['registered', 'refreshed'])
    expect(setup.registrar.count).toBe(1)
    await setup.register(['<sip:101@phone.example;transport=tcp>;expires=0'])
    expect(setup.registrar.count).toBe(0)
    await setup.registrar.stop()
    expect([...setup.store.rows]).toEqual([])
  })

  it('removes all with * and Expires 0, and refuses * with anything else', async () => {
    const setup = new Setup()
    await setup.register([phone, second])
    expect((await setup.register(['*'], { headers: [['Expires', '60']] })).statuses).toEqual([400])
    expect((await setup.register(['*'])).statuses).toEqual([400])
    expect(setup.registrar.count).toBe(2)
    const { last } = await setup.register(['*'], { headers: [['Expires', '0']] })
    expect(last.headers.getAll('Contact')).toEqual([])
    expect(setup.registrar.count).toBe(0)
  })

  it('of the same Call-ID with a CSeq that is not higher changes nothing; one of a new Call-ID does', async () => {
    const setup = new Setup()
    await setup.register([phone], { cseq: 50 })
    for (const contacts of [[second, phone], [`${phone};expires=0`]]) {
      expect((await setup.register(contacts, { cseq: 50 })).statuses).toEqual([500])
    }
    const star = { cseq: 49, headers: [['Expires', '0']] } as const
    expect((await setup.register(['*'], star)).statuses).toEqual([500])
    expect(setup.contacts).toEqual(['sip:101@192.0.2.9:5060'])
    expect((await setup.register([`${phone};expires=0`], { cseq: 3, sipCallId: 'rebooted' })).statuses).toEqual([200])
    expect(setup.registrar.count).toBe(0)
  })

  it('keeps a telephone’s instance', async () => {
    const setup = new Setup()
    const instance = '+sip.instance="<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>"'
    const { last } = await setup.register([`${phone};${instance}`])
    expect(last.headers.get('Contact')).toBe(`${phone};expires=3600;${instance}`)
  })

  it('leaves out contacts that cannot be called', async () => {
    const setup = new Setup()
    const { last } = await setup.register(['<mailto:101@example.net>', phone])
    expect(last.headers.getAll('Contact')).toEqual([`${phone};expires=3600`])
  })

  it('over the bound is refused, unless a dead contact can make room', async () => {
    const setup = new Setup({ maxContacts: 2 })
    const instance = '+sip.instance="<urn:uuid:1>"'
    await setup.register([phone])
    await setup.register([`${second};${instance}`])
    expect((await setup.register(['<sip:101@192.0.2.9:5064>'])).statuses).toEqual([403])
    expect((await setup.register([`<sip:101@192.0.2.9:5066>;${instance}`])).statuses).toEqual([200])
    expect(setup.heard).toContain('unregistered sip:101@192.0.2.9:5062')
    expect(setup.registrar.count).toBe(2)
  })

  it('beyond the number that may be pending gets 503 with Retry-After', async () => {
    const setup = new Setup({ maxPending: 1 })
    const flow = makeFlow()
    const both = [1, 2].map((cseq) => new ScriptedServerTransaction(build([phone], {}, cseq), flow))
    for (const transaction of both) setup.registrar.requestReceived(transaction)
    await settle()
    expect(both.map(({ last }) => last.status)).toEqual([401, 503])
    expect(both[1]?.last.headers.has('Retry-After')).toBe(true)
    expect((await setup.send(build([phone], {}, 3))).statuses).toEqual([401])
  })

  it('gets 500 when extensions cannot be looked up', async () => {
    const find = (): never => {
      throw new Error('no database')
    }
    const setup = new Setup({ subscribers: { realm: () => 'acme.example', find } })
    expect((await setup.register([phone])).statuses).toEqual([500])
  })
})

describe('bindings', () => {
  it('run out by one timer', async () => {
    const setup = new Setup()
    await setup.register([`${phone};expires=60`, `${second};expires=120`])
    expect(setup.clock.pending).toBe(1)
    setup.clock.advance(60_000)
    expect(setup.contacts).toEqual(['sip:101@192.0.2.9:5062'])
    expect(setup.heard.at(-1)).toBe('expired sip:101@192.0.2.9:5060')
    setup.clock.advance(60_000)
    expect(setup.registrar.count).toBe(0)
    expect(setup.clock.pending).toBe(0)
    await setup.registrar.stop()
    expect(setup.store.rows.size).toBe(0)
  })

  it('that are refreshed do not run out at their former time', async () => {
    const setup = new Setup()
    await setup.register([`${phone};expires=60`])
    setup.clock.advance(50_000)
    await setup.register([`${phone};expires=60`])
    setup.clock.advance(59_000)
    expect(setup.registrar.count).toBe(1)
    setup.clock.advance(1000)
    expect(setup.registrar.count).toBe(0)
    expect(setup.clock.pending).toBe(0)
  })

  it('are called in the order of q, the latest first', async () => {
    const setup = new Setup()
    await setup.register([`${phone};q=0.5`, '<sip:101@192.0.2.8>', second])
    expect(setup.contacts).toEqual(['sip:101@192.0.2.9:5062', 'sip:101@192.0.2.8', 'sip:101@192.0.2.9:5060'])
  })

  it('of a telephone behind a NAT are called by the flow it came by', async () => {
    const setup = new Setup()
    const flow = makeFlow({ port: 40_000 })
    await setup.register(['<sip:101@192.168.1.5:5060>'], { flow })
    const [contact] = setup.registrar.lookup(aor)
    expect(contact?.target.flow).toBe(flow)
    expect(contact?.flow).toBe(flow)
    expect(setup.heard).toEqual(['registered sip:101@192.168.1.5:5060 *'])
  })

  it('live on over a restart, with what is left of them and where they were heard from', async () => {
    const before = new Setup()
    const flow = makeFlow({ port: 40_000 })
    await before.register(['<sip:101@192.168.1.5:5060;transport=udp>;expires=600', `${phone};expires=60`], { flow })
    await before.register(['<sip:101@192.168.1.6;transport=tcp>'], {
      flow: makeFlow({ protocol: 'tcp', port: 41_000 }),
    })
    await before.registrar.stop()

    const after = new Setup({}, before.store)
    after.clock.advance(60_000)
    await after.registrar.start()
    expect(after.registrar.count).toBe(2)
    const targets = new Map(after.registrar.lookup(aor).map(({ binding, target }) => [binding.contactText, target]))
    expect(targets.get('sip:101@192.168.1.5:5060;transport=udp')?.destination).toEqual({
      protocol: 'udp',
      remote: { address: '192.0.2.9', port: 40_000 },
    })
    expect(targets.get('sip:101@192.168.1.6;transport=tcp')?.destination).toEqual({
      protocol: 'tcp',
      remote: { address: '192.168.1.6', port: 5060 },
    })
    const { last } = await after.register([])
    expect(last.headers.getAll('Contact')[0]).toBe('<sip:101@192.168.1.5:5060;transport=udp>;expires=540')
    after.clock.advance(540_000)
    expect(after.heard).toEqual(['expired sip:101@192.168.1.5:5060;transport=udp'])
    await after.registrar.stop()
    expect(after.clock.pending).toBe(0)
  })

  it('that cannot be stored are in force all the same', async () => {
    const setup = new Setup()
    setup.store.isBroken = true
    expect((await setup.register([phone])).statuses).toEqual([200])
    await setup.registrar.stop()
    expect(setup.registrar.count).toBe(1)
  })
})
