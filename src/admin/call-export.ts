import { Readable } from 'node:stream'
import type { CallRecord } from '../call/records.ts'
import type { CallView } from './schemas.ts'
import { viewCall } from './views.ts'

/** The columns of an export, in their order. New ones only at the end. */
export const csvColumns = [
  'id',
  'tenant',
  'direction',
  'from',
  'fromName',
  'to',
  'extension',
  'app',
  'answeredBy',
  'transferredTo',
  'startedAt',
  'answeredAt',
  'endedAt',
  'talkSeconds',
  'cause',
  'sipStatus',
  'q850',
  'endedBy',
  'sentence',
] as const satisfies readonly (keyof CallView)[]

/** Lines sent at once: fewer and larger writes, and no more than some hundred kilobytes held. */
const linesTogether = 250

/** One line without its end, RFC 4180. What a spreadsheet would run as a formula is made text, telephone numbers left alone. */
export function csvLine(values: readonly (string | number | null)[]): string {
  return values.map(csvField).join(',')
}

/** Lines as they come from the database, no faster than they are taken. @param head - the first line; null: none. */
export function exportLines(
  calls: AsyncIterable<CallRecord>,
  head: string | null,
  line: (call: CallView) => string,
): Readable {
  const end = head === null ? '\n' : '\r\n'
  const chunks = async function* (): AsyncGenerator<string> {
    let lines = head === null ? [] : [head]
    for await (const call of calls) {
      lines.push(line(viewCall(call)))
      if (lines.length < linesTogether) continue
      yield `${lines.join(end)}${end}`
      lines = []
    }
    if (lines.length > 0) yield `${lines.join(end)}${end}`
  }
  return Readable.from(chunks(), { objectMode: false, highWaterMark: 64 * 1024 })
}

function csvField(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const isFormula = /^[=@\t\r]/.test(value) || (/^[+-]/.test(value) && !/^\+?[\d\s().-]+$/.test(value))
  const text = isFormula ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
