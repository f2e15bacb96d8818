import { readFile as readFileFromDisk } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { toError } from '../base/errors.ts'
import { assemble } from './assemble.ts'
import { checkSockets, checkTenants } from './check.ts'
import type { Environment } from './environment.ts'
import { diskLook, type FileLook, type FoundRecordings, lookAtPaths } from './files.ts'
import { deepFreeze } from './freeze.ts'
import { overlay, type SettingDocument } from './overlay.ts'
import { SettingsError } from './problem.ts'
import { type ReadSettings, settingsShape } from './schema.ts'
import type { Settings } from './settings.ts'
import { Reading } from './shape.ts'
import type { SourceNode } from './source-node.ts'
import { readYaml } from './yaml-source.ts'

export interface LoadOptions {
  /** The path of the file; either this or `text`. */
  readonly file?: string
  readonly text?: string
  /** How problems name a text; `configuration` if absent. */
  readonly name?: string
  /** Relative paths of a text are taken from here; of a file, always from its folder. */
  readonly baseDir?: string
  /** `process.env` if absent. */
  readonly environment?: Environment
  readonly readFile?: (path: string) => Promise<string>
  readonly look?: FileLook
  /** Of the machine if absent. */
  readonly cores?: number
}

/** A configuration as it was read, and the way to read it again with what the admin API has set laid over it. */
export interface Configuration {
  readonly settings: Settings
  /** The file's own tree: what it names wins over the admin API. */
  readonly root: SourceNode
  /** Rejects with SettingsError. Secrets and paths are looked at as for the file itself. */
  withDocuments(documents: readonly SettingDocument[]): Promise<Settings>
}

/**
 * Reads and validates a configuration.
 * @throws SettingsError `config.invalid` with every problem; ConfigError `config.invalid` too when the file cannot be read.
 */
export async function loadSettings(options: LoadOptions): Promise<Settings> {
  return (await loadConfiguration(options)).settings
}

/** As `loadSettings`, for a server that runs on it. */
export async function loadConfiguration(options: LoadOptions): Promise<Configuration> {
  const file = options.file === undefined ? null : resolve(options.file)
  const name = options.file ?? options.name ?? 'configuration'
  const text = file === null ? (options.text ?? '') : await readWhole(file, name, options.readFile)
  const baseDir = file === null ? resolve(options.baseDir ?? '.') : dirname(file)
  const source = readYaml(text, name, options.environment ?? process.env)
  if (!source.root) throw new SettingsError(source.problems)

  const { root, problems } = source
  const read = async (tree: SourceNode): Promise<Settings> => {
    const reading = new Reading(name)
    reading.problems.push(...problems)
    const values = settingsShape.read(tree, reading)
    const recordings = await lookAtPaths(reading, baseDir, options.look ?? diskLook)
    const around = { source: name, baseDir, isDemo: false, cores: options.cores ?? availableParallelism(), recordings }
    return finishReading(tree, values, reading, around)
  }
  return { settings: await read(root), root, withDocuments: (documents) => read(overlay(root, documents)) }
}

/** The last steps, without the disk: what the demo shares. Throws SettingsError. */
export function finishReading(
  root: SourceNode,
  read: ReadSettings | undefined,
  reading: Reading,
  around: { source: string; baseDir: string; isDemo: boolean; cores: number; recordings: FoundRecordings },
): Settings {
  reading.finish()
  checkTenants(root, reading)
  if (read) checkSockets(read, root, reading)
  if (!read || reading.problems.length > 0) {
    const byLine = [...reading.problems].sort(
      (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    )
    throw new SettingsError(byLine)
  }
  return deepFreeze(assemble(read, around))
}

async function readWhole(
  file: string,
  name: string,
  readFile: LoadOptions['readFile'] = (path) => readFileFromDisk(path, 'utf8'),
): Promise<string> {
  try {
    return await readFile(file)
  } catch (thrown) {
    const sentence = `The file cannot be read: ${toError(thrown).message}.`
    const problem = { file: name, line: null, column: null, path: '', sentence, expected: 'a file that can be read' }
    throw new SettingsError([problem])
  }
}
