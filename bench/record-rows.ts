import { loadavg } from 'node:os'
import { extensions, fillDatabase, firstAt, spanMs } from './record-store.ts'
import { type PlayingRow, pause, percentile, playingRow } from './rows.ts'
import { type BenchServer, partnerSecret, startBenchServer } from './server.ts'
import type { Sink } from './sink.ts'

/** One request of a CRM, asked many times, one behind the other. */
export interface RequestRow {
  readonly request: string
  readonly entriesEach: number
  /** Until the last byte of the answer. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Of the server, all its threads. */
  readonly cpuMsEach: number
}

/** All records over the admin API while calls are up. */
export interface ExportRow {
  readonly format: 'csv' | 'jsonl'
  readonly lines: number
  readonly bytes: number
  readonly seconds: number
  /** Resident memory of the server, the calls included. */
  readonly memoryBeforeMb: number
  readonly memoryPeakMb: number
  readonly calls: number
  readonly besides: PlayingRow
}

export interface RecordRows {
  readonly database: DatabaseKind
  readonly records: number
  readonly extensions: number
  readonly requests: readonly RequestRow[]
  /** The calls without an export; null where exports were not asked for. */
  readonly alone: PlayingRow | null
  readonly exports: readonly ExportRow[]
  /** Of the machine over the last minute: before and after. */
  readonly loadAverage: readonly [number, number]
}

export type DatabaseKind = 'sqlite' | 'postgres'

export interface RecordRowsOptions {
  readonly database: DatabaseKind
  readonly records: number
  /** How often each request is asked. */
  readonly times: number
  /** Calls that go on beside an export; 0: no exports. */
  readonly calls: number
}

const days = Math.floor(spanMs / 86_400_000)
/** Compiles code and fills caches: not measured. */
const warmUp = 20

/** Fills a database, and asks a server on it what a CRM asks; then exports all of it while calls hear a prompt. */
export async function recordRows(
  sink: Sink | null,
  sinkPort: number,
  options: RecordRowsOptions,
  say: (line: string) => void,
): Promise<RecordRows> {
  const { database: kind, records, calls } = options
  const before = loadavg()[0] ?? 0
  const filledAt = performance.now()
  const database = await fillDatabase(kind, records)
  const took = ((performance.now() - filledAt) / 1000).toFixed(0)
  say(`${kind}: ${records} records of ${extensions} extensions made in ${took} s`)
  try {
    const server = await startBenchServer({ workers: null, database: database.url })
    try {
      const requests: RequestRow[] = []
      for (const request of ['getUser', 'getDate', 'getUserDate'] as const) {
        const row = await requestRow(server, request, options.times)
        requests.push(row)
        say(`${kind}, ${requestText(row)}`)
      }
      let alone: PlayingRow | null = null
      const exports: ExportRow[] = []
      if (calls > 0) {
        alone = await playingRow(server, sink, sinkPort, playingOf(calls))
        say(`${kind}, ${calls} calls without an export: ${lateText(alone)}`)
        for (const format of ['jsonl', 'csv'] as const) {
          await pause(1000)
          const row = await exportRow(server, sink, sinkPort, format, calls)
          exports.push(row)
          say(`${kind}, ${exportText(row)}`)
        }
      }
      const loadAverage = [before, loadavg()[0] ?? 0] as const
      say(`${kind}: load average ${loadAverage.map((load) => load.toFixed(2)).join(' before, ')} after`)
      return { database: kind, records, extensions, requests, alone, exports, loadAverage }
    } finally {
      await server.stop()
    }
  } finally {
    await database.remove()
  }
}

async function requestRow(server: BenchServer, request: RequestName, times: number): Promise<RequestRow> {
  const took: number[] = []
  let entries = 0
  let cpuBefore = server.cpuSeconds()
  for (let index = -warmUp; index < times; index++) {
    if (index === 0) cpuBefore = server.cpuSeconds()
    const one = await ask(server, request, dataOf(request, index + warmUp))
    if (index < 0) continue
    took.push(one.ms)
    entries += one.entries
  }
  return {
    request,
    entriesEach: entries / times,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
    maxMs: Math.max(...took),
    cpuMsEach: ((server.cpuSeconds() - cpuBefore) / times) * 1000,
  }
}

type RequestName = 'getUser' | 'getDate' | 'getUserDate'

