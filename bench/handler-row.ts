import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type PlayingRow, playingRow } from './rows.ts'
import { startBenchServer } from './server.ts'
import type { Sink } from './sink.ts'

/** Each of the callers presses a key every four seconds; and all of them at once, which is more than it can do in time. */
const keysPerSecond = [50, 1000]

/** How long the handler takes to answer: what programs of customers do that ask a database. */
export const handlerDelayMs = 50

/**
 * Calls that a Voicenter handler drives: it is asked before the answer, and again behind each key. The times of the row contain
 * its delay; what is beyond it is ours.
 */
export async function handlerRow(sink: Sink, sinkPort: number, calls: number, seconds: number): Promise<PlayingRow> {
  const program = join(dirname(fileURLToPath(import.meta.url)), 'handler.js')
  const handler = spawn(process.execPath, [program, String(handlerDelayMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(handler.stdout)[Symbol.asyncIterator]()
  const { value: port } = await lines.next()
  // Asked for afterwards: telling each as it comes would be felt by the next.
  const answers = async (): Promise<ReadonlyMap<string, readonly number[]>> => {
    handler.stdin.write('answers\n')
    const { value } = await lines.next()
    const told = new Map<string, number[]>()
    for (const [caller, atMs] of JSON.parse(value) as [string, number][]) {
      told.set(caller, [...(told.get(caller) ?? []), atMs])
    }
    return told
  }
  const server = await startBenchServer({ workers: null, handlerUrl: `http://127.0.0.1:${port}/` })
  try {
    const options = { setupPerSecond: 100, isReceiving: false, number: '4', keysPerSecond }
    // The first calls pay for compiled code and loaded prompts.
    await playingRow(server, null, sinkPort, { ...options, calls: 20, seconds: 2 })
    await answers()
    return await playingRow(server, sink, sinkPort, { ...options, calls, seconds, answers })
  } finally {
    await server.stop()
    handler.kill()
  }
}
