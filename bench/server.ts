import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wavHeader } from '../src/media/wav-header.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Of tenant `bench`; see dialects/voip24h. */
export const partnerSecret = 'q7TnWz4KcVb2XrJm9LpD'

/** The built server under load, in a process and a folder of its own. */
export interface BenchServer {
  readonly sipPort: number
  readonly httpUrl: string
  /** CPU seconds, user and system, of all its threads since it started. */
  cpuSeconds(): number
  /** Resident memory in MB. */
  memoryMb(): number
  stop(): Promise<void>
}

export async function startBenchServer(options: {
  readonly workers: number | null
  readonly database?: string
  /** A handler of the Voicenter External IVR, for number 4. */
  readonly handlerUrl?: string
}): Promise<BenchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-bench-'))
  const config = join(folder, 'switchhook.yaml')
  await writeFile(join(folder, 'a.wav'), constantWav(0x55))
  await writeFile(join(folder, 'b.wav'), constantWav(0x2a))
  const limits = '{ concurrentCalls: 100000, callsPerSecond: 10000 }'
  await writeFile(
    config,
    [
      'http: { listen: "127.0.0.1:0", publicUrl: "http://127.0.0.1:8080" }',
      'sip: { listen: ["udp:127.0.0.1:0"], anonymous: loopback }',
      'rtp: { portRange: "20000-39999" }',
      `media: { workers: ${options.workers ?? 'null'} }`,
      `data: ${JSON.stringify(join(folder, 'data'))}`,
      ...(options.database ? [`database: ${JSON.stringify(options.database)}`] : []),
      'log: { level: warn }',
      'admin: { token: bench-admin-token }',
      'tenants:',
      '  bench:',
      `    limits: ${limits}`,
      `    partners: { crm: { dialect: voip24h, secret: ${partnerSecret} } }`,
      `    recordings: { a: ${JSON.stringify(join(folder, 'a.wav'))}, b: ${JSON.stringify(join(folder, 'b.wav'))} }`,
      `    numbers: { "1": { app: prompts }, "2": { app: answer }, "3": { app: record }, "4": { app: ${options.handlerUrl ? 'handler' : 'prompts'} } }`,
      '    apps:',
      `      prompts: { module: ${JSON.stringify(join(root, 'bench', 'flows', 'prompts.ts'))} }`,
      `      answer: { module: ${JSON.stringify(join(root, 'bench', 'flows', 'answer.ts'))} }`,
      `      record: { module: ${JSON.stringify(join(root, 'bench', 'flows', 'record.ts'))} }`,
      ...(options.handlerUrl
        ? [`      handler: { dialect: voicenter, url: ${JSON.stringify(options.handlerUrl)}, format: json }`]
        : []),
    ].join('\n'),
  )
  const args = [join(root, 'bin', 'switchhook.js'), 'start', '--config', config, '--json']
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BENCH_FOLDER: folder },
  })
  const { sipPort, http } = await ready(child)
  const pid = child.pid ?? 0
  return {
    sipPort,
    httpUrl: http,
    cpuSeconds: () => {
      // Fields 14 and 15 of proc(5), in clock ticks of 10 ms, counted behind the closing parenthesis of the name.
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    memoryMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** 25 s of one mu-law sample: the sink tells prompts apart by it. Playing costs the same whatever is played. */
function constantWav(sample: number): Buffer {
  const data = Buffer.alloc(25 * 8000, sample)
  return Buffer.concat([wavHeader({ encoding: 'mulaw', channels: 1, rateHz: 8000 }, data.length), data])
}

function ready(child: ChildProcess): Promise<{ readonly sipPort: number; readonly http: string }> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const line = text.split('\n').find((candidate) => candidate.startsWith('{"ready"'))
      if (line) resolve(JSON.parse(line) as { sipPort: number; http: string })
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${text}`)))
  })
}
