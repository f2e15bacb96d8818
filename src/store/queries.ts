import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Dialect, PreparedText, Statement, Value } from './driver.ts'
import type { Tables } from './schema.ts'

/** Stands where a value will be bound later; Kysely carries it through to the list of parameters. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** Binds values to a compiled statement. Costs one array: no SQL is built. */
export type Prepared<Args> = (args: Readonly<Args>) => Statement

export interface Slots<Args> {
  /** A place for `args[name]`. */
  one<Name extends keyof Args & string>(name: Name): Args[Name]
  /** Places for several, as Kysely's `values` and `set` take them. */
  row<Name extends keyof Args & string>(names: readonly Name[]): { readonly [Key in Name]: Args[Key] }
}

/** Writes SQL for one of the two databases. Kysely is used as compiler only; drivers run what it writes. */
export class Queries {
  readonly dialect: Dialect
  readonly db: Kysely<Tables>
  #nextId = 0

  constructor(dialect: Dialect) {
    this.dialect = dialect
    this.db = new Kysely<Tables>({
      dialect: {
        createAdapter: () => (dialect === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()),
        createDriver: () => new DummyDriver(),
        createIntrospector: (db) => (dialect === 'sqlite' ? new SqliteIntrospector(db) : new PostgresIntrospector(db)),
        createQueryCompiler: () => (dialect === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
      },
    })
  }

  /** Compiles a statement with places for its values, once; the result binds them as often as wanted. */
  prepare<Args extends object>(build: (db: Kysely<Tables>, slots: Slots<Args>) => Compilable): Prepared<Args> {
    const slots: Slots<Args> = {
      // The casts say what Kysely will treat the places as; no query runs with a place still in it.
      one: (name) => new Slot(name) as never,
      row: (names) => Object.fromEntries(names.map((name) => [name, new Slot(name)])) as never,
    }
    const compiled = build(this.db, slots).compile()
    const text = this.#text(compiled.sql, 'returning' in compiled.query && compiled.query.returning !== undefined)
    const places = compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? { name: parameter.name, value: null } : { name: null, value: toValue(parameter) },
    )
    return (args) => {
      const parameters: Value[] = []
      let size = 0
      for (const place of places) {
        const value = place.name === null ? place.value : toValue((args as Record<string, unknown>)[place.name])
        if (typeof value === 'string') size += value.length
        parameters.push(value)
      }
      return { text, parameters, size }
    }
  }

  /** A statement that is run once, such as a step of a migration. */
  once(query: Compilable): Statement {
    const compiled = query.compile()
    const parameters = compiled.parameters.map(toValue)
    return { text: this.#text(compiled.sql, false), parameters, size: compiled.sql.length }
  }

  #text(sql: string, isReturning: boolean): PreparedText {
    return { id: this.#nextId++, sql, isReturning }
  }
}

/** Undefined (an optional field left out) is null; anything but text and numbers is our own mistake. */
export function toValue(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (value === null || value === undefined) return null
  throw new TypeError(`The store cannot bind a ${typeof value}.`)
}