/** Another extension and other days each time. */
function dataOf(request: RequestName, index: number): object {
  const user = String(1000 + ((index * 37) % extensions))
  if (request === 'getUser') return { user }
  const day = 1 + ((index * 17) % (days - 32))
  const range = { fromDate: date(day), toDate: date(request === 'getDate' ? day : day + 29) }
  return request === 'getDate' ? range : { user, ...range }
}

async function ask(
  server: BenchServer,
  requestType: RequestName,
  data: object,
): Promise<{ readonly ms: number; readonly entries: number }> {
  const startedAt = performance.now()
  const body = JSON.stringify({ requestType, partnerSecret, data })
  const response = await fetch(`${server.httpUrl}/api/v1/partner/voip24h`, { method: 'POST', body })
  const text = await response.text()
  const ms = performance.now() - startedAt
  const answer = JSON.parse(text) as { respCode: number; respMsg: string; data: readonly unknown[] }
  if (answer.respCode !== 0) throw new Error(`${requestType}: ${answer.respMsg}`)
  return { ms, entries: answer.data.length }
}

function date(day: number): string {
  const [year, month, ofMonth] = new Date(firstAt + day * 86_400_000).toISOString().slice(0, 10).split('-')
  return `${ofMonth}/${month}/${year}`
}

/** Its prompt is longer than any export should take; keys are not what is measured. */
function playingOf(calls: number) {
  return { calls, seconds: 12, setupPerSecond: 50, isReceiving: true, number: '1', keysPerSecond: [] } as const
}

async function exportRow(
  server: BenchServer,
  sink: Sink | null,
  sinkPort: number,
  format: 'csv' | 'jsonl',
  calls: number,
): Promise<ExportRow> {
  const memoryBeforeMb = server.memoryMb()
  let memoryPeakMb = memoryBeforeMb
  const watch = setInterval(() => {
    memoryPeakMb = Math.max(memoryPeakMb, server.memoryMb())
  }, 50)
  // The calls are placed beside it, and measured while it runs.
  const exporting = readExport(server, format)
  const besides = await playingRow(server, sink, sinkPort, playingOf(calls))
  const { lines, bytes, seconds } = await exporting
  clearInterval(watch)
  return { format, lines, bytes, seconds, memoryBeforeMb, memoryPeakMb, calls, besides }
}

async function readExport(
  server: BenchServer,
  format: 'csv' | 'jsonl',
): Promise<{ readonly lines: number; readonly bytes: number; readonly seconds: number }> {
  const startedAt = performance.now()
  // The calls of the bench itself are of later.
  const before = new Date(firstAt + spanMs + 86_400_000).toISOString()
  const response = await fetch(`${server.httpUrl}/api/v1/calls.${format}?startedBefore=${before}`, {
    headers: { authorization: 'Bearer bench-admin-token' },
  })
  if (!response.ok || !response.body) throw new Error(`the export was answered ${response.status}`)
  let lines = 0
  let bytes = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
  }
  return { lines, bytes, seconds: (performance.now() - startedAt) / 1000 }
}

function requestText(row: RequestRow): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  return `${row.request}, ${Math.round(row.entriesEach)} entries each: p50 ${ms(row.p50Ms)}, p99 ${ms(row.p99Ms)}, max ${ms(row.maxMs)}; ${ms(row.cpuMsEach)} CPU each`
}

function exportText(row: ExportRow): string {
  const size = `${row.lines} lines, ${(row.bytes / 1e6).toFixed(0)} MB in ${row.seconds.toFixed(1)} s`
  const memory = `memory ${row.memoryBeforeMb.toFixed(0)} MB before, ${row.memoryPeakMb.toFixed(0)} MB at most`
  return `export as ${row.format}: ${size}; ${memory} (${row.calls} calls included); of these calls ${lateText(row.besides)}`
}

function lateText({ sink, failed }: PlayingRow): string {
  const failures = failed === 0 ? '' : `${failed} failed; `
  return sink
    ? `${failures}packets late p99 ${sink.lateP99Ms.toFixed(2)} ms, p99.9 ${sink.lateP999Ms.toFixed(2)} ms, max ${sink.lateMaxMs.toFixed(2)} ms, gaps over 40 ms ${sink.gapsOver40Ms}`
    : `${failures}lateness not measured`
}
