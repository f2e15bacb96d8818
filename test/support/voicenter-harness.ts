import type { NamedRecordings } from '../../src/action/prompts.ts'
import type { Flow } from '../../src/action/run-flow.ts'
import { StoreError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { loadSettings } from '../../src/config/load.ts'
import type { AppSettings, TenantSettings, VoicenterAppSettings } from '../../src/config/settings.ts'
import { voicenterFlow } from '../../src/dialects/voicenter/flow.ts'
import type { VoicenterParts } from '../../src/dialects/voicenter/parts.ts'
import type { GetIvrAction, HangupCall, WireStruct } from '../../src/dialects/voicenter/wire.ts'
import type { OutgoingHttp } from '../../src/http/outgoing/outgoing-http.ts'
import type { OutgoingFailure, OutgoingOutcome, OutgoingRequest } from '../../src/http/outgoing/types.ts'
import type { Announcement, NewEvent } from '../../src/store/outbox-types.ts'
import { FakeLeg } from './fake-leg.ts'
import { type FlowHarness, startFlow } from './flow-harness.ts'
import type { TestClock } from './test-clock.ts'

/** What a handler answers: a struct, an outcome of the HTTP client; or `silence`: nothing, ever. */
export type HandlerAnswer = WireStruct | OutgoingOutcome | 'silence'

/** An answer of the handler: the action and its fields. */
export function answer(action: string, data: WireStruct = {}, envelope: WireStruct = {}): WireStruct {
  return { STATUS: 0, ACTION: action, LANGUAGE: 'en', DATA: data, ...envelope }
}

export const menuOf = (menu: string, change: WireStruct = {}): WireStruct =>
  answer('MENU', { REC: 'question', LOOP: 1, DELAY: 0, SIZE: 1, MENU: menu, VALIDATION: 0, ...change })

export const hangUp = (data: WireStruct = {}): WireStruct => answer('HANGUP', data)

/** The recordings of the tenant are those whose name is none of `missing` and `unknown…`. */
const recordings: NamedRecordings = {
  find: (_tenant, name, language) => (name.startsWith('unknown') ? null : `/rec/${language}/${name}.wav`),
}

export interface VoicenterHarness extends FlowHarness {
  /** What the handler was asked, in order. */
  readonly questions: readonly GetIvrAction[]
  readonly requests: readonly OutgoingRequest[]
  readonly announced: readonly Omit<Announcement, 'announcedAt'>[]
  /** Announcements that came to nothing. */
  readonly withdrawn: readonly string[]
  readonly events: readonly NewEvent[]
  /** The one HANGUP_CALL; throws where there is not exactly one. */
  readonly hangup: HangupCall
  readonly tenant: TenantSettings
  /** What was played on the caller's leg, in order: names of recordings, texts, tones. */
  readonly heard: readonly string[]
  /** Facts of the journal's events of one kind. */
  noted(what: string): readonly Readonly<Record<string, unknown>>[]
}

export interface VoicenterOptions {
  /** Keys of the app, over those of the tests. */
  readonly app?: string
  /** Keys of the tenant, as YAML in one line each. */
  readonly tenant?: readonly string[]
  readonly leg?: (clock: TestClock) => FakeLeg
  readonly flowOf?: (app: AppSettings) => Flow | null
  readonly before?: Parameters<typeof startFlow>[1] extends infer Options
    ? Options extends { before?: infer Before }
      ? Before
      : never
    : never
  /** Asks a real handler at this address, instead of the answers; `format` as in the app. */
  readonly handler?: {
    readonly url: string
    readonly format: 'json' | 'xmlrpc'
    readonly http: Pick<OutgoingHttp, 'request'>
  }
  /** What the announcement of HANGUP_CALL waits for: a database that is slow. */
  readonly announcing?: Promise<void>
  /** How often HANGUP_CALL cannot be queued. */
  readonly outboxRefusals?: number
  readonly speech?: NonNullable<Parameters<typeof startFlow>[1]>['speech']
}

const body = (value: WireStruct | string): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

/** An answer as the HTTP client gives it. */
export function httpAnswer(value: WireStruct | string, change: Partial<OutgoingOutcome> = {}): OutgoingOutcome {
  const answered = {
    kind: 'answer',
    status: 200,
    isTruncated: false,
    durationMs: 1,
    url: 'http://handler/ivr',
  } as const
  const headers = new Map([['content-type', 'application/json']])
  return { ...answered, headers, body: body(value), ...change } as OutgoingOutcome
}

export function httpFailure(change: Partial<OutgoingFailure> = {}): OutgoingFailure {
  const sentence = 'http://handler/ivr did not answer within 5 s.'
  return {
    kind: 'failure',
    code: 'outgoing.timed-out',
    reached: 'unknown',
    status: null,
    sentence,
    durationMs: 5000,
    ...change,
  }
}

/** A tenant with a Voicenter app, read as from a file. */
export async function voicenterTenant(
  app = '',
  tenant: readonly string[] = [],
  handler = { url: 'http://handler/ivr', format: 'json' },
): Promise<TenantSettings> {
  const text = [
    'tenants:',
    '  demo:',
    '    countryCode: "972"',
    '    numbers: { "0721234567": { app: "ivr" } }',
    ...tenant.map((line) => `    ${line}`),
    ...(tenant.some((line) => line.startsWith('apps:')) ? [] : ['    apps:']),
    `      ivr: { dialect: "voicenter", url: ${JSON.stringify(handler.url)}, format: ${handler.format}${app === '' ? '' : `, ${app}`} }`,
  ]
  const settings = await loadSettings({ text: text.join('\n'), name: 'test', environment: {} })
  const found = settings.tenants.get('demo')
  if (!found) throw new Error('no tenant')
  return found
}

/** A call to a handler that gives these answers in order; all but the wire and HTTP is real. */
export async function startVoicenter(
  answers: readonly HandlerAnswer[],
  options: VoicenterOptions = {},
): Promise<VoicenterHarness> {
  const tenant = await voicenterTenant(options.app, options.tenant, options.handler)
  const app = tenant.apps.get('ivr') as VoicenterAppSettings
  const questions: GetIvrAction[] = []
  const requests: OutgoingRequest[] = []
  const announced: Omit<Announcement, 'announcedAt'>[] = []
  const events: NewEvent[] = []
  const http: Pick<OutgoingHttp, 'request'> = {
    request: async (request) => {
      requests.push(request)
      const read = JSON.parse(String(request.body)) as { DATA: GetIvrAction }
      questions.push(read.DATA)
      const next = answers[requests.length - 1]
      if (next === undefined) throw new Error('the handler was asked once too often')
      if (next === 'silence') return await new Promise(() => {})
      return 'kind' in next ? (next as OutgoingOutcome) : httpAnswer(next)
    },
  }
  let clock: TestClock | null = null
  const withdrawn: string[] = []
  let refusals = options.outboxRefusals ?? 0
  const flow: Flow = (call) => {
    const parts: VoicenterParts = {
      // The clock is the harness's own, which is there when a call is.
      clock: clock as TestClock,
      random: new SeededRandom(7),
      log: silentLogger,
      http: options.handler?.http ?? http,
      outbox: {
        add: async (event) => {
          if (refusals-- > 0) throw new StoreError('store.failed', 'The database is locked.')
          events.push(event)
          return true
        },
        announce: async (announcement) => {
          await options.announcing
          announced.push(announcement)
        },
        withdraw: async (id) => void withdrawn.push(id),
      },
      recordings,
      isTrusted: () => true,
      flowOfExtension: (extension) => async (flowCall) => {
        await flowCall.dial(extension)
        await flowCall.hangUp()
      },
      flowOf: (one) => options.flowOf?.(one) ?? (one.kind === 'voicenter' ? voicenterFlow(one, tenant, parts) : null),
    }
    return voicenterFlow(app, tenant, parts)(call)
  }
  const leg = (made: TestClock): FakeLeg => {
    clock = made
    return options.leg?.(made) ?? callerLeg(made)
  }
  const harness = await startFlow(flow, {
    recordings,
    leg,
    to: '+972721234567',
    ...(options.before && { before: options.before }),
    ...(options.speech && { speech: options.speech }),
  })
  // Getters of the harness stay what they are.
  return Object.defineProperties(Object.create(harness), {
    questions: { value: questions },
    requests: { value: requests },
    announced: { value: announced },
    withdrawn: { value: withdrawn },
    events: { value: events },
    tenant: { value: tenant },
    hangup: {
      get: () => {
        if (events.length !== 1) throw new Error(`there are ${events.length} events`)
        const { METHOD: method, DATA: data } = JSON.parse(events[0]?.body ?? '') as { METHOD: string; DATA: HangupCall }
        if (method !== 'HANGUP_CALL') throw new Error(`the event is ${method}`)
        return data
      },
    },
    heard: {
      get: () => harness.leg.lines.filter((line) => line.startsWith('play ')).map((line) => heardName(line.slice(5))),
    },
    noted: {
      value: (what: string) => harness.records.journal.filter((event) => event.what === what).map(({ facts }) => facts),
    },
  }) as VoicenterHarness
}

function heardName(line: string): string {
  return line
    .split('+')
    .map((id) =>
      id.replace(/^file:\/rec\/(en|he)\/(.*)\.wav$/, (_whole, language: string, name: string) =>
        language === 'en' ? name : `${language}/${name}`,
      ),
    )
    .join('+')
}

function callerLeg(clock: TestClock): FakeLeg {
  return new FakeLeg(clock, { user: '0541234567' })
}
