import { suggest } from './problem.ts'
import { type ChoiceInfo, describeNode, emptyMap, isNothing, type NameKind, type Shape, tenantOf } from './shape.ts'
import type { SourceNode } from './source-node.ts'

/** Most entries of one list or record. */
const maxEntries = 100_000

/** A key of an object. Made by `required`, `optional` and `section`. */
export interface Field<T> {
  readonly shape: Shape<T>
  readonly text: string
  readonly kind: 'required' | 'optional' | 'section'
  /** Of an optional key. */
  readonly fallback?: T
  /** How the default is written on the reference page. */
  readonly fallbackText: string | null
}

/** A key that must be given. */
export function required<T>(shape: Shape<T>, text: string): Field<T> {
  return { shape, text, kind: 'required', fallbackText: null }
}

/** A key with a default, which is a value as it comes out of the shape. */
export function optional<T>(shape: Shape<T>, fallback: T, text: string, fallbackText?: string): Field<T> {
  return { shape, text, kind: 'optional', fallback, fallbackText: fallbackText ?? JSON.stringify(fallback) }
}

/** A key whose value is read from nothing where it is left out: an object takes all its defaults, a record is empty. */
export function section<T>(shape: Shape<T>, text: string, fallbackText = '{}'): Field<T> {
  return { shape, text, kind: 'section', fallbackText }
}

type ReadFields<Fields> = { readonly [Key in keyof Fields]: Fields[Key] extends Field<infer T> ? T : never }

/** A map with known keys; any other is a problem. */
export function object<Fields extends Readonly<Record<string, Field<unknown>>>>(
  what: string,
  fields: Fields,
): Shape<ReadFields<Fields>> {
  const keys = Object.keys(fields)
  const expected = `${what}: a map with the keys ${keys.join(', ')}`
  return {
    info: {
      kind: 'object',
      fields: Object.entries(fields).map(([key, { text, fallbackText, shape }]) => {
        return { key, text, fallback: fallbackText, of: shape.info }
      }),
    },
    read(node, reading) {
      if (node.kind !== 'map') {
        reading.report(node, `This is ${describeNode(node)}.`, expected)
        return undefined
      }
      for (const [key, entry] of node.entries) {
        if (Object.hasOwn(fields, key)) continue
        const spot = { place: entry.keyPlace, path: entry.node.path }
        reading.report(
          spot,
          `The key ${JSON.stringify(key)} is not known${suggest(key, keys) || '.'}`,
          `one of ${keys.join(', ')}`,
        )
      }
      let isWhole = true
      const result: Record<string, unknown> = {}
      for (const [key, field] of Object.entries(fields)) {
        const given = node.entries.get(key)?.node
        if (!given && field.kind === 'optional') {
          result[key] = field.fallback
          continue
        }
        if (!given && field.kind === 'required') {
          const info = field.shape.info
          const wanted = info.kind === 'value' ? info.expected : field.text
          reading.report(node, `The key ${JSON.stringify(key)} is missing.`, `${key}: ${wanted}`)
          isWhole = false
          continue
        }
        const isEmptySection = field.kind === 'section' && (!given || isNothing(given))
        const inner = isEmptySection || !given ? emptyMap(node, key) : given
        const value = field.shape.read(inner, reading)
        if (value === undefined) isWhole = false
        result[key] = value
      }
      return isWhole ? (result as ReadFields<Fields>) : undefined
    },
  }
}

export interface RecordOptions {
  /** What the keys are, on the reference page: `name`, `number`. */
  readonly keyName: string
  readonly keyExpected: string
  readonly keyPattern: RegExp
  /** Each key becomes a name of this kind, even where its value has problems: one mistake is told once. */
  readonly declares?: NameKind
  readonly examples?: readonly string[]
}

