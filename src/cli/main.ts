import { SwitchhookError, toError } from '../base/errors.ts'
import { version } from '../version.ts'
import { callCommand } from './call.ts'
import { checkCommand } from './check.ts'
import {
  type Command,
  type CommandIo,
  type ExitCode,
  FailedError,
  helpFor,
  readArguments,
  UsageError,
} from './command.ts'
import { startCommand } from './start.ts'
import { userCommand } from './user.ts'
import { verifyCommand } from './verify.ts'

const commands: readonly Command[] = [startCommand, checkCommand, callCommand, userCommand, verifyCommand]

const overview = [
  'usage: switchhook COMMAND [options]',
  '',
  ...commands.map((command) => `  ${[command.name, ...command.positionals].join(' ').padEnd(27)} ${command.summary}`),
  '',
  'switchhook COMMAND --help tells the options, switchhook --version the version. Exit codes: 0 done, 1 failed, 2 wrong call.',
].join('\n')

/** The command line. @param words - what stands behind `switchhook`. */
export async function run(words: readonly string[], io: CommandIo = processIo()): Promise<ExitCode> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(overview)
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v' || name === 'version') {
    io.out(version)
    return 0
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
    const { code, text } = describe(thrown)
    io.err(`switchhook ${name}: ${text}`)
    // A program that reads the outcome is told of a failure where it reads.
    if (rest.includes('--json'))
      io.out(JSON.stringify({ ok: false, error: { code, message: toError(thrown).message } }))
    return 1
  }
}

function describe(thrown: unknown): { readonly code: string; readonly text: string } {
  const error = toError(thrown)
  if (error instanceof SwitchhookError) return { code: error.code, text: `${error.message} [${error.code}]` }
  if (error instanceof FailedError) return { code: error.code, text: error.message }
  return { code: 'defect.assertion', text: error.stack ?? error.message }
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
