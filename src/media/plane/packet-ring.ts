import { rtpHeaderBytes } from '../../rtp/packet.ts'

/**
 * Packets per size before a buffer is used again. Sending copies at once, except into a full kernel buffer: such a packet
 * may then carry what came round the ring after it, which is better than an allocation for each of all the others. Few,
 * so that they stay in the processor's first cache.
 */
const slotsPerSize = 64
const slotMask = slotsPerSize - 1

/** Sound is sent in packets of 10 to 60 ms. */
const sizeStep = 80
const maxSize = 480

/** A buffer to build one packet in: 12 bytes for the header, and the payload behind it. */
export interface PacketSlot {
  /** The whole packet, of exactly the wanted size, so that sending needs no view of a part. */
  readonly bytes: Uint8Array
  /** The payload's whole words, over the same memory: copying by word costs a quarter of copying by byte. */
  readonly payloadWords: Uint32Array
}

/** Packet buffers of one thread, made once for each payload size and used in turn. */
export class PacketRing {
  readonly #sizes = new Map<number, { readonly slots: readonly PacketSlot[]; next: number }>()

  /** Whether packets of this size are kept: those that we make ourselves. Who passes others on brings a buffer. */
  holds(payloadBytes: number): boolean {
    return payloadBytes % sizeStep === 0 && payloadBytes > 0 && payloadBytes <= maxSize
  }

  /**
   * The next buffer; what it holds is undefined.
   * @param payloadBytes - one of the few sizes that we make: 80 to 480 for audio, 4 for events. Memory is kept for each.
   */
  take(payloadBytes: number): PacketSlot {
    const size = this.#sizes.get(payloadBytes) ?? this.#make(payloadBytes)
    const slot = size.slots[size.next] as PacketSlot
    size.next = (size.next + 1) & slotMask
    return slot
  }

  #make(payloadBytes: number): { readonly slots: readonly PacketSlot[]; next: number } {
    const packetBytes = rtpHeaderBytes + payloadBytes
    const stride = Math.ceil(packetBytes / 4) * 4
    const memory = new ArrayBuffer(stride * slotsPerSize)
    const slots = Array.from({ length: slotsPerSize }, (_, i) => ({
      bytes: new Uint8Array(memory, i * stride, packetBytes),
      payloadWords: new Uint32Array(memory, i * stride + rtpHeaderBytes, payloadBytes >> 2),
    }))
    const size = { slots, next: 0 }
    this.#sizes.set(payloadBytes, size)
    return size
  }
}
