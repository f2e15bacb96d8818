import { describe, expect, it } from 'vitest'
import {
  endings,
  type HangUp,
  type HangUpRun,
  type HangUpScenario,
  moments,
  runHangUp,
  type Visit,
} from '../../../../test/support/hang-ups.ts'
import type { FakeService } from '../../../../test/support/voicemail-service.ts'
import type { Flow } from '../../../action/run-flow.ts'
import { leavingFlow } from './leaving.ts'
import { type LeavingState, leavingTable } from './leaving-table.ts'
import { retrieveFlow } from './retrieve.ts'
import { type RetrieveState, retrieveTable } from './retrieve-table.ts'

/** A caller waits five seconds for an answer; the slowest that is one. */
const speeds = { quick: 0, slow: 4000 } as const

const on = { general: 'on', personal: 'on' } as const
const withPromos = {
  voices: ['px', 'py'],
  leaving: { play_promo_x: { ...on, voice: 'px' }, play_promo_y: { ...on, voice: 'py' } },
}
/** A message of two seconds. */
const speaks = { record: [[2000, '#']] } as const

/** How to come by each state. A new state does not compile without its own. */
const leavingScenarios: Readonly<Record<LeavingState, HangUpScenario<LeavingState>>> = {
  init: { keys: speaks },
  promoX: { service: withPromos, keys: speaks },
  greeting: { keys: speaks },
  tariff: { service: { leaving: { play_tarif_call: 'on' } }, keys: speaks },
  record: { keys: speaks },
  tooShort: {
    keys: {
      record: [
        [500, '#'],
        [500, '#'],
        [2500, '#'],
      ],
    },
  },
  deposit: { keys: speaks },
  saved: { keys: speaks },
  promoY: { service: withPromos, keys: speaks },
  taker: { service: withPromos, keys: { ...speaks, taker: [[300, '1']] } },
  promoSms: { service: withPromos, keys: { ...speaks, taker: [[300, '2']] } },
  refused: { service: { recmail: { status: 'error', reason: 'MAILBOX_FULL' } }, keys: speaks },
  full: { service: { leaving: { mailbox: { total: 5, max: 5 } } } },
  noRecord: { service: { leaving: { record: { status: 'off' } } } },
  missed: { service: { leaving: { record: { status: 'off' } } } },
  ownerCalls: { isOwner: true, keys: { greeting: [[200, '*']] } },
  notKept: { failKeeping: new Error('disk full'), keys: speaks },
  unavailable: { service: { init: null } },
  bye: { keys: speaks },
}

const message = (voice: string) => ({ number: '08123445', date: '2026-01-20', time: '13:05:00', voice })
const two = { voices: ['msg_c', 'msg_d', 'py'], retrieve: { message_unread: [message('msg_c'), message('msg_d')] } }

const retrieveScenarios: Readonly<Record<RetrieveState, HangUpScenario<RetrieveState>>> = {
  init: { isOwner: true },
  pin: {
    service: { ...two, retrieve: { ...two.retrieve, pin: true }, others: { AUTHMAIL: { status: 'ok', access: true } } },
    keys: { pin: [[300, '4711#']] },
  },
  promoX: { isOwner: true, service: { voices: ['px'], retrieve: { play_promo_x: { ...on, voice: 'px' } } } },
  count: { isOwner: true, service: two },
  newMessages: {
    isOwner: true,
    service: two,
    keys: {
      newMessages: [
        [1300, '7'],
        [0, ''],
      ],
    },
  },
  promoY: { isOwner: true, service: { ...two, retrieve: { ...two.retrieve, play_promo_y: { ...on, voice: 'py' } } } },
  main: {
    isOwner: true,
    keys: {
      main: [
        [500, '0'],
        [500, '#'],
      ],
    },
  },
  oldMessages: {
    isOwner: true,
    service: { voices: ['msg_c'], retrieve: { message_read: [message('msg_c')] } },
    keys: {
      main: [
        [500, '2'],
        [500, '#'],
      ],
      oldMessages: [[1300, '7']],
    },
  },
  greeting: {
    isOwner: true,
    keys: {
      main: [
        [500, '3'],
        [500, '#'],
      ],
      greeting: [[500, '1']],
    },
  },
  language: {
    isOwner: true,
    keys: {
      main: [
        [500, '4'],
        [500, '#'],
      ],
      language: [[500, '1']],
    },
  },
  denied: { isOwner: true, service: { retrieve: { access: false } } },
  unavailable: { isOwner: true, service: { retrieve: { status: 'error', reason: 'INTERNAL' } } },
  bye: { isOwner: true, keys: { main: [[500, '#']] } },
  finish: { isOwner: true, service: two, keys: { newMessages: [[1300, '7']], main: [[500, '#']] } },
}

