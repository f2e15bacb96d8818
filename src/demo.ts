import { networkInterfaces } from 'node:os'
import { SystemRandom } from './base/random.ts'
import { type DemoHandlerUrls, demoConfiguration, demoExtensions } from './config/demo.ts'
import { demoPasswordName, openGeneratedSecrets } from './config/generated-secrets.ts'
import type { Configuration } from './config/load.ts'

export interface Demo {
  readonly configuration: Configuration
  readonly passwords: readonly { readonly extension: string; readonly password: string; readonly isNew: boolean }[]
}

/** The demo tenant with its generated passwords, which are kept in the data folder. */
export async function loadDemo(options: {
  isLan: boolean
  data: string
  sipPort: number
  httpPort: number
  /** Those that were started beside it. */
  handlers: DemoHandlerUrls
}): Promise<Demo> {
  const secrets = await openGeneratedSecrets(options.data, new SystemRandom())
  const passwords = await Promise.all(
    demoExtensions.map(async (extension) => {
      const { value, isNew } = await secrets.password(demoPasswordName(extension))
      return { extension, password: value, isNew }
    }),
  )
  const byExtension = Object.fromEntries(passwords.map(({ extension, password }) => [extension, password]))
  const lanAddress = options.isLan ? firstLanAddress() : null
  const configuration = demoConfiguration({
    lan: options.isLan,
    passwords: byExtension as Record<(typeof demoExtensions)[number], string>,
    data: options.data,
    sipPort: options.sipPort,
    httpPort: options.httpPort,
    handlers: options.handlers,
    ...(lanAddress === null ? {} : { lanAddress }),
  })
  return { configuration, passwords }
}

function firstLanAddress(): string | null {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family, internal } of addresses ?? []) if (family === 'IPv4' && !internal) return address
  }
  return null
}
