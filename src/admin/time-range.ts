import { Type } from 'typebox'
import { ParseError } from '../base/errors.ts'

/** When something began, as part of a query. */
export const TimeRange = {
  startedFrom: Type.Optional(
    Type.String({ format: 'date-time', description: 'Then or later: 2026-11-21T00:00:00+07:00.' }),
  ),
  startedBefore: Type.Optional(Type.String({ format: 'date-time', description: 'Before then.' })),
}

/** Wall-clock ms of what was given. Throws ParseError `http.bad-request` where the range is reversed. */
export function timeRange(query: {
  readonly startedFrom?: string | undefined
  readonly startedBefore?: string | undefined
}): {
  readonly startedFrom?: number
  readonly startedBefore?: number
} {
  const { startedFrom: fromText, startedBefore: beforeText } = query
  const range = {
    ...(fromText === undefined ? {} : { startedFrom: Date.parse(fromText) }),
    ...(beforeText === undefined ? {} : { startedBefore: Date.parse(beforeText) }),
  }
  const { startedFrom = Number.NEGATIVE_INFINITY, startedBefore = Number.POSITIVE_INFINITY } = range
  if (startedFrom >= startedBefore) {
    throw new ParseError('http.bad-request', 'querystring/startedBefore must be later than startedFrom.')
  }
  return range
}
