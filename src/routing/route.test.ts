import { describe, expect, it } from 'vitest'
import type { AppSettings, TenantSettings } from '../config/settings.ts'
import { Directory } from './directory.ts'
import { routeInbound } from './route.ts'

function tenant(
  name: string,
  given: { domain?: string; countryCode?: string; numbers?: readonly string[]; extensions?: readonly string[] },
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
      (given.extensions ?? []).map((extension) => [extension, { extension, password: 'x', name: null, mailbox: null }]),
    ),
    trunks: new Map(),
    outbound: [],
    numbers: new Map(
      (given.numbers ?? []).map((number) => [number, { number, written: number, app: 'menu', language: 'en' }]),
    ),
    apps: new Map([['menu', app]]),
    partners: new Map(),
    recordings: new Map(),
    layers: new Map(),
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
    ['umbra', tenant('umbra', { domain: 'umbra.example', numbers: ['+6560000001'], extensions: ['137', '138'] })],
  ]),
)

const route = (
  user: string,
  host = 'acme.example',
  callerTenant: string | null = null,
): ReturnType<typeof routeInbound> => routeInbound(directory, { user, host, callerTenant })

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
    expect(route('137', 'umbra.example', 'acme')).toMatchObject({ kind: 'extension', tenant: { name: 'acme' } })
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