/** A map whose keys are chosen by the operator. */
export function record<T>(of: Shape<T>, options: RecordOptions): Shape<ReadonlyMap<string, T>> {
  return {
    info: { kind: 'record', keyName: options.keyName, of: of.info, examples: options.examples ?? [] },
    read(node, reading) {
      if (node.kind !== 'map') {
        reading.report(node, `This is ${describeNode(node)}.`, `a map of ${options.keyName} to what it stands for`)
        return undefined
      }
      if (node.entries.size > maxEntries) {
        reading.report(node, `There are ${node.entries.size} entries.`, `at most ${maxEntries}`)
        return undefined
      }
      const result = new Map<string, T>()
      let isWhole = true
      for (const [key, entry] of node.entries) {
        if (options.declares) reading.declare(options.declares, tenantOf(node), key)
        if (!options.keyPattern.test(key)) {
          const spot = { place: entry.keyPlace, path: entry.node.path }
          reading.report(
            spot,
            `${JSON.stringify(key.slice(0, 60))} cannot be a ${options.keyName}.`,
            options.keyExpected,
          )
          isWhole = false
        }
        const value = of.read(entry.node, reading)
        if (value === undefined) isWhole = false
        else result.set(key, value)
      }
      return isWhole ? result : undefined
    },
  }
}

/** A list; a single value stands for a list of one where `isSingleAllowed`. */
export function list<T>(
  of: Shape<T>,
  what: string,
  options: { least?: number; isSingleAllowed?: boolean } = {},
): Shape<readonly T[]> {
  const least = options.least ?? 0
  const expected = `a list of ${what}${least > 0 ? `, at least ${least}` : ''}`
  return {
    info:
      of.info.kind === 'value'
        ? { kind: 'value', expected: `${expected}, each ${of.info.expected}` }
        : { kind: 'list', of: of.info },
    read(node, reading) {
      const items = itemsOf(node, options.isSingleAllowed ?? false)
      if (!items) {
        reading.report(node, `This is ${describeNode(node)}.`, expected)
        return undefined
      }
      if (items.length < least || items.length > maxEntries) {
        reading.report(node, `There are ${items.length} entries.`, `${expected}, at most ${maxEntries}`)
        return undefined
      }
      const values = items.map((item) => of.read(item, reading))
      return values.every((value) => value !== undefined) ? values : undefined
    },
  }
}

function itemsOf(node: SourceNode, isSingleAllowed: boolean): readonly SourceNode[] | null {
  if (node.kind === 'list') return node.items
  return isSingleAllowed && node.kind === 'scalar' && node.value !== null ? [node] : null
}

export interface Option<T> extends ChoiceInfo {
  /** The key whose presence (and, where `value` is given, value) picks this option. */
  readonly key: string
  readonly value?: string
  readonly shape: Shape<T>
}

/** One of several kinds of object, told by a key. */
export function choice<T>(title: string, options: readonly Omit<Option<T>, 'of'>[]): Shape<T> {
  const titles = options.map((option) => option.title)
  const expected = `${title}: one of ${titles.join(', ')}`
  return {
    info: { kind: 'choice', title, options: options.map((option) => ({ ...option, of: option.shape.info })) },
    read(node, reading) {
      if (node.kind !== 'map') {
        reading.report(node, `This is ${describeNode(node)}.`, expected)
        return undefined
      }
      const named = options.filter((option) => node.entries.has(option.key))
      const found = named.find((option) => option.value === undefined || option.value === textAt(node, option.key))
      const others = new Set(named.map((option) => option.key)).size
      if (found && others === 1) return found.shape.read(node, reading)
      const [first] = named
      if (others > 1) {
        const keys = [...new Set(named.map((option) => option.key))].join(' and ')
        reading.report(node, `The keys ${keys} do not go together.`, expected)
      } else if (first) {
        const wrong = node.entries.get(first.key)?.node ?? node
        const value = textAt(node, first.key)
        const values = named.flatMap((option) => option.value ?? [])
        const what =
          value === undefined ? `This is ${describeNode(wrong)}.` : `${JSON.stringify(value.slice(0, 60))} is not known`
        const hint = value === undefined ? '' : suggest(value, values) || '.'
        reading.report(wrong, `${what}${hint}`, `one of ${values.join(', ')}`)
      } else {
        const keys = [...new Set(options.map((option) => option.key))]
        const near = [...node.entries.keys()].map((key) => suggest(key, keys)).find((hint) => hint !== '')
        reading.report(node, `Nothing says what kind it is${near ?? '.'}`, expected)
      }
      return undefined
    },
  }
}

function textAt(node: SourceNode, key: string): string | undefined {
  const inner = node.kind === 'map' ? node.entries.get(key)?.node : undefined
  return inner?.kind === 'scalar' && typeof inner.value === 'string' ? inner.value : undefined
}
