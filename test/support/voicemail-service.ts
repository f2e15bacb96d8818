import { silentLogger } from '../../src/base/log.ts'
import type { VoicemailClient } from '../../src/dialects/voicemail/client.ts'
import { Deposits, voiceOfCall } from '../../src/dialects/voicemail/node/deposits.ts'
import type { WireObject } from '../../src/dialects/voicemail/wire.ts'
import type { VoicemailDepositRow } from '../../src/store/voicemail.ts'
import { TestClock } from './test-clock.ts'

type Answer = Record<string, unknown> | null

export interface FakeServiceOptions {
  /** Over the usual answer to INITLEAVING. */
  readonly leaving?: Record<string, unknown>
  /** Instead of it; null: none comes. */
  readonly init?: Answer
  readonly retrieve?: Record<string, unknown>
  readonly recmail?: Answer
  /** Answers to other commands; `ok` where absent. */
  readonly others?: Readonly<Record<string, Answer>>
  /** Names that are in the store. */
  readonly voices?: readonly string[]
}

export interface FakeService {
  readonly requests: Record<string, unknown>[]
  readonly client: VoicemailClient
  readonly deposits: Deposits
  readonly media: { has(tenant: string, voice: string): Promise<boolean>; path(tenant: string, voice: string): string }
  readonly voices: Set<string>
  readonly adopted: { readonly voice: string; readonly cutMs: number }[]
  readonly owed: Map<string, VoicemailDepositRow>
  readonly recordings: { callId: string; durationMs: number; file: string }[]
  readonly log: typeof silentLogger
  recmail: Answer
  /** How long every answer takes; at once if absent. */
  delay: (command: unknown) => Promise<void>
  /** Makes the store of voices fail: a full disk. */
  failKeeping: Error | null
  /** A row as an earlier run of the program left it. */
  owe(callId: string): void
}

const usualLeaving = {
  status: 'ok',
  record: { status: 'on', max_idle: 2, max_record: 10 },
  mailbox: { total: 0, max: 5 },
  language: 'ina',
  greeting: { type: 'default', voice: '' },
  play_tarif_call: 'off',
}

/** A voicemail service for tests of the node: answers what it is told to, and remembers what it was asked. No disk, no database. */
export function fakeService(options: FakeServiceOptions = {}): FakeService {
  const requests: Record<string, unknown>[] = []
  const owed = new Map<string, VoicemailDepositRow>()
  const adopted: { voice: string; cutMs: number }[] = []
  const voices = new Set(options.voices)
  const recordings: { callId: string; durationMs: number; file: string }[] = []
  const answerTo = ({ command }: WireObject): Answer => {
    switch (command) {
      case 'INITLEAVING':
        return options.init === undefined ? { ...usualLeaving, ...options.leaving } : options.init
      case 'INITRETRIEVE':
        return { status: 'ok', access: true, language: 'eng', ...options.retrieve }
      case 'RECMAIL':
        return service.recmail
      default:
        return (typeof command === 'string' ? options.others?.[command] : null) ?? { status: 'ok' }
    }
  }
  const client: VoicemailClient = {
    ask: async (request) => {
      requests.push(request)
      await service.delay(request['command'])
      const object = answerTo(request)
      return object === null
        ? { kind: 'failure', sentence: 'It is down.' }
        : { kind: 'answer', object: object as WireObject }
    },
  }
  const deposits = new Deposits({
    store: {
      putDeposit: async (row) => void owed.set(row.call_id, row),
      removeDeposit: async (callId) => void owed.delete(callId),
      deposits: async () => [...owed.values()],
    },
    recordings: {
      list: async ({ callId }) => {
        const found = recordings.filter((one) => one.callId === callId)
        const items = found.map((one) => ({ ...one, channels: 1, state: 'interrupted' }))
        return { items: items as never, nextCursor: null }
      },
    },
    media: {
      adopt: async (_tenant, voice, _file, cutMs) => {
        if (service.failKeeping) throw service.failKeeping
        adopted.push({ voice, cutMs: cutMs ?? 0 })
        voices.add(voice)
      },
    },
    dataFolder: '/data',
    clock: new TestClock(),
    log: silentLogger,
    clientOf: () => client,
  })
  const service: FakeService = {
    requests,
    client,
    deposits,
    media: { has: async (_tenant, voice) => voices.has(voice), path: (_tenant, voice) => `/voices/${voice}` },
    voices,
    adopted,
    owed,
    recordings,
    log: silentLogger,
    delay: async () => {},
    failKeeping: null,
    recmail: options.recmail === undefined ? { status: 'ok' } : options.recmail,
    owe: (callId) =>
      void owed.set(callId, {
        call_id: callId,
        tenant: 'demo',
        service: 'local',
        caller: '101',
        owner: '137',
        access: '222',
        voice: voiceOfCall(callId),
        started_at: 0,
        duration_seconds: null,
      }),
  }
  return service
}
