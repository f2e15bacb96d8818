import { newRtpHeader, type RtpHeader, rtpHeaderBytes } from '../../rtp/packet.ts'
import type { AudioCodec } from '../../sdp/types.ts'
import type { Endpoint } from './endpoint.ts'
import type { Mix } from './mix.ts'
import { ticksPerMs } from './outgoing-stream.ts'
import type { Outlet } from './outlet.ts'
import { frameTicks } from './received-audio.ts'
import type { RoomListener } from './seat.ts'
import type { SendingShop } from './sender.ts'

/** The other side of a bridge, in the same worker. What comes when that side is in another joint by now is left out. */
export class EndpointOutlet implements Outlet {
  readonly #endpoint: Endpoint
  readonly #joint: number

  constructor(endpoint: Endpoint, joint: number) {
    this.#endpoint = endpoint
    this.#joint = joint
  }

  sound(header: RtpHeader, codec: AudioCodec, bytes: Uint8Array, nowMs: number): void {
    this.#endpoint.relayOf(this.#joint)?.sound(header, codec, bytes, nowMs)
  }

  event(header: RtpHeader, bytes: Uint8Array, nowMs: number): void {
    this.#endpoint.relayOf(this.#joint)?.event(header, bytes, nowMs)
  }

  quiet(header: RtpHeader, nowMs: number): void {
    this.#endpoint.relayOf(this.#joint)?.quiet(header, nowMs)
  }

  cut(nowMs: number): void {
    this.#endpoint.relayOf(this.#joint)?.cut(nowMs)
  }
}

/** One header for all: it is read before the next frame. */
const header = newRtpHeader()

/** A room as the source of a stream: its clock is the pacer's, its frames are numbered by their ticks. */
function fillHeader(member: number, tick: number, payloadBytes: number): void {
  header.isMarked = false
  header.ssrc = member
  header.sequence = Math.floor(tick / frameTicks) & 0xffff
  header.timestamp = (tick * ticksPerMs) >>> 0
  header.payloadOffset = rtpHeaderBytes
  header.payloadBytes = payloadBytes
}

/** A member of a room that lives in the room's own worker. */
export class EndpointListener implements RoomListener {
  readonly #shop: SendingShop
  readonly #endpoint: Endpoint
  readonly #member: number

  constructor(shop: SendingShop, endpoint: Endpoint, member: number) {
    this.#shop = shop
    this.#endpoint = endpoint
    this.#member = member
  }

  hear(mix: Mix, tick: number): void {
    const relay = this.#endpoint.relayOf(this.#member)
    // Nothing is encoded for who does not listen.
    if (!relay?.isReady()) return
    const { ring, pacer, lateness } = this.#shop
    const { codec } = relay
    const { words } = mix.encoded(codec)
    const slot = ring.take(words.length * 4)
    const { payloadWords } = slot
    for (let i = 0; i < words.length; i++) payloadWords[i] = words[i] as number
    fillHeader(this.#member, tick, words.length * 4)
    relay.sound(header, codec, slot.bytes, pacer.timeOf(tick))
    lateness.add(pacer.roughlyLateMs(tick))
  }
}

/** A member that lives in another worker: its mix goes there encoded. */
export class RemoteListener implements RoomListener {
  /** What it sends, as the main thread told last; its own worker mends what is out of date. */
  codec: AudioCodec
  readonly #way: Outlet
  readonly #member: number

  constructor(way: Outlet, member: number, codec: AudioCodec) {
    this.#way = way
    this.#member = member
    this.codec = codec
  }

  hear(mix: Mix, tick: number): void {
    const { bytes } = mix.encoded(this.codec)
    fillHeader(this.#member, tick, bytes.length)
    header.payloadOffset = 0
    this.#way.sound(header, this.codec, bytes, 0)
  }
}
