// Call records by the million: what a partner's requests take, and what an export costs the calls that go on meanwhile.
//   node --import tsx bench/record-rows.ts [--records 1000000] [--database sqlite|postgres] [--requests 300] [--no-export]
import { parseArgs } from 'node:util'
import { extensions, fillDatabase, firstAt, spanMs } from './record-store.ts'
import { pause, percentile, playingRow } from './rows.ts'
import { partnerSecret, startBenchServer } from './server.ts'
import { buildSink, Sink } from './sink.ts'

const sinkPort = 19_200
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    database: { type: 'string', default: 'sqlite' },
    'no-export': { type: 'boolean' },
    requests: { type: 'string', default: '300' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(
    'usage: node --import tsx bench/record-rows.ts [--records N] [--database sqlite|postgres] [--requests N] [--no-export]',
  )
  process.exit(0)
}
const kind = values.database === 'postgres' ? 'postgres' : 'sqlite'
const records = Number(values.records)
const days = Math.floor(spanMs / 86_400_000)

const filledAt = Date.now()
const database = await fillDatabase(kind, records)
console.log(
  `${kind}: ${records} records of ${extensions} extensions made in ${((Date.now() - filledAt) / 1000).toFixed(0)} s`,
)
const server = await startBenchServer({ workers: null, database: database.url })
const program = buildSink()
const sink = program ? await Sink.start(program, sinkPort) : null

/** One request of the partner; milliseconds until its last byte. */
async function ask(requestType: string, data: object): Promise<{ readonly ms: number; readonly entries: number }> {
  const startedAt = performance.now()
  const body = JSON.stringify({ requestType, partnerSecret, data })
  const response = await fetch(`${server.httpUrl}/api/v1/partner/voip24h`, { method: 'POST', body })
  const answer = JSON.parse(await response.text()) as { respCode: number; respMsg: string; data: readonly unknown[] }
  if (answer.respCode !== 0) throw new Error(answer.respMsg)
  return { ms: performance.now() - startedAt, entries: answer.data.length }
}

const date = (day: number): string => {
  const [year, month, ofMonth] = new Date(firstAt + day * 86_400_000).toISOString().slice(0, 10).split('-')
  return `${ofMonth}/${month}/${year}`
}
const extensionOf = (index: number): string => String(1000 + ((index * 37) % extensions))
const requests: readonly (readonly [string, (index: number) => object])[] = [
  ['getUser', (index) => ({ user: extensionOf(index) })],
  [
    'getDate',
    (index) => {
      const day = 1 + ((index * 17) % (days - 2))
      return { fromDate: date(day), toDate: date(day) }
    },
  ],
  [
    'getUserDate',
    (index) => {
      const day = 1 + ((index * 17) % (days - 32))
      return { user: extensionOf(index), fromDate: date(day), toDate: date(day + 29) }
    },
  ],
]

try {
  for (const [type, data] of requests) {
    const took: number[] = []
    let entries = 0
    const cpuBefore = server.cpuSeconds()
    for (let index = 0; index < Number(values.requests); index++) {
      const one = await ask(type, data(index))
      took.push(one.ms)
      entries += one.entries
    }
    const ms = (share: number): string => percentile(took, share).toFixed(1)
    const cpuMs = ((server.cpuSeconds() - cpuBefore) / took.length) * 1000
    const each = Math.round(entries / took.length)
    console.log(
      `${kind}, ${type}, ${each} entries each: p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, max ${ms(1)} ms; ${cpuMs.toFixed(1)} ms CPU each`,
    )
  }
  if (!values['no-export']) await exportRow()
} finally {
  sink?.close()
  await server.stop()
  await database.remove()
}
process.exit(0)

/** All records as JSON lines while calls hear a prompt; and the same calls without it. */
async function exportRow(): Promise<void> {
  const playing = { calls: 100, seconds: 10, setupPerSecond: 50, isReceiving: true, number: '1', keysPerSecond: [] } as const
  const alone = await playingRow(server, sink, sinkPort, playing)
  await pause(1000)
  const before = server.memoryMb()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, server.memoryMb())
  }, 100)
  const startedAt = performance.now()
  const exporting = readExport()
  const beside = await playingRow(server, sink, sinkPort, playing)
  const { lines, bytes, ms } = await exporting
  clearInterval(watch)
  const late = (row: typeof alone): string =>
    row.sink ? `p99 ${row.sink.lateP99Ms.toFixed(2)} ms, max ${row.sink.lateMaxMs.toFixed(2)} ms` : 'not measured'
  console.log(
    `${kind}, export: ${lines} lines, ${(bytes / 1e6).toFixed(0)} MB in ${(ms / 1000).toFixed(1)} s; memory ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most (${playing.calls} calls included)`,
  )
  console.log(
    `${kind}, ${playing.calls} calls, lateness of packets: ${late(alone)} without the export, ${late(beside)} beside it`,
  )

  async function readExport(): Promise<{ readonly lines: number; readonly bytes: number; readonly ms: number }> {
    const response = await fetch(`${server.httpUrl}/api/v1/calls.jsonl?startedBefore=2026-06-01T00:00:00Z`, {
      headers: { authorization: 'Bearer bench-admin-token' },
    })
    let read = 0
    let size = 0
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length
      for (const byte of chunk) if (byte === 10) read++
    }
    return { lines: read, bytes: size, ms: performance.now() - startedAt }
  }
}
