import { Caller, type CallLog, type PlacedCall, wallMs } from './caller.ts'
import type { BenchServer } from './server.ts'
import type { Sink, SinkReport } from './sink.ts'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** What came of it when each caller pressed one key, so many in a second. Milliseconds. */
export interface Reaction {
  readonly keysPerSecond: number
  readonly digitToPromptP50Ms: number
  readonly digitToPromptP99Ms: number
  /** From the answer of a handler to the first packet of what it asked for; null where there is none. */
  readonly handlerToAudioP50Ms: number | null
  readonly handlerToAudioP99Ms: number | null
}

export interface PlayingRow {
  readonly calls: number
  /** CPU microseconds of the server per second of one call. */
  readonly cpuPerCallSecondUs: number
  readonly inviteTo200P50Ms: number
  readonly inviteTo200P99Ms: number
  readonly firstRtpP99Ms: number | null
  /** Of the first question, behind the INVITE; null where there is no handler. */
  readonly handlerToAudioP99Ms: number | null
  /** Empty where nothing measures. */
  readonly reactions: readonly Reaction[]
  readonly sink: SinkReport | null
  readonly memoryPerCallMb: number
  readonly memoryAfterMb: number
  readonly memoryBeforeMb: number
  readonly failed: number
}

export interface PlayingOptions {
  readonly calls: number
  readonly seconds: number
  readonly setupPerSecond: number
  /** Whether the callers speak, too. */
  readonly isReceiving: boolean
  readonly number: string
  /** How fast the callers press, one key each, round by round. */
  readonly keysPerSecond: readonly number[]
  /** When a handler answered the questions about each caller, by `wallMs`. */
  readonly answers?: () => Promise<ReadonlyMap<string, readonly number[]>>
}

/** Key 5 of the telephone, pressed by each caller once a round while the prompt plays. */
const key = 5

/** N calls that play (and receive), measured while all are up. */
export async function playingRow(
  server: BenchServer,
  sink: Sink | null,
  sinkPort: number,
  options: PlayingOptions,
): Promise<PlayingRow> {
  const caller = new Caller({ serverPort: server.sipPort, number: options.number, rtpPort: sinkPort })
  await caller.bind()
  const memoryBeforeMb = server.memoryMb()
  const placed: PlacedCall[] = []
  const logs: CallLog[] = []
  const markers = new Map<number, number[]>()
  if (sink) {
    sink.onMarker = (port, atMs) => {
      const seen = markers.get(port) ?? []
      seen.push(atMs)
      markers.set(port, seen)
    }
  }
  for (let i = 0; i < options.calls; i++) {
    caller.place(
      (call) => placed.push(call),
      (log) => logs.push(log),
    )
    if ((i + 1) % 10 === 0) await pause((10 / options.setupPerSecond) * 1000)
  }
  await until(() => placed.length + logs.length >= options.calls, 40_000)
  if (options.isReceiving) for (const [i, call] of placed.entries()) sink?.talk(call.log.rtpPort, 1000 + i)
  await pause(2000)

  sink?.reset()
  const cpuBefore = server.cpuSeconds()
  const begunMs = wallMs()
  await pause(options.seconds * 1000)
  const cpu = server.cpuSeconds() - cpuBefore
  const seconds = (wallMs() - begunMs) / 1000
  const report = sink ? await sink.report() : null
  const memoryAtLoad = server.memoryMb()

  const firstPromptOf = ({ log }: PlacedCall, fromMs: number): readonly number[] =>
    toFirst(markers.get(log.rtpPort), fromMs)
  const behindAnswers = async (): Promise<readonly number[]> => {
    const answers = await options.answers?.()
    return placed.flatMap((call) => (answers?.get(call.log.caller) ?? []).flatMap((atMs) => firstPromptOf(call, atMs)))
  }
  const behindInvite = await behindAnswers()
  const reactions: Reaction[] = []
  for (const keysPerSecond of sink ? options.keysPerSecond : []) {
    const pressed: (readonly [PlacedCall, number])[] = []
    const startedMs = wallMs()
    for (const [i, call] of placed.entries()) {
      const dueMs = startedMs + (i * 1000) / keysPerSecond
      if (dueMs > wallMs() + 1) await pause(dueMs - wallMs())
      pressed.push([call, wallMs()])
      sink?.digit(call.log.rtpPort, 1000 + i, key)
    }
    await pause(1500)
    const reaction = pressed.flatMap(([call, atMs]) => firstPromptOf(call, atMs))
    const toAudio = await behindAnswers()
    reactions.push({
      keysPerSecond,
      digitToPromptP50Ms: percentile(reaction, 0.5),
      digitToPromptP99Ms: percentile(reaction, 0.99),
      handlerToAudioP50Ms: toAudio.length > 0 ? percentile(toAudio, 0.5) : null,
      handlerToAudioP99Ms: toAudio.length > 0 ? percentile(toAudio, 0.99) : null,
    })
  }
  if (options.isReceiving) for (const call of placed) sink?.hush(call.log.rtpPort)
  for (const [i, call] of placed.entries()) {
    call.hangUp()
    if (i % 20 === 19) await pause(20)
  }
  await until(() => caller.live === 0, 40_000)
  await pause(3000)
  caller.close()

  const invited = placed.map((call) => (call.log.answeredMs ?? 0) - call.log.invitedMs)
  const first = placed.flatMap((call) => firstPromptOf(call, call.log.answeredMs ?? 0))
  return {
    calls: placed.length,
    cpuPerCallSecondUs: (cpu * 1e6) / (seconds * Math.max(1, placed.length)),
    inviteTo200P50Ms: percentile(invited, 0.5),
    inviteTo200P99Ms: percentile(invited, 0.99),
    firstRtpP99Ms: sink ? percentile(first, 0.99) : null,
    handlerToAudioP99Ms: behindInvite.length > 0 ? percentile(behindInvite, 0.99) : null,
    reactions,
    sink: report,
    memoryPerCallMb: (memoryAtLoad - memoryBeforeMb) / Math.max(1, placed.length),
    memoryAfterMb: server.memoryMb(),
    memoryBeforeMb,
    failed: options.calls - placed.length,
  }
}

