import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ResponseReader, requestFrame, type VoiceInfo, type VoiceRequest, type VoiceResponse } from './voice-frames.ts'

/** Hears from one run of the voice. */
export interface VoiceUser {
  ready(info: VoiceInfo): void
  answered(response: Exclude<VoiceResponse, { kind: 'ready' }>): void
  /** It has ended, wanted or not; told once, and nothing comes after. */
  ended(sentence: string): void
}

/** One run of the voice. */
export interface VoiceChild {
  readonly pid: number | undefined
  send(request: VoiceRequest): void
  /** Ends it when it has answered what it was asked. */
  end(): void
  /** Ends it now. */
  kill(): void
}

export type StartVoice = (user: VoiceUser) => VoiceChild

/** What the program said last on standard error is kept for the sentence: so many characters. */
const maxComplaint = 500

/** Where the voice package is installed, or null. */
export function findVoice(): string | null {
  try {
    return fileURLToPath(import.meta.resolve('@switchhook/voice-espeak/child'))
  } catch {
    return null
  }
}

/**
 * Starts the voice as a program of its own.
 * @param file - its `child.js`.
 */
export function startVoiceChild(file: string, user: VoiceUser): VoiceChild {
  // It needs no variables, and must not see the secrets that stand in ours; Windows cannot start a program without this.
  const env = process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] }
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'pipe'], env, windowsHide: true })
  const reader = new ResponseReader()
  let complaint = ''
  let hasEnded = false
  const end = (sentence: string): void => {
    if (hasEnded) return
    hasEnded = true
    user.ended(sentence)
  }
  child.stdout.on('data', (chunk: Uint8Array) => {
    const responses = hasEnded ? [] : reader.push(chunk)
    if (responses === null) {
      complaint = 'Its answers were out of step.'
      child.kill('SIGKILL')
      return
    }
    for (const response of responses) {
      if (response.kind === 'ready') user.ready(response.info)
      else user.answered(response)
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-maxComplaint)
  })
  // A broken pipe is followed by the end of the child, which is what counts.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => {})
  child.on('error', (error) => end(`The voice could not be started: ${error.message}.`))
  child.on('close', (code, signal) => {
    const why = signal === null ? `with exit code ${code}` : `by ${signal}`
    end(`The voice ended ${why}.${complaint === '' ? '' : ` ${complaint.trim()}`}`)
  })
  return {
    pid: child.pid,
    send: (request) => void child.stdin.write(requestFrame(request)),
    end: () => void child.stdin.end(),
    kill: () => void child.kill('SIGKILL'),
  }
}
