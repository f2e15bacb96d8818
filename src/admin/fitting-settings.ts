import { toError } from '../base/errors.ts'
import {
  entryKinds,
  pathOfSetting,
  type SettingDocument,
  type SettingKind,
  tenantKeys,
  wholeKinds,
} from '../config/overlay.ts'
import { SettingsError } from '../config/problem.ts'
import type { TenantSettings } from '../config/settings.ts'
import { printPath } from '../config/source-node.ts'

export type Tenants = ReadonlyMap<string, TenantSettings>

interface Fitting<Document> {
  readonly fitting: readonly Document[]
  readonly tenants: Tenants
}

/** In which order they are tried one by one: names before those that use them. */
const order: readonly SettingKind[] = ['tenant', ...entryKinds, ...wholeKinds]

/**
 * Those of the documents with which the file still is a configuration; it may have been changed since they were set.
 * Whatever the problems name is left out until none is left. Where a problem lies in the file alone, the documents are
 * tried one by one.
 * @param leftOut - told of each that no longer fits.
 */
export async function fittingSettings<Document extends SettingDocument>(
  documents: readonly Document[],
  read: (documents: readonly Document[]) => Promise<Tenants>,
  leftOut: (document: Document, problem: Error) => void,
): Promise<Fitting<Document>> {
  let fitting = documents
  for (;;) {
    try {
      return { fitting, tenants: await read(fitting) }
    } catch (thrown) {
      if (!(thrown instanceof SettingsError)) throw thrown
      const named = fitting.filter((document) => isBlamed(document, thrown))
      if (named.length === 0) return await oneByOne(fitting, read, leftOut)
      for (const document of named) leftOut(document, thrown)
      fitting = fitting.filter((document) => !named.includes(document))
    }
  }
}

async function oneByOne<Document extends SettingDocument>(
  documents: readonly Document[],
  read: (documents: readonly Document[]) => Promise<Tenants>,
  leftOut: (document: Document, problem: Error) => void,
): Promise<Fitting<Document>> {
  let fitting: readonly Document[] = []
  let tenants = await read([])
  for (const document of order.flatMap((kind) => documents.filter((one) => one.kind === kind))) {
    try {
      tenants = await read([...fitting, document])
      fitting = [...fitting, document]
    } catch (thrown) {
      leftOut(document, toError(thrown))
    }
  }
  return { fitting, tenants }
}

function isBlamed(document: SettingDocument, { problems }: SettingsError): boolean {
  const path = printPath(pathOfSetting(document))
  // What a tenant holds has documents of its own: only what is wrong with the tenant itself is blamed on it.
  if (document.kind === 'tenant') {
    const own = [path, ...tenantKeys.map((key) => `${path}.${key}`)]
    return problems.some((one) => own.includes(one.path))
  }
  return problems.some((one) => one.path === path || one.path.startsWith(`${path}.`) || one.path.startsWith(`${path}[`))
}
