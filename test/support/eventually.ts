/** Asks again until it holds, for at most `withinMs`: the server is a process of its own. Gives back the last answer. */
export async function eventually<Value>(
  read: () => Value | Promise<Value>,
  holds: (value: Value) => boolean,
  withinMs = 5000,
): Promise<Value> {
  const until = performance.now() + withinMs
  for (;;) {
    const value = await read()
    if (holds(value) || performance.now() > until) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
