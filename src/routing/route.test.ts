import { describe, expect, it } from 'vitest'
import type { AppSettings, TenantSettings } from '../config/settings.ts'
import { Directory } from './directory.ts'
import { type DiallingParty, routeInbound } from './route.ts'

function tenant(
  name: string,
  given: {
    domain?: string
    countryCode?: string
    numbers?: readonly string[]
    extensions?: readonly string[]
    outbound?: TenantSettings['outbound']
  },
): TenantSettings {
  const app: AppSettings = { kind: 'builtin', name: 'menu', builtin: 'menu' }
  return {
    name,
    domain: given.domain ?? null,
    timeZone: 'UTC',
    countryCode: given.countryCode ?? null,
    language: 'en',
    callerIds: [],
    extensions: new Map(
      (given.extensions ?? []).map((extension) => [
        extension,
        { extension, password: 'x', name: null, mailbox: null, record: null },
      ]),
    ),
    trunks: new Map(),
    outbound: given.outbound ?? [],
    numbers: new Map(
      (given.numbers ?? []).map((number) => [number, { number, written: number, app: 'menu', language: 'en' }]),
    ),
    apps: new Map([['menu', app]]),
    partners: new Map(),
    callRecording: { policy: 'off', retentionDays: null },
    messageRetention: { newDays: null, savedDays: null },
    recordings: new Map(),
    layers: new Map(),
    events: null,
    limits: { concurrentCalls: 10, callsPerSecond: 10, minutesPerDay: 10 },
  }
}

const directory = new Directory(
  new Map([
    [
      'acme',
      tenant('acme', {
        domain: 'acme.example',
        countryCode: '84',
        numbers: ['+84912345678', '1000'],
        extensions: ['137'],
      }),
    ],
    [
      'umbra',
      tenant('umbra', {
        domain: 'umbra.example',
        numbers: ['+6560000001'],
        extensions: ['137', '138'],
        outbound: [{ prefix: '+', trunks: ['provider'] }],
      }),
    ],
  ]),
)

const route = (
  user: string,
  host = 'acme.example',
  by: DiallingParty = { kind: 'guest', mayCallExtensions: true },
): ReturnType<typeof routeInbound> => routeInbound(directory, { user, host, by })

describe('routing of inbound calls', () => {
  it('finds a number however it is written', () => {
    for (const user of ['+84912345678', '0912345678', '84912345678', '0084912345678']) {
      expect(route(user), user).toMatchObject({ kind: 'app', to: '+84912345678', app: { name: 'menu' } })
    }
  })

  it('finds a number of another tenant whatever the host says, since numbers are unique', () => {
    expect(route('+6560000001', '127.0.0.1')).toMatchObject({ kind: 'app', tenant: { name: 'umbra' } })
  })

  it('tells equal extensions apart by the domain, and the caller’s own tenant goes before it', () => {
    expect(route('137', 'umbra.example')).toMatchObject({ kind: 'extension', tenant: { name: 'umbra' } })
    expect(route('137', 'umbra.example', { kind: 'extension', tenant: 'acme' })).toMatchObject({
      kind: 'extension',
      tenant: { name: 'acme' },
    })
  })

  it('a trunk reaches the numbers of its own tenant and nothing else', () => {
    const by: DiallingParty = { kind: 'trunk', tenant: 'acme' }
    expect(route('0912345678', 'acme.example', by)).toMatchObject({ kind: 'app' })
    for (const user of ['137', '+6560000001', '4711']) {
      expect(route(user, 'acme.example', by), user).toMatchObject({ kind: 'none', tenant: { name: 'acme' } })
    }
  })

  it('a guest from elsewhere learns nothing of extensions', () => {
    const by: DiallingParty = { kind: 'guest', mayCallExtensions: false }
    const known = route('137', 'acme.example', by)
    const unknown = route('138', 'acme.example', by)
    expect(known.kind).toBe('none')
    expect(JSON.stringify({ ...known, tenant: null }).replaceAll('137', '138')).toBe(
      JSON.stringify({ ...unknown, tenant: null }),
    )
  })

  it('only an extension of a tenant with rules for it calls the outside', () => {
    const by: DiallingParty = { kind: 'extension', tenant: 'umbra' }
    expect(route('+33123456789', 'umbra.example', by)).toMatchObject({ kind: 'outbound', to: '+33123456789' })
    expect(route('+33123456789', 'acme.example', { kind: 'extension', tenant: 'acme' }).kind).toBe('none')
    expect(route('+33123456789', 'umbra.example').kind).toBe('none')
  })

  it('says who has not got the number', () => {
    const unknownHost = route('4711', 'elsewhere.example')
    expect(unknownHost).toMatchObject({
      kind: 'none',
      sentence: expect.stringContaining('no tenant has the domain elsewhere.example'),
    })
    expect(route('138')).toMatchObject({
      kind: 'none',
      tenant: { name: 'acme' },
      sentence: expect.stringContaining('tenant acme'),
    })
  })
})
