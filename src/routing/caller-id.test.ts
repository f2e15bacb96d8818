import { describe, expect, it } from 'vitest'
import { loadSettings } from '../config/load.ts'
import { type CallerId, callerIdFor } from './caller-id.ts'

const settings = await loadSettings({
  name: 'test.yaml',
  baseDir: '/',
  environment: {},
  text: `
tenants:
  acme:
    domain: acme.example
    countryCode: "84"
    callerIds: ["+84911111111"]
    apps: { menu: { builtin: menu } }
    numbers: { "222": { app: menu }, "+84283000001": { app: menu }, "+84283000002": { app: menu } }
    trunks:
      plain:    { uri: "sip:a.example", numberFormat: plain }
      national: { uri: "sip:b.example", numberFormat: national, callerId: "+84283009999" }
      open:     { uri: "sip:c.example", privacy: never }
  any: { domain: any.example, callerIds: any, trunks: { one: { uri: "sip:a.example", callerId: "+6560000001" } } }
  bare: { domain: bare.example, trunks: { one: { uri: "sip:a.example" } } }
`,
})

function shown(wanted: string | null, trunk: string, name = 'acme'): CallerId {
  const tenant = settings.tenants.get(name)
  const found = tenant?.trunks.get(trunk)
  if (!tenant || !found) throw new Error(`no trunk ${trunk} of ${name}`)
  return callerIdFor(tenant, wanted, found)
}

describe('the number a call shows', () => {
  it('is the one that is wanted, if it is the tenant’s own or one it may show', () => {
    expect(shown('0283 000 002', 'plain')).toEqual({
      kind: 'shown',
      shown: '84283000002',
      number: '+84283000002',
      isPrivate: false,
      isReplaced: false,
    })
    expect(shown('+84911111111', 'national')).toMatchObject({ shown: '0911111111' })
    expect(shown('sip:+84283000002@acme.example', 'plain')).toMatchObject({ number: '+84283000002' })
  })

  it('is else the trunk’s, else the first own number that is one; never a stranger’s, an extension or a short number', () => {
    for (const wanted of [null, '+6591234567', '137', '222', 'Lan', '', 'sip:x']) {
      expect(shown(wanted, 'national'), String(wanted)).toMatchObject({ number: '+84283009999', shown: '0283009999' })
      expect(shown(wanted, 'plain'), String(wanted)).toMatchObject({ number: '+84283000001' })
    }
  })

  it('says whether it stands for a telephone number that may not be shown', () => {
    expect(shown('+6591234567', 'plain')).toMatchObject({ isReplaced: true })
    for (const wanted of [null, '137', 'Lan', 'anonymous'])
      expect(shown(wanted, 'plain')).toMatchObject({ isReplaced: false })
  })

  it('may be any telephone number where the tenant may show any, but no extension', () => {
    expect(shown('+6591234567', 'one', 'any')).toMatchObject({ number: '+6591234567' })
    expect(shown('137', 'one', 'any')).toMatchObject({ number: '+6560000001' })
  })

  it('may be hidden, unless the trunk takes no such calls', () => {
    expect(shown('Anonymous', 'plain')).toMatchObject({ isPrivate: true, number: '+84283000001' })
    expect(shown('anonymous', 'open')).toMatchObject({ kind: 'refused', cause: 'forbidden' })
  })

  it('must be there: without any the call is refused, and the sentence says what is missing', () => {
    expect(shown(null, 'one', 'bare')).toMatchObject({
      kind: 'refused',
      sentence: expect.stringContaining('tenant bare has none of its own, and the trunk one no callerId'),
    })
  })
})
