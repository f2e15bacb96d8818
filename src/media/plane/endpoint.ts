import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { RtpHeader } from '../../rtp/packet.ts'
import type { PortPair } from '../../rtp/port-pool.ts'
import { maxCompoundBytes } from '../../rtp/rtcp-packet.ts'
import { RtcpReporter } from '../../rtp/rtcp-reporter.ts'
import { canonicalAddress, classifyAddress } from '../../sdp/address.ts'
import type { AgreedMedia, AudioCodec } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'
import { EndpointRecording, type Recordings } from './endpoint-recording.ts'
import { InbandDigits } from './inband-digits.ts'
import type { EngineEvent } from './messages.ts'
import { OutgoingStream } from './outgoing-stream.ts'
import type { Joint } from './outlet.ts'
import { Paced, rest } from './pacer.ts'
import { ReceivedAudio } from './received-audio.ts'
import { endpointText, Receiver, type ReceiverUser } from './receiver.ts'
import { Relay } from './relay.ts'
import { Sender, type SenderUser, type SendingShop } from './sender.ts'
import type { Digit, MediaStats, PlayEnd, RecordEnd, RecordOptions } from './types.ts'

/** What the endpoints of one thread share. */
export interface EndpointShop extends SendingShop {
  readonly clock: Clock
  readonly random: Random
  readonly recordings: Recordings
  readonly tell: (event: EngineEvent) => void
}

export interface EndpointOptions {
  readonly id: number
  readonly pair: PortPair
  /** Silence of RTP and RTCP after which the user is told; null: never. */
  readonly timeoutMs: number | null
}

/** RTCP and the media time-out are looked at at least so often. */
const watchTicks = 1000

/** All endpoints are looked at on the same few ticks: a bridged call has no frames of its own to share a waking with. */
const watchGrainTicks = 20

/** Room to write RTCP in; sending copies. */
const rtcpPacket = new Uint8Array(maxCompoundBytes)

/** One port pair and all that is done with it, in its thread. */
export class Endpoint extends Paced implements SenderUser, ReceiverUser {
  readonly pair: PortPair
  readonly #shop: EndpointShop
  readonly #id: number
  readonly #timeoutMs: number | null
  /** Of the calls that the pair served before. */
  readonly #sendErrorsBefore: number
  readonly #stream: OutgoingStream
  readonly #sender: Sender
  readonly #audio: ReceivedAudio
  readonly #receiver: Receiver
  readonly #recordings = new Map<number, EndpointRecording>()
  #isClosed = false
  #reporter: RtcpReporter | null = null
  #inband: InbandDigits | null = null
  #isEchoOn = false
  /** Sends what others say; from the first time that somebody is to be heard. */
  #relay: Relay | null = null
  /** The bridge or room that it is in. */
  #joint: Joint | null = null
  /** The time-out runs from here; null while it does not. */
  #silentSinceMs: number | null = null
  #hasTimedOut = false
  /** Where SDP says that media and reports go. */
  #signalled: { readonly address: string; readonly port: number; readonly rtcpPort: number } | null = null
  /** Where the peer's reports come from, once they do. */
  #rtcpSource: { readonly address: string; readonly port: number } | null = null

