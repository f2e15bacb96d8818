import { Buffer } from 'node:buffer'
import type { Via } from '../message/index.ts'
import type { TransportCounts } from './counts.ts'
import { isWire, type Wire } from './listener.ts'
import type { Flow, PreparedResponse } from './types.ts'
import { defaultPorts, responseTarget } from './via-stamp.ts'

/**
 * A printed response and the way back, RFC 3261 §18.2.2: by the connection, and if that is lost by a new one to the port in
 * the Via. It may be kept long, so it holds little, and nothing that would keep the text of its request.
 */
export class OutgoingResponse implements PreparedResponse {
  /** Bytes until the first send, then text, lossless in latin1: small buffers share a slab of 8 KiB and would keep all of it. */
  #printed: Uint8Array | string
  readonly #wire: Wire
  /** Over UDP. */
  readonly #port: number
  /** For a new connection in place of a lost one, where `rport` was the port of that. */
  readonly #listeningPort: number
  readonly #counts: TransportCounts

  /** @param via - the topmost, with `received` and `rport` filled in. */
  constructor(bytes: Uint8Array, wire: Wire, via: Via, counts: TransportCounts) {
    this.#printed = bytes
    this.#wire = wire
    this.#port = responseTarget(via, wire.remote, wire.protocol).port
    this.#listeningPort = via.port ?? defaultPorts[wire.protocol]
    this.#counts = counts
  }

  async send(retransmission?: { readonly flow: Flow; readonly via: Via }): Promise<void> {
    const printed = this.#printed
    const bytes = typeof printed === 'string' ? Buffer.from(printed, 'latin1') : printed
    if (typeof printed !== 'string') this.#printed = toText(printed)
    if (retransmission !== undefined && isWire(retransmission.flow)) {
      return new OutgoingResponse(bytes, retransmission.flow, retransmission.via, this.#counts).send()
    }
    try {
      await this.#send(bytes)
    } catch (thrown) {
      this.#counts.sendFailures++
      throw thrown
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const wire = this.#wire
    const { address, port } = wire.remote
    if (!wire.isReliable) {
      const isSame = port === this.#port
      return (isSame ? wire : await wire.listener.open({ address, port: this.#port })).send(bytes)
    }
    if (wire.isOpen) {
      try {
        return await wire.send(bytes)
      } catch {
        // Lost just now: the way below is what §18.2.2 says then.
      }
    }
    return (await wire.listener.open({ address, port: this.#listeningPort })).send(bytes)
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
