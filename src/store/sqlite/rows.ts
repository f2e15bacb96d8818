import type { Row, Value } from '../driver.ts'
import type { ReturnedRows } from './messages.ts'

/** Names the columns again, which crossed the threads once and not with every row. */
export function toRows({ columns, rows }: ReturnedRows): readonly Row[] {
  return rows.map((values) => {
    const row: Record<string, Value> = {}
    for (let i = 0; i < columns.length; i++) row[columns[i] ?? ''] = values[i] ?? null
    return row
  })
}
