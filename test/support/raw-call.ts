import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { decodeG711 } from '../../src/media/g711.ts'
import { isFinalFor, requestText, sdpText, token } from './sip-text.ts'
import { type Place, UdpWire, type WireMessage } from './sip-wire.ts'

const rtpBytes = 12

/** A server whose machine is busy says so with 503 and Retry-After. */
const maxAttempts = 5
const retryMs = 2000

export interface RtpParts {
  readonly payloadType?: number
  readonly payload?: Uint8Array
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
  readonly isMarked?: boolean
}

/** One RTP packet. */
export function rtpPacket(parts: RtpParts): Buffer {
  const { payloadType = 0, payload = new Uint8Array(160).fill(0xff), isMarked = false } = parts
  const bytes = Buffer.alloc(rtpBytes)
  bytes[0] = 0x80
  bytes[1] = (isMarked ? 0x80 : 0) | payloadType
  bytes.writeUInt16BE(parts.sequence & 0xffff, 2)
  bytes.writeUInt32BE(parts.timestamp >>> 0, 4)
  bytes.writeUInt32BE(parts.ssrc >>> 0, 8)
  return Buffer.concat([bytes, payload])
}

/** A bound UDP socket that counts what comes and sends what it is told. */
export class MediaSocket {
  readonly socket: Socket
  readonly received: Buffer[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('message', (bytes) => this.received.push(bytes))
  }

  static async open(address = '127.0.0.1', port = 0): Promise<MediaSocket> {
    const socket = createSocket('udp4')
    socket.bind(port, address)
    await once(socket, 'listening')
    return new MediaSocket(socket)
  }

  /** RTP and RTCP side by side, as RFC 3550 §11 wants them. */
  static async openPair(address = '127.0.0.1'): Promise<readonly [rtp: MediaSocket, rtcp: MediaSocket]> {
    for (;;) {
      const rtp = await MediaSocket.open(address)
      const { port } = rtp.socket.address()
      if (port % 2 === 0) {
        try {
          return [rtp, await MediaSocket.open(address, port + 1)]
        } catch {
          // Taken: another pair.
        }
      }
      await rtp.close()
    }
  }

  get place(): Place {
    return this.socket.address()
  }

  send(bytes: Uint8Array, to: Place): void {
    this.socket.send(bytes, to.port, to.address)
  }

