import type BetterSqlite3 from 'better-sqlite3'
import { assert } from '../../base/errors.ts'
import type { Value } from '../driver.ts'
import { type SqliteProblem, toProblem } from './errors.ts'
import type { UnitReply, WriteReply, WriteRequest } from './messages.ts'

/** Writes that fail one after the other before the rest of their batch is given up: a full disk stays full. */
const maxFailuresInARow = 3

/** Runs requests as transactions; lives in the write thread. */
export class Transactions {
  readonly #db: BetterSqlite3.Database
  readonly #begin: BetterSqlite3.Statement
  readonly #commit: BetterSqlite3.Statement
  readonly #savepoint: BetterSqlite3.Statement
  readonly #release: BetterSqlite3.Statement
  readonly #undo: BetterSqlite3.Statement
  readonly #texts = new Map<number, string>()
  readonly #statements = new Map<number, BetterSqlite3.Statement>()

  constructor(db: BetterSqlite3.Database) {
    this.#db = db
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#savepoint = db.prepare('SAVEPOINT unit')
    this.#release = db.prepare('RELEASE unit')
    this.#undo = db.prepare('ROLLBACK TO unit')
  }

  /** One transaction for all. Some failures (a full disk) end the whole of it: then each unit is tried on its own. */
  run({ texts, work }: WriteRequest): WriteReply {
    for (const [id, sql] of texts) this.#texts.set(id, sql)
    const units = unitsOf(work)
    try {
      this.#begin.run()
    } catch (thrown) {
      return { kind: 'failed', problem: toProblem(thrown) }
    }
    try {
      const replies = units.map((at) => this.#runUnit(work, at))
      this.#commit.run()
      return { kind: 'done', units: replies }
    } catch (thrown) {
      this.#rollBack()
      if (units.length === 1) return { kind: 'failed', problem: toProblem(thrown) }
      return { kind: 'done', units: this.#runApart(work, units) }
    }
  }

  #runApart(work: readonly Value[], units: readonly number[]): readonly UnitReply[] {
    let failuresInARow = 0
    let problem: SqliteProblem = { code: null, message: '' }
    return units.map((at) => {
      if (failuresInARow >= maxFailuresInARow) return problem
      try {
        this.#begin.run()
        const reply = this.#runUnit(work, at)
        this.#commit.run()
        failuresInARow = 0
        return reply
      } catch (thrown) {
        this.#rollBack()
        failuresInARow++
        problem = toProblem(thrown)
        return problem
      }
    })
  }

  /** Throws only when the failure has ended the transaction. */
  #runUnit(work: readonly Value[], unitAt: number): UnitReply {
    const count = Number(work[unitAt])
    // One statement undoes itself when it fails; several need a savepoint.
    if (count > 1) this.#savepoint.run()
    let reply: UnitReply = 0
    try {
      let at = unitAt + 2
      for (let n = 0; n < count; n++) {
        const from = at + 2
        const to = from + Number(work[at + 1])
        reply = this.#runStatement(Number(work[at]), work.slice(from, to))
        at = to
      }
    } catch (thrown) {
      if (!this.#db.inTransaction) throw thrown
      if (count > 1) this.#undo.run()
      reply = toProblem(thrown)
    }
    if (count > 1) this.#release.run()
    return reply
  }

  #runStatement(id: number, parameters: readonly Value[]): UnitReply {
    const statement = this.#statements.get(id) ?? this.#prepare(id)
    if (!statement.reader) return statement.run(parameters).changes
    const rows = statement.all(parameters) as Value[][]
    return { columns: statement.columns().map((column) => column.name), rows }
  }

  #prepare(id: number): BetterSqlite3.Statement {
    const sql = this.#texts.get(id)
    assert(sql !== undefined, 'A statement was sent by a number that stands for none.')
    const statement = this.#db.prepare(sql)
    if (statement.reader) statement.raw(true)
    this.#statements.set(id, statement)
    this.#texts.delete(id)
    return statement
  }

  #rollBack(): void {
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
  }
}

/** Where each unit begins: count of statements, length of what follows, then per statement id, count, parameters. */
function unitsOf(work: readonly Value[]): readonly number[] {
  const starts: number[] = []
  for (let at = 0; at < work.length; at += 2 + Number(work[at + 1])) starts.push(at)
  return starts
}
