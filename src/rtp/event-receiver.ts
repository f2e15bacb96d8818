import { eventPayloadBytes } from './event-payload.ts'
import { timestampDistance } from './sequence.ts'

/** Hears of keys. Codes are 0 to 15. */
export interface EventListener {
  /** A key went down: told with the first packet of it that arrives, whichever that is. */
  eventStarted(code: number): void
  /** It came up, or was given up for ended. `durationTicks` over all segments, as far as it was told. */
  eventEnded(code: number, durationTicks: number): void
}

/** Finished keys remembered, so that late and repeated packets of them are known again. */
const rememberedEvents = 8

/** A key without packets for so long has ended though its end was lost. Ten packets of the usual spacing. */
export const lostEndMs = 200

/** A segment as long as the duration field can tell; the next goes on where it stopped. RFC 4733 §2.5.1.3. */
const fullSegmentTicks = 0xffff

/**
 * Reads one direction's telephone-events. RFC 4733 §2.5.2.
 *
 * A key is known by its RTP timestamp, never by the marker: the marked packet may be lost. Its end is told three
 * times and counts once; a key of which only an end arrives counts too; a new key ends one whose end was lost.
 */
export class EventReceiver {
  readonly #listener: EventListener
  #isActive = false
  #code = 0
  #timestamp = 0
  /** Ticks of earlier segments of the present key. */
  #earlierTicks = 0
  #ticks = 0
  #heardMs = 0
  readonly #finished = new Float64Array(rememberedEvents).fill(-1)
  #nextFinished = 0

  constructor(listener: EventListener) {
    this.#listener = listener
  }

  /** Whether a key is down: then `expire` must be called now and then. */
  get isActive(): boolean {
    return this.#isActive
  }

  /**
   * Takes the payload of one packet. Payloads that are too short and codes above 15 are passed over.
   * @param bytes - the datagram; the payload is `bytes[offset … offset + length)`.
   * @param timestamp - of the RTP header.
   * @param nowMs - monotonic.
   */
  receive(bytes: Uint8Array, offset: number, length: number, timestamp: number, nowMs: number): void {
    if (length < eventPayloadBytes || offset + eventPayloadBytes > bytes.length) return
    const code = bytes[offset] as number
    if (code > 15) return
    const isEnd = ((bytes[offset + 1] as number) & 0x80) !== 0
    const ticks = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)
    if (this.#isActive && this.#isNextSegment(code, timestamp)) {
      // Packets of the segment before may still be on their way.
      this.#remember(this.#timestamp)
      this.#earlierTicks += fullSegmentTicks
      this.#timestamp = timestamp
      this.#ticks = 0
    } else if (!this.#isActive || timestamp !== this.#timestamp) {
      if (this.#finished.includes(timestamp)) return
      this.#finish()
      this.#isActive = true
      this.#code = code
      this.#timestamp = timestamp
      this.#earlierTicks = 0
      this.#ticks = 0
      this.#listener.eventStarted(code)
    }
    this.#heardMs = nowMs
    if (ticks > this.#ticks) this.#ticks = ticks
    if (isEnd) this.#finish()
  }

  /** Ends a key that went silent. Call it about every 20 ms while `isActive`. */
  expire(nowMs: number): void {
    if (this.#isActive && nowMs - this.#heardMs >= lostEndMs) this.#finish()
  }

  /** A new stream (SSRC): its timestamps have nothing to do with the old ones. A key that is down ends. */
  reset(): void {
    this.#finish()
    this.#finished.fill(-1)
  }

  #isNextSegment(code: number, timestamp: number): boolean {
    return code === this.#code && timestampDistance(this.#timestamp, timestamp) === fullSegmentTicks
  }

  #finish(): void {
    if (!this.#isActive) return
    this.#isActive = false
    this.#remember(this.#timestamp)
    this.#listener.eventEnded(this.#code, this.#earlierTicks + this.#ticks)
  }

  #remember(timestamp: number): void {
    this.#finished[this.#nextFinished] = timestamp
    this.#nextFinished = (this.#nextFinished + 1) % rememberedEvents
  }
}