  async close(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

/** A call placed by hand, so that its media can be anything: one UDP wire for SIP, two sockets for RTP and RTCP. */
export class RawCall {
  readonly wire: UdpWire
  readonly rtp: MediaSocket
  readonly rtcp: MediaSocket
  ssrc = Number.parseInt(token().slice(0, 8), 16)
  sequence = 1000
  timestamp = 160_000
  readonly #number: string
  readonly #sipCallId = token()
  readonly #fromTag = token()
  #toTag = ''
  #talking: NodeJS.Timeout | null = null
  #rtpTo: Place = { address: '', port: 0 }

  private constructor(number: string, wire: UdpWire, rtp: MediaSocket, rtcp: MediaSocket) {
    this.#number = number
    this.wire = wire
    this.rtp = rtp
    this.rtcp = rtcp
    wire.onMessage = (message) => this.#received(message)
  }

  /** Calls, and resolves once it is answered and acknowledged. A server that is too busy (503) is called again, a few times. */
  static async place(server: Place, number: string): Promise<RawCall> {
    for (let attempt = 1; ; attempt++) {
      const wire = await UdpWire.open(server)
      const [rtp, rtcp] = await MediaSocket.openPair()
      const call = new RawCall(number, wire, rtp, rtcp)
      const refusal = await call.#open()
      if (refusal === null) return call
      await call.close()
      if (refusal.status !== 503 || attempt === maxAttempts) {
        throw new Error(`The INVITE was answered ${refusal.startLine}.`)
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }

  /** Where the server hears RTP; RTCP is one above. */
  get rtpTo(): Place {
    return this.#rtpTo
  }

  get rtcpTo(): Place {
    return { address: this.#rtpTo.address, port: this.#rtpTo.port + 1 }
  }

  /** One packet of our own good stream: 20 ms of silence unless told otherwise. */
  sendSound(payload?: Uint8Array): void {
    const { sequence, timestamp, ssrc } = this
    this.rtp.send(rtpPacket({ sequence, timestamp, ssrc, ...(payload ? { payload } : {}) }), this.#rtpTo)
    this.sequence++
    this.timestamp += 160
  }

  /** Sends a packet every 20 ms from now on, as a telephone does whose user listens. */
  talk(): void {
    this.#talking ??= setInterval(() => this.sendSound(), 20)
  }

  /** A key by RFC 4733 at the pace of a telephone: six packets 20 ms apart, the last three its end. */
  async press(key: number, from: { readonly socket?: MediaSocket; readonly ssrc?: number } = {}): Promise<void> {
    const { timestamp } = this
    this.timestamp += 960
    for (let i = 1; i <= 6; i++) {
      const payload = Uint8Array.of(
        key,
        i > 3 ? 0x8a : 0x0a,
        (Math.min(i, 4) * 160) >> 8,
        (Math.min(i, 4) * 160) & 0xff,
      )
      const packet = { payloadType: 101, payload, sequence: this.sequence++, timestamp, isMarked: i === 1 }
      ;(from.socket ?? this.rtp).send(rtpPacket({ ...packet, ssrc: from.ssrc ?? this.ssrc }), this.#rtpTo)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** What was heard on our RTP port, packet behind packet. */
  heard(): Int16Array {
    const payloads = this.rtp.received
      .filter((bytes) => ((bytes[1] ?? 0) & 0x7f) === 0)
      .map((bytes) => bytes.subarray(12))
    const ulaw = Buffer.concat(payloads)
    const pcm = new Int16Array(ulaw.length)
    decodeG711('PCMU', ulaw, pcm)
    return pcm
  }

  /** Whether the server has hung up. */
  get isHungUp(): boolean {
    return this.wire.received.some(({ startLine }) => startLine.startsWith('BYE '))
  }

  /** Hangs up and waits for the answer. */
  async hangUp(): Promise<void> {
    const bye = this.#request('BYE', 2)
    this.wire.send(bye)
    await this.wire.message((message) => message.get('cseq') === '2 BYE')
  }

  async close(): Promise<void> {
    clearInterval(this.#talking ?? undefined)
    await Promise.all([this.wire.close(), this.rtp.close(), this.rtcp.close()])
  }

  /** Returns the answer that is none; null once the call is up. */
  async #open(): Promise<WireMessage | null> {
    this.wire.send(this.#request('INVITE', 1, sdpText(this.rtp.place)))
    const answer = await this.wire.message(isFinalFor(this.#sipCallId))
    if (!answer) throw new Error('The INVITE was not answered.')
    if (answer.status !== 200) return answer
    this.#toTag = /;tag=([^;\s]+)/.exec(answer.get('to') ?? '')?.[1] ?? ''
    const sdp = answer.body.toString()
    const address = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1] ?? ''
    this.#rtpTo = { address, port: Number(/^m=audio (\d+) /m.exec(sdp)?.[1]) }
    this.wire.send(this.#request('ACK', 1))
    return null
  }

  /** A BYE or re-INVITE of the server's is answered, a repeated 200 acknowledged again. */
  #received(message: WireMessage): void {
    if (message.status === null && message.startLine.startsWith('BYE ')) this.wire.send(okFor(message))
    else if (message.status === 200 && message.get('cseq') === '1 INVITE' && this.#toTag !== '')
      this.wire.send(this.#request('ACK', 1))
  }

  #request(method: string, cseq: number, body?: string): Buffer {
    return requestText(this.wire, {
      method,
      user: this.#number,
      cseq,
      sipCallId: this.#sipCallId,
      fromTag: this.#fromTag,
      ...(this.#toTag === '' ? {} : { toTag: this.#toTag }),
      ...(body === undefined ? {} : { body }),
    })
  }
}

/** 200 to a request of the server's. */
export function okFor(request: WireMessage): string {
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) =>
    request.all(name).map((value) => `${name}: ${value}`),
  )
  return ['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n')
}
