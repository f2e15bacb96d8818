import type { Language } from '../config/settings.ts'
import type { Directory } from './directory.ts'

/** Finds the file of a tenant's named recording: the language's own, else the one for all languages, else null. */
export function findRecordingFile(
  directory: Directory,
  tenant: string,
  name: string,
  language: Language,
): string | null {
  const recording = directory.tenant(tenant)?.recordings.get(name)
  return recording?.byLanguage.get(language) ?? recording?.file ?? null
}
