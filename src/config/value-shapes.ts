import { suggest } from './problem.ts'
import { describeNode, isNothing, orShort, type Reading, type Shape, type ShapeInfo } from './shape.ts'
import type { SourceNode } from './source-node.ts'

/** Longest text in a configuration that is no file: generous for a URL, small for a mistake. */
const maxTextLength = 4096

/**
 * A text, or another value made from one.
 * @param parse - gives the value, or undefined where the text does not fit.
 * @param explain - a better sentence than "does not fit" for a text that does not; undefined for the usual one.
 */
export function parsedText<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  explain?: (text: string) => string | undefined,
): Shape<T> {
  return {
    info: { kind: 'value', expected },
    read(node, reading) {
      const text = readText(node, reading, expected, (value) => parse(value) !== undefined)
      if (text === undefined) return undefined
      const value = parse(text)
      if (value === undefined) {
        reading.report(node, explain?.(text) ?? `${quote(text)} does not fit here.`, expected)
      }
      return value
    },
  }
}

/** Any text of 1 to 4,096 characters without control characters; `pattern` narrows it. */
export function text(expected: string, pattern = /^[^\p{Cc}]+$/u): Shape<string> {
  return parsedText(expected, (value) => (pattern.test(value) ? value : undefined))
}

/** A text that no problem ever shows. `refuse` gives the sentence why it will not do, or undefined. */
export function secret(
  expected: string,
  refuse: (value: string, node: SourceNode) => string | undefined,
): Shape<string> {
  return {
    info: { kind: 'value', expected },
    read(node, reading) {
      const value = readText(node, reading, expected)
      if (value === undefined) return undefined
      const sentence = refuse(value, node)
      if (sentence === undefined) return value
      reading.report(node, sentence, expected)
      return undefined
    },
  }
}

/** A number from `min` to `max`, both included; whole unless `isWhole` is false. */
export function number(min: number, max: number, options: { isWhole?: boolean; unit?: string } = {}): Shape<number> {
  const isWhole = options.isWhole ?? true
  const unit = options.unit === undefined ? '' : ` ${options.unit}`
  const expected = `a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}${unit}`
  return {
    info: { kind: 'value', expected },
    read(node, reading) {
      const value = numberIn(node)
      if (value === undefined) {
        reading.report(node, `This is ${describeNode(node)}.`, expected)
        return undefined
      }
      if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
      reading.report(
        node,
        `${value} ${isWhole && !Number.isInteger(value) ? 'is not whole' : 'is out of range'}.`,
        expected,
      )
      return undefined
    },
  }
}

/** `true` or `false`. */
export const flag: Shape<boolean> = {
  info: { kind: 'value', expected: 'true or false' },
  read(node, reading) {
    if (node.kind === 'scalar') {
      if (typeof node.value === 'boolean') return node.value
      if (node.isFromEnvironment && (node.value === 'true' || node.value === 'false')) return node.value === 'true'
    }
    reading.report(node, `This is ${describeNode(node)}.`, 'true or false')
    return undefined
  },
}

/** One of a few words, exactly as written. */
export function oneOf<const Words extends readonly string[]>(...words: Words): Shape<Words[number]> {
  const expected = words.length === 1 ? `${words[0]}` : `one of ${words.join(', ')}`
  return parsedText<Words[number]>(
    expected,
    (value) => words.find((word) => word === value),
    (value) => `${quote(value)} is not known${suggest(value, words) || '.'}`,
  )
}

/** The value, or nothing (`null`, or no value behind the colon). */
export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return { info: orNull(inner.info), read: (node, reading) => (isNothing(node) ? null : inner.read(node, reading)) }
}

function orNull(info: ShapeInfo): ShapeInfo {
  if (info.kind === 'value') return { ...info, expected: `${info.expected}, or null` }
  return orShort(info, 'null')
}

/** As `inner`, the value made into another. */
export function mapped<A, B>(inner: Shape<A>, make: (value: A, node: SourceNode, reading: Reading) => B): Shape<B> {
  return {
    info: inner.info,
    read(node, reading) {
      const value = inner.read(node, reading)
      return value === undefined ? undefined : make(value, node, reading)
    },
  }
}

/** A text as it may be shown in a problem: quoted, cut. */
function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
}

/** @param fits - whether a text would do: quotes are no help for what does not fit with them either. */
function readText(
  node: SourceNode,
  reading: Reading,
  expected: string,
  fits: (text: string) => boolean = () => true,
): string | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    const isUnquoted = node.kind === 'scalar' && node.value !== null && fits(String(node.value))
    const hint = isUnquoted ? ': put it in quotes' : ''
    reading.report(node, `This is ${describeNode(node)}, not a text${hint}.`, expected)
    return undefined
  }
  if (node.value.length > maxTextLength) {
    reading.report(
      node,
      `The text has ${node.value.length} characters.`,
      `${expected}, at most ${maxTextLength} characters`,
    )
    return undefined
  }
  return node.value
}

function numberIn(node: SourceNode): number | undefined {
  if (node.kind !== 'scalar') return undefined
  if (typeof node.value === 'number') return node.value
  const isNumeral = node.isFromEnvironment && typeof node.value === 'string' && /^-?\d+(\.\d+)?$/.test(node.value)
  return isNumeral ? Number(node.value) : undefined
}
