import { Defect } from '../../../base/errors.ts'

/** State -> input -> next state. What stands in no row cannot happen. */
export type FlowTable<State extends string> = Readonly<Record<State, Readonly<Record<string, State | 'end'>>>>

/** What a state does; it comes back with an input of its row. */
export type Activities<State extends string, Context> = Readonly<Record<State, (context: Context) => Promise<string>>>

/**
 * Goes through a table from `first` to `end`.
 * @param entered - told of each state as it is entered.
 */
export async function runTable<State extends string, Context>(
  table: FlowTable<State>,
  activities: Activities<State, Context>,
  first: State,
  context: Context,
  entered: (state: State) => void,
): Promise<void> {
  let state: State | 'end' = first
  while (state !== 'end') {
    entered(state)
    const input: string = await activities[state](context)
    const row: Readonly<Record<string, State | 'end'>> = table[state]
    const next: State | 'end' | undefined = row[input]
    if (next === undefined) {
      throw new Defect('defect.assertion', `The voicemail flow knows no ${input} in ${state}.`, {
        facts: { state, input },
      })
    }
    state = next
  }
}
