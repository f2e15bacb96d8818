import { type MapEntry, type MapNode, nodeFromValue, type SourceNode } from './source-node.ts'

/** One entity that was set over the admin API: what would stand at `tenants.TENANT.KIND.KEY` of the file. */
export interface SettingDocument {
  readonly tenant: string
  readonly kind: 'extensions' | 'numbers' | 'apps'
  readonly key: string
  readonly value: unknown
}

/** Whether the file itself names it: then the file wins. */
export function isNamedBy(root: SourceNode, document: Pick<SettingDocument, 'tenant' | 'kind' | 'key'>): boolean {
  return find(root, ['tenants', document.tenant, document.kind, document.key]) !== null
}

/** The file's tree with the documents added that it does not name itself, and only in tenants that it has. */
export function overlay(root: SourceNode, documents: readonly SettingDocument[]): SourceNode {
  let tree = root
  for (const document of documents) {
    const { tenant, kind, key, value } = document
    if (find(root, ['tenants', tenant]) === null || isNamedBy(root, document)) continue
    const path = ['tenants', tenant, kind, key]
    tree = insert(tree, path, 0, nodeFromValue(value, path))
  }
  return tree
}

function find(node: SourceNode, path: readonly string[]): SourceNode | null {
  let at: SourceNode | undefined = node
  for (const key of path) at = at?.kind === 'map' ? at.entries.get(key)?.node : undefined
  return at ?? null
}

/** A copy of the maps on the way; everything else is shared. */
function insert(node: SourceNode, path: readonly string[], depth: number, value: SourceNode): SourceNode {
  const key = path[depth]
  if (key === undefined) return value
  // An empty key of YAML (`acme:`) reads as null, and stands for an empty map.
  const map: MapNode =
    node.kind === 'map' ? node : { kind: 'map', place: node.place, path: path.slice(0, depth), entries: new Map() }
  const inner = map.entries.get(key)?.node ?? {
    kind: 'map',
    place: null,
    path: path.slice(0, depth + 1),
    entries: new Map<string, MapEntry>(),
  }
  const entries = new Map(map.entries)
  entries.set(key, { keyPlace: map.entries.get(key)?.keyPlace ?? null, node: insert(inner, path, depth + 1, value) })
  return { ...map, entries }
}
