import { type ChildProcess, spawn } from 'node:child_process'

export interface ProgramOptions {
  readonly cwd: string
  /** It is ended after so long. */
  readonly limitMs?: number
}

export interface ProgramResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Both streams, up to their last 64 million characters. */
  readonly output: string
}

/** A program under way. */
export interface RunningProgram {
  /** Never rejects for what the program does. */
  readonly ended: Promise<ProgramResult>
  readonly hasEnded: boolean
  /** SIGKILL: it says nothing to anybody. */
  kill(): void
}

export function startProgram(name: string, args: readonly string[], options: ProgramOptions): RunningProgram {
  const { cwd, limitMs = 60_000 } = options
  const child = spawn(name, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'dumb' } })
  let output = ''
  const ended = new Promise<ProgramResult>((resolve) => {
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-64_000_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.once('error', (error) => {
      output += error.message
    })
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      resolve({ code, signal, output })
    })
  })
  return {
    ended,
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Runs a program to its end; never rejects for what the program does. */
export function runProgram(name: string, args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  return startProgram(name, args, options).ended
}

/** Ends a child, the hard way when it does not go by itself, and waits until it is gone. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(limit)
}

/** Asks again until the answer is not null. Rejects, with what `describe` says, when that takes too long. */
export async function until<Answer>(
  ask: () => Answer | null | Promise<Answer | null>,
  describe: () => string,
  limitMs = 15_000,
): Promise<Answer> {
  const endMs = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > endMs) throw new Error(`${describe()}, not within ${limitMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
