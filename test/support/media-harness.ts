import type { RecordingId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { encodeG711 } from '../../src/media/g711.ts'
import { InlineMediaPlane } from '../../src/media/plane/inline-plane.ts'
import type { DetectedDigit, MediaEndpoint, MediaEndpointUser } from '../../src/media/plane/types.ts'
import type { Prompt } from '../../src/media/prompt.ts'
import type { OpenRecording, RecordingFailed } from '../../src/media/recording-client.ts'
import type { DatagramPort } from '../../src/rtp/datagram-port.ts'
import { newRtpHeader, readRtpHeader, rtpHeaderBytes, writeRtpHeader } from '../../src/rtp/packet.ts'
import type { AgreedMedia, AudioCodec } from '../../src/sdp/types.ts'
import { settle, TestClock } from './test-clock.ts'
import { VirtualNetwork } from './virtual-network.ts'

export const ourAddress = '192.0.2.1'
export const peerAddress = '198.51.100.7'

/** A clock whose thread can be kept from running: time passes, and timers come late. */
export class StallableClock extends TestClock {
  #stalledMs = 0

  override now(): number {
    return super.now() + this.#stalledMs
  }

  stall(ms: number): void {
    this.#stalledMs += ms
  }
}

/** One RTP packet as it arrived. */
export interface HeardPacket {
  readonly atMs: number
  readonly payloadType: number
  readonly isMarked: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly payload: Uint8Array
  /** `address:port` it came from. */
  readonly from: string
}

/** A peer that keeps what it hears and sends what it is told, at the test's times. */
export class RtpPeer {
  readonly heard: HeardPacket[] = []
  readonly rtcpHeard: Uint8Array[] = []
  readonly rtp: DatagramPort
  readonly rtcp: DatagramPort
  sequence = 1000
  timestamp = 50_000
  ssrc = 0x1234_5678
  readonly #clock: TestClock

  constructor(clock: TestClock, network: VirtualNetwork, address = peerAddress, port = 4000) {
    this.#clock = clock
    this.rtp = network.bind(address, port)
    this.rtcp = network.bind(address, port + 1)
    this.rtp.onMessage((bytes, from, fromPort) => this.#receive(bytes, `${from}:${fromPort}`))
    this.rtcp.onMessage((bytes) => this.rtcpHeard.push(bytes))
  }

  /** Sends one packet to `port` of ours; sequence goes on by one and the timestamp by the payload's length. */
  send(port: number, payload: Uint8Array, options: { payloadType?: number; isMarked?: boolean } = {}): void {
    this.sendAt(port, this.sequence, this.timestamp, payload, options)
    this.sequence++
    this.timestamp += payload.length
  }

  sendAt(
    port: number,
    sequence: number,
    timestamp: number,
    payload: Uint8Array,
    options: { payloadType?: number; isMarked?: boolean } = {},
  ): void {
    const bytes = new Uint8Array(rtpHeaderBytes + payload.length)
    writeRtpHeader(bytes, 0, options.payloadType ?? 0, options.isMarked ?? false, sequence, timestamp, this.ssrc)
    bytes.set(payload, rtpHeaderBytes)
    this.rtp.send(bytes, 0, bytes.length, port, ourAddress)
  }

  /** Sends one packet of a telephone-event. */
  sendEvent(port: number, code: number, ticks: number, options: { isEnd?: boolean; isMarked?: boolean } = {}): void {
    const payload = Uint8Array.of(code, options.isEnd ? 0x8a : 0x0a, ticks >> 8, ticks & 255)
    this.sendAt(port, this.sequence++, this.timestamp, payload, {
      payloadType: 101,
      isMarked: options.isMarked ?? false,
    })
  }

  /** Sends sound at 20 ms a packet, letting time pass. `drop` says which packets are lost on the way. */
  async speak(
    port: number,
    samples: Int16Array,
    options: { drop?: (n: number) => boolean; codec?: AudioCodec } = {},
  ): Promise<void> {
    const { codec = 'PCMU', drop } = options
    for (let n = 0; n * 160 < samples.length; n++) {
      const payload = new Uint8Array(160)
      encodeG711(codec, samples.subarray(n * 160, n * 160 + 160), payload)
      if (drop?.(n)) {
        this.sequence++
        this.timestamp += 160
      } else this.send(port, payload, { payloadType: codec === 'PCMU' ? 0 : 8 })
      await this.#clock.advanceAsync(20, 1)
    }
  }

  /** Forgets what was heard so far. */
  takeHeard(): HeardPacket[] {
    return this.heard.splice(0)
  }

  #receive(bytes: Uint8Array, from: string): void {
    const header = newRtpHeader()
    if (!readRtpHeader(bytes, header)) throw new Error('the peer was sent something that is no RTP')
    const { payloadType, isMarked, sequence, timestamp, ssrc, payloadOffset, payloadBytes } = header
    const payload = bytes.slice(payloadOffset, payloadOffset + payloadBytes)
    this.heard.push({ atMs: this.#clock.now(), payloadType, isMarked, sequence, timestamp, ssrc, payload, from })
  }
}

/** Keeps recordings in memory. */
export class MemoryRecordings {
  readonly waitingBytes = 0
  /** Slices in the order they came, by recording. */
  readonly slices = new Map<RecordingId, Int16Array[]>()
  readonly #failed = new Map<RecordingId, RecordingFailed>()
  readonly #channels = new Map<RecordingId, number>()

  open(options: { recordingId: RecordingId; file: string; channels: 1 | 2 }, failed: RecordingFailed): OpenRecording {
    const slices: Int16Array[] = []
    this.slices.set(options.recordingId, slices)
    this.#failed.set(options.recordingId, failed)
    this.#channels.set(options.recordingId, options.channels)
    return {
      write: (samples) => {
        // As a transfer does: the giver's view is empty afterwards.
        slices.push(new Int16Array(structuredClone(samples.buffer, { transfer: [samples.buffer] })))
      },
      close: async () => {
        const bytes = slices.reduce((sum, slice) => sum + slice.byteLength, 0)
        return { durationMs: bytes / 16 / options.channels, fileBytes: bytes + 44, problem: null }
      },
    }
  }

  fail(recordingId: RecordingId, problem: string): void {
    this.#failed.get(recordingId)?.(problem)
  }

  /** One channel's samples, all slices together. */
  channel(recordingId: RecordingId, channel = 0): Int16Array {
    const channels = this.#channels.get(recordingId) ?? 1
    const all = (this.slices.get(recordingId) ?? []).flatMap((slice) => [...slice])
    return Int16Array.from(all.filter((_, i) => i % channels === channel))
  }
}

/** A user that writes down what it hears. */
export class NotingUser implements MediaEndpointUser {
  readonly digits: DetectedDigit[] = []
  readonly latched: string[] = []
  readonly timedOut: number[] = []
  readonly failed: string[] = []

  digitReceived(digit: DetectedDigit): void {
    this.digits.push(digit)
  }

  mediaLatched(from: string): void {
    this.latched.push(from)
  }

  mediaTimedOut(silentMs: number): void {
    this.timedOut.push(silentMs)
  }

  mediaFailed(sentence: string): void {
    this.failed.push(sentence)
  }
}

/** What was agreed with the peer of the harness, changed as wished. */
export function agreedMedia(changes: Partial<AgreedMedia> = {}): AgreedMedia {
  return {
    remoteAddress: peerAddress,
    remotePort: 4000,
    remoteRtcpPort: 4001,
    sendCodec: 'PCMU',
    sendPayloadType: 0,
    receivePayloadTypes: new Map<number, AudioCodec>([
      [0, 'PCMU'],
      [8, 'PCMA'],
    ]),
    telephoneEvent: { sendPayloadType: 96, receivePayloadType: 101 },
    ptimeMs: 20,
    direction: 'sendrecv',
    isHeld: false,
    ...changes,
  }
}

/** A prompt whose every frame of 20 ms holds its own byte: `first`, `first` + 1, … in PCMU, and their complements in PCMA. */
export function countingPrompt(id: string, frames: number, first = 1): Prompt {
  const PCMU = new SharedArrayBuffer(frames * 160)
  const PCMA = new SharedArrayBuffer(frames * 160)
  for (let i = 0; i < frames * 160; i++) {
    new Uint8Array(PCMU)[i] = first + Math.floor(i / 160)
    new Uint8Array(PCMA)[i] = 255 - first - Math.floor(i / 160)
  }
  return { id, durationMs: frames * 20, encoded: { PCMU, PCMA } }
}

/** A prompt of linear sound. */
export function promptOf(id: string, samples: Int16Array): Prompt {
  const encode = (codec: AudioCodec): SharedArrayBuffer => {
    const bytes = new Uint8Array(new SharedArrayBuffer(Math.ceil(samples.length / 160) * 160))
    bytes.fill(codec === 'PCMU' ? 0xff : 0xd5)
    encodeG711(codec, samples, bytes)
    return bytes.buffer
  }
  return {
    id,
    durationMs: Math.ceil(samples.length / 160) * 20,
    encoded: { PCMU: encode('PCMU'), PCMA: encode('PCMA') },
  }
}

/** A media plane in virtual time with one endpoint, and one peer across a network of no delay. */
export interface MediaHarness {
  readonly clock: StallableClock
  readonly network: VirtualNetwork
  readonly plane: InlineMediaPlane
  readonly recordings: MemoryRecordings
  readonly user: NotingUser
  readonly peer: RtpPeer
  readonly endpoint: MediaEndpoint
  /** Closes all of it and checks that nothing is left: no timer, no port but the peer's. */
  finish(): Promise<{ pending: number; ports: number }>
}

export async function mediaHarness(
  options: { timeoutMs?: number | null; lastPort?: number; portsAhead?: number } = {},
): Promise<MediaHarness> {
  const { timeoutMs = null, lastPort = 20_099, portsAhead = 4 } = options
  const clock = new StallableClock()
  const network = new VirtualNetwork(clock, new SeededRandom(1))
  const recordings = new MemoryRecordings()
  const user = new NotingUser()
  const plane = await InlineMediaPlane.start({
    clock,
    random: new SeededRandom(2),
    log: silentLogger,
    addresses: [ourAddress],
    firstPort: 20_000,
    lastPort,
    portsAhead,
    bind: network.bindLater,
    recordings,
  })
  const peer = new RtpPeer(clock, network)
  const endpoint = plane.open({ user, localAddress: ourAddress, timeoutMs })
  const finish = async (): Promise<{ pending: number; ports: number }> => {
    await plane.close()
    await settle()
    clock.advance(0)
    return { pending: clock.pending, ports: network.boundPorts - 2 }
  }
  return { clock, network, plane, recordings, user, peer, endpoint, finish }
}
