import { TypeOverrides, types } from 'pg'
import type { Value } from '../driver.ts'

/** Object identifiers of PostgreSQL's number types: int8, int2, int4, float4, float8, numeric (what a sum gives). */
const numberTypes: ReadonlySet<number> = new Set([20, 21, 23, 700, 701, 1700])

/** Numbers as numbers: `bigint` holds only milliseconds and counts here, all far below 2^53. */
export function fromText(typeId: number, text: string | null): Value {
  if (text === null) return null
  return numberTypes.has(typeId) ? Number(text) : text
}

/** For pg's own queries, which give the wide ones as text otherwise. */
export const typeParsers = new TypeOverrides()
typeParsers.setTypeParser(types.builtins.INT8, Number)
typeParsers.setTypeParser(types.builtins.NUMERIC, Number)

/** PostgreSQL keeps no NUL in text; a peer may well send one. */
export function toText(value: Value): string | null {
  if (value === null) return null
  if (typeof value === 'number') return String(value)
  return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
}
