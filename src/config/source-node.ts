/** Where something stands in its file, both from 1. Null for what comes from no file (the demo, the admin API). */
export interface Place {
  readonly line: number
  readonly column: number
}

interface NodeBase {
  readonly place: Place | null
  /** Keys from the root; list items as `listIndex` writes them. */
  readonly path: readonly string[]
  /** A variable in it is missing: that has been told, and nothing else about this value is worth telling. */
  readonly isUnusable?: true
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** The text came from the environment, where everything is text: `8080` may then stand for a number. */
  readonly isFromEnvironment: boolean
  /** The path of a file that this server has written itself: see `OwnFile`. */
  readonly isOwnFile?: true
}

/** A file that this server has written itself: the only way for a path to come from elsewhere than the file. */
export class OwnFile {
  readonly path: string

  /** @param path - absolute. */
  constructor(path: string) {
    this.path = path
  }
}

export interface MapNode extends NodeBase {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, MapEntry>
}

export interface MapEntry {
  readonly keyPlace: Place | null
  readonly node: SourceNode
}

export interface ListNode extends NodeBase {
  readonly kind: 'list'
  readonly items: readonly SourceNode[]
}

/** A value of the configuration that knows where it stands. */
export type SourceNode = ScalarNode | MapNode | ListNode

/** `tenants.acme.numbers."222".app`, `sip.listen[0]`. Keys that are no plain names are quoted. */
export function printPath(path: readonly string[]): string {
  return path.reduce((text, key) => {
    if (isListIndex(key)) return text + key
    return `${text}${text === '' ? '' : '.'}${/^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key)}`
  }, '')
}

/** How a list item stands in a path. Counted from 0. */
export function listIndex(index: number): string {
  return `[${index}]`
}

function isListIndex(key: string): boolean {
  return /^\[\d+\]$/.test(key)
}

/** The same shape of tree from plain values, for what comes from no file. */
export function nodeFromValue(value: unknown, path: readonly string[] = []): SourceNode {
  if (value instanceof OwnFile) {
    return { kind: 'scalar', place: null, path, value: value.path, isFromEnvironment: false, isOwnFile: true }
  }
  if (Array.isArray(value)) {
    const items = value.map((item, i) => nodeFromValue(item, [...path, listIndex(i)]))
    return { kind: 'list', place: null, path, items }
  }
  if (typeof value === 'object' && value !== null) {
    const entries = new Map<string, MapEntry>()
    for (const [key, inner] of Object.entries(value)) {
      if (inner !== undefined) entries.set(key, { keyPlace: null, node: nodeFromValue(inner, [...path, key]) })
    }
    return { kind: 'map', place: null, path, entries }
  }
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return { kind: 'scalar', place: null, path, value: isPlain ? value : null, isFromEnvironment: false }
}

/** The plain value of a tree: the reverse of `nodeFromValue`. */
export function plainValue(node: SourceNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainValue)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainValue(entry.node)]))
}
