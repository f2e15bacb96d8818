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
  /** What the file holds of a paused stretch: nothing (`gap`, the usual), or quiet of its length, so that its time stays true. */
  readonly pausedAs?: 'gap' | 'silence'
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

/** Two endpoints that hear each other. Ends by itself when either endpoint closes. */
export interface MediaBridge {
  /**
   * Whether what this endpoint receives is kept from the other. Digits too. Both directions are open at the start.
   * @param from - one of the two.
   */
  mute(from: MediaEndpoint, isMuted: boolean): void
  /** Parts them; what they play, record and collect goes on. Idempotent. */
  close(): void
}

export interface BridgeOptions {
  /** Whether keys of one side reach the other: as RFC 4733 where it was agreed there, as tones in the audio elsewhere. Yes unless told otherwise. */
  readonly passDigits?: boolean
}

/** Hears from a room, on the main thread. */
export interface MediaRoomUser {
  /** The room is gone through a fault of ours: its worker ended. All members are parted. Told once, as one sentence. */
  roomFailed(sentence: string): void
}

/** One endpoint in a room. */
export interface RoomMember {
  /** Who hears what this member says: all others (the start), nobody (muted: an empty list), or only these. */
  heardBy(who: 'all' | readonly RoomMember[]): void
  /** Whether it hears the room. Yes at the start. */
  hears(isHearing: boolean): void
  /** Takes it out. Idempotent; done by itself when the endpoint closes. */
  leave(): void
}

/**
 * Several endpoints of any workers, mixed in the room's home worker: each hears all who are heard by it, never itself, saturated and not
 * wrapped. While an endpoint plays something of its own, that wins for it.
 */
export interface MediaRoom {
  join(endpoint: MediaEndpoint): RoomMember
  /** Plays into the room, for every member that hears; mixed with what is said. A second call while one plays replaces it. */
  play(
    prompts: readonly Prompt[],
    options?: { loop?: boolean },
  ): { readonly ended: Promise<{ end: PlayEnd; playedMs: number }>; stop(): void }
  /** Records all that is said in it, mixed, mono. `channels` is ignored. */
  record(options: RecordOptions): {
    readonly ended: Promise<RecordResult>
    pause(isPaused: boolean): void
    stop(): void
  }
  /** Parts everybody and ends what plays and records. Idempotent. */
  close(): void
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
  /**
   * Joins two endpoints, of the same or of two workers. Each sends what the other receives: packet by packet and undecoded while the
   * codecs are equal (sequence numbers, timestamps and SSRC are the sending side's own), decoded and encoded where they differ.
   * What an endpoint plays of its own wins over the bridge while it lasts. Recordings of `both` channels hear the bridged sound as ours.
   * An endpoint is in one bridge or one room at a time: joining anew takes it out of the old one.
   */
  bridge(a: MediaEndpoint, b: MediaEndpoint, options?: BridgeOptions): MediaBridge
  /** @param options.near - an endpoint whose worker becomes the home of the room. */
  openRoom(options: { user: MediaRoomUser; near?: MediaEndpoint }): MediaRoom
  /** For metrics. */
  readonly counts: { readonly endpoints: number; readonly freePorts: number }
  close(): Promise<void>
}
