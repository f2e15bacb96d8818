import type { Connection, Submittable } from 'pg'
import type { Row, Statement, UnitResult, Value } from '../driver.ts'
import { fromText, toText } from './rows.ts'

interface Field {
  readonly name: string
  readonly dataTypeID: number
}

/**
 * Many statements sent at once, with a single Sync behind them. Outside a transaction block PostgreSQL treats all up
 * to the Sync as one transaction (manual, "Pipelining" of the extended query protocol): the whole batch costs one round trip,
 * and an error undoes all of it.
 */
export class Pipeline implements Submittable {
  readonly done: Promise<readonly UnitResult[]>
  readonly #statements: readonly Statement[]
  readonly #parsed: Set<number> | null
  readonly #results: UnitResult[] = []
  #fields: readonly Field[] = []
  #rows: Row[] = []
  #error: Error | null = null
  #resolve: (results: readonly UnitResult[]) => void = () => {}
  #reject: (error: Error) => void = () => {}

  /**
   * @param parsed - ids of statements that this connection has prepared; the pipeline adds to it. Null to prepare
   * nothing, for after a failure, when it is not known what the server has seen.
   */
  constructor(statements: readonly Statement[], parsed: Set<number> | null) {
    this.#statements = statements
    this.#parsed = parsed
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: Connection): void {
    connection.stream.cork()
    for (const { text, parameters } of this.#statements) {
      const name = this.#parsed ? `s${text.id}` : ''
      if (!this.#parsed?.has(text.id)) {
        connection.parse({ name, text: text.sql, types: [] }, true)
        this.#parsed?.add(text.id)
      }
      connection.bind({ portal: '', statement: name, values: parameters.map(toText) }, true)
      if (text.isReturning) connection.describe({ type: 'P', name: '' }, true)
      connection.execute({ portal: '', rows: '' }, true)
    }
    connection.sync()
    connection.stream.uncork()
  }

  handleRowDescription(message: { readonly fields: readonly Field[] }): void {
    this.#fields = message.fields
  }

  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    const row: Record<string, Value> = {}
    for (const [index, field] of this.#fields.entries()) {
      row[field.name] = fromText(field.dataTypeID, message.fields[index] ?? null)
    }
    this.#rows.push(row)
  }

  /** The tag is `INSERT 0 1`, `UPDATE 2`, `CREATE TABLE`: the last word counts, where it is a number. */
  handleCommandComplete(message: { readonly text: string }): void {
    const changes = Number(message.text.slice(message.text.lastIndexOf(' ') + 1))
    this.#results.push({ changes: Number.isInteger(changes) ? changes : 0, rows: this.#rows })
    this.#rows = []
  }

  handleEmptyQuery(): void {
    this.#results.push({ changes: 0, rows: [] })
  }

  handlePortalSuspended(): void {}

  handleError(error: Error): void {
    this.#error = error
    this.#reject(error)
  }

  handleReadyForQuery(): void {
    if (this.#error === null) this.#resolve(this.#results)
  }
}
