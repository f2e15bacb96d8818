import type { Flow } from '../../src/action/run-flow.ts'
import { type FlowHarness, startFlow } from './flow-harness.ts'
import { type FakeService, type FakeServiceOptions, fakeService } from './voicemail-service.ts'

/** A call that comes by one state of a voicemail flow. */
export interface HangUpScenario<State extends string> {
  readonly service?: FakeServiceOptions
  /** What is pressed in a state, so long after it was entered; in the order of its visits. */
  readonly keys?: Partial<Record<State, readonly (readonly [afterMs: number, keys: string])[]>>
  /** The caller is extension 137, whose mailbox it is. */
  readonly isOwner?: boolean
  /** The store of voices fails. */
  readonly failKeeping?: Error
}

export interface Visit<State extends string> {
  readonly state: State
  readonly fromMs: number
  /** When the next state was entered; at the end of the call for the last. */
  readonly toMs: number
}

/** When in a visit a call is ended: as the state is entered, and on the way through it; 1 is a millisecond before it would be left. */
export const moments = ['entered', 0.05, 0.2, 0.4, 0.6, 0.8, 1] as const

/** What ends a call from outside. */
export const endings: Readonly<Record<string, (harness: Pick<FlowHarness, 'leg' | 'call'>) => void>> = {
  'the caller hangs up': ({ leg }) => leg.hangUp(),
  'the server stops': ({ call }) => {
    call.end({ by: 'server', cause: 'shutdown', sentence: 'Switchhook was stopped while this call was going on.' })
  },
}

export interface HangUp {
  /** Of the visits of the whole call. */
  readonly visit: number
  readonly moment: (typeof moments)[number]
  readonly ending: keyof typeof endings
}

export interface HangUpRun<State extends string> {
  readonly visits: readonly Visit<State>[]
  readonly service: FakeService
  readonly harness: FlowHarness
  /** Whether the call was still going on when its end came. */
  readonly wasCut: boolean
}

/** Longer than any call of these scenarios. */
const longestMs = 120_000
const tickMs = 100
/** After a hang-up: the slowest service has answered everything. */
const afterMs = 60_000

/**
 * Runs a scenario to its end, or to a hang-up.
 * @param makeFlow - the flow, on the service of this run.
 * @param serviceMs - how long each of the service's answers takes.
 * @param planned - of the same scenario without a hang-up: when its visits were.
 */
export async function runHangUp<State extends string>(
  makeFlow: (service: FakeService) => Flow,
  scenario: HangUpScenario<State>,
  serviceMs: number,
  hangUp: HangUp | null = null,
  planned: readonly Visit<State>[] = [],
): Promise<HangUpRun<State>> {
  const service = fakeService(scenario.service)
  service.failKeeping = scenario.failKeeping ?? null
  const flow = makeFlow(service)
  const entered: { readonly state: State; readonly atMs: number }[] = []
  const due: { readonly atMs: number; readonly keys: string }[] = []
  const counts = new Map<State, number>()
  const visit = hangUp === null ? undefined : planned[hangUp.visit]
  const cutAtMs =
    hangUp === null || visit === undefined || hangUp.moment === 'entered'
      ? null
      : visit.fromMs + Math.round(hangUp.moment * Math.max(0, visit.toMs - visit.fromMs - 1))
  let end: () => void = () => {}
  let wasCut = false
  let nowMs: () => number = () => 0
  const cut = (): void => {
    wasCut = true
    end()
  }
  const watched: Flow = async (call) => {
    const note = call.note.bind(call)
    call.note = (what, facts) => {
      note(what, facts)
      if (what !== 'voicemail' || typeof facts?.['state'] !== 'string') return
      const state = facts['state'] as State
      const count = counts.get(state) ?? 0
      counts.set(state, count + 1)
      entered.push({ state, atMs: nowMs() })
      const key = scenario.keys?.[state]?.[count]
      if (key) due.push({ atMs: nowMs() + key[0], keys: key[1] })
      if (hangUp?.moment === 'entered' && entered.length - 1 === hangUp.visit) cut()
    }
    end = () => endings[hangUp?.ending ?? '']?.({ leg: harnessLeg, call: harnessCall() })
    await flow(call)
  }
  let harnessLeg = null as unknown as FlowHarness['leg']
  let started: FlowHarness | null = null
  const harnessCall = (): FlowHarness['call'] => {
    if (!started) throw new Error('the call has not started')
    return started.call
  }
  const harness = await startFlow(watched, {
    before: ({ leg, clock }) => {
      harnessLeg = leg
      nowMs = () => clock.now()
      if (scenario.isOwner) Object.assign(leg.party, { extension: '137' })
      service.delay = (): Promise<void> =>
        serviceMs === 0 ? Promise.resolve() : new Promise((resolve) => void clock.after(serviceMs, resolve))
      // Nobody can hang up before the call is there: the first state waits for the first tick.
      const { client } = service
      const ask = client.ask.bind(client)
      let isFirst = true
      client.ask = async (request) => {
        if (isFirst) await new Promise<void>((resolve) => void clock.after(10, resolve))
        isFirst = false
        return await ask(request)
      }
    },
  })
  started = harness
  if (hangUp?.moment === 'entered' && hangUp.visit === 0) cut()
  const { clock } = harness
  while (clock.now() < longestMs && !harness.call.isEnded && !wasCut) {
    const next = Math.min(tickMs, ...due.map(({ atMs }) => atMs - clock.now()), (cutAtMs ?? Infinity) - clock.now())
    if (next > 0) await harness.pass(next)
    for (const one of due.filter(({ atMs }) => atMs <= clock.now())) {
      due.splice(due.indexOf(one), 1)
      harness.leg.press(one.keys)
    }
    if (cutAtMs !== null && clock.now() >= cutAtMs && !harness.call.isEnded) cut()
  }
  const endMs = clock.now()
  await harness.pass(afterMs)
  const visits = entered.map(({ state, atMs }, index) => ({
    state,
    fromMs: atMs,
    toMs: entered[index + 1]?.atMs ?? endMs,
  }))
  return { visits, service, harness, wasCut }
}
