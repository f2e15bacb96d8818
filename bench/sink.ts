import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What the sink says of all packets since the last reset. Milliseconds. */
export interface SinkReport {
  readonly streams: number
  readonly packets: number
  readonly lost: number
  readonly lateP50Ms: number
  readonly lateP99Ms: number
  readonly lateP999Ms: number
  readonly lateMaxMs: number
  readonly gapMaxMs: number
  readonly gapsOver40Ms: number
  /** Packets that the sink sent itself. */
  readonly sent: number
  /** Of those received, how many told when they had been sent, and what that came to; -1 for none. */
  readonly stamped: number
  readonly delayP50Ms: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
}

/** Builds the C sink; null where there is no compiler, and rows that need kernel time stamps read `not measured`. */
export function buildSink(): string | null {
  const source = join(dirname(fileURLToPath(import.meta.url)), 'sink.c')
  const folder = mkdtempSync(join(tmpdir(), 'switchhook-sink-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, 'sink')
  const built = spawnSync('gcc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'inherit'] })
  return built.status === 0 ? program : null
}

/** The running sink: see sink.c for what each command does. */
export class Sink {
  readonly #child: ChildProcessWithoutNullStreams
  /** Called with the source port and the kernel's time (ms since 1970, fractions) of each packet that begins a prompt. */
  onMarker: (port: number, atMs: number) => void = () => {}
  #onReport: (report: SinkReport) => void = () => {}

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
  }

  static async start(program: string, port: number): Promise<Sink> {
    const child = spawn(program, [String(port)])
    const sink = new Sink(child)
    const lines = createInterface({ input: child.stdout })
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the sink ended with ${code}`)))
      lines.once('line', () => resolve())
    })
    lines.on('line', (line) => sink.#read(line))
    return sink
  }

  talk(port: number, ssrc: number): void {
    this.#child.stdin.write(`talk ${port} ${ssrc}\n`)
  }

  /** As `talk`, with sound. */
  shout(port: number, ssrc: number): void {
    this.#child.stdin.write(`shout ${port} ${ssrc}\n`)
  }

  /** As `talk`, with the time of sending in each packet. */
  stamp(port: number, ssrc: number): void {
    this.#child.stdin.write(`stamp ${port} ${ssrc}\n`)
  }

  hush(port: number): void {
    this.#child.stdin.write(`hush ${port}\n`)
  }

  digit(port: number, ssrc: number, key: number): void {
    this.#child.stdin.write(`digit ${port} ${ssrc} ${key}\n`)
  }

  reset(): void {
    this.#child.stdin.write('reset\n')
  }

  report(): Promise<SinkReport> {
    return new Promise((resolve) => {
      this.#onReport = resolve
      this.#child.stdin.write('report\n')
    })
  }

  close(): void {
    this.#child.stdin.end('quit\n')
  }

  #read(line: string): void {
    if (line.startsWith('M ')) {
      const [, port, ns] = line.split(' ')
      this.onMarker(Number(port), Number(ns) / 1e6)
    } else if (line.startsWith('R ')) {
      this.#onReport(JSON.parse(line.slice(2)) as SinkReport)
    }
  }
}
