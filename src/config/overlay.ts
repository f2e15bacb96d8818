import { type MapEntry, type MapNode, nodeFromValue, type SourceNode } from './source-node.ts'

/** Maps of a tenant whose entries are set one by one: `tenants.TENANT.KIND.KEY`. */
export const entryKinds = ['trunks', 'extensions', 'apps', 'numbers', 'partners', 'recordings', 'layers'] as const
/** Keys of a tenant that are set as a whole: `tenants.TENANT.KIND`. */
export const wholeKinds = ['callerIds', 'outbound', 'callRecording', 'messageRetention', 'events', 'limits'] as const
/** What a tenant itself consists of: each of them alone is the file's or the admin API's. */
export const tenantKeys = ['domain', 'timeZone', 'countryCode', 'language'] as const

export type EntryKind = (typeof entryKinds)[number]
export type WholeKind = (typeof wholeKinds)[number]
export type SettingKind = 'tenant' | EntryKind | WholeKind

/** One setting of the admin API: what would stand at its place in the file. */
export interface SettingDocument {
  readonly tenant: string
  readonly kind: SettingKind
  /** Of an entry; of what is set as a whole it is the kind, and of a tenant its name. */
  readonly key: string
  readonly value: unknown
}

/** Which setting is meant. */
export type SettingPlace = Pick<SettingDocument, 'tenant' | 'kind' | 'key'>

/** Where a setting stands in the tree: keys from the root. */
export function pathOfSetting({ tenant, kind, key }: SettingPlace): readonly string[] {
  if (kind === 'tenant') return ['tenants', tenant]
  return isEntryKind(kind) ? ['tenants', tenant, kind, key] : ['tenants', tenant, kind]
}

export function isEntryKind(kind: SettingKind): kind is EntryKind {
  return (entryKinds as readonly string[]).includes(kind)
}

/** Whether the file itself names it: then the file wins. */
export function isNamedBy(root: SourceNode, place: SettingPlace): boolean {
  return nodeOf(root, place) !== null
}

/** The node of a setting in the file; null where the file does not name it. */
export function nodeOf(root: SourceNode, place: SettingPlace): SourceNode | null {
  return find(root, pathOfSetting(place))
}

/**
 * The file's tree with the documents added that it does not name itself, and only in tenants that it has or that are among
 * the documents. Of a tenant that the file names, what is set of the tenant itself counts key by key.
 */
export function overlay(root: SourceNode, documents: readonly SettingDocument[]): SourceNode {
  let tree = root
  for (const document of documents) if (document.kind === 'tenant') tree = withTenant(tree, root, document)
  for (const [path, values] of byMap(documents, root, tree)) tree = insert(tree, JSON.parse(path), 0, values)
  return tree
}

function withTenant(tree: SourceNode, root: SourceNode, { tenant, value }: SettingDocument): SourceNode {
  const path = ['tenants', tenant]
  if (find(root, path) === null) return insert(tree, ['tenants'], 0, new Map([[tenant, nodeFromValue(value, path)]]))
  const given = Object.entries(value ?? {}).filter(([key]) => find(root, [...path, key]) === null)
  return insert(tree, path, 0, new Map(given.map(([key, inner]) => [key, nodeFromValue(inner, [...path, key])])))
}

/** What is to be added, by the map that it is to be added to: each map is copied once, however much comes. */
function byMap(
  documents: readonly SettingDocument[],
  root: SourceNode,
  tree: SourceNode,
): ReadonlyMap<string, ReadonlyMap<string, SourceNode>> {
  const maps = new Map<string, Map<string, SourceNode>>()
  for (const document of documents) {
    const { tenant, kind, value } = document
    if (kind === 'tenant' || find(tree, ['tenants', tenant]) === null || isNamedBy(root, document)) continue
    const path = pathOfSetting(document)
    const map = JSON.stringify(path.slice(0, -1))
    maps.set(map, (maps.get(map) ?? new Map()).set(path.at(-1) ?? '', nodeFromValue(value, path)))
  }
  return maps
}

function find(node: SourceNode, path: readonly string[]): SourceNode | null {
  let at: SourceNode | undefined = node
  for (const key of path) at = at?.kind === 'map' ? at.entries.get(key)?.node : undefined
  return at ?? null
}

/** A copy of the maps on the way, the last with these entries; everything else is shared. */
function insert(
  node: SourceNode,
  path: readonly string[],
  depth: number,
  values: ReadonlyMap<string, SourceNode>,
): SourceNode {
  // An empty key of YAML (`acme:`) reads as null, and stands for an empty map.
  const map: MapNode =
    node.kind === 'map' ? node : { kind: 'map', place: node.place, path: path.slice(0, depth), entries: new Map() }
  const entries = new Map(map.entries)
  const key = path[depth]
  if (key === undefined) {
    for (const [name, value] of values) entries.set(name, { keyPlace: null, node: value })
    return { ...map, entries }
  }
  const inner = entries.get(key)?.node ?? {
    kind: 'map',
    place: null,
    path: path.slice(0, depth + 1),
    entries: new Map<string, MapEntry>(),
  }
  entries.set(key, { keyPlace: entries.get(key)?.keyPlace ?? null, node: insert(inner, path, depth + 1, values) })
  return { ...map, entries }
}
