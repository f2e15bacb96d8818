import { SwitchhookError, toError } from '../base/errors.ts'
import { callCommand } from './call.ts'
import { checkCommand } from './check.ts'
import { type Command, type CommandIo, type ExitCode, helpFor, readArguments, UsageError } from './command.ts'
import { startCommand } from './start.ts'
import { userCommand } from './user.ts'
import { verifyCommand } from './verify.ts'

const commands: readonly Command[] = [startCommand, checkCommand, callCommand, userCommand, verifyCommand]

const overview = [
  'usage: switchhook COMMAND [options]',
  '',
  ...commands.map((command) => `  ${[command.name, ...command.positionals].join(' ').padEnd(24)} ${command.summary}`),
  '',
  'switchhook COMMAND --help tells the options. Exit codes: 0 done, 1 failed, 2 wrong call.',
].join('\n')

/** The command line. @param words - what stands behind `switchhook`. */
export async function run(words: readonly string[], io: CommandIo = processIo()): Promise<ExitCode> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(overview)
    return name === undefined ? 2 : 0
  }
  const command = commands.find((candidate) => candidate.name === name)
  if (!command) {
    io.err(`switchhook: there is no command '${name}'\n\n${overview}`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(helpFor(command))
    return 0
  }
  try {
    return await command.run(readArguments(command, rest), io)
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      io.err(`switchhook ${name}: ${thrown.message}\n\n${helpFor(command)}`)
      return 2
    }
    io.err(`switchhook ${name}: ${describe(thrown)}`)
    return 1
  }
}

function describe(thrown: unknown): string {
  const error = toError(thrown)
  return error instanceof SwitchhookError ? `${error.message} [${error.code}]` : (error.stack ?? error.message)
}

function processIo(): CommandIo {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return {
    out: (text) => process.stdout.write(`${text}\n`),
    err: (text) => process.stderr.write(`${text}\n`),
    env: process.env,
    cwd: process.cwd(),
    signal: stop.signal,
  }
}
