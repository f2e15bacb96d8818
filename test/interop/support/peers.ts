import { describe, it } from 'vitest'

/** Programs that the runner could not find; see scripts/interop.js. */
const missing = new Set((process.env.INTEROP_MISSING ?? '').split(',').filter((name) => name !== ''))

/** A group of tests that needs these programs. Without one of them each is skipped by a name that says which. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  if (!isSkipped(programs, name)) describe(name, tests)
}

/** The same, and its tests run at once: they wait for peers in real time, so together they take hardly longer than one. */
export function describeAtOnceWith(programs: readonly string[], name: string, tests: () => void): void {
  if (!isSkipped(programs, name)) describe.concurrent(name, tests)
}

function isSkipped(programs: readonly string[], name: string): boolean {
  const lacking = programs.filter((program) => missing.has(program))
  if (lacking.length === 0) return false
  describe(name, () => it.skip(`needs ${lacking.join(', ')}, not installed here`, () => {}))
  return true
}
