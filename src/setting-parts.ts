import { join } from 'node:path'
import { LiveSettings } from './admin/live-settings.ts'
import { PromptFiles, type PromptFilesParts } from './admin/prompt-files.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Random } from './base/random.ts'
import { keyFileIn } from './config/generated-secrets.ts'
import type { Configuration } from './config/load.ts'
import { openSecretBox } from './config/secret-box.ts'
import { Directory } from './routing/directory.ts'
import type { Store } from './store/store.ts'

export interface SettingParts {
  /** The tenants as they stand now. */
  readonly directory: Directory
  readonly live: LiveSettings
}

/**
 * The settings in force: the configuration file, and what was set over the admin API.
 * Rejects with ConfigError (the key file, a secret that cannot be read) or StoreError.
 */
export async function openSettings(
  configuration: Configuration,
  parts: {
    readonly store: Store
    readonly clock: Clock
    readonly random: Random
    readonly log: Logger
    /** Decodes a sound that is uploaded. */
    readonly loadSound: PromptFilesParts['load']
  },
): Promise<SettingParts> {
  const { settings, root: fileRoot } = configuration
  const { store, clock, random, log, loadSound } = parts
  const directory = new Directory(settings.tenants)
  const secrets = await openSecretBox(keyFileIn(settings.data), random)
  const prompts = new PromptFiles({ folder: join(settings.data, 'prompts'), clock, random, log, load: loadSound })
  const live = new LiveSettings({
    documents: store.documents,
    directory,
    log,
    random,
    secrets,
    prompts,
    fileRoot,
    read: async (documents) => (await configuration.withDocuments(documents)).tenants,
  })
  await live.load()
  return { directory, live }
}
