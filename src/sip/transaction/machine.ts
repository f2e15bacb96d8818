/** One arrow of a figure: where it leads, and what is done on the way, in this order. */
export interface Row<State extends string, Effect extends string> {
  readonly state: State
  readonly effects: readonly Effect[]
}

/** A figure: for each state the inputs it accepts. An input without a row is not accepted in that state. */
export type Table<State extends string, Input extends string, Effect extends string> = Readonly<
  Partial<Record<State, Readonly<Partial<Record<Input, Row<State, Effect>>>>>>
>

/** `to('completed', 'send', 'startTimerH')`: an arrow, as the tables of this folder write it. */
export function to<const State extends string, const Effect extends string = never>(
  state: State,
  ...effects: Effect[]
): Row<State, Effect> {
  return { state, effects }
}
