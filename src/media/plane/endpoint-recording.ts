import { type FrameKind, frameSamples, JitterBuffer } from '../../rtp/jitter-buffer.ts'
import type { RtpHeader } from '../../rtp/packet.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import { g711RateHz } from '../g711.ts'
import { saturated } from '../mixer.ts'
import type { OpenRecording, RecordingClient } from '../recording-client.ts'
import { maxSliceMs } from '../recording-messages.ts'
import { SilenceDetector } from '../silence-detector.ts'
import { linearOf } from './linear-tables.ts'
import type { Pacer } from './pacer.ts'
import { frameTicks, type ReceivedAudioSink } from './received-audio.ts'
import type { SentAudioSink } from './sender.ts'
import type { RecordEnd, RecordOptions, RecordResult } from './types.ts'

/** Where recordings go; the client of the writer thread. */
export type Recordings = Pick<RecordingClient, 'open' | 'waitingBytes'>

const samplesPerMs = g711RateHz / 1000

/** A frame of a paused stretch. Never written to. */
const quiet = new Int16Array(frameSamples)

/** Whole frames in a slice. */
const sliceFrames = Math.floor(maxSliceMs / frameTicks)

/** What we sent waits here for the frame it belongs to: a second, far more than a packet's 60 ms and a usual stall. */
const sentSamples = 8192
const sentMask = sentSamples - 1

/** 20 ms of what was passed on; nobody keeps it. */
const passedOn = new Int16Array(frameSamples)

/**
 * One recording, of an endpoint or of a room: 20 ms of the peer, beside it what was sent in the same 20 ms, cut into slices
 * for the writer. What was sent by our clock lies where it was sent; what was passed on comes with its source's jitter, and
 * so through a jitter buffer, as the peer hears it. Decides when it has lasted long enough and when it has been quiet for too long.
 */
export class EndpointRecording implements ReceivedAudioSink, SentAudioSink {
  readonly #options: RecordOptions
  readonly #channels: 1 | 2
  readonly #maxSamples: number
  readonly #open: OpenRecording
  readonly #pacer: Pick<Pacer, 'timeOf'>
  readonly #ended: (end: RecordEnd) => void
  readonly #silence = new SilenceDetector()
  readonly #sent: Int16Array | null
  /** What was passed on, from the first packet of it. */
  #passedOn: JitterBuffer | null = null
  #slice: Int16Array<ArrayBuffer> | null = null
  #sliceSamples = 0
  /** Per channel. */
  #samples = 0
  #isPaused = false
  #end: RecordEnd | null = null
  #problem: string | null = null

  /**
   * @param ended - told once, from within: it is to be taken off the audio, and `finish` to be waited for.
   */
  constructor(
    recordings: Recordings,
    options: RecordOptions,
    pacer: Pick<Pacer, 'timeOf'>,
    ended: (end: RecordEnd) => void,
  ) {
    this.#options = options
    this.#channels = options.channels === 'both' ? 2 : 1
    this.#maxSamples = Math.max(0, Math.floor(options.maxDurationMs * samplesPerMs))
    this.#sent = this.#channels === 2 ? new Int16Array(sentSamples) : null
    this.#pacer = pacer
    this.#ended = ended
    const { recordingId, file } = options
    this.#open = recordings.open({ recordingId, file, channels: this.#channels }, (problem) => {
      this.#problem = problem
      this.stop('write-failed')
    })
  }

  /** Paused, nothing that is heard is written; quiet is not counted, and length only where `pausedAs` is silence. */
  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused
  }

  /** The first reason counts. */
  stop(end: RecordEnd): void {
    if (this.#end !== null) return
    this.#end = end
    this.#flush()
    this.#ended(end)
  }

  /** Resolves when the file is whole. Only after `stop`. */
  async finish(): Promise<RecordResult> {
    const file = await this.#open.close()
    const problem = this.#problem ?? file.problem
    return {
      end: problem === null ? (this.#end ?? 'stopped') : 'write-failed',
      durationMs: file.durationMs,
      fileBytes: file.fileBytes,
      heardSound: this.#silence.heardSound,
      problem,
    }
  }

  sentAudio(tick: number, codec: AudioCodec, bytes: Uint8Array, offset: number, length: number): void {
    const sent = this.#sent
    if (sent === null) return
    const table = linearOf[codec]
    const start = (tick * samplesPerMs) & sentMask
    for (let i = 0; i < length; i++) sent[(start + i) & sentMask] = table[bytes[offset + i] as number] as number
  }

  relayedAudio(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    if (this.#sent === null) return
    const { payloadOffset, payloadBytes, sequence, timestamp, ssrc } = header
    this.#passedOn ??= new JitterBuffer()
    this.#passedOn.push(bytes, payloadOffset, payloadBytes, linearOf[codec], sequence, timestamp, ssrc, nowMs)
  }

  receivedAudio(samples: Int16Array, kind: FrameKind, tick: number): void {
    if (this.#end !== null) return
    const isPassedOn = this.#passedOn?.pull(this.#pacer.timeOf(tick), passedOn) === 'audio'
    if (this.#isPaused) {
      this.#forgetSent(tick)
      if (this.#options.pausedAs !== 'silence') return
      this.#take(quiet, false, tick)
      if (this.#samples >= this.#maxSamples) this.stop('max-duration')
      return
    }
    if (kind === 'audio') this.#silence.push(samples)
    else this.#silence.pushQuiet(frameTicks)
    this.#take(samples, isPassedOn, tick)
    if (this.#samples >= this.#maxSamples) return this.stop('max-duration')
    const { silenceMs } = this.#options
    if (silenceMs !== null && this.#silence.quietMs >= silenceMs) this.stop('silence')
  }

  #take(samples: Int16Array, isPassedOn: boolean, tick: number): void {
    const count = Math.min(frameSamples, this.#maxSamples - this.#samples)
    const slice = (this.#slice ??= new Int16Array(sliceFrames * frameSamples * this.#channels))
    const at = this.#sliceSamples
    const sent = this.#sent
    if (sent === null) slice.set(count === frameSamples ? samples : samples.subarray(0, count), at)
    else {
      const start = sentStart(tick)
      for (let i = 0; i < count; i++) {
        slice[at + 2 * i] = samples[i] as number
        slice[at + 2 * i + 1] = sent[(start + i) & sentMask] as number
      }
      // Only where the one follows the other in a frame is there something of both.
      for (let i = 0; isPassedOn && i < count; i++) {
        const right = at + 2 * i + 1
        slice[right] = saturated((slice[right] as number) + (passedOn[i] as number))
      }
      this.#forgetSent(tick)
    }
    this.#sliceSamples = at + count * this.#channels
    this.#samples += count
    if (this.#sliceSamples >= slice.length) this.#flush()
  }

  #forgetSent(tick: number): void {
    const start = sentStart(tick)
    // The ring's end may lie within the frame.
    this.#sent?.fill(0, start, start + frameSamples)
    this.#sent?.fill(0, 0, Math.max(0, start + frameSamples - sentSamples))
  }

  /** Hands the slice over, buffer and all. */
  #flush(): void {
    const slice = this.#slice
    if (slice === null || this.#sliceSamples === 0) return
    this.#open.write(this.#sliceSamples === slice.length ? slice : slice.slice(0, this.#sliceSamples))
    this.#slice = null
    this.#sliceSamples = 0
  }
}

/** Where in the ring the 20 ms that are over at `tick` begin. */
function sentStart(tick: number): number {
  return ((tick - frameTicks) * samplesPerMs) & sentMask
}
