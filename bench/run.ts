// npm run bench: what the server costs and how well it keeps time, beside the bare floor of Node on the same machine.
//   --quick        fewer and shorter rows
//   --calls 400    calls of the playing rows
//   --media        only bridges and rooms, on the media plane alone
//   --handler      only calls that a Voicenter handler drives
//   --records N    only call records: so many of them, and what a CRM's requests and exports then take (1000000 is what counts)
//   --database D   of those: sqlite, postgres, or both (the usual)
//   --only NAME    of --media, the rows whose names begin so
//   --json FILE    the figures as JSON
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { handlerDelayMs, handlerRow } from './handler-row.ts'
import { mediaRows, mediaRowText } from './media-rows.ts'
import { type DatabaseKind, type RecordRows, recordRows } from './record-rows.ts'
import { type PlayingRow, pause, playingRow, type RateRow, rateRow } from './rows.ts'
import { startBenchServer } from './server.ts'
import { buildSink, Sink } from './sink.ts'

const sinkPort = 19_000
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    calls: { type: 'string' },
    most: { type: 'string' },
    media: { type: 'boolean' },
    handler: { type: 'boolean' },
    records: { type: 'string' },
    database: { type: 'string', default: 'both' },
    only: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(
    'usage: npm run bench -- [--quick] [--calls N] [--most N] [--media [--only NAME]] [--handler] [--records N [--database sqlite|postgres|both]] [--json FILE]',
  )
  process.exit(0)
}
if (values.records !== undefined && !(Number.isSafeInteger(Number(values.records)) && Number(values.records) >= 1000)) {
  console.error('--records takes a whole number, 1000 or more')
  process.exit(2)
}
if (!['sqlite', 'postgres', 'both'].includes(values.database)) {
  console.error('--database takes sqlite, postgres or both')
  process.exit(2)
}
const seconds = values.quick ? 8 : 20
const counts = values.calls ? [Number(values.calls)] : values.quick ? [200] : [400, 800]
const most = values.most ? [Number(values.most)] : values.quick ? [] : [1600, 3000]
/** All callers within a moment, in the rows without a handler. */
const keysPerSecond = [1000]
const rates = values.quick ? [200] : [200, 500, 1000, 1500, 2000]

const program = buildSink()
const sink = program ? await Sink.start(program, sinkPort) : null
if (!sink) console.log('no gcc: rows that need kernel time stamps read "not measured"')

const figures: Record<string, unknown> = {}
if (values.media) {
  await joinedRows()
  finish()
}
if (values.handler) {
  await handlerRows()
  finish()
}
if (values.records !== undefined) {
  await callRecordRows(Number(values.records))
  finish()
}
const floor = spawnSync(process.execPath, [join(dirname(fileURLToPath(import.meta.url)), 'media-floor.js'), '--json'], {
  encoding: 'utf8',
})
figures.floor = floor.status === 0 ? JSON.parse(floor.stdout) : `not measured: ${floor.stderr.split('\n')[0]}`
console.log('floor, a bare loop of Node that only sends:', JSON.stringify(figures.floor))

const server = await startBenchServer({ workers: null })
try {
  // The first calls pay for compiled code and loaded prompts.
  await rateRow(server, sinkPort, 50, 4)
  const playing: PlayingRow[] = []
  for (const calls of [...counts, ...most]) {
    playing.push(
      show(
        'playing',
        await playingRow(server, sink, sinkPort, {
          calls,
          seconds,
          setupPerSecond: 100,
          isReceiving: false,
          number: '1',
          keysPerSecond,
        }),
      ),
    )
    await pause(2000)
  }
  figures.playing = playing
  if (sink) {
    const both: PlayingRow[] = []
    for (const calls of counts) {
      both.push(
        show(
          'playing and receiving',
          await playingRow(server, sink, sinkPort, {
            calls,
            seconds,
            setupPerSecond: 100,
            isReceiving: true,
            number: '1',
            keysPerSecond,
          }),
        ),
      )
      await pause(2000)
    }
    figures.playingAndReceiving = both
    figures.recording = show(
      'recording',
      await playingRow(server, sink, sinkPort, {
        calls: Math.min(200, counts[0] ?? 200),
        seconds,
        setupPerSecond: 100,
        isReceiving: true,
        number: '3',
        keysPerSecond,
      }),
    )
  }
  const rate: RateRow[] = []
  for (const perSecond of rates) {
    const row = await rateRow(server, sinkPort, perSecond, values.quick ? 5 : 10)
    rate.push(row)
    console.log(
      `answer and hang up, ${row.perSecond}/s: ${row.succeeded}/${row.placed} answered (${row.refused503} refused 503), INVITE to 200 p50 ${row.inviteTo200P50Ms.toFixed(2)} ms, p99 ${row.inviteTo200P99Ms.toFixed(2)} ms, ${row.cpuPerCallMs.toFixed(2)} ms CPU per call`,
    )
    await pause(2000)
  }
  figures.rate = rate
  const holding = rate.filter((row) => row.succeeded / row.placed >= 0.999).at(-1)
  console.log(`highest rate with 99.9 % answered: ${holding ? `${holding.perSecond}/s` : 'none of those tried'}`)
} finally {
  await server.stop()
}
await handlerRows()
await joinedRows()
finish()

