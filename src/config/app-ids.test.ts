import { describe, expect, it } from 'vitest'
import { loadSettings } from './load.ts'
import { SettingsError } from './problem.ts'

const token = 'token-of-this-app-1'

async function problemsOf(text: string): Promise<readonly string[]> {
  const thrown: unknown = await loadSettings({ text, name: 'test.yaml' }).catch((error: unknown) => error)
  if (!(thrown instanceof SettingsError)) return []
  return thrown.problems.map(({ line, path, sentence }) => `${line} ${path}: ${sentence}`)
}

const app = (appId: string): string => `{ dialect: hoiio, appId: ${appId}, accessToken: ${token} }`

describe('the appId of Hoiio apps', () => {
  it('may stand once in all tenants: both places are named', async () => {
    const text = [
      'tenants:',
      '  acme:',
      '    domain: acme.example',
      `    apps: { desk: ${app('A-1')}, night: ${app('A-2')} }`,
      '  beta:',
      '    domain: beta.example',
      `    apps: { bell: ${app('A-1')}, day: ${app('A-2')}, own: ${app('A-3')} }`,
    ].join('\n')
    expect(await problemsOf(text)).toEqual([
      '7 tenants.beta.apps.bell.appId: tenants.beta.apps.bell and tenants.acme.apps.desk have one appId.',
      '7 tenants.beta.apps.day.appId: tenants.beta.apps.day and tenants.acme.apps.night have one appId.',
    ])
  })

  it('is nothing to apps of another kind', async () => {
    const text = `tenants: { acme: { apps: { desk: ${app('echo')}, echo: { builtin: echo } } } }`
    expect(await problemsOf(text)).toEqual([])
  })
})
