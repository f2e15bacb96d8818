import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram, startProgram, until } from './program.ts'

export interface SippOptions {
  readonly folder: string
  /** Of the test: files are called so, and the caller, so that its record can be found. */
  readonly name: string
  readonly steps: readonly string[]
  readonly serverPort: number
  readonly number: string
  readonly transport?: 'udp' | 'tcp'
  /** The first of the peer's ports: RTP is there, RTCP one above, SIP at the tenth. */
  readonly port: number
  /** Who it calls itself; the name if absent. */
  readonly caller?: string
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Its own; 127.0.0.1 if absent. */
  readonly address?: string
  readonly extra?: readonly string[]
}

/** A message as sipp wrote it down. */
export interface SippMessage {
  /** Seconds since midnight or 1970; only differences mean anything. */
  readonly at: number
  readonly direction: 'sent' | 'received'
  /** Request line or status line. */
  readonly first: string
  readonly text: string
}

export interface SippResult {
  /** 0 when every step went as written. */
  readonly code: number | null
  readonly messages: readonly SippMessage[]
  /** Errors and messages, for when it fails. */
  readonly log: string
}

/** Where in its ports sipp's SIP is. */
export const sipOffset = 10

/** Runs one scenario to its end: one call. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  const { folder } = options
  const { code, signal } = await runProgram('sipp', await argumentsOf(options), { cwd: folder, limitMs: longestRunMs })
  return await resultOf(options, code, signal)
}

/** A scenario that waits for its call. */
export interface RunningSipp {
  readonly ended: Promise<SippResult>
  /** SIGKILL: its peer is not told. */
  kill(): void
}

/** Starts a scenario that is to be called; resolves once its SIP port is open. */
export async function startSipp(options: SippOptions): Promise<RunningSipp> {
  const { folder, port, transport = 'udp' } = options
  const program = startProgram('sipp', await argumentsOf(options), { cwd: folder, limitMs: longestRunMs })
  const ended = program.ended.then(({ code, signal }) => resultOf(options, code, signal))
  const isOpen = async (): Promise<true | null> =>
    program.hasEnded || (await hasSocket(transport, port + sipOffset)) ? true : null
  await until(isOpen, () => `sipp does not listen on ${port + sipOffset}`)
  return { ended, kill: program.kill }
}

const longestRunMs = 58_000

async function argumentsOf(options: SippOptions): Promise<readonly string[]> {
  const { folder, name, port, transport = 'udp', caller = name, credentials, address = '127.0.0.1' } = options
  const scenario = join(folder, `${name}.xml`)
  const xml = `<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="${name}">\n${options.steps.join('\n')}\n</scenario>\n`
  await writeFile(scenario, xml)
  const args = [`127.0.0.1:${options.serverPort}`, '-sf', scenario, '-s', options.number, '-m', '1', '-l', '1']
  args.push('-i', address, '-mi', address, '-p', String(port + sipOffset), '-mp', String(port))
  args.push('-t', transport === 'udp' ? 'u1' : 't1', '-nostdin', '-timeout', '50s', '-timeout_error')
  args.push('-key', 'caller', caller, '-cid_str', `${name}-%u-%p@interop`)
  args.push('-trace_err', '-error_file', join(folder, `${name}-errors.log`))
  args.push('-trace_msg', '-message_file', messageFileOf(options))
  if (credentials) args.push('-au', credentials.username, '-ap', credentials.password)
  return [...args, ...(options.extra ?? [])]
}

function messageFileOf({ folder, name }: SippOptions): string {
  return join(folder, `${name}-messages.log`)
}

async function resultOf(options: SippOptions, code: number | null, signal: string | null): Promise<SippResult> {
  const log = await logsOf(options.folder, options.name)
  const written = await readFile(messageFileOf(options), 'utf8').catch(() => '')
  return { code, messages: readMessages(written), log: `sipp (${options.name}) ended with ${code ?? signal}\n${log}` }
}

/** What a scenario that still runs has sent and got so far. */
export async function readSippMessages(folder: string, name: string): Promise<readonly SippMessage[]> {
  return readMessages(await readFile(join(folder, `${name}-messages.log`), 'utf8').catch(() => ''))
}

/** Of the kernel's list, so that the port itself is not touched: one that tries it may be in the way. */
async function hasSocket(transport: 'udp' | 'tcp', port: number): Promise<boolean> {
  const list = await readFile(`/proc/net/${transport}`, 'utf8')
  return new RegExp(`^\\s*\\d+: [0-9A-F]{8}:${port.toString(16).toUpperCase().padStart(4, '0')} `, 'm').test(list)
}

async function logsOf(folder: string, name: string): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.log'))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts.join('\n').slice(-12_000)
}

/** A line of dashes with date and time, then what happened to the message, then the message. */
const messageHead =
  /^-{10,} (\d{4}-\d\d-\d\d)[ T\t](\d\d):(\d\d):(\d\d\.\d+).*\n(?:UDP|TCP|TLS|SCTP) message (sent|received) .*:\n/gm

function readMessages(log: string): readonly SippMessage[] {
  const heads = [...log.matchAll(messageHead)]
  return heads.map((head, index) => {
    const [whole, , hours, minutes, seconds, direction] = head
    const text = log.slice(head.index + whole.length, heads[index + 1]?.index).trim()
    return {
      at: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
      direction: direction === 'sent' ? 'sent' : 'received',
      first: text.split('\n')[0]?.trim() ?? '',
      text,
    }
  })
}
