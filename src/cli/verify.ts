import { type Clock, SystemClock } from '../base/clock.ts'
import { SystemRandom } from '../base/random.ts'
import { verifyNotifyUrl } from '../dialects/hoiio/verify.ts'
import { type VerifyStep, verifyHandler } from '../dialects/voicenter/verify.ts'
import type { WireFormat } from '../dialects/voicenter/wire.ts'
import { OutgoingHttp } from '../http/outgoing/outgoing-http.ts'
import { type Command, type CommandIo, type GivenArguments, UsageError, wholeNumber } from './command.ts'

export const verifyCommand: Command = {
  name: 'verify',
  positionals: ['DIALECT', 'URL'],
  summary:
    "Asks a voicenter handler, or tells a hoiio application's notify_url, what a call would, and says what is wrong or merely tolerated.",
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'xmlrpc or json; xmlrpc if absent' },
    press: {
      type: 'string',
      value: 'KEYS',
      help: 'what the caller presses, a comma between two menus: 1,1234; 1 if absent',
    },
    caller: { type: 'string', value: 'NUMBER', help: 'who calls' },
    did: { type: 'string', value: 'NUMBER', help: 'the number called' },
    'access-token': {
      type: 'string',
      value: 'TOKEN',
      help: 'of a hoiio application: signs what is sent, as the server does',
    },
    'timeout-ms': { type: 'string', value: 'MS', help: 'for each answer; 5000 if absent' },
    json: { type: 'boolean', help: 'the report as JSON' },
  },
  async run(given, io) {
    const [dialect, url = ''] = given.positionals
    if (dialect !== 'voicenter' && dialect !== 'hoiio') {
      throw new UsageError(`there is no dialect '${dialect}' to be verified, only voicenter and hoiio`)
    }
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new UsageError(`'${url}' is no address beginning with http:// or https://`)
    }
    const clock = new SystemClock()
    const http = new OutgoingHttp({ clock, allowPrivateAddresses: true })
    const steps: VerifyStep[] = []
    try {
      const run = dialect === 'hoiio' ? hoiio(http, url, given, clock) : voicenter(http, url, given, clock)
      for await (const step of run) {
        steps.push(step)
        if (!given.flag('json')) tell(step, io)
      }
    } finally {
      http.close()
    }
    const wrong = steps.flatMap((step) => step.wrong).length
    const tolerated = steps.flatMap((step) => step.tolerated).length
    if (given.flag('json')) io.out(JSON.stringify({ ok: wrong === 0, wrong, tolerated, steps }))
    else io.out(verdict(wrong, tolerated))
    return wrong === 0 ? 0 : 1
  },
}

function voicenter(http: OutgoingHttp, url: string, given: GivenArguments, clock: Clock): AsyncIterable<VerifyStep> {
  return verifyHandler(http, {
    url,
    format: formatOf(given.string('format')),
    keys: keysOf(given.string('press')),
    caller: given.string('caller') ?? '0541234567',
    did: given.string('did') ?? '0721234567',
    timeoutMs: wholeNumber(given, 'timeout-ms', 100, 30_000, 5000),
    uniqueId: Buffer.from(new SystemRandom().bytes(16)).toString('hex'),
    now: clock.wallTime(),
  })
}

function hoiio(http: OutgoingHttp, url: string, given: GivenArguments, clock: Clock): AsyncIterable<VerifyStep> {
  const random = new SystemRandom()
  return verifyNotifyUrl(http, {
    url,
    caller: given.string('caller') ?? '+6591234567',
    number: given.string('did') ?? '+6561234567',
    timeoutMs: wholeNumber(given, 'timeout-ms', 100, 30_000, 5000),
    session: `S${random.token(16)}`,
    txnRef: `TX-${random.token(16)}`,
    accessToken: given.string('access-token'),
    now: clock.wallTime(),
  })
}

function tell(step: VerifyStep, io: CommandIo): void {
  io.out(`${step.request}   (${Math.round(step.durationMs)} ms)`)
  if (step.does !== null) io.out(`  ${step.does}`)
  for (const sentence of step.wrong) io.out(`  wrong      ${sentence}`)
  for (const sentence of step.tolerated) io.out(`  tolerated  ${sentence}`)
}

function verdict(wrong: number, tolerated: number): string {
  const kindly = tolerated === 0 ? '' : `, ${tolerated} ${tolerated === 1 ? 'slip is' : 'slips are'} tolerated`
  if (wrong === 0) return `The handler can be used${kindly}.`
  return `The handler cannot be used as it is: ${wrong} ${wrong === 1 ? 'answer is' : 'answers are'} wrong${kindly}.`
}

function formatOf(text: string | null): WireFormat {
  if (text === null || text === 'xmlrpc' || text === 'json') return text ?? 'xmlrpc'
  throw new UsageError(`--format takes xmlrpc or json, not '${text}'`)
}

function keysOf(text: string | null): readonly string[] {
  const keys = (text ?? '1').split(',')
  const wrong = keys.find((one) => !/^[0-9*#]{0,32}$/.test(one))
  if (wrong === undefined) return keys
  throw new UsageError(`--press takes up to 32 of 0-9, * and # for each menu, not '${wrong}'`)
}
