import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { type LoadOptions, loadSettings } from './load.ts'
import { type ConfigProblem, SettingsError } from './problem.ts'
import type { Settings } from './settings.ts'

/** A disk of a few files; folders are what the files lie in. */
function tableLook(files: readonly string[]): NonNullable<LoadOptions['look']> {
  return {
    kindOf: async (path) => {
      if (files.includes(path)) return 'file'
      return files.some((file) => file.startsWith(`${path}/`)) ? 'folder' : null
    },
    list: async (folder) => {
      return files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1))
    },
  }
}

function load(text: string, options: Partial<LoadOptions> = {}): Promise<Settings> {
  return loadSettings({
    text,
    name: 'test.yaml',
    baseDir: '/etc/hook',
    environment: {},
    cores: 4,
    look: tableLook([]),
    ...options,
  })
}

async function problemsOf(text: string, options: Partial<LoadOptions> = {}): Promise<readonly ConfigProblem[]> {
  const thrown: unknown = await load(text, options).then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof SettingsError)) throw new Error(`no SettingsError but ${String(thrown)}`)
  expect(thrown).toBeInstanceOf(ConfigError)
  expect(thrown.code).toBe('config.invalid')
  return thrown.problems
}

const whole = `
http:  { listen: "0.0.0.0:8080", publicUrl: "https://hook.example.com" }
sip:
  listen: ["udp:127.0.0.1:5060", "tcp:[::1]:5062"]
  anonymous: none
nat:   { signalling: "hook.example.com:5060", media: "203.0.113.9", localNetworks: ["10.0.0.0/8"] }
rtp:   { portRange: "30000-30999", listen: "127.0.0.1" }
media: { workers: 3 }
data:  "./store"
database: "postgres://hook:pw@db/hook"
speech: { engine: none, cache: "1.5 MiB" }
voicemail: { listen: "tcp:127.0.0.1:7071", nodes: { SBY: { tenant: "acme", key: "node-key-1", addresses: ["127.0.0.1"] } } }
admin: { token: "\${TOKEN}" }
webhooks: { allowPrivateAddresses: ["192.168.0.0/16"] }
tenants:
  acme:
    domain: "Acme.Example"
    timeZone: "Asia/Ho_Chi_Minh"
    countryCode: "84"
    callerIds: ["0912 345 678"]
    extensions:
      "137": { password: "long-enough-137", name: "Front", mailbox: { language: "ina", max: 5, record: 30, pin: "4711" } }
      "138": { password: "long-enough-138", mailbox: true }
    trunks: { provider1: { uri: "sip:127.0.0.1:5090", username: "u", password: "p", register: true, from: ["127.0.0.1/32"] } }
    outbound: [ { prefix: "+", trunk: "provider1" } ]
    numbers: { "+6560000001": { app: "menu", language: "id" }, "0283812345": { app: "flow" }, "222": { app: "fetch" } }
    apps:
      menu:  { dialect: "voicenter", url: "http://127.0.0.1:9000/ivr", format: "json", fallback: { number: "0912345679" }, headers: { X-Key: "abc" } }
      desk:  { dialect: "hoiio", appId: "app-1", accessToken: "token-token-1", notifyUrl: "http://127.0.0.1:9100/in",
               registeredNumber: "+6560000001", rates: { "+65": 0.02 } }
      leave: { dialect: "voicemail", flow: "leaving", service: "tcp://vms.example.com:7070", mailbox: "138" }
      fetch: { dialect: "voicemail", flow: "retrieve" }
      flow:  { module: "./flows/welcome.ts" }
      ring:  { dial: ["137", "0912345670"], seconds: 25, otherwise: "leave" }
    partners: { crm: { dialect: "voip24h", secret: "partner-secret" } }
    recordings: { main_menu: "./prompts/main_menu.wav", he: "./prompts/he" }
    layers: { "1": "ring", "2": "138" }
    limits: { concurrentCalls: 10, callsPerSecond: 0.5, minutesPerDay: 0 }
`
const wholeLook = tableLook([
  '/etc/hook/flows/welcome.ts',
  '/etc/hook/prompts/main_menu.wav',
  '/etc/hook/prompts/he/main_menu.mp3',
  '/etc/hook/prompts/he/digits/1.wav',
  '/etc/hook/prompts/he/notes.txt',
])

