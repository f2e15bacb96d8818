import { type ConfigProblem, suggest } from './problem.ts'
import { type MapNode, type Place, printPath, type ScalarNode, type SourceNode } from './source-node.ts'

/** What the reference page says about a shape. */
export type ShapeInfo =
  | { readonly kind: 'value'; readonly expected: string }
  | { readonly kind: 'list'; readonly of: ShapeInfo }
  | {
      readonly kind: 'object'
      readonly fields: readonly FieldInfo[]
      /** What may stand for a whole object: `true` for one with all its defaults, a text for one with a single key. */
      readonly short?: readonly ('boolean' | 'string' | 'array' | 'null')[]
    }
  | { readonly kind: 'record'; readonly keyName: string; readonly of: ShapeInfo; readonly examples: readonly string[] }
  | { readonly kind: 'choice'; readonly title: string; readonly options: readonly ChoiceInfo[] }

export interface FieldInfo {
  readonly key: string
  readonly text: string
  /** As it would stand in the file; null where the key must be given. */
  readonly fallback: string | null
  readonly of: ShapeInfo
}

export interface ChoiceInfo {
  readonly title: string
  readonly text: string
  readonly of: ShapeInfo
}

/**
 * How one kind of value is read: `read` gives the value, or reports every problem in it and gives undefined.
 * A problem anywhere means that no settings come out, so readers need not guard against half-read neighbours.
 */
export interface Shape<T> {
  read(node: SourceNode, reading: Reading): T | undefined
  readonly info: ShapeInfo
}

/** What a problem is about: a node, or the place of a key. */
export interface Spot {
  readonly place: Place | null
  readonly path: readonly string[]
  readonly isUnusable?: true
}

/** Kinds of names that one part of the configuration gives and another uses. */
export type NameKind = 'app' | 'trunk' | 'layer' | 'extension' | 'mailbox' | 'recording' | 'tenant'

/** Each with its article, which the sentences need. */
const nameWords: Readonly<Record<NameKind, readonly [article: string, noun: string]>> = {
  app: ['an', 'app'],
  trunk: ['a', 'trunk'],
  layer: ['a', 'layer'],
  extension: ['an', 'extension'],
  mailbox: ['an', 'extension with a mailbox'],
  recording: ['a', 'recording'],
  tenant: ['a', 'tenant'],
}

/** A path that the configuration names; looked at once everything is read. */
export interface PathUse {
  readonly kind: 'module' | 'recording'
  /** As written. */
  readonly path: string
  readonly node: SourceNode
}

/** One reading of one configuration: collects problems and names, and checks uses of names once all are known. */
export class Reading {
  readonly problems: ConfigProblem[] = []
  readonly paths: PathUse[] = []
  readonly #file: string
  readonly #names = new Map<string, Set<string>>()
  #checks: (() => void)[] = []

  constructor(file: string) {
    this.#file = file
  }

  report(node: Spot, sentence: string, expected: string): void {
    if (node.isUnusable) return
    const { line, column } = node.place ?? { line: null, column: null }
    this.problems.push({ file: this.#file, line, column, path: printPath(node.path), sentence, expected })
  }

  /** Makes a name known. Tenants' names are theirs alone; `tenant` itself belongs to all. */
  declare(kind: NameKind, tenant: string | null, name: string): void {
    const key = JSON.stringify([kind, kind === 'tenant' ? null : tenant])
    const names = this.#names.get(key) ?? new Set()
    this.#names.set(key, names.add(name))
  }

  has(kind: NameKind, tenant: string | null, name: string): boolean {
    return this.namesOf(kind, tenant).has(name)
  }

  namesOf(kind: NameKind, tenant: string | null): ReadonlySet<string> {
    return this.#names.get(JSON.stringify([kind, kind === 'tenant' ? null : tenant])) ?? new Set()
  }

  /** Reports, once everything is read, a name that nothing bears. */
  mustExist(kind: NameKind, tenant: string | null, name: string, node: SourceNode): void {
    this.later(() => {
      const names = this.namesOf(kind, tenant)
      if (names.has(name)) return
      const [article, noun] = nameWords[kind]
      const where = kind === 'tenant' || tenant === null ? '' : ` in tenant ${tenant}`
      const sentence = `There is no ${noun} ${JSON.stringify(name)}${where}${suggest(name, names) || '.'}`
      const known = names.size === 0 ? 'there is none yet' : listNames(names)
      this.report(node, sentence, `the name of ${article} ${noun}: ${known}`)
    })
  }

  /**
   * Only a file may name files: what has no place came over the admin API, and whoever may change settings there must
   * not thereby run programs of the machine, or read its files.
   */
  usesPath(use: PathUse): PathUse {
    const isOwn = use.node.kind === 'scalar' && use.node.isOwnFile === true
    if (use.node.place === null && !isOwn)
      this.report(use.node, 'A file cannot be named here.', 'a path in the configuration file only')
    else this.paths.push(use)
    return use
  }

  later(check: () => void): void {
    this.#checks.push(check)
  }

  /** Runs what waited for all names to be known, and what that made wait in turn. */
  finish(): void {
    for (let checks = this.#checks; checks.length > 0; checks = this.#checks) {
      this.#checks = []
      for (const check of checks) check()
    }
  }
}

/** The tenant in which a node stands, null outside of all. */
export function tenantOf(node: { path: readonly string[] }): string | null {
  return node.path[0] === 'tenants' ? (node.path[1] ?? null) : null
}

/** What a node is, in words, without its value: it may be a secret. */
export function describeNode(node: SourceNode): string {
  if (node.kind === 'map') return 'a map of keys'
  if (node.kind === 'list') return 'a list'
  if (node.value === null) return 'empty'
  if (typeof node.value === 'string') return node.value === '' ? 'an empty text' : 'a text'
  return typeof node.value === 'number' ? 'a number' : `${node.value}`
}

/** An empty map where a section was left out: its keys then take their defaults. */
export function emptyMap(parent: SourceNode, key: string): MapNode {
  return { kind: 'map', place: parent.place, path: [...parent.path, key], entries: new Map() }
}

/** The same, and what else may stand for the whole of it. */
export function orShort(info: ShapeInfo, ...short: readonly ('boolean' | 'string' | 'array' | 'null')[]): ShapeInfo {
  return info.kind === 'object' ? { ...info, short: [...(info.short ?? []), ...short] } : info
}

/** Whether the node is nothing at all: `key:` with no value, or `null`. */
export function isNothing(node: SourceNode): node is ScalarNode {
  return node.kind === 'scalar' && node.value === null
}

/** `a, b, c`, cut after twenty: a tenant may have thousands of extensions. */
function listNames(names: Iterable<string>): string {
  const all = [...names]
  const shown = all.slice(0, 20).join(', ')
  return all.length > 20 ? `${shown} and ${all.length - 20} more` : shown
}
