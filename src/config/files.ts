import { readdir, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { Language, RecordingSettings } from './settings.ts'
import { type PathUse, type Reading, tenantOf } from './shape.ts'
import type { SourceNode } from './source-node.ts'

/** Looks at the disk; a test looks at a table. */
export interface FileLook {
  kindOf(path: string): Promise<'file' | 'folder' | null>
  /** Every file below the folder, relative to it, in any order. */
  list(folder: string): Promise<readonly string[]>
}

/** What a recording's path turned out to be. */
type FoundRecording =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'folder'; readonly language: Language; readonly files: ReadonlyMap<string, string> }

/** By the node that names the path. */
export type FoundRecordings = ReadonlyMap<SourceNode, FoundRecording>

const languages: readonly Language[] = ['en', 'id', 'he', 'vi']
const audioFile = /\.(?:wav|mp3)$/i
/** A folder with more than this is not a folder of prompts. */
const maxFilesPerFolder = 10_000

/** The disk, asynchronously. */
export const diskLook: FileLook = {
  async kindOf(path) {
    try {
      const found = await stat(path)
      if (found.isDirectory()) return 'folder'
      return found.isFile() ? 'file' : null
    } catch {
      return null
    }
  },
  async list(folder) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return files.map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
  },
}

/** Reports paths that lead nowhere; folders' prompts become names that may be used. */
export async function lookAtPaths(reading: Reading, baseDir: string, look: FileLook): Promise<FoundRecordings> {
  const found = new Map<SourceNode, FoundRecording>()
  for (const use of reading.paths) {
    const path = resolve(baseDir, use.path)
    const kind = await look.kindOf(path)
    if (use.kind === 'module') {
      if (kind !== 'file') reading.report(use.node, `There is no file ${path}.`, 'the path of a file that is there')
      continue
    }
    const recording =
      kind === 'folder' ? await lookAtFolder(use, path, reading, look) : fileOf(use, path, kind, reading)
    if (recording) found.set(use.node, recording)
  }
  return found
}

/** The tenant's recordings by name, from single files and from folders by language. */
export function joinRecordings(
  uses: Iterable<[string, PathUse]>,
  found: FoundRecordings,
): Map<string, RecordingSettings> {
  const joined = new Map<string, { name: string; file: string | null; byLanguage: Map<Language, string> }>()
  const at = (name: string): { file: string | null; byLanguage: Map<Language, string> } => {
    const entry = joined.get(name) ?? { name, file: null, byLanguage: new Map() }
    joined.set(name, entry)
    return entry
  }
  for (const [key, use] of uses) {
    const recording = found.get(use.node)
    if (recording?.kind === 'file') at(key).file = recording.file
    if (recording?.kind !== 'folder') continue
    for (const [name, file] of recording.files) at(name).byLanguage.set(recording.language, file)
  }
  return joined
}

function fileOf(use: PathUse, path: string, kind: 'file' | 'folder' | null, reading: Reading): FoundRecording | null {
  if (kind === 'file' && audioFile.test(path)) return { kind: 'file', file: path }
  const sentence = kind === null ? `There is no file ${path}.` : `${path} is neither WAV nor mp3.`
  reading.report(
    use.node,
    sentence,
    'the path of a .wav or .mp3 file, or of a folder of them under the name of a language',
  )
  return null
}

async function lookAtFolder(
  use: PathUse,
  path: string,
  reading: Reading,
  look: FileLook,
): Promise<FoundRecording | null> {
  const language = languages.find((known) => known === use.node.path.at(-1))
  if (!language) {
    const expected = 'a file; a folder only where the key is a language: en, id, he or vi'
    reading.report(use.node, `${path} is a folder.`, expected)
    return null
  }
  const files = (await look.list(path)).filter((file) => audioFile.test(file)).sort()
  if (files.length > maxFilesPerFolder) {
    reading.report(use.node, `The folder holds ${files.length} recordings.`, `at most ${maxFilesPerFolder}`)
    return null
  }
  // Sorted, mp3 comes before wav and is overwritten by it: where both are there, the better one is played.
  const byName = new Map(files.map((file) => [file.replace(audioFile, ''), join(path, file)]))
  for (const name of byName.keys()) reading.declare('recording', tenantOf(use.node), name)
  return { kind: 'folder', language, files: byName }
}
