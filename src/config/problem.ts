import { ConfigError } from '../base/errors.ts'

/** One thing in a configuration that cannot be used. Secrets never stand in it. */
export interface ConfigProblem {
  readonly file: string
  /** From 1; null where the problem lies in no line (a missing file). */
  readonly line: number | null
  readonly column: number | null
  /** `tenants.acme.numbers."222".app`; empty for the whole file. */
  readonly path: string
  /** What is wrong, one sentence. */
  readonly sentence: string
  /** What was expected, in words: `a whole number from 1 to 86400`. */
  readonly expected: string
}

/** Settings that cannot be used: every problem at once, each with its place. Code `config.invalid`. */
export class SettingsError extends ConfigError {
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const [first] = problems
    const file = first?.file ?? 'the configuration'
    const count = problems.length === 1 ? 'is a problem' : `are ${problems.length} problems`
    super('config.invalid', `There ${count} in ${file}:\n${problems.map(printProblem).join('\n')}`, {
      facts: { file, problems: problems.length },
    })
    this.problems = problems
  }
}

/** `switchhook.yaml:12:7: tenants.acme.numbers."222".app: there is no app "fetsh". Expected …` */
export function printProblem(problem: ConfigProblem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== null).join(':')
  const path = problem.path === '' ? '' : `${problem.path}: `
  return `${place}: ${path}${problem.sentence} Expected ${problem.expected}.`
}

/** `, did you mean "x"?` for the nearest candidate within a third of its length; else empty. */
export function suggest(wrong: string, candidates: Iterable<string>): string {
  // Numbers are not mistyped towards each other: 138 is no spelling of 137.
  if (/^[+\d]*$/.test(wrong)) return ''
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const bound = Math.max(1, Math.floor(Math.max(candidate.length, wrong.length) / 3))
    const distance = editDistance(wrong.toLowerCase(), candidate.toLowerCase())
    if (distance <= bound && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === null ? '' : `, did you mean "${best}"?`
}

/** Letters to add, drop, change or swap with a neighbour. Long words are not compared: nobody mistypes 65 letters. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY
}
