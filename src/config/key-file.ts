import { chmod, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError, toError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'

/** Read and written by the owner, by nobody else. */
const ownerOnly = 0o600
const ownerOnlyFolder = 0o700

/**
 * The content of a file that only its owner may read; null when there is none. A file that others can read is closed
 * to them first.
 * @throws ConfigError `config.keys-unusable`, `config.keys-exposed`.
 */
export async function readPrivateFile(file: string): Promise<string | null> {
  try {
    const { mode } = await stat(file)
    // Windows keeps no such bits and reports 0o666 for all.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) await close(file)
    return await readFile(file, 'utf8')
  } catch (thrown) {
    if (isAbsent(thrown)) return null
    if (thrown instanceof ConfigError) throw thrown
    throw unusable(file, thrown)
  }
}

/**
 * Writes such a file whole or not at all: beside it first, synced, then put in its place. Makes the folder too.
 * @param options.isNew - refuses to replace a file that is there already, and then gives false. Of two that write at once one
 *   gets true, and what the other then reads is whole.
 * @throws ConfigError `config.keys-unusable`.
 */
export async function writePrivateFile(
  file: string,
  content: string,
  options: { random: Random; isNew?: boolean },
): Promise<boolean> {
  const beside = `${file}.${options.random.token(8)}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true, mode: ownerOnlyFolder })
    const handle = await open(beside, 'wx', ownerOnly)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // Unlike a renamed file, a link takes nobody's place.
    if (options.isNew) await link(beside, file)
    else await rename(beside, file)
    return true
  } catch (thrown) {
    if (options.isNew && (thrown as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw unusable(file, thrown)
  } finally {
    await rm(beside, { force: true })
  }
}

async function close(file: string): Promise<void> {
  try {
    await chmod(file, ownerOnly)
  } catch (thrown) {
    throw new ConfigError('config.keys-exposed', `Others can read ${file}, and its mode cannot be changed to 600.`, {
      facts: { file },
      cause: thrown,
    })
  }
}

function isAbsent(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'ENOENT'
}

function unusable(file: string, thrown: unknown): ConfigError {
  const sentence = `${file} cannot be used: ${toError(thrown).message}.`
  return new ConfigError('config.keys-unusable', sentence, { facts: { file }, cause: thrown })
}
