import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { wallMs } from './caller.ts'
import type { JoinedSettings } from './joined-media.ts'
import { pause } from './rows.ts'
import type { Sink, SinkReport } from './sink.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** One row of the media plane alone. */
export interface MediaRow {
  readonly name: string
  readonly endpoints: number
  /** CPU microseconds of the process for one second of one call (bridges: both legs) or of one member (rooms). */
  readonly cpuUs: number
  /** As a multiple of what the bare relay of Node took in this run for as many packets: a member is half a call. */
  readonly floorRatio: number
  readonly isBridge: boolean
  /** Packets sent to it that did not come out again; rooms are judged by gaps in what comes out. */
  readonly lost: number
  readonly sink: SinkReport
}

interface Joined {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly ports: readonly number[]
  cpuSeconds(): number
}

async function start(args: readonly string[]): Promise<Joined> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(text)
    })
    child.once('exit', (code) => reject(new Error(`the media process ended with ${code}`)))
  })
  const { ports } = JSON.parse(line) as { ports: number[] }
  return {
    child,
    ports,
    cpuSeconds: () => {
      // Fields 14 and 15 of proc(5), in clock ticks of 10 ms, counted behind the closing parenthesis of the name.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
  }
}

interface Measured {
  readonly cpuSeconds: number
  readonly seconds: number
  readonly report: SinkReport
}

/** Lets all endpoints be spoken to and measures while they are. @param speak - makes the sink speak to the n-th port. */
async function measure(
  joined: Joined,
  sink: Sink,
  seconds: number,
  speak: (port: number, n: number) => void,
): Promise<Measured> {
  for (const [n, port] of joined.ports.entries()) speak(port, n)
  await pause(3000)
  sink.reset()
  const before = joined.cpuSeconds()
  const begunMs = wallMs()
  await pause(seconds * 1000)
  const cpuSeconds = joined.cpuSeconds() - before
  const measured = { cpuSeconds, seconds: (wallMs() - begunMs) / 1000, report: await sink.report() }
  for (const port of joined.ports) sink.hush(port)
  await pause(200)
  const ended = new Promise((resolve) => joined.child.once('exit', resolve))
  joined.child.stdin.end()
  await ended
  return measured
}

const bridged: Omit<JoinedSettings, 'sinkPort' | 'endpoints'> = {
  workers: 1,
  size: 2,
  join: 'bridge',
  isCrossing: false,
  isMixedCodecs: false,
  isRecorded: false,
}

/**
 * Bridged calls and rooms on the media plane alone, driven by the sink over real sockets.
 * @param options.calls - bridged calls; rooms have as many members together.
 * @param options.only - only the rows whose names begin so, besides the floor; null: all.
 */
export async function mediaRows(
  sink: Sink,
  sinkPort: number,
  options: { calls: number; seconds: number; only: string | null; show: (row: MediaRow) => void },
): Promise<readonly MediaRow[]> {
  const { calls, seconds, only, show } = options
  const rows: MediaRow[] = []
  const add = (row: MediaRow): void => {
    rows.push(row)
    show(row)
  }
  let ssrc = 1_000_000
  const floor = await start([join(here, 'relay-floor.js'), String(calls), String(sinkPort)])
  const bare = await measure(floor, sink, seconds, (port) => sink.stamp(port, ssrc++))
  const floorUs = (bare.cpuSeconds * 1e6) / (bare.seconds * calls)
  const rowOf = (name: string, endpoints: number, units: number, one: Measured, isBridge: boolean): MediaRow => {
    const cpuUs = (one.cpuSeconds * 1e6) / (one.seconds * units)
    const lost = isBridge ? one.report.sent - one.report.packets : one.report.lost
    const floorRatio = cpuUs / (isBridge ? floorUs : floorUs / 2)
    return { name, endpoints, cpuUs, floorRatio, isBridge, lost, sink: one.report }
  }
  add(rowOf('bare relay of Node', calls * 2, calls, bare, true))

  const joined = (changes: Partial<JoinedSettings>): Promise<Joined> => {
    const settings: JoinedSettings = { ...bridged, sinkPort, endpoints: calls * 2, ...changes }
    return start(['--import', 'tsx', join(here, 'joined-media.ts'), JSON.stringify(settings)])
  }
  const bridges: readonly [string, Partial<JoinedSettings>][] = [
    ['bridged', {}],
    ['bridged, PCMU with PCMA', { isMixedCodecs: true }],
    ['bridged across two workers', { workers: 2, isCrossing: true }],
    ['bridged and recorded with two channels', { isRecorded: true }],
  ]
  const isWanted = (name: string): boolean => only === null || name.startsWith(only)
  for (const [name, changes] of bridges) {
    if (!isWanted(name)) continue
    const one = await measure(await joined(changes), sink, seconds, (port) => sink.stamp(port, ssrc++))
    add(rowOf(name, calls * 2, calls, one, true))
  }
  for (const size of [3, 10, 50]) {
    const endpoints = Math.ceil(calls / size) * size
    const rooms: [string, number, Partial<JoinedSettings>][] = [
      [`rooms of ${size}, two speak`, 2, {}],
      [`rooms of ${size}, all speak`, size, {}],
    ]
    if (size === 10) rooms.push(['rooms of 10 across two workers, two speak', 2, { workers: 2, isCrossing: true }])
    for (const [name, speakers, changes] of rooms) {
      if (!isWanted(name)) continue
      const members = await joined({ endpoints, size, join: 'room', ...changes })
      const one = await measure(members, sink, seconds, (port, n) => {
        if (n % size < speakers) sink.shout(port, ssrc++)
        else sink.talk(port, ssrc++)
      })
      add(rowOf(name, endpoints, endpoints, one, false))
    }
  }
  return rows
}

/** A row in words. */
export function mediaRowText(row: MediaRow): string {
  const { name, endpoints, cpuUs, floorRatio, isBridge, lost, sink } = row
  const cost = `${cpuUs.toFixed(0)} us/${isBridge ? 'call' : 'member'}-s, ${floorRatio.toFixed(2)} of the bare relay`
  const delay =
    sink.stamped > 0
      ? `; delay p50 ${sink.delayP50Ms.toFixed(2)} ms, p99 ${sink.delayP99Ms.toFixed(2)} ms, max ${sink.delayMaxMs.toFixed(2)} ms`
      : ''
  const late = `late p99 ${sink.lateP99Ms.toFixed(2)} ms, max ${sink.lateMaxMs.toFixed(2)} ms`
  return `${name} (${endpoints} legs): ${cost}\n  lost ${lost} of ${isBridge ? sink.sent : sink.packets}${delay}; ${late}`
}
