import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { diskLook, type FoundRecordings, lookAtPaths } from './files.ts'
import { deepFreeze } from './freeze.ts'
import { type Configuration, finishReading } from './load.ts'
import { overlay } from './overlay.ts'
import { type ReadSettings, settingsShape } from './schema.ts'
import type { Settings } from './settings.ts'
import { Reading } from './shape.ts'
import { nodeFromValue, type SourceNode } from './source-node.ts'

/** The extensions of the demo; each needs a password. */
export const demoExtensions = ['101', '102'] as const

/** The demo's numbers and what they are, as the start prints them. */
export const demoNumbers = [
  { number: '1000', text: 'a spoken menu' },
  { number: '1100', text: 'leave a message for extension 101' },
  { number: '1101', text: 'fetch the messages of the extension that calls' },
  { number: '1200', text: 'echo test' },
] as const

/** Numbers that the demo takes where their programs could be started, or when their features come: nothing else is one of these. */
export const demoReservedNumbers = ['1001', '1002', '1003'] as const

/** What the application of the demo calls itself. */
export const demoHoiioAppId = 'demo'

/** The handlers that run beside the demo; null where one could not be started. */
export interface DemoHandlerUrls {
  readonly json: string | null
  readonly xmlrpc: string | null
  /** The application of `examples/hoiio`, and what it proves itself with. */
  readonly hoiio?: { readonly url: string; readonly accessToken: string } | null
  /** Their recordings: files by name. */
  readonly prompts: ReadonlyMap<string, string>
}

export interface DemoOptions {
  /** Open to the local network; else bound to 127.0.0.1 only. */
  readonly lan: boolean
  /** Of each of `demoExtensions`; generated and kept by the caller (`GeneratedSecrets`). */
  readonly passwords: Readonly<Record<(typeof demoExtensions)[number], string>>
  /** With `lan`: the address at which others reach this machine, for links. */
  readonly lanAddress?: string
  /** `./data` if absent. */
  readonly data?: string
  readonly baseDir?: string
  /** 5060 and 8080 if absent. Tests give 0: any free port. */
  readonly sipPort?: number
  readonly httpPort?: number
  readonly cores?: number
  /** Numbers 1001, 1002 and 1003; without it the demo has none of them. */
  readonly handlers?: DemoHandlerUrls
}

/** The demo tenant, for a start without a configuration. Throws SettingsError when a password will not do. */
export function demoSettings(options: DemoOptions): Settings {
  return demoConfiguration(options).settings
}

/** As `demoSettings`, for a server that runs on it. */
export function demoConfiguration(options: DemoOptions): Configuration {
  const address = options.lan ? '0.0.0.0' : '127.0.0.1'
  const sipPort = options.sipPort ?? 5060
  const httpPort = options.httpPort ?? 8080
  const baseDir = resolve(options.baseDir ?? '.')
  const handlers = handlerApps(options.handlers)
  const root = nodeFromValue({
    http: {
      listen: `${address}:${httpPort}`,
      publicUrl: options.lan && options.lanAddress !== undefined ? `http://${options.lanAddress}:${httpPort}` : null,
    },
    sip: { listen: [`udp:${address}:${sipPort}`, `tcp:${address}:${sipPort}`], anonymous: 'loopback' },
    data: options.data ?? './data',
    // No foreign node asks the demo: over HTTP, with a key, one could.
    voicemail: { listen: null },
    tenants: {
      demo: {
        extensions: Object.fromEntries(
          demoExtensions.map((extension) => [extension, { password: options.passwords[extension], mailbox: true }]),
        ),
        numbers: {
          '1000': { app: 'menu' },
          ...handlers.numbers,
          '1100': { app: 'leave' },
          '1101': { app: 'fetch' },
          '1200': { app: 'echo' },
        },
        apps: { menu: { builtin: 'menu' }, echo: { builtin: 'echo' }, ...voicemailApps, ...handlers.apps },
      },
    },
  })
  const finish = (
    tree: SourceNode,
    reading: Reading,
    values: ReadSettings | undefined,
    recordings: FoundRecordings,
  ): Settings => {
    const settings = finishReading(tree, values, reading, {
      source: 'demo',
      baseDir,
      isDemo: true,
      cores: options.cores ?? availableParallelism(),
      recordings,
    })
    return withPrompts(settings, options.handlers?.prompts ?? new Map())
  }
  const reading = new Reading('demo')
  return {
    settings: finish(root, reading, settingsShape.read(root, reading), new Map()),
    root,
    withDocuments: async (documents) => {
      const tree = overlay(root, documents)
      const again = new Reading('demo')
      const values = settingsShape.read(tree, again)
      // The demo names no files itself, but prompts may have been uploaded.
      return finish(tree, again, values, await lookAtPaths(again, baseDir, diskLook))
    },
  }
}

const voicemailApps = {
  leave: { dialect: 'voicemail', flow: 'leaving', mailbox: '101' },
  fetch: { dialect: 'voicemail', flow: 'retrieve' },
}

function handlerApps(urls: DemoHandlerUrls | undefined) {
  const given = [
    { number: '1001', app: 'json-handler', format: 'json', url: urls?.json ?? null },
    { number: '1002', app: 'xmlrpc-handler', format: 'xmlrpc', url: urls?.xmlrpc ?? null },
  ].filter(({ url }) => url !== null)
  const hoiio = urls?.hoiio ?? null
  const { accessToken, url: notifyUrl } = hoiio ?? {}
  return {
    numbers: {
      ...Object.fromEntries(given.map(({ number, app }) => [number, { app }])),
      ...(hoiio && { '1003': { app: 'hoiio' } }),
    },
    apps: {
      ...Object.fromEntries(given.map(({ app, format, url }) => [app, { dialect: 'voicenter', format, url }])),
      ...(hoiio && { hoiio: { dialect: 'hoiio', appId: demoHoiioAppId, accessToken, notifyUrl } }),
    },
  }
}

/** Files cannot be named in what has no place in a file: they are put in behind the reading. */
function withPrompts(settings: Settings, prompts: ReadonlyMap<string, string>): Settings {
  const demo = settings.tenants.get('demo')
  if (!demo || prompts.size === 0) return settings
  const recordings = new Map(demo.recordings)
  for (const [name, file] of prompts) recordings.set(name, { name, file, byLanguage: new Map() })
  return deepFreeze({ ...settings, tenants: new Map([...settings.tenants, ['demo', { ...demo, recordings }]]) })
}
