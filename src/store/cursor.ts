import { ParseError } from '../base/errors.ts'

/** The last row of a page: the next page begins behind it. Both parts are needed, since many calls share a millisecond. */
export interface Position {
  readonly startedAt: number
  readonly id: string
}

/** Rows of one page; `nextCursor` is null on the last. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export interface PageRequest {
  /** 1 to `maxPageItems`; 50 where absent. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null
}

export const maxPageItems = 500
const defaultPageItems = 50

export function pageLimit(request: PageRequest): number {
  const limit = request.limit ?? defaultPageItems
  return Math.min(Math.max(Number.isFinite(limit) ? Math.floor(limit) : defaultPageItems, 1), maxPageItems)
}

/** Opaque to readers: base64url of the two parts. */
function writeCursor(position: Position): string {
  return Buffer.from(JSON.stringify([position.startedAt, position.id])).toString('base64url')
}

/** Throws ParseError `store.cursor`. */
export function readCursor(text: string): Position {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text.slice(0, 400), 'base64url').toString())
    if (Array.isArray(parts) && Number.isSafeInteger(parts[0]) && typeof parts[1] === 'string') {
      return { startedAt: Number(parts[0]), id: parts[1] }
    }
  } catch {
    // Said below.
  }
  throw new ParseError('store.cursor', 'The cursor of the page is not one of ours.')
}

/** Cuts one row more than asked for into a page and the cursor behind it. */
export function toPage<Item extends Position>(rows: readonly Item[], limit: number): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: rows.length > limit && last ? writeCursor(last) : null }
}