  constructor(shop: EndpointShop, options: EndpointOptions) {
    super()
    const { pacer, random } = shop
    this.#shop = shop
    this.#id = options.id
    this.pair = options.pair
    this.#timeoutMs = options.timeoutMs
    const start = { ssrc: random.uint32(), sequence: random.uint32(), timestamp: random.uint32() }
    this.#stream = new OutgoingStream(options.pair.rtp, pacer, start)
    this.#sender = new Sender(shop, this.#stream, this)
    this.#audio = new ReceivedAudio(pacer)
    this.#receiver = new Receiver(pacer, this.#audio, this)
    this.#sendErrorsBefore = this.pair.rtp.sendErrors + this.pair.rtcp.sendErrors
    const { clock } = shop
    this.pair.rtp.onMessage((bytes, address, port) => this.#receiver.receive(bytes, address, port, clock.now()))
    this.pair.rtcp.onMessage((bytes, address, port) => this.#receiveRtcp(bytes, address, port))
  }

  connect(agreed: AgreedMedia, signallingAddress: string | null): void {
    const { clock, random, pacer } = this.#shop
    const nowMs = clock.now()
    const signalled = {
      address: canonicalAddress(agreed.remoteAddress),
      port: agreed.remotePort,
      rtcpPort: agreed.remoteRtcpPort,
    }
    const before = this.#signalled
    if (signalled.address !== before?.address || signalled.port !== before.port) this.#rtcpSource = null
    this.#signalled = signalled
    this.#receiver.connect(agreed, signallingAddress, nowMs)
    this.#stream.target = this.#receiver.latch
    this.#reporter ??= new RtcpReporter({
      ssrc: this.#stream.ssrc,
      received: this.#receiver.statistics,
      sent: this.#stream.statistics,
      random,
      nowMs,
      wallMs: clock.wallTime(),
    })
    const isExpecting = !agreed.isHeld && (agreed.direction === 'sendrecv' || agreed.direction === 'recvonly')
    if (!isExpecting) this.#silentSinceMs = null
    else this.#silentSinceMs ??= nowMs
    this.#sender.connect(agreed)
    pacer.add(this, this.#nextWatch(pacer.nowTick))
  }

  play(run: number, prompts: readonly Prompt[], isLoop: boolean): void {
    this.#sender.play(run, prompts, isLoop)
  }

  stopPlay(run: number): void {
    this.#sender.stopPlay(run)
  }

  sendDigits(run: number, digits: readonly Digit[]): void {
    this.#sender.sendDigits(run, digits)
  }

  stopDigits(run: number): void {
    this.#sender.stopDigits(run)
  }

  echo(isOn: boolean): void {
    this.#isEchoOn = isOn
  }

  /** Puts it into a bridge or a room, out of the one it was in. No echo is heard meanwhile. */
  join(joint: Joint): void {
    if (this.#joint) this.part(this.#joint.number)
    this.#relay?.cut(this.#shop.clock.now())
    this.#joint = joint
    this.#relay ??= this.#newRelay()
  }

  /** Whether what it receives is kept back from the other side. */
  mute(joint: number, isMuted: boolean): void {
    if (this.#joint?.number !== joint || this.#joint.isMuted === isMuted) return
    this.#joint.isMuted = isMuted
    if (isMuted) this.#joint.outlet.cut(this.#shop.clock.now())
  }

  /** Takes it out. Nothing happens when it is in another one by now. */
  part(joint: number): void {
    if (this.#joint?.number !== joint) return
    this.#joint = null
    this.#relay?.cut(this.#shop.clock.now())
  }

  /** What sends the other side's sound, for who belongs to the joint that this endpoint is in; null for others. */
  relayOf(joint: number): Relay | null {
    return this.#joint?.number === joint ? this.#relay : null
  }

  detectInband(isArmed: boolean): void {
    if (isArmed === (this.#inband !== null)) return
    if (this.#inband) {
      this.#audio.remove(this.#inband)
      this.#inband = null
      return
    }
    const { pacer } = this.#shop
    this.#inband = new InbandDigits((digit, startedTick, durationMs) => {
      this.#tellDigit(digit, 'inband', pacer.lateMs(startedTick), durationMs)
    })
    this.#audio.add(this.#inband)
  }

  record(run: number, options: RecordOptions): void {
    const recording = new EndpointRecording(this.#shop.recordings, options, this.#shop.pacer, () =>
      this.#recordStopped(run, recording),
    )
    this.#recordings.set(run, recording)
    this.#audio.add(recording)
    if (options.channels === 'both') this.#sender.addSink(recording)
  }

  pauseRecord(run: number, isPaused: boolean): void {
    const recording = this.#recordings.get(run)
    if (recording) recording.isPaused = isPaused
  }

  stopRecord(run: number, end: RecordEnd = 'stopped'): void {
    this.#recordings.get(run)?.stop(end)
  }

  stats(): MediaStats {
    const { statistics, discarded, latch } = this.#receiver
    return {
      packetsSent: this.#stream.packetsSent,
      packetsReceived: statistics.packetsReceived,
      packetsLost: statistics.packetsLost,
      jitterMs: statistics.jitterMs,
      remotePacketsLost: this.#reporter?.remotePacketsLost ?? null,
      roundTripMs: this.#reporter?.roundTripMs ?? null,
      receivedFrom: latch?.isLatched ? endpointText(latch.remoteAddress, latch.remotePort) : null,
      maxLatenessMs: this.#sender.maxLatenessMs,
      discarded: { ...discarded },
    }
  }

  /** Datagrams the kernel refused since the endpoint was opened. */
  get sendErrors(): number {
    return this.pair.rtp.sendErrors + this.pair.rtcp.sendErrors - this.#sendErrorsBefore
  }

  /** Ends all that runs, says BYE by RTCP, and hears nothing more. The sockets are the caller's. */
  close(): MediaStats {
    this.#isClosed = true
    if (this.#joint) this.part(this.#joint.number)
    for (const run of this.#recordings.keys()) this.stopRecord(run, 'endpoint-closed')
    this.detectInband(false)
    this.#sender.close()
    this.#receiver.close()
    this.#shop.pacer.remove(this)
    this.#stream.fillStatistics()
    const bytes = this.#reporter?.leave(this.#shop.clock.now(), rtcpPacket) ?? 0
    this.#sendRtcp(bytes)
    this.pair.rtp.onMessage(() => {})
    this.pair.rtcp.onMessage(() => {})
    return this.stats()
  }

  // What the sender and the receiver tell.

  playEnded(run: number, end: PlayEnd, playedMs: number): void {
    this.#shop.tell({ kind: 'playEnded', endpoint: this.#id, run, end, playedMs })
  }

  digitsEnded(run: number, end: PlayEnd): void {
    this.#shop.tell({ kind: 'digitsEnded', endpoint: this.#id, run, end })
  }

  keyPressed(digit: Digit, nowMs: number, durationMs: number): void {
    this.#tellDigit(digit, 'rfc4733', this.#shop.clock.now() - nowMs + durationMs, durationMs)
  }

  sourceLatched(from: string): void {
    this.#shop.tell({ kind: 'latched', endpoint: this.#id, from })
  }

  soundReceived(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    const joint = this.#joint
    if (joint === null) {
      if (this.#isEchoOn) this.#echoed(header, codec, bytes, nowMs)
    } else if (!joint.isMuted) joint.outlet.sound(header, codec, bytes, nowMs)
  }

  eventReceived(header: RtpHeader, bytes: Uint8Array, nowMs: number): void {
    const joint = this.#joint
    if (joint?.passDigits && !joint.isMuted) joint.outlet.event(header, bytes, nowMs)
  }

  quietReceived(header: RtpHeader, nowMs: number): void {
    const joint = this.#joint
    if (joint !== null && !joint.isMuted) joint.outlet.quiet(header, nowMs)
  }

  /** RTCP and the media time-out. */
  due(_tick: number, nowTick: number): number {
    const nowMs = this.#shop.clock.now()
    this.#stream.fillStatistics()
    this.#sendRtcp(this.#reporter?.poll(nowMs, rtcpPacket) ?? 0)
    const { heardMs } = this.#receiver
    if (this.#silentSinceMs !== null && heardMs > this.#silentSinceMs) this.#silentSinceMs = heardMs
    if (this.#untilTimeOut(nowMs) <= 0) {
      this.#hasTimedOut = true
      this.#shop.tell({
        kind: 'timedOut',
        endpoint: this.#id,
        silentMs: Math.round(nowMs - (this.#silentSinceMs ?? nowMs)),
      })
    }
    return this.#nextWatch(nowTick)
  }

  /** The peer's own sound, back to it: on its clock, with its pauses and its losses. Keys are not echoed. */
  #echoed(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    this.#relay ??= this.#newRelay()
    this.#relay.sound(header, codec, bytes, nowMs)
  }

  #newRelay(): Relay {
    return new Relay(this.#shop, this.#stream, this.#sender)
  }

  #nextWatch(nowTick: number): number {
    const nowMs = this.#shop.clock.now()
    const reportMs = (this.#reporter?.dueAtMs ?? Number.POSITIVE_INFINITY) - nowMs
    const waitMs = Math.max(1, Math.min(watchTicks, reportMs, this.#untilTimeOut(nowMs)))
    // The user may have closed it from within what it was told.
    return this.#isClosed ? rest : Math.ceil((nowTick + waitMs) / watchGrainTicks) * watchGrainTicks
  }

  #untilTimeOut(nowMs: number): number {
    if (this.#timeoutMs === null || this.#hasTimedOut || this.#silentSinceMs === null) return Number.POSITIVE_INFINITY
    return this.#silentSinceMs + this.#timeoutMs - nowMs
  }

  #receiveRtcp(bytes: Uint8Array, address: string, port: number): void {
    const nowMs = this.#shop.clock.now()
    const { latch, discarded } = this.#receiver
    if (!this.#reporter || !latch?.isRtcpHeard(address)) {
      discarded.stranger++
      return
    }
    if (this.#reporter.receive(bytes, nowMs) === 'malformed') {
      discarded.malformed++
      return
    }
    if (this.#rtcpSource?.port !== port || this.#rtcpSource.address !== address) this.#rtcpSource = { address, port }
    if (this.#silentSinceMs !== null) this.#silentSinceMs = nowMs
  }

  /** To where reports come from, else to where SDP said, else beside the port that media come from. */
  #sendRtcp(bytes: number): void {
    const { latch } = this.#receiver
    const signalled = this.#signalled
    if (bytes === 0 || latch === null || signalled === null) return
    const isAsSignalled = latch.remoteAddress === signalled.address && latch.remotePort === signalled.port
    const source = this.#rtcpSource
    const address = source?.address ?? latch.remoteAddress
    const port = source?.port ?? (isAsSignalled ? signalled.rtcpPort : latch.remotePort + 1)
    if (port <= 0 || port > 0xffff || classifyAddress(address) === 'unspecified') return
    this.pair.rtcp.send(rtcpPacket, 0, bytes, port, address)
  }

  #recordStopped(run: number, recording: EndpointRecording): void {
    this.#recordings.delete(run)
    this.#audio.remove(recording)
    this.#sender.removeSink(recording)
    // The client's promise does not reject.
    void recording.finish().then((result) => this.#shop.tell({ kind: 'recordEnded', endpoint: this.#id, run, result }))
  }

  #tellDigit(digit: Digit, carrier: 'rfc4733' | 'inband', agoMs: number, durationMs: number): void {
    this.#shop.tell({ kind: 'digit', endpoint: this.#id, digit, carrier, agoMs: Math.max(0, agoMs), durationMs })
  }
}
