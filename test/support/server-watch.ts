import { readFile } from 'node:fs/promises'
import type { CallRecord } from '../../src/call/records.ts'
import type { ServerProcess } from './server-process.ts'

/** Log lines of level error or worse (pino: 50), and lines that are no JSON: what Node says when it dies. */
export function troubles(server: ServerProcess): readonly string[] {
  return (
    server
      .output()
      .split('\n')
      // The last one may not be whole yet.
      .slice(0, -1)
      .filter((line) => line !== '' && !(line.startsWith('{') && (levelOf(line) ?? 0) < 50))
  )
}

function levelOf(line: string): number | undefined {
  try {
    return (JSON.parse(line) as { level?: number }).level
  } catch {
    return 60
  }
}

/** Of /metrics: `name{labels}` to its value. */
export async function metricsOf(server: ServerProcess): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${server.httpUrl}/metrics`)).text()
  return new Map(
    text.split('\n').flatMap((line) => {
      const at = line.lastIndexOf(' ')
      return line.startsWith('#') || at < 0 ? [] : [[line.slice(0, at), Number(line.slice(at + 1))] as const]
    }),
  )
}

/** Resident memory in bytes: of /proc where there is one, else as the server itself counts it. */
export async function residentBytes(server: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8').catch(() => null)
  const kib = status === null ? undefined : /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kib !== undefined) return Number(kib) * 1024
  return (await metricsOf(server)).get('switchhook_process_resident_memory_bytes') ?? 0
}

/** The newest record of a call to that number. */
export async function lastCallTo(server: ServerProcess, to: string): Promise<CallRecord | undefined> {
  const { items } = (await server.get(`/api/v1/calls?limit=1&to=${encodeURIComponent(to)}`)) as {
    items: readonly CallRecord[]
  }
  return items[0]
}
