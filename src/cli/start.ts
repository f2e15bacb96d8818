import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { SystemClock } from '../base/clock.ts'
import { SystemRandom } from '../base/random.ts'
import { type Configuration, loadConfiguration } from '../config/load.ts'
import { type Demo, loadDemo } from '../demo.ts'
import { startDemoHandlers } from '../demo-handlers.ts'
import { Switchhook } from '../main.ts'
import { usualConfigFile } from './check.ts'
import { type Command, type CommandIo, UsageError } from './command.ts'

/** How long calls in progress may go on after the first signal to stop. A second signal ends them at once. */
const graceMs = 10_000

export const startCommand: Command = {
  name: 'start',
  positionals: [],
  summary: 'Runs the server; without a configuration, the demo.',
  options: {
    config: {
      type: 'string',
      short: 'c',
      value: 'FILE',
      help: `the configuration; ./${usualConfigFile} where it is there`,
    },
    data: { type: 'string', value: 'FOLDER', help: 'the data folder of the demo; ./data if absent' },
    lan: { type: 'boolean', help: 'opens the demo to the local network, passwords required' },
    'sip-port': { type: 'string', value: 'PORT', help: 'the SIP port of the demo; 5060 if absent' },
    'http-port': { type: 'string', value: 'PORT', help: 'the HTTP port of the demo; 8080 if absent' },
    json: { type: 'boolean', help: 'prints one line of JSON when ready, for programs that start the server' },
  },
  async run(given, io) {
    const named = given.string('config')
    const file = resolve(io.cwd, named ?? usualConfigFile)
    const isDemo = named === null && !existsSync(file)
    if (
      !isDemo &&
      (given.flag('lan') || given.string('data') || given.string('sip-port') || given.string('http-port'))
    ) {
      throw new UsageError(
        '--lan, --data, --sip-port and --http-port are for the demo; a configuration file says it itself',
      )
    }
    const demoApi = { random: new SystemRandom(), httpPort: isDemo ? demoOptions(given, io).httpPort : 0 }
    const handlers = isDemo ? await startDemoHandlers(new SystemClock(), demoApi) : null
    try {
      const demo = handlers && (await loadDemo({ ...demoOptions(given, io), handlers: handlers.urls }))
      const configuration = demo?.configuration ?? (await loadConfiguration({ file, environment: io.env }))
      await serve(configuration, demo?.passwords ?? [], given, io)
    } finally {
      handlers?.close()
    }
    return 0
  },
}

/** Runs the server until a signal stops it. */
async function serve(
  configuration: Configuration,
  passwords: Demo['passwords'],
  given: Parameters<Command['run']>[0],
  io: CommandIo,
): Promise<void> {
  const server = await Switchhook.create(configuration, { logFd: 1 })
  // One careless flow must not end the calls of all others, as Node would have it.
  const stray = (thrown: unknown): void => server.strayFailure(thrown)
  process.on('unhandledRejection', stray)
  process.on('uncaughtException', stray)
  await server.start()
  const ports = server.addresses
  if (given.flag('json'))
    io.out(JSON.stringify({ ready: true, sip: ports.sip, sipPort: ports.sipPort, http: ports.http }))
  else io.out(banner(server, passwords, configuration.settings.isDemo))
  await stopSignal(io)
  if (!given.flag('json')) io.err('stopping: calls in progress have 10 s; a second signal ends them at once')
  await server.close({ graceMs })
  process.off('unhandledRejection', stray)
  process.off('uncaughtException', stray)
}

function demoOptions(given: Parameters<Command['run']>[0], io: CommandIo) {
  return {
    isLan: given.flag('lan'),
    data: resolve(io.cwd, given.string('data') ?? './data'),
    sipPort: port(given.string('sip-port'), 5060, 'sip-port'),
    httpPort: port(given.string('http-port'), 8080, 'http-port'),
  }
}

function port(text: string | null, usual: number, name: string): number {
  if (text === null) return usual
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new UsageError(`--${name} takes a port, not '${text}'`)
  return value
}

function stopSignal(io: CommandIo): Promise<void> {
  if (io.signal.aborted) return Promise.resolve()
  return new Promise((done) => io.signal.addEventListener('abort', () => done(), { once: true }))
}

function banner(
  server: Switchhook,
  passwords: readonly { extension: string; password: string; isNew: boolean }[],
  isDemo: boolean,
): string {
  const { sip, http } = server.addresses
  const lines = [`Switchhook ${server.version}`, '', `  page      ${http}/`, `  SIP       ${sip.join(', ')}`]
  if (server.voiceProblem !== null) lines.push(`  voice     none: ${server.voiceProblem}`)
  if (server.newAdminToken !== null)
    lines.push(`  token     ${server.newAdminToken}   (for /api/v1; shown once, kept in the data folder)`)
  for (const { extension, password, isNew } of passwords) {
    if (isNew) lines.push(`  extension ${extension}, password ${password}   (shown once, kept in the data folder)`)
  }
  lines.push('', '  numbers')
  for (const { number, app } of server.numbers()) lines.push(`    ${number.padEnd(16)} ${app}`)
  if (isDemo) lines.push('', '  try it: npx switchhook call 1000 --press 1 --save heard.wav')
  return lines.join('\n')
}