/** Calls that a customer's handler drives. */
async function handlerRows(): Promise<void> {
  if (!sink) return
  const name = `handler that takes ${handlerDelayMs} ms`
  figures.handler = show(name, await handlerRow(sink, sinkPort, 200, values.quick ? 5 : 10))
}

/** What a CRM asks of a server that has many call records, and exports of them beside calls. */
async function callRecordRows(records: number): Promise<void> {
  const kinds: readonly DatabaseKind[] =
    values.database === 'both' ? ['sqlite', 'postgres'] : [values.database as DatabaseKind]
  const rows: RecordRows[] = []
  for (const database of kinds) {
    const calls = values.calls ? Number(values.calls) : 100
    rows.push(
      await recordRows(sink, sinkPort, { database, records, times: values.quick ? 100 : 300, calls }, console.log),
    )
  }
  figures.records = rows
}

/** Bridges and rooms, on the media plane alone. */
async function joinedRows(): Promise<void> {
  if (!sink) return
  const calls = values.calls ? Number(values.calls) : values.quick ? 100 : 200
  figures.joined = await mediaRows(sink, sinkPort, {
    calls,
    seconds,
    only: values.only ?? null,
    show: (row) => console.log(mediaRowText(row)),
  })
}

function finish(): never {
  sink?.close()
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  process.exit(0)
}

function show(name: string, row: PlayingRow): PlayingRow {
  const ms = (value: number | null | undefined): string =>
    value === null || value === undefined || Number.isNaN(value) ? 'not measured' : `${value.toFixed(2)} ms`
  console.log(
    [
      `${name}, ${row.calls} calls (${row.failed} failed): ${row.cpuPerCallSecondUs.toFixed(0)} us/call-s`,
      `late p99 ${ms(row.sink?.lateP99Ms)}, p99.9 ${ms(row.sink?.lateP999Ms)}, max ${ms(row.sink?.lateMaxMs)}, gaps over 40 ms ${row.sink?.gapsOver40Ms ?? 'not measured'}, lost ${row.sink?.lost ?? 'not measured'}`,
      `INVITE to 200 p50 ${ms(row.inviteTo200P50Ms)}, p99 ${ms(row.inviteTo200P99Ms)}; first RTP p99 ${ms(row.firstRtpP99Ms)}`,
      ...(row.handlerToAudioP99Ms === null
        ? []
        : [`behind the INVITE: handler's answer to audio p99 ${ms(row.handlerToAudioP99Ms)}`]),
      ...row.reactions.map(
        (reaction) =>
          `${reaction.keysPerSecond} keys/s: digit to prompt p50 ${ms(reaction.digitToPromptP50Ms)}, p99 ${ms(reaction.digitToPromptP99Ms)}${
            reaction.handlerToAudioP99Ms === null
              ? ''
              : `; handler's answer to audio p50 ${ms(reaction.handlerToAudioP50Ms)}, p99 ${ms(reaction.handlerToAudioP99Ms)}`
          }`,
      ),
      `memory ${row.memoryPerCallMb.toFixed(3)} MB/call; ${row.memoryBeforeMb.toFixed(0)} MB before, ${row.memoryAfterMb.toFixed(0)} MB after`,
    ].join('\n  '),
  )
  return row
}