/** The first prompt that began within two seconds behind `fromMs`. The 200 may overtake or trail it by the scheduler's grain. */
function toFirst(markers: readonly number[] | undefined, fromMs: number): readonly number[] {
  const found = markers?.find((atMs) => atMs >= fromMs - 5 && atMs < fromMs + 2000)
  return found === undefined ? [] : [Math.max(0, found - fromMs)]
}

export interface RateRow {
  readonly perSecond: number
  readonly placed: number
  readonly succeeded: number
  readonly inviteTo200P50Ms: number
  readonly inviteTo200P99Ms: number
  readonly cpuPerCallMs: number
  readonly refused503: number
}

/** Answer and hang up at a steady rate, by an open loop: a slow server does not slow the callers. */
export async function rateRow(
  server: BenchServer,
  sinkPort: number,
  perSecond: number,
  seconds: number,
): Promise<RateRow> {
  const caller = new Caller({ serverPort: server.sipPort, number: '2', rtpPort: sinkPort })
  await caller.bind()
  const logs: CallLog[] = []
  const cpuBefore = server.cpuSeconds()
  const begunMs = wallMs()
  let placed = 0
  while (placed < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, Math.floor(((wallMs() - begunMs) / 1000) * perSecond))
    for (; placed < due; placed++) {
      caller.place(
        (call) => call.hangUp(),
        (log) => logs.push(log),
      )
    }
    await pause(2)
  }
  await until(() => caller.live === 0, 40_000)
  const cpu = server.cpuSeconds() - cpuBefore
  caller.close()
  const answered = logs.filter((log) => log.answeredMs !== null && log.refusedWith === null)
  const times = answered.map((log) => (log.answeredMs ?? 0) - log.invitedMs)
  return {
    perSecond,
    placed,
    succeeded: answered.length,
    inviteTo200P50Ms: percentile(times, 0.5),
    inviteTo200P99Ms: percentile(times, 0.99),
    cpuPerCallMs: (cpu * 1000) / Math.max(1, placed),
    refused503: logs.filter((log) => log.refusedWith === 503).length,
  }
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const endMs = wallMs() + limitMs
  while (!condition() && wallMs() < endMs) await pause(20)
}
