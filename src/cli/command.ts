import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What a command gives back to the shell: 0 done, 1 it could not be done, 2 the call itself was wrong. */
export type ExitCode = 0 | 1 | 2

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string
  readonly help: string
}

export interface Command {
  readonly name: string
  /** `NUMBER`, in the order they are given; empty for none. */
  readonly positionals: readonly string[]
  readonly summary: string
  readonly options: Readonly<Record<string, CommandOption>>
  run(given: GivenArguments, io: CommandIo): Promise<ExitCode>
}

export interface GivenArguments {
  readonly positionals: readonly string[]
  string(name: string): string | null
  flag(name: string): boolean
}

/** Where a command speaks, handed in so that tests can listen. */
export interface CommandIo {
  out(text: string): void
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
}

/** The call of a command was wrong; the text names what. */
export class UsageError extends Error {}

/** The call was right, but what it asks for could not be done; the text says why. */
export class FailedError extends Error {
  /** Of the server that refused, or `cli.failed`. */
  readonly code: string

  constructor(message: string, code = 'cli.failed') {
    super(message)
    this.code = code
  }
}

/** Reads the words behind a command's name. @throws UsageError naming the word that does not fit. */
export function readArguments(command: Command, words: readonly string[]): GivenArguments {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, option] of Object.entries(command.options)) {
    options[name] = option.short ? { type: option.type, short: option.short } : { type: option.type }
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (thrown) {
    throw new UsageError((thrown as Error).message.split('. ')[0] ?? 'wrong options')
  }
  const { values, positionals } = parsed
  if (positionals.length > command.positionals.length) {
    throw new UsageError(`'${positionals[command.positionals.length]}' is one word too many`)
  }
  if (positionals.length < command.positionals.length) {
    throw new UsageError(`${command.positionals[positionals.length]} is missing`)
  }
  return {
    positionals,
    string: (name) => {
      const value = values[name]
      return typeof value === 'string' ? value : null
    },
    flag: (name) => values[name] === true,
  }
}

export function helpFor(command: Command): string {
  const usage = ['switchhook', command.name, ...command.positionals, '[options]'].join(' ')
  const rows = Object.entries(command.options).map(([name, option]) => {
    const left = `${option.short ? `-${option.short}, ` : ''}--${name}${option.value ? ` ${option.value}` : ''}`
    return `  ${left.padEnd(28)} ${option.help}`
  })
  return [`usage: ${usage}`, '', command.summary, '', ...rows].join('\n')
}

/** A whole number of an option within bounds. @throws UsageError */
export function wholeNumber(given: GivenArguments, name: string, least: number, most: number, usual: number): number {
  const text = given.string(name)
  if (text === null) return usual
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`--${name} takes a whole number from ${least} to ${most}, not '${text}'`)
  }
  return value
}
