import { expect } from 'vitest'
import { metricsOf } from '../../support/server-watch.ts'
import { type TwoSidedStage, trunkAddress } from '../../support/stage-two-sided.ts'
import { until } from './program.ts'
import { type RunningSipp, runSipp, type SippOptions, type SippResult, startSipp } from './sipp.ts'
import { callee } from './sipp-callee-steps.ts'
import { step } from './sipp-steps.ts'

export interface LegFacts {
  readonly role: string
  readonly direction: string
  readonly sipCallId: string
  readonly peer: string
  readonly answeredAt: string | null
  readonly endedAt: string | null
  readonly cause: string | null
}

/** One call as the admin API tells it. */
export interface WholeCall {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly cause: string
  readonly endedBy: string
  readonly sipStatus: number | null
  readonly answeredAt: string | null
  readonly sentence: string
  readonly legs: readonly LegFacts[]
  /** Of its program's plan, verb by verb: `dial completed`. */
  readonly planned: readonly string[]
}

type CallRow = Omit<WholeCall, 'legs' | 'planned'>

/** The calls of this caller since then, ended or not, newest first. */
async function callsOf(stage: TwoSidedStage, caller: string, since: Date, filter = ''): Promise<readonly CallRow[]> {
  const path = `/api/v1/calls?limit=20&from=${encodeURIComponent(caller)}&startedFrom=${since.toISOString()}${filter}`
  return ((await stage.server.get(path)) as { items: readonly CallRow[] }).items
}

/**
 * The one call of this caller, once it is over: expects that there is exactly one record and that everything in it is closed,
 * every leg with a cause.
 * @param since - calls before are those of an earlier attempt.
 * @param inner - a number of ours that its program or a transfer leads to: that call has a record of its own.
 */
export async function theCallOf(
  stage: TwoSidedStage,
  caller: string,
  since: Date,
  inner: string | null = null,
): Promise<WholeCall> {
  const outer = (rows: readonly CallRow[]): readonly CallRow[] => rows.filter(({ to }) => to !== inner)
  const isOver = async (): Promise<CallRow | null> =>
    outer(await callsOf(stage, caller, since, '&state=ended'))[0] ?? null
  const said = (): string =>
    `no call of ${caller} was closed; the server said:\n${stage.server.output().slice(-6000)}\nbut that`
  const { id } = await until(isOver, said)
  const rows = outer(await callsOf(stage, caller, since))
  expect(rows.map((row) => row.id)).toEqual([id])
  return await wholeCall(stage, id)
}

/** A call by its id, with legs and plan. Every leg must be closed. */
export async function wholeCall(stage: TwoSidedStage, id: string): Promise<WholeCall> {
  // Their totals come from the media workers, a moment behind the call's own end.
  const look = async (): Promise<{ call: CallRow; legs: readonly LegFacts[] } | null> => {
    const found = (await stage.server.get(`/api/v1/calls/${id}`)) as { call: CallRow; legs: readonly LegFacts[] }
    return found.legs.every(({ endedAt, cause }) => endedAt !== null && cause !== null) ? found : null
  }
  const { call, legs } = await until(look, () => `a leg of ${id} is still open`, 5000)
  const { items } = (await stage.server.get(`/api/v1/calls/${id}/journal`)) as {
    items: readonly { what: string; facts: { verb?: string; outcome?: string } }[]
  }
  const planned = items.flatMap(({ what, facts }) => (what === 'planned' ? [`${facts.verb} ${facts.outcome}`] : []))
  return { ...call, legs, planned }
}

type Peer = Omit<SippOptions, 'folder' | 'serverPort' | 'number'>

/** A telephone or a trunk that waits for a call. Its SIP is at the tenth of its ports, at `address` (a trunk's if absent). */
export async function startCallee(stage: TwoSidedStage, peer: Peer): Promise<RunningSipp> {
  const { folder, server } = stage
  const place = { folder, serverPort: server.sipPort, number: 'callee', address: trunkAddress }
  return await startSipp({ ...place, ...peer, steps: [...peer.steps, callee.end] })
}

