import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { type Environment, substituteEnvironment } from './environment.ts'
import type { ConfigProblem } from './problem.ts'
import { listIndex, type MapEntry, type Place, printPath, type SourceNode } from './source-node.ts'

/** Bounds of a configuration. An alias repeats what it names, so a few lines could otherwise unfold without end. */
const maxBytes = 4 * 1024 * 1024
const maxNodes = 200_000
const maxDepth = 32
/** One forgotten bracket can make every later line wrong. */
const maxSyntaxProblems = 20

/** Either the tree, or why there is none; a tree may come with problems of its own (duplicate keys, missing variables). */
export interface ReadSource {
  readonly root: SourceNode | null
  readonly problems: readonly ConfigProblem[]
}

/**
 * Reads YAML 1.2 into a tree that knows the place of every value, `${NAME}` replaced from the environment.
 * Never throws: whatever is wrong is in `problems`. An empty text is an empty map.
 */
export function readYaml(text: string, file: string, environment: Environment): ReadSource {
  if (Buffer.byteLength(text) > maxBytes) {
    return { root: null, problems: [wholeFile(file, 'The file is too large.', `at most ${maxBytes} bytes`)] }
  }
  const lines = new LineCounter()
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      resolveKnownTags: false,
      logLevel: 'silent',
    })
  } catch {
    // The parser recurses: brackets in brackets without end use up its stack.
    return { root: null, problems: [wholeFile(file, 'The file is nested too deeply.', `at most ${maxDepth} levels`)] }
  }
  const broken = [...document.errors, ...document.warnings].slice(0, maxSyntaxProblems)
  if (broken.length > 0) {
    return { root: null, problems: broken.map((error) => syntaxProblem(file, error, lines)) }
  }
  const walk = new YamlWalk(document, file, lines, environment)
  const root = walk.node(document.contents, [], 0)
  return { root, problems: walk.problems }
}

class YamlWalk {
  readonly problems: ConfigProblem[] = []
  readonly #document: Document.Parsed
  readonly #file: string
  readonly #lines: LineCounter
  readonly #environment: Environment
  readonly #open = new Set<Node>()
  #nodes = 0

  constructor(document: Document.Parsed, file: string, lines: LineCounter, environment: Environment) {
    this.#document = document
    this.#file = file
    this.#lines = lines
    this.#environment = environment
  }

  /** @param near - stands in for the place of an empty value, which has none of its own. */
  node(yaml: Node | null, path: readonly string[], depth: number, near: Place | null = null): SourceNode {
    const place = this.#placeOf(yaml) ?? near
    const nothing: SourceNode = { kind: 'scalar', place, path, value: null, isFromEnvironment: false }
    if (yaml === null) return depth === 0 ? { kind: 'map', place, path, entries: new Map() } : nothing
    if (++this.#nodes > maxNodes || depth > maxDepth) {
      // Once is enough: everything behind it is beyond the bound too.
      if (this.#nodes <= maxNodes || this.#nodes === maxNodes + 1) {
        const expected = `at most ${maxNodes} values, nested at most ${maxDepth} deep, aliases unfolded`
        this.#report(place, path, 'There is too much here.', expected)
      }
      return nothing
    }
    if (isAlias(yaml))
      return (
        this.#alias(yaml.resolve(this.#document), yaml.source, path, depth, place) ?? { ...nothing, isUnusable: true }
      )
    if (isMap(yaml)) return this.#map(yaml, path, depth, place)
    if (isSeq(yaml)) {
      const items = yaml.items.map((item, i) =>
        this.node(item as Node | null, [...path, listIndex(i)], depth + 1, place),
      )
      return { kind: 'list', place, path, items }
    }
    return isScalar(yaml) ? this.#scalar(yaml.value, path, place) : nothing
  }

  #alias(
    target: Node | undefined,
    name: string,
    path: readonly string[],
    depth: number,
    place: Place | null,
  ): SourceNode | null {
    if (!target || this.#open.has(target)) {
      const sentence = target ? `The alias *${name} contains itself.` : `There is no anchor &${name}.`
      this.#report(place, path, sentence, 'an alias of an anchor that stands above it')
      return null
    }
    return this.node(target, path, depth + 1, place)
  }

  #map(yaml: Node & { items: unknown[] }, path: readonly string[], depth: number, place: Place | null): SourceNode {
    const entries = new Map<string, MapEntry>()
    this.#open.add(yaml)
    for (const pair of yaml.items as readonly { key: Node | null; value: Node | null }[]) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ''
      const keyPlace = this.#placeOf(pair.key) ?? place
      const first = entries.get(key)
      if (first) {
        const line = first.keyPlace ? ` (first in line ${first.keyPlace.line})` : ''
        this.#report(keyPlace, [...path, key], `The key ${JSON.stringify(key)} stands twice${line}.`, 'each key once')
      }
      entries.set(key, { keyPlace, node: this.node(pair.value, [...path, key], depth + 1, keyPlace) })
    }
    this.#open.delete(yaml)
    return { kind: 'map', place, path, entries }
  }

  #scalar(value: unknown, path: readonly string[], place: Place | null): SourceNode {
    if (typeof value !== 'string') {
      const isPlain = typeof value === 'number' || typeof value === 'boolean'
      return { kind: 'scalar', place, path, value: isPlain ? value : null, isFromEnvironment: false }
    }
    const result = substituteEnvironment(value, this.#environment)
    for (const { sentence, expected } of result.problems) this.#report(place, path, sentence, expected)
    const node = { kind: 'scalar', place, path, value: result.text, isFromEnvironment: result.isSubstituted } as const
    return result.problems.length > 0 ? { ...node, isUnusable: true } : node
  }

  #placeOf(yaml: Node | null): Place | null {
    const offset = yaml?.range?.[0]
    return offset === undefined ? null : placeAt(this.#lines, offset)
  }

  #report(place: Place | null, path: readonly string[], sentence: string, expected: string): void {
    const { line, column } = place ?? { line: null, column: null }
    this.problems.push({ file: this.#file, line, column, path: printPath(path), sentence, expected })
  }
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function syntaxProblem(
  file: string,
  error: { message: string; pos: [number, number] },
  lines: LineCounter,
): ConfigProblem {
  const { line, column } = placeAt(lines, error.pos[0])
  const sentence = `${error.message.replace(/\.$/, '')}.`
  return { file, line, column, path: '', sentence, expected: 'YAML 1.2, one document' }
}

function wholeFile(file: string, sentence: string, expected: string): ConfigProblem {
  return { file, line: null, column: null, path: '', sentence, expected }
}
