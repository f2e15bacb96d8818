import { array, assert, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../base/random.ts'
import { loadSettings } from '../config/load.ts'
import type { TenantSettings } from '../config/settings.ts'
import { Directory } from './directory.ts'
import { type OutboundRoute, routeOutbound } from './outbound.ts'

const settings = await loadSettings({
  name: 'test.yaml',
  baseDir: '/',
  environment: {},
  text: `
tenants:
  acme:
    domain: acme.example
    countryCode: "84"
    extensions: { "137": { password: "long-enough-137" } }
    apps: { menu: { builtin: menu } }
    numbers: { "+84283000001": { app: menu }, "222": { app: menu }, "*98": { app: menu } }
    trunks:
      main:  { uri: "sip:sip.main.example", priority: 1, numberFormat: national }
      other: { uri: "sip:sip.other.example:5070;transport=tcp", priority: 1, weight: 3, numberFormat: plain }
      spare: { uri: "sip:192.0.2.80", priority: 2 }
    outbound:
      - { prefix: "112", trunk: main }
      - { prefix: "+1900", trunk: spare }
      - { prefix: "+84", trunk: [spare, main, other] }
      - { prefix: "+", trunk: other }
  umbra:
    domain: umbra.example
    extensions: { "138": { password: "long-enough-138" } }
    apps: { menu: { builtin: menu } }
    numbers: { "+6560000001": { app: menu }, "333": { app: menu } }
    trunks: { all: { uri: "sip:sip.all.example" } }
    outbound: [ { prefix: "", trunk: all } ]
  closed: { domain: closed.example }
`,
})
const directory = new Directory(settings.tenants)

function tenant(name: string): TenantSettings {
  const found = settings.tenants.get(name)
  if (!found) throw new Error(`no tenant ${name}`)
  return found
}

function route(destination: string, from = 'acme', seed = 1): OutboundRoute {
  return routeOutbound(tenant(from), destination, {
    directory,
    random: new SeededRandom(seed),
    isOwnHost: (host) => host === '127.0.0.1',
  })
}

function waysOf(found: OutboundRoute): readonly string[] {
  return found.kind === 'trunk' ? found.ways.map(({ trunk, user }) => `${trunk.name} ${user}`) : [found.kind]
}

describe('routing of outbound calls', () => {
  it('an extension of the tenant goes before all else', () => {
    expect(route('137')).toMatchObject({ kind: 'extension', extension: { extension: '137' } })
    expect(route('sip:137@acme.example')).toMatchObject({ kind: 'extension' })
    expect(route('sip:137@127.0.0.1:5060')).toMatchObject({ kind: 'extension' })
  })

  it('a trunk that is named takes the call where some rule leads the number to it, and nowhere else', () => {
    const by = (trunk: string, destination: string): OutboundRoute =>
      routeOutbound(
        tenant('acme'),
        destination,
        { directory, random: new SeededRandom(1), isOwnHost: () => false },
        trunk,
      )
    expect(waysOf(by('other', '0912 345 678'))).toEqual(['other 84912345678'])
    expect(waysOf(by('main', '+84912345678'))).toEqual(['main 0912345678'])
    // Its rules: 112 and +84 only.
    expect(by('main', '+6591234567')).toMatchObject({ kind: 'refused', cause: 'forbidden' })
    expect(by('spare', '112')).toMatchObject({ kind: 'refused', cause: 'forbidden' })
    expect(by('none', '+84912345678')).toMatchObject({ kind: 'refused', cause: 'number-unknown' })
    expect(by('other', 'sales')).toMatchObject({ kind: 'refused', cause: 'number-unknown' })
  })

  it('a number of this server goes round inside, whichever tenant has it and however it is written', () => {
    expect(route('028 3000 001')).toMatchObject({ kind: 'own-number', found: { number: { number: '+84283000001' } } })
    expect(route('+65 6000 0001')).toMatchObject({ kind: 'own-number', found: { tenant: { name: 'umbra' } } })
    expect(route('0065 6000 0001')).toMatchObject({ kind: 'own-number' })
    expect(route('*98')).toMatchObject({ kind: 'own-number' })
  })

  it('another tenant’s short number and extension are nothing to us', () => {
    expect(route('333')).toMatchObject({ kind: 'refused' })
    expect(route('138')).toMatchObject({ kind: 'refused' })
    expect(route('sip:138@umbra.example')).toMatchObject({ kind: 'refused', cause: 'number-unknown' })
    expect(route('sip:+6560000001@umbra.example')).toMatchObject({ kind: 'own-number' })
  })

  it('a national number of one country is not taken for that of another', () => {
    // In country 84 this is a number of Viet Nam; umbra has no country and cannot know.
    expect(route('0283000001', 'umbra')).toMatchObject({ kind: 'trunk', number: '0283000001' })
  })

  it('the first rule that fits decides, and each trunk gets the number in its own format', () => {
    expect(waysOf(route('+1 900 555 0100'))).toEqual(['spare +19005550100'])
    expect(waysOf(route('+44 20 7946 0000'))).toEqual(['other 442079460000'])
    const ways = waysOf(route('0912345678'))
    expect(ways[2]).toBe('spare +84912345678')
    expect([...ways].sort()).toEqual(['main 0912345678', 'other 84912345678', 'spare +84912345678'])
  })

  it('trunks of one priority share the calls by weight', () => {
    let others = 0
    for (let seed = 0; seed < 400; seed++)
      if (waysOf(route('0912345678', 'acme', seed))[0]?.startsWith('other')) others++
    expect(others).toBeGreaterThan(220)
    expect(others).toBeLessThan(360)
  })

  it('a short number goes out only by the rule that is that number, also where a rule fits every number', () => {
    expect(waysOf(route('112'))).toEqual(['main 112'])
    for (const number of ['911', '+911', '00911', '+112', '0113']) {
      expect(route(number), number).toMatchObject({ kind: 'refused', cause: 'forbidden' })
    }
    expect(route('911', 'umbra')).toMatchObject({
      kind: 'refused',
      sentence:
        'Tenant umbra has no outbound rule for 911 itself, which a short number needs. Add one under tenants.umbra.outbound.',
    })
    expect(waysOf(route('1120000000', 'umbra'))).toEqual(['all 1120000000'])
  })

  it('nothing goes out until it is opened, and the sentence names what to configure', () => {
    expect(route('+84912345678', 'closed')).toMatchObject({
      kind: 'refused',
      cause: 'forbidden',
      sentence: expect.stringContaining('tenants.closed.outbound'),
    })
    expect(route('0912345678', 'closed')).toMatchObject({ cause: 'forbidden' })
    expect(
      routeOutbound({ ...tenant('acme'), outbound: [{ prefix: '+65', trunks: ['main'] }] }, '+84912345678', {
        directory,
        random: new SeededRandom(1),
        isOwnHost: () => false,
      }),
    ).toMatchObject({ kind: 'refused', sentence: expect.stringContaining('fits +84912345678: they are for "+65"') })
  })

  it('a SIP address goes by the trunk whose host it names, if a rule leads there, and else nowhere', () => {
    expect(waysOf(route('sip:0912345678@sip.main.example'))).toEqual(['main 0912345678'])
    expect(route('sip:+442079460000@sip.main.example')).toMatchObject({ kind: 'refused', cause: 'forbidden' })
    expect(waysOf(route('sip:alice@sip.all.example', 'umbra'))).toEqual(['all alice'])
    expect(route('sip:alice@sip.main.example')).toMatchObject({ kind: 'refused' })
    expect(route('sip:alice@elsewhere.example')).toMatchObject({
      kind: 'refused',
      cause: 'forbidden',
      sentence: expect.stringContaining('elsewhere.example is neither a domain of this server nor the host of a trunk'),
    })
  })

  it('whatever is dialled gives a route or a legible sentence, and never goes out past the rules', () => {
    const pieces = constantFrom(
      'sip:',
      'tel:',
      '@',
      '+',
      '00',
      '(0)',
      '84',
      '912345678',
      ';',
      '%',
      '112',
      'acme.example',
      ' ',
      '\n',
      '%01',
    )
    const dialled = oneof(
      string({ unit: 'binary' }),
      array(pieces, { maxLength: 8 }).map((parts) => parts.join('')),
    )
    assert(
      property(dialled, (text) => {
        const found = route(text)
        if (found.kind === 'refused') expect(found.sentence).toMatch(/^[^\p{Cc}]+\.$/u)
        if (found.kind === 'trunk') expect(found.number).toMatch(/^(\+\d{7,18}|112|112\d{4,16})$/)
      }),
      { numRuns: 2000 },
    )
  })

  it('what is no number at all is refused with its own cause', () => {
    expect(route('9'.repeat(40))).toMatchObject({ cause: 'number-incomplete' })
    expect(route('')).toMatchObject({ cause: 'number-incomplete' })
    expect(route('sips:137@acme.example')).toMatchObject({ cause: 'number-incomplete' })
    for (const text of ['reception', '*21*0912345678#', '+', '09x12']) {
      expect(route(text), text).toMatchObject({ kind: 'refused', cause: 'number-unknown' })
    }
  })
})
