import type { Table } from '../transaction/machine.ts'

export { type Table, to } from '../transaction/machine.ts'

/** A state and the table that moves it. */
export class Machine<State extends string, Input extends string, Effect extends string> {
  readonly #table: Table<State, Input, Effect>
  #state: State

  constructor(table: Table<State, Input, Effect>, initial: State) {
    this.#table = table
    this.#state = initial
  }

  get state(): State {
    return this.#state
  }

  /** Whether there is a row for the input now. */
  takes(input: Input): boolean {
    return this.#table[this.#state]?.[input] !== undefined
  }

  /** Moves on. Returns what is to be done, or null when the input has no row: nothing has changed then. */
  step(input: Input): readonly Effect[] | null {
    const row = this.#table[this.#state]?.[input]
    if (!row) return null
    this.#state = row.state
    return row.effects
  }
}