function leaving(service: FakeService): Flow {
  const { client, deposits, media, log } = service
  const retrieve: Flow = async (call) => await call.hangUp()
  return leavingFlow({ client, service: 'local', deposits, media, log, owner: () => '137', retrieve })
}

function retrieving({ client, media, log, voices }: FakeService): Flow {
  const store = {
    ...media,
    adopt: async (_tenant: string, voice: string) => void voices.add(voice),
    remove: async (_tenant: string, voice: string) => void voices.delete(voice),
  }
  const isOwner = (call: { readonly party: { readonly extension: string | null } }): boolean =>
    call.party.extension === '137'
  return retrieveFlow({ client, media: store, dataFolder: '/data', log, owner: () => '137', isOwner })
}

/** One call for each visit of the state, each moment, each ending. */
async function everyHangUp<State extends string>(
  state: State,
  makeFlow: (service: FakeService) => Flow,
  scenario: HangUpScenario<State>,
  serviceMs: number,
  check: (run: HangUpRun<State>, what: string, whole: HangUpRun<State>) => void,
): Promise<readonly Visit<State>[]> {
  const whole = await runHangUp(makeFlow, scenario, serviceMs)
  check(whole, 'nobody hangs up', whole)
  const visits = whole.visits.flatMap((visit, index) => (visit.state === state ? [index] : []))
  expect(visits.length, `${state} is not reached: ${whole.visits.map((one) => one.state).join()}`).toBeGreaterThan(0)
  for (const visit of visits) {
    for (const moment of moments) {
      for (const ending of Object.keys(endings)) {
        const hangUp: HangUp = { visit, moment, ending }
        const run = await runHangUp(makeFlow, scenario, serviceMs, hangUp, whole.visits)
        check(run, `${ending} in ${state} (${moment}, visit ${visit})`, whole)
      }
    }
  }
  return whole.visits
}

function expectNothingLeft({ harness }: HangUpRun<string>, what: string): void {
  expect(harness.record.endedAt, what).not.toBeNull()
  expect(harness.calls.live(), what).toEqual([])
  expect(harness.clock.pending, what).toBe(0)
  for (const recording of harness.records.recordings.values()) expect(recording.state, what).not.toBe('recording')
}

describe.each(Object.entries(speeds))('leaving a message with a service that is %s', (_, serviceMs) => {
  it.each(Object.keys(leavingTable) as LeavingState[])(
    'a hang-up in %s: one RECMAIL, nothing stuck, and no sound lost',
    async (state) => {
      await everyHangUp<LeavingState>(state, leaving, leavingScenarios[state], serviceMs, (run, what) => {
        const { service, harness } = run
        expectNothingLeft(run, what)
        const told = service.requests.filter(({ command }) => command === 'RECMAIL')
        const wasLetIn = service.requests.length > 0 && state !== 'unavailable'
        const isOwed = service.owed.size > 0
        // What could not be kept stays owed, and is told by the next round: see below.
        expect(told.length + service.owed.size, what).toBe(wasLetIn ? 1 : 0)
        // Every second or more that was recorded is in the store, or owed to it.
        const heard = [...harness.records.recordings.values()].filter(({ durationMs }) => (durationMs ?? 0) >= 1000)
        const isKept = service.adopted.length === 1 || isOwed
        expect(isKept, `${what}: ${heard.length} recordings of a second or more`).toBe(heard.length > 0)
        if (told[0]) expect(told[0]['deposit'], what).toBe(heard.length > 0)
        const names = told.map(({ filename }) => filename).filter((name) => name !== '')
        expect(names, what).toEqual(service.adopted.map(({ voice }) => voice))
      })
    },
    60_000,
  )
})

describe.each(Object.entries(speeds))('fetching messages from a service that is %s', (_, serviceMs) => {
  it.each(Object.keys(retrieveTable) as RetrieveState[])(
    'a hang-up in %s: nothing stuck, and what was deleted before it is deleted',
    async (state) => {
      await everyHangUp<RetrieveState>(state, retrieving, retrieveScenarios[state], serviceMs, (run, what) => {
        const { service, harness } = run
        expectNothingLeft(run, what)
        const said = harness.leg.lines.filter((line) => line.includes('Message deleted.')).length
        const deleted = service.requests.filter(({ command }) => command === 'DELMAIL')
        expect(deleted.length, what).toBeGreaterThanOrEqual(said > 0 ? 1 : 0)
        expect(new Set(deleted.map(({ voice }) => voice)).size, what).toBe(deleted.length)
        // A greeting that nobody saved leaves no file.
        const saved = service.requests.filter(({ command }) => command === 'RECGREETING').length
        expect([...service.voices].filter((voice) => voice.startsWith('greet_')).length, what).toBeLessThanOrEqual(
          saved,
        )
        // Nothing is asked after the last DELMAIL.
        if (deleted.length > 0) expect(service.requests.at(-1)?.['command'], what).toBe('DELMAIL')
      })
    },
    60_000,
  )
})
