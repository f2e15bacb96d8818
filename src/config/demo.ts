import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { type Configuration, finishReading } from './load.ts'
import { overlay } from './overlay.ts'
import { settingsShape } from './schema.ts'
import type { Settings } from './settings.ts'
import { Reading } from './shape.ts'
import { nodeFromValue, type SourceNode } from './source-node.ts'

/** The extensions of the demo; each needs a password. */
export const demoExtensions = ['101', '102'] as const

/** The demo's numbers and what they are, as the start prints them. */
export const demoNumbers = [
  { number: '1000', text: 'a spoken menu' },
  { number: '1200', text: 'echo test' },
] as const

/** Numbers that the demo takes when their features come: no other demo number may be one of these. */
export const demoReservedNumbers = ['1001', '1002', '1003', '1100', '1101'] as const

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
  const root = nodeFromValue({
    http: {
      listen: `${address}:${httpPort}`,
      publicUrl: options.lan && options.lanAddress !== undefined ? `http://${options.lanAddress}:${httpPort}` : null,
    },
    sip: { listen: [`udp:${address}:${sipPort}`, `tcp:${address}:${sipPort}`], anonymous: 'loopback' },
    data: options.data ?? './data',
    // The service comes with a later issue; until then nothing of the demo needs its port.
    voicemail: { listen: null },
    tenants: {
      demo: {
        extensions: Object.fromEntries(
          demoExtensions.map((extension) => [extension, { password: options.passwords[extension] }]),
        ),
        numbers: { '1000': { app: 'menu' }, '1200': { app: 'echo' } },
        apps: { menu: { builtin: 'menu' }, echo: { builtin: 'echo' } },
      },
    },
  })
  const read = (tree: SourceNode): Settings => {
    const reading = new Reading('demo')
    const values = settingsShape.read(tree, reading)
    return finishReading(tree, values, reading, {
      source: 'demo',
      baseDir: resolve(options.baseDir ?? '.'),
      isDemo: true,
      cores: options.cores ?? availableParallelism(),
      recordings: new Map(),
    })
  }
  return { settings: read(root), root, withDocuments: async (documents) => read(overlay(root, documents)) }
}
