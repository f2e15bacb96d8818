import { describe, expect, it } from 'vitest'
import { type Configuration, loadConfiguration } from './load.ts'
import type { SettingDocument } from './overlay.ts'
import { SettingsError } from './problem.ts'

const text = `
tenants:
  acme:
    countryCode: "84"
    extensions: { "137": { password: "long-enough-137", mailbox: true } }
    apps: { echo: { builtin: echo } }
    numbers: { "222": { app: echo } }
  bare:
    domain: bare.example
`

function configuration(): Promise<Configuration> {
  const look = { kindOf: async () => 'file' as const, list: async () => [] }
  const withDomain = text.replace('countryCode', 'domain: acme.example\n    countryCode')
  return loadConfiguration({ text: withDomain, name: 'hook.yaml', environment: { SECRET: 'not for them' }, look })
}

function document(kind: SettingDocument['kind'], key: string, value: unknown, tenant = 'acme'): SettingDocument {
  return { tenant, kind, key, value }
}

describe('settings of the admin API', () => {
  it('are read by the rules of the file, and may use its names', async () => {
    const settings = await (await configuration()).withDocuments([
      document('apps', 'ring', { dial: ['137', '0912345678'], otherwise: 'echo' }),
      document('numbers', '0283812345', { app: 'ring' }),
      document('apps', 'own', { builtin: 'menu' }, 'bare'),
    ])
    const acme = settings.tenants.get('acme')
    expect(acme?.apps.get('ring')).toMatchObject({ kind: 'dial', otherwise: 'echo' })
    expect(acme?.numbers.get('+84283812345')).toMatchObject({ app: 'ring' })
    expect(settings.tenants.get('bare')?.apps.has('own')).toBe(true)
  })

  it('change nothing that the file names, and nothing of a tenant that it does not have', async () => {
    const settings = await (await configuration()).withDocuments([
      document('apps', 'echo', { builtin: 'menu' }),
      document('apps', 'echo', { builtin: 'menu' }, 'nobody'),
    ])
    expect(settings.tenants.get('acme')?.apps.get('echo')).toMatchObject({ builtin: 'echo' })
    expect(settings.tenants.has('nobody')).toBe(false)
  })

  it.each([
    [
      'a number of another tenant',
      document('numbers', '222', { app: 'own' }, 'bare'),
      '"222" stands in tenant acme already',
    ],
    ['a name that nothing bears', document('numbers', '333', { app: 'ecco' }), 'did you mean "echo"?'],
    ['a weak password', document('extensions', '138', { password: '138138138' }), 'The secret is its own name'],
    ['a file of the server', document('apps', 'x', { module: '/etc/any.ts' }), 'A file cannot be named here.'],
    ['what is no app at all', document('apps', 'x', [1]), 'This is a list.'],
  ])('may not be %s', async (_, wrong, says) => {
    const thrown: unknown = await (await configuration()).withDocuments([wrong]).catch((error: unknown) => error)
    if (!(thrown instanceof SettingsError)) throw new Error(`no SettingsError but ${String(thrown)}`)
    expect(thrown.message).toContain(says)
    expect(thrown.problems.every(({ path }) => path.startsWith(`tenants.${wrong.tenant}.${wrong.kind}`))).toBe(true)
  })

  it('see nothing of the environment', async () => {
    const settings = await (await configuration()).withDocuments([
      document('extensions', '138', { password: 'long-enough', name: '${SECRET}' }),
    ])
    expect(settings.tenants.get('acme')?.extensions.get('138')?.name).toBe('${SECRET}')
  })
})