describe('loadSettings', () => {
  it('gives every default where the file is empty', async () => {
    const settings = await load('')
    expect(settings).toMatchObject({
      source: 'test.yaml',
      isDemo: false,
      http: { listen: { address: '127.0.0.1', port: 8080 }, publicUrl: 'http://127.0.0.1:8080' },
      sip: {
        listen: [
          { protocol: 'udp', address: '127.0.0.1', port: 5060 },
          { protocol: 'tcp', address: '127.0.0.1', port: 5060 },
        ],
        anonymous: 'loopback',
      },
      nat: { signalling: null, media: null, localNetworks: [] },
      rtp: { portRange: { first: 20000, last: 29999 }, address: null },
      media: { workers: 3 },
      data: '/etc/hook/data',
      database: { kind: 'sqlite', file: '/etc/hook/data/switchhook.db', synchronous: 'normal' },
      speech: { engine: 'espeak-ng' },
      voicemail: { listen: [{ protocol: 'tcp', address: '127.0.0.1', port: 7070 }], tls: null, mail: null },
      admin: { token: null },
      webhooks: { allowPrivateAddresses: false },
    })
    expect(settings.tenants.size).toBe(0)
  })

  it('reads trunks and outbound rules: a bare trunk takes every default, a list of trunks is a list, one is a list of one', async () => {
    const settings = await load(`
sip: { dns: ["192.0.2.53", "[2001:db8::53]:5353"] }
tenants:
  acme:
    countryCode: "84"
    trunks:
      bare: { uri: "sip:a.example.com" }
      full: { uri: "sip:b.example.com", username: u, password: p, register: true, expires: 300, authenticate: true,
              proxy: "sip:p.example.com:5070;lr", priority: 2, weight: 9, maxCalls: 30, callsPerSecond: 0.5,
              numberFormat: national, callerId: "0912 345 678", privacy: never, health: 0, failoverMs: 1500, redirects: 2 }
    outbound:
      - { prefix: "+84", trunk: bare }
      - { prefix: "", trunk: [full, bare, full] }
`)
    const acme = settings.tenants.get('acme')
    expect(settings.sip.dns).toEqual([
      { address: '192.0.2.53', port: 53 },
      { address: '2001:db8::53', port: 5353 },
    ])
    expect(acme?.trunks.get('bare')).toEqual({
      name: 'bare',
      uri: 'sip:a.example.com',
      username: null,
      password: null,
      register: false,
      expires: 600,
      from: [],
      authenticate: false,
      proxy: null,
      priority: 1,
      weight: 1,
      maxCalls: null,
      callsPerSecond: null,
      numberFormat: 'e164',
      callerId: null,
      privacy: 'id',
      health: 30,
      failoverMs: 4000,
      redirects: 0,
    })
    expect(acme?.trunks.get('full')).toMatchObject({
      proxy: 'sip:p.example.com:5070',
      priority: 2,
      maxCalls: 30,
      callsPerSecond: 0.5,
      numberFormat: 'national',
      callerId: '+84912345678',
      health: 0,
    })
    expect(acme?.outbound).toEqual([
      { prefix: '+84', trunks: ['bare'] },
      { prefix: '', trunks: ['full', 'bare'] },
    ])
  })

  it('reads every key of the contract, also those of later features', async () => {
    const settings = await load(whole, { environment: { TOKEN: 'admin-token-1' }, look: wholeLook })
    const acme = settings.tenants.get('acme')
    expect(settings.admin.token).toBe('admin-token-1')
    expect(settings.speech).toEqual({ engine: 'none', cacheBytes: 1_572_864 })
    expect(settings.nat.signalling).toEqual({ host: 'hook.example.com', port: 5060 })
    expect(settings.voicemail.nodes.get('SBY')).toMatchObject({ name: 'SBY', tenant: 'acme', key: 'node-key-1' })
    expect(acme?.domain).toBe('acme.example')
    expect(acme?.callerIds).toEqual(['+84912345678'])
    expect(acme?.extensions.get('137')?.mailbox).toMatchObject({ language: 'id', max: 5, record: 30, pin: '4711' })
    expect(acme?.extensions.get('138')?.mailbox).toMatchObject({
      language: 'en',
      max: 20,
      record: 60,
      pin: null,
      email: null,
    })
    expect([...(acme?.numbers.keys() ?? [])]).toEqual(['+6560000001', '+84283812345', '222'])
    expect(acme?.numbers.get('+6560000001')).toMatchObject({ app: 'menu', language: 'id' })
    expect(acme?.apps.get('menu')).toMatchObject({
      kind: 'voicenter',
      name: 'menu',
      format: 'json',
      timeoutMs: 5000,
      validationMode: 'digits',
      numberFormat: 'national',
      fallback: { kind: 'number', number: '+84912345679' },
    })
    expect(acme?.apps.get('desk')).toMatchObject({ kind: 'hoiio', idleSeconds: 60, currency: 'SGD' })
    expect(acme?.apps.get('leave')).toMatchObject({
      service: { kind: 'tcp', host: 'vms.example.com', port: 7070 },
      mailbox: '138',
    })
    expect(acme?.apps.get('flow')).toEqual({
      kind: 'module',
      name: 'flow',
      file: '/etc/hook/flows/welcome.ts',
      idleSeconds: 60,
    })
    expect(acme?.apps.get('ring')).toEqual({
      kind: 'dial',
      name: 'ring',
      targets: [
        { kind: 'extension', extension: '137' },
        { kind: 'number', number: '+84912345670' },
      ],
      seconds: 25,
      otherwise: 'leave',
    })
    expect(acme?.layers.get(1)).toEqual({ kind: 'app', app: 'ring' })
    expect(acme?.layers.get(2)).toEqual({ kind: 'extension', extension: '138' })
    expect(acme?.limits).toEqual({ concurrentCalls: 10, callsPerSecond: 0.5, minutesPerDay: 0 })
  })

  it('joins single recordings with the folders of a language, by name', async () => {
    const settings = await load(whole, { environment: { TOKEN: 'admin-token-1' }, look: wholeLook })
    const recordings = settings.tenants.get('acme')?.recordings
    expect([...(recordings?.keys() ?? [])].sort()).toEqual(['digits/1', 'main_menu'])
    expect(recordings?.get('main_menu')).toEqual({
      name: 'main_menu',
      file: '/etc/hook/prompts/main_menu.wav',
      byLanguage: new Map([['he', '/etc/hook/prompts/he/main_menu.mp3']]),
    })
    expect(recordings?.get('digits/1')?.file).toBeNull()
  })

  it('freezes what it gives, maps included', async () => {
    const settings = await load(whole, { environment: { TOKEN: 'admin-token-1' }, look: wholeLook })
    expect(Object.isFrozen(settings.sip.listen)).toBe(true)
    expect(() => (settings.tenants as Map<string, unknown>).delete('acme')).toThrow(TypeError)
    expect(() => Object.assign(settings.http, { publicUrl: '' })).toThrow(TypeError)
    expect(settings.tenants.get('acme')?.extensions.get('137')?.name).toBe('Front')
  })

  it('takes relative paths from the folder of the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'switchhook-config-'))
    try {
      await mkdir(join(folder, 'flows'))
      await writeFile(join(folder, 'flows', 'a.ts'), 'export default async () => {}\n')
      await mkdir(join(folder, 'en', 'digits'), { recursive: true })
      await writeFile(join(folder, 'en', 'digits', '1.wav'), '')
      const file = join(folder, 'hook.yaml')
      await writeFile(file, 'tenants: { a: { apps: { x: { module: flows/a.ts } }, recordings: { en: en } } }\n')
      const settings = await loadSettings({ file, environment: {} })
      expect(settings.baseDir).toBe(folder)
      expect(settings.tenants.get('a')?.apps.get('x')).toMatchObject({ file: join(folder, 'flows', 'a.ts') })
      expect(settings.tenants.get('a')?.recordings.get('digits/1')?.byLanguage.get('en')).toBe(
        join(folder, 'en', 'digits', '1.wav'),
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('names a file that is not there', async () => {
    const thrown: unknown = await loadSettings({ file: '/nowhere/switchhook.yaml' }).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(SettingsError)
    expect((thrown as SettingsError).message).toContain('/nowhere/switchhook.yaml: The file cannot be read')
  })

  it('tells all problems at once, in the order of the file', async () => {
    const problems = await problemsOf(
      [
        'sip: { anonymous: everybody }',
        'rtp: { portRange: 5 }',
        'tenants:',
        '  a: { numbers: { "1": { app: x } } }',
        '  b: {}',
        'htp: {}',
      ].join('\n'),
    )
    expect(problems.map(({ line, path }) => [line, path])).toEqual([
      [1, 'sip.anonymous'],
      [2, 'rtp.portRange'],
      [4, 'tenants.a'],
      [4, 'tenants.a.numbers."1".app'],
      [5, 'tenants.b'],
      [6, 'htp'],
    ])
  })

  it('reads numbers and flags that come from the environment as text', async () => {
    const text = 'media: { workers: "${WORKERS}" }\nwebhooks: { allowPrivateAddresses: "${OPEN}" }'
    const settings = await load(text, { environment: { WORKERS: '2', OPEN: 'true' } })
    expect(settings.media.workers).toBe(2)
    expect(settings.webhooks.allowPrivateAddresses).toBe(true)
    const problems = await problemsOf('media: { workers: "2" }')
    expect(problems[0]).toMatchObject({ path: 'media.workers', sentence: 'This is a text.' })
  })

  it('keeps the database in the data folder unless told otherwise', async () => {
    const settings = await load('data: /var/lib/hook')
    expect(settings.database).toMatchObject({ file: '/var/lib/hook/switchhook.db' })
    expect((await load('database: "sqlite:./x.db?synchronous=full"')).database).toEqual({
      kind: 'sqlite',
      file: '/etc/hook/x.db',
      synchronous: 'full',
    })
  })
})
