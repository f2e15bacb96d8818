import { MediaSocket, rtpPacket } from './raw-call.ts'
import { Registrant } from './registrant.ts'
import { sdpText, token } from './sip-text.ts'
import { type Place, UdpWire, type WireMessage } from './sip-wire.ts'

/** What it does when it is called. */
export type Manner = 'answer' | 'busy' | 'ring'

/**
 * A telephone, or a peer behind a trunk, on live sockets: rings, and does what it is told. Once it has answered it speaks until it
 * is hung up, or hangs up itself.
 */
export class AnsweringPhone {
  manner: Manner = 'answer'
  /** User parts of the From of every call that came. */
  readonly callers: string[] = []
  readonly #wire: UdpWire
  readonly #media: MediaSocket
  readonly #tag = token()
  #invite: WireMessage | null = null
  #speaking: NodeJS.Timeout | null = null

  private constructor(wire: UdpWire, media: MediaSocket) {
    this.#wire = wire
    this.#media = media
    wire.onMessage = (message) => this.#take(message)
  }

  static async open(server: Place, address = '127.0.0.1'): Promise<AnsweringPhone> {
    return new AnsweringPhone(await UdpWire.open(server, { address }), await MediaSocket.open(address))
  }

  get port(): number {
    return this.#wire.local.port
  }

  /** Rejects unless the server takes it. */
  async register(extension: string): Promise<void> {
    const status = await new Registrant(this.#wire, extension, `secret-of-${extension}`).register()
    if (status !== 200) throw new Error(`REGISTER of ${extension} was answered ${status}`)
  }

  /** Hangs up the call it has answered. */
  hangUp(): void {
    const invite = this.#invite
    if (!invite) return
    const { address, port } = this.#wire.local
    const target = /<([^>]*)>/.exec(invite.get('contact') ?? '')?.[1] ?? ''
    const lines = [
      `BYE ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${token()};rport`,
      'Max-Forwards: 70',
      `From: ${invite.get('to')};tag=${this.#tag}`,
      `To: ${invite.get('from')}`,
      `Call-ID: ${invite.get('call-id')}`,
      'CSeq: 1 BYE',
      'Content-Length: 0',
    ]
    this.#wire.send(`${lines.join('\r\n')}\r\n\r\n`)
    this.#quiet()
  }

  async close(): Promise<void> {
    this.#quiet()
    await this.#wire.close()
    await this.#media.close()
  }

  #take(message: WireMessage): void {
    if (message.startLine.startsWith('INVITE ')) return this.#called(message)
    if (message.startLine.startsWith('CANCEL ')) {
      this.#respond(message, '200 OK')
      if (this.#invite) this.#respond(this.#invite, '487 Request Terminated')
      this.#invite = null
    } else if (/^(BYE|OPTIONS|NOTIFY) /.test(message.startLine)) {
      this.#respond(message, '200 OK')
      if (message.startLine.startsWith('BYE ')) this.#quiet()
    }
  }

  #called(invite: WireMessage): void {
    // Sent again: it has been answered before.
    if (this.#invite?.get('call-id') === invite.get('call-id')) return
    this.callers.push(/<sip:([^@>]*)/.exec(invite.get('from') ?? '')?.[1] ?? '')
    if (this.manner === 'busy') return this.#respond(invite, '486 Busy Here')
    this.#invite = invite
    this.#respond(invite, '180 Ringing')
    if (this.manner === 'ring') return
    this.#respond(invite, '200 OK', sdpText(this.#media.place))
    this.#speak(invite)
  }

  /** Noise, 50 packets a second: the server learns where it is, and the recording has something to hold. */
  #speak(invite: WireMessage): void {
    const sdp = invite.body.toString()
    const to = {
      address: /c=IN IP4 (\S+)/.exec(sdp)?.[1] ?? '127.0.0.1',
      port: Number(/m=audio (\d+)/.exec(sdp)?.[1] ?? 0),
    }
    let sequence = 0
    const payload = Uint8Array.from({ length: 160 }, (_, index) => (index % 16 < 8 ? 0x10 : 0x90))
    this.#speaking = setInterval(() => {
      this.#media.send(rtpPacket({ sequence, timestamp: sequence * 160, ssrc: 7, payload }), to)
      sequence++
    }, 20)
  }

  #quiet(): void {
    if (this.#speaking) clearInterval(this.#speaking)
    this.#speaking = null
    this.#invite = null
  }

  #respond(request: WireMessage, status: string, sdp = ''): void {
    const { address, port } = this.#wire.local
    const copied = ['Via', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
      request.all(name).map((value) => `${name}: ${value}`),
    )
    const to = request.get('to') ?? ''
    const lines = [
      `SIP/2.0 ${status}`,
      ...copied,
      `To: ${to}${to.includes('tag=') ? '' : `;tag=${this.#tag}`}`,
      `Contact: <sip:phone@${address}:${port}>`,
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(sdp)}`,
    ]
    this.#wire.send(`${lines.join('\r\n')}\r\n\r\n${sdp}`)
  }
}
