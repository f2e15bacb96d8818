import type { Switchhook } from './main.ts'

export type { Switchhook }

export interface SwitchhookOptions {
  /** Path of the configuration; this or `configText`. */
  readonly config?: string
  /** The configuration itself, as YAML. Relative paths are taken from the working directory. */
  readonly configText?: string
  /** Where log lines go, as a file descriptor; null: nowhere. Standard output if absent. */
  readonly logFd?: number | null
}

/**
 * A server within your own program. Give it flows with `number`, then `start` it.
 * Rejects with SettingsError `config.invalid`, which names every problem with its place.
 */
export async function createSwitchhook(options: SwitchhookOptions): Promise<Switchhook> {
  // Loaded when a server is wanted. Every flow imports this package for its verbs, and the loader of TypeScript gives each
  // flow a copy of its own of what it imports: the whole server would cost it 70 MB and two seconds.
  const [{ loadConfiguration }, { Switchhook }] = await Promise.all([import('./config/load.ts'), import('./main.ts')])
  const configuration = await loadConfiguration(
    options.config === undefined ? { text: options.configText ?? '', name: 'configText' } : { file: options.config },
  )
  return await Switchhook.create(configuration, { logFd: options.logFd === undefined ? 1 : options.logFd })
}
