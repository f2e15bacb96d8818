import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { decodeG711 } from '../../../src/media/g711.ts'
import { endChild, runProgram, until } from './program.ts'

export interface CapturedPacket {
  /** Seconds since 1970, by the kernel. */
  readonly at: number
  readonly payload: Buffer
}

/** One RTP packet as RFC 3550 §5.1 draws it. */
export interface CapturedRtp {
  readonly at: number
  readonly payloadType: number
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Buffer
}

/** No case takes as long. */
const longestSeconds = 90

/** What was on loopback while it ran: proof that does not come from us. */
export class Capture {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #file: string
  #datagrams: Promise<ReadonlyMap<number, readonly CapturedPacket[]>> | null = null

  private constructor(child: ChildProcess, folder: string, file: string) {
    this.#child = child
    this.#folder = folder
    this.#file = file
  }

  /** @param filter - a capture filter: only the ports of this test. */
  static async start(folder: string, name: string, filter: string): Promise<Capture> {
    const file = join(folder, `${name}.pcap`)
    // A case that fails in the middle may never stop it: it ends by itself.
    const args = ['-q', '-i', 'lo', '-f', filter, '-w', file, '-a', `duration:${longestSeconds}`]
    const child = spawn('dumpcap', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    // Printed when the file has been made, behind the opening of the interface.
    const isReady = (): true | null => (text.includes('File:') || child.exitCode !== null ? true : null)
    await until(isReady, () => `dumpcap did not begin: ${text}`)
    if (child.exitCode !== null) throw new Error(`dumpcap ended with ${child.exitCode}: ${text}`)
    return new Capture(child, folder, file)
  }

  /** Packets reach the file some time after the wire: what is to be in it must be half a second old. Once is enough. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    await new Promise((resolve) => setTimeout(resolve, 500))
    await endChild(this.#child, 'SIGINT')
  }

  /** Fields of every packet that matches a display filter. */
  async fields(
    displayFilter: string,
    names: readonly string[],
    extra: readonly string[] = [],
  ): Promise<readonly (readonly string[])[]> {
    const wanted = names.flatMap((name) => ['-e', name])
    const args = ['-n', '-r', this.#file, ...extra, '-Y', displayFilter, '-T', 'fields', ...wanted]
    // Politely: calls of other cases are under way meanwhile.
    const { code, output } = await runProgram('nice', ['-n', '10', 'tshark', ...args], { cwd: this.#folder })
    if (code !== 0) throw new Error(`tshark ended with ${code}: ${output}`)
    const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('Running as user'))
    return lines.map((line) => line.split('\t'))
  }

  /** Every datagram to a UDP port, in the order of arrival. The file is read once, at the first question. */
  async datagramsTo(port: number): Promise<readonly CapturedPacket[]> {
    this.#datagrams ??= this.#readDatagrams()
    return (await this.#datagrams).get(port) ?? []
  }

  async #readDatagrams(): Promise<ReadonlyMap<number, readonly CapturedPacket[]>> {
    const rows = await this.fields('udp', ['frame.time_epoch', 'udp.dstport', 'udp.payload'])
    const byPort = new Map<number, CapturedPacket[]>()
    for (const [at = '', port = '', hex = ''] of rows) {
      const packet = { at: Number(at), payload: Buffer.from(hex.replaceAll(':', ''), 'hex') }
      const packets = byPort.get(Number(port))
      if (packets) packets.push(packet)
      else byPort.set(Number(port), [packet])
    }
    return byPort
  }

  /** The RTP packets to a UDP port. */
  async rtpTo(port: number): Promise<readonly CapturedRtp[]> {
    const packets = await this.datagramsTo(port)
    return packets
      .filter(({ payload }) => payload.length > 12 && (payload[0] ?? 0) >> 6 === 2)
      .map(({ at, payload }) => ({
        at,
        payloadType: (payload[1] ?? 0) & 127,
        sequence: payload.readUInt16BE(2),
        timestamp: payload.readUInt32BE(4),
        ssrc: payload.readUInt32BE(8),
        payload: payload.subarray(12),
      }))
  }

  /** What was sent to a UDP port as G.711, decoded and put in its place by RTP timestamp; gaps are silence. 8,000 Hz. */
  async audioTo(port: number): Promise<Int16Array> {
    return audioOf(await this.rtpTo(port))
  }
}

/** G.711 packets as sound, each in its place by RTP timestamp; gaps are silence. 8,000 Hz. */
export function audioOf(packets: readonly CapturedRtp[]): Int16Array {
  const audio = packets.filter(({ payloadType }) => payloadType === 0 || payloadType === 8)
  const first = audio[0]?.timestamp ?? 0
  const frames = audio.map((packet) => {
    const samples = new Int16Array(packet.payload.length)
    decodeG711(packet.payloadType === 0 ? 'PCMU' : 'PCMA', packet.payload, samples)
    return { at: (packet.timestamp - first) | 0, samples }
  })
  const end = frames.reduce((last, { at, samples }) => Math.max(last, at + samples.length), 0)
  const pcm = new Int16Array(end)
  for (const { at, samples } of frames) if (at >= 0) pcm.set(samples, at)
  return pcm
}