/** A server whose machine is busy refuses calls (503), as it should: waits until this one would not. */
async function beCalm({ server }: TwoSidedStage): Promise<void> {
  const isCalm = async (): Promise<true | null> =>
    ((await metricsOf(server)).get('switchhook_main_thread_lateness_ms') ?? 0) < 20 ? true : null
  await until(isCalm, () => `the server is not calm:\n${server.output().slice(-2000)}`)
}

/** A callee whose caller is through has so long to come to its own end. */
const calleeGraceMs = 8000

/** Runs a caller's scenario to its end and expects that it went as written, and that of the callees too. */
export async function callThrough(
  stage: TwoSidedStage,
  caller: Peer & { readonly number: string },
  callees: readonly RunningSipp[],
): Promise<{ readonly caller: SippResult; readonly callees: readonly SippResult[] }> {
  const { folder, server } = stage
  await beCalm(stage)
  const result = await runSipp({ folder, serverPort: server.sipPort, ...caller })
  // One that waits on would hold its port when the case is tried again.
  const tooLong = setTimeout(
    () => {
      for (const one of callees) one.kill()
    },
    result.code === 0 ? calleeGraceMs : 0,
  )
  const others = await Promise.all(callees.map(({ ended }) => ended))
  clearTimeout(tooLong)
  const log = [result, ...others].map((one) => one.log).join('\n=====\n')
  const codes = [result, ...others].map(({ code }) => code)
  expect(codes, `${log}\n${server.output().slice(-6000)}`).toEqual(codes.map(() => 0))
  return { caller: result, callees: others }
}

/**
 * A telephone makes itself known at the port where it will be called, and is gone; what comes there later is for a scenario.
 * @param expires - seconds; 0: it goes.
 */
export async function registerAt(stage: TwoSidedStage, extension: string, port: number, expires = 600): Promise<void> {
  const password = `secret-of-${extension}`
  const register = (cseq: number, headers: readonly string[]): string =>
    step
      .request({ method: 'REGISTER', cseq, place: 'outside', headers: [`Expires: ${expires}`, ...headers] })
      .replace('sip:[service]@[remote_ip]:[remote_port] SIP/2.0', 'sip:[remote_ip]:[remote_port] SIP/2.0')
      .replace(/To: .*>/, 'To: <sip:[caller]@[remote_ip]:[remote_port]>')
  const authentication = `[authentication username=${extension} password=${password}]`
  const steps = [register(1, []), step.response(401, 'auth="true"'), register(2, [authentication]), step.only(200)]
  const place = { folder: stage.folder, serverPort: stage.server.sipPort, number: 'registrar', port }
  const credentials = { username: extension, password }
  const name = `register-${extension}-${port}-${expires}`
  const result = await runSipp({ ...place, name, caller: extension, credentials, steps })
  expect(result.code, `${result.log}\n${stage.server.output().slice(-4000)}`).toBe(0)
}

/** An INVITE of an extension, with its digest, up to where the response to the second one is expected. */
export function inviteAs(extension: string, sdp?: string | null): readonly string[] {
  const authentication = `[authentication username=${extension} password=secret-of-${extension}]`
  const body = sdp === undefined ? {} : { sdp }
  return [
    step.invite(body),
    step.response(401, 'auth="true"'),
    step.ackRefusal(),
    step.invite({ ...body, cseq: 2, headers: [authentication] }),
  ]
}

/** Expects that nothing is left of any call: no live call, no endpoint. Goes to the end of a file. */
export async function expectNothingLeft(stage: TwoSidedStage): Promise<void> {
  const isQuiet = async (): Promise<true | null> => {
    const { items } = (await stage.server.get('/api/v1/calls/live')) as { items: readonly unknown[] }
    const metrics = await (await fetch(`${stage.server.httpUrl}/metrics`)).text()
    return items.length === 0 && /^switchhook_media_endpoints 0$/m.test(metrics) ? true : null
  }
  await until(isQuiet, () => `calls or endpoints are left:\n${stage.server.output().slice(-4000)}`)
}
