import type { RecordingId } from '../../base/ids.ts'
import type { AgreedMedia } from '../../sdp/types.ts'
import type { Prompt } from '../prompt.ts'

/** How a digit came: RFC 4733, SIP INFO, or tones in the audio. */
export type DigitCarrier = 'rfc4733' | 'info' | 'inband'

export type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D'

export interface DetectedDigit {
  readonly digit: Digit
  readonly carrier: DigitCarrier
  /** Monotonic ms of the main thread's clock when the key went down (to about 20 ms). */
  readonly startedMs: number
  /** Length of the key press as far as known when reported. */
  readonly durationMs: number
}

/** Why a playing ended. */
export type PlayEnd = 'finished' | 'stopped'

export interface RecordOptions {
  readonly recordingId: RecordingId
  /** Where the WAV goes; written by the writer thread as the call goes, never by the media thread. */
  readonly file: string
  /** `received`: mono, what the peer says. `both`: two channels, peer left, ours right. */
  readonly channels: 'received' | 'both'
  readonly maxDurationMs: number
  /** Ends after so much quiet behind the last sound; null: never. */
  readonly silenceMs: number | null
}

export type RecordEnd = 'stopped' | 'max-duration' | 'silence' | 'endpoint-closed' | 'write-failed'

export interface RecordResult {
  readonly end: RecordEnd
  readonly durationMs: number
  /** Bytes in the file, header included; 0 when it could not be written. */
  readonly fileBytes: number
  /** Whether anything louder than the silence threshold was heard. */
  readonly heardSound: boolean
  /** Set with `write-failed`: one sentence. */
  readonly problem: string | null
}

/** RTP as seen from here, cumulated since the start. RFC 3550 §6.4. */
export interface MediaStats {
  readonly packetsSent: number
  readonly packetsReceived: number
  /** True loss: expected minus received, never below zero. */
  readonly packetsLost: number
  readonly jitterMs: number
  /** From the peer's reports; null before the first. */
  readonly remotePacketsLost: number | null
  readonly roundTripMs: number | null
  /** Where packets really come from, `address:port`; null before the first. */
  readonly receivedFrom: string | null
  /** How late our packets left, the latest of this endpoint's life. */
  readonly maxLatenessMs: number
  readonly discarded: { readonly malformed: number; readonly stranger: number; readonly unknownPayload: number }
}

/** Hears from one endpoint, always on the main thread. */
export interface MediaEndpointUser {
  /** RFC 4733 and in-band digits. Not deduplicated against INFO: the leg does that. */
  digitReceived(digit: DetectedDigit): void
  /** The first RTP packet came, or it moved to another address by the latching rule. */
  mediaLatched(from: string): void
  /** Neither RTP nor RTCP for the agreed time. Told once. */
  mediaTimedOut(silentMs: number): void
  /**
   * The endpoint is gone through a fault of ours (its worker ended): all that ran on it has ended with `stopped`, its
   * ports are lost. Told once, as one sentence; nothing follows but the answer to `close`.
   */
  mediaFailed(sentence: string): void
}

/** One RTP and RTCP port pair and all that is done with it. Lives in one worker for its whole life. */
export interface MediaEndpoint {
  /** The worker it is pinned to, from 0. */
  readonly worker: number
  readonly localPort: number
  /**
   * Starts or changes the stream by what was agreed. Playing and recording go on across a change; what was asked for
   * before the first one starts with it.
   * @param options.signallingAddress - IP literal that the peer's SIP messages come from, where known: behind a NAT its
   *   media show the same one, so that latching is quicker and safer.
   */
  connect(agreed: AgreedMedia, options?: { signallingAddress?: string }): void
  /** Plays the prompts one behind the other; a second call while one plays replaces it. Resolves when played to the last packet, or stopped. */
  play(
    prompts: readonly Prompt[],
    options?: { loop?: boolean },
  ): { readonly ended: Promise<{ end: PlayEnd; playedMs: number }>; stop(): void }
  /** Sends digits by RFC 4733, one after the other (100 ms each, 60 ms apart); as in-band tones where telephone-event was not agreed. */
  sendDigits(digits: readonly Digit[]): { readonly ended: Promise<PlayEnd>; stop(): void }
  /** Arms or disarms detection of in-band digits (armed only while digits are collected). */
  detectInband(isArmed: boolean): void
  /** Echoes what is received, for the echo test. Playing wins while it lasts. */
  echo(isOn: boolean): void
  record(options: RecordOptions): {
    readonly ended: Promise<RecordResult>
    pause(isPaused: boolean): void
    stop(): void
  }
  stats(): Promise<MediaStats>
  /** Ends all that runs and gives the ports back. Idempotent. */
  close(): Promise<MediaStats>
}

export interface MediaPlane {
  /**
   * An endpoint on a port pair that is bound already; no message to the worker is waited for.
   * @param options.near - an endpoint in whose worker the new one must live (a second leg of the same call).
   * @throws LimitError `media.no-ports` when no pair is free.
   */
  open(options: {
    user: MediaEndpointUser
    localAddress: string
    timeoutMs: number | null
    near?: MediaEndpoint
  }): MediaEndpoint
  /** For metrics. */
  readonly counts: { readonly endpoints: number; readonly freePorts: number }
  close(): Promise<void>
}
