import { describe, expect, it } from 'vitest'
import { isLoopback } from './addresses.ts'
import { demoExtensions, demoNumbers, demoReservedNumbers, demoSettings } from './demo.ts'

const passwords = { '101': 'generated-one-1', '102': 'generated-two-2' }

describe('the demo', () => {
  it('listens on this machine only', () => {
    const settings = demoSettings({ lan: false, passwords, baseDir: '/srv/hook' })
    expect(settings.isDemo).toBe(true)
    expect([...settings.sip.listen, settings.http.listen].every(({ address }) => isLoopback(address))).toBe(true)
    expect(settings.voicemail.listen).toEqual([])
    expect(settings.data).toBe('/srv/hook/data')
  })

  it('opened to the local network still lets nobody in without credentials', () => {
    const settings = demoSettings({ lan: true, passwords, lanAddress: '192.168.1.10' })
    expect(settings.sip.listen.map(({ address }) => address)).toEqual(['0.0.0.0', '0.0.0.0'])
    expect(settings.sip.anonymous).toBe('loopback')
    expect(settings.http.publicUrl).toBe('http://192.168.1.10:8080')
  })

  it('has the numbers it prints, two extensions, and no way out', () => {
    const demo = demoSettings({ lan: false, passwords }).tenants.get('demo')
    expect([...(demo?.numbers.keys() ?? [])]).toEqual(demoNumbers.map(({ number }) => number))
    expect(demo?.apps.get('menu')).toEqual({ kind: 'builtin', name: 'menu', builtin: 'menu' })
    expect(demo?.apps.get('echo')).toEqual({ kind: 'builtin', name: 'echo', builtin: 'echo' })
    expect([...(demo?.extensions.keys() ?? [])]).toEqual([...demoExtensions])
    expect(demo?.outbound).toEqual([])
    for (const number of demoReservedNumbers) expect(demo?.numbers.has(number)).toBe(false)
  })

  it('has 1001 and 1002 where their handlers run, with their prompts', () => {
    const prompts = new Map([['main_menu', '/examples/main_menu.wav']])
    const handlers = { json: 'http://127.0.0.1:9000/', xmlrpc: 'http://127.0.0.1:9001/RPC2', prompts }
    const demo = demoSettings({ lan: false, passwords, handlers }).tenants.get('demo')
    expect([...(demo?.numbers.keys() ?? [])]).toEqual(['1000', '1001', '1002', '1100', '1101', '1200'])
    expect(demo?.apps.get('json-handler')).toMatchObject({ kind: 'voicenter', format: 'json', url: handlers.json })
    expect(demo?.apps.get('xmlrpc-handler')).toMatchObject({
      kind: 'voicenter',
      format: 'xmlrpc',
      url: handlers.xmlrpc,
    })
    expect(demo?.recordings.get('main_menu')).toMatchObject({ file: '/examples/main_menu.wav' })
    const alone = demoSettings({ lan: false, passwords, handlers: { ...handlers, xmlrpc: null } }).tenants.get('demo')
    expect(alone?.numbers.has('1001')).toBe(true)
    expect(alone?.numbers.has('1002')).toBe(false)
  })

  it('has 1003 where the application runs', () => {
    const hoiio = { url: 'http://127.0.0.1:9002/in', accessToken: 'token-of-the-demo-application' }
    const handlers = { json: null, xmlrpc: null, prompts: new Map<string, string>(), hoiio }
    const demo = demoSettings({ lan: false, passwords, handlers }).tenants.get('demo')
    expect(demo?.numbers.get('1003')).toMatchObject({ app: 'hoiio' })
    expect(demo?.apps.get('hoiio')).toMatchObject({ kind: 'hoiio', appId: 'demo', notifyUrl: hoiio.url })
  })

  it('takes no weak password, also not on this machine only', () => {
    expect(() => demoSettings({ lan: false, passwords: { ...passwords, '102': '' } })).toThrow(
      'demo: tenants.demo.extensions."102".password: The secret is empty.',
    )
  })
})
