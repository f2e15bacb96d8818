import { createSocket, type Socket } from 'node:dgram'

/** Wall time in ms with fractions, comparable to the sink's kernel time stamps. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now()
}

export interface CallerOptions {
  readonly serverPort: number
  readonly number: string
  /** Where every call's audio goes: the sink's port. */
  readonly rtpPort: number
}

/** How one call went, times by `wallMs`. */
export interface CallLog {
  /** Its number, in From. */
  readonly caller: string
  readonly invitedMs: number
  answeredMs: number | null
  endedMs: number | null
  /** The server's RTP port, from its SDP. */
  rtpPort: number
  /** A final status other than 200, or 0 for no answer. */
  refusedWith: number | null
}

interface Call {
  readonly id: string
  readonly index: number
  readonly log: CallLog
  readonly onAnswer: (call: PlacedCall) => void
  readonly onEnd: (log: CallLog) => void
  toTag: string
  target: string
  lastRequest: Buffer
  retransmit: NodeJS.Timeout | null
  state: 'inviting' | 'up' | 'ending' | 'over'
}

export interface PlacedCall {
  readonly log: CallLog
  hangUp(): void
}

/** Retransmission, RFC 3261 §17: doubled from 500 ms, given up after 32 s. */
const t1Ms = 500
const giveUpMs = 32_000

/** A lean SIP caller over one UDP socket: enough of RFC 3261 to load a server, and nothing that costs. */
export class Caller {
  readonly #options: CallerOptions
  readonly #socket: Socket
  readonly #calls = new Map<string, Call>()
  readonly #run = Math.floor(Math.random() * 1e9).toString(36)
  #port = 0
  #count = 0

  constructor(options: CallerOptions) {
    this.#options = options
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20, sendBufferSize: 8 << 20 })
    this.#socket.on('message', (bytes) => this.#receive(bytes.toString('latin1')))
    this.#socket.on('error', () => {})
  }

  async bind(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve))
    this.#port = this.#socket.address().port
  }

  get live(): number {
    return this.#calls.size
  }

  close(): void {
    this.#socket.close()
  }

  place(onAnswer: (call: PlacedCall) => void, onEnd: (log: CallLog) => void): void {
    const index = this.#count++
    const id = `${index}.${this.#run}`
    const log: CallLog = {
      caller: String(90_000_000 + index),
      invitedMs: wallMs(),
      answeredMs: null,
      endedMs: null,
      rtpPort: 0,
      refusedWith: null,
    }
    const call: Call = {
      id,
      index,
      log,
      onAnswer,
      onEnd,
      toTag: '',
      target: `sip:${this.#options.number}@127.0.0.1:${this.#options.serverPort}`,
      lastRequest: Buffer.alloc(0),
      retransmit: null,
      state: 'inviting',
    }
    this.#calls.set(id, call)
    const sdp = [
      'v=0',
      `o=- ${index + 1} 1 IN IP4 127.0.0.1`,
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${this.#options.rtpPort} RTP/AVP 0 101`,
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      '',
    ].join('\r\n')
    this.#request(call, 'INVITE', 1, sdp)
  }

  #request(call: Call, method: string, cseq: number, body = ''): void {
    const { number, serverPort } = this.#options
    const to = `<sip:${number}@127.0.0.1:${serverPort}>${call.toTag ? `;tag=${call.toTag}` : ''}`
    const lines = [
      `${method} ${call.target} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.#port};branch=z9hG4bK${call.id}.${method};rport`,
      'Max-Forwards: 70',
      `From: <sip:${call.log.caller}@127.0.0.1:${this.#port}>;tag=f${call.id}`,
      `To: ${to}`,
      `Call-ID: ${call.id}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:load@127.0.0.1:${this.#port}>`,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
      '',
      body,
    ]
    const bytes = Buffer.from(lines.join('\r\n'), 'latin1')
    this.#send(bytes)
    if (method === 'ACK') return
    call.lastRequest = bytes
    this.#retransmitLater(call, t1Ms, 0)
  }

  #retransmitLater(call: Call, ms: number, waitedMs: number): void {
    if (call.retransmit) clearTimeout(call.retransmit)
    call.retransmit = setTimeout(() => {
      if (waitedMs + ms >= giveUpMs) return this.#over(call, 0)
      this.#send(call.lastRequest)
      this.#retransmitLater(call, Math.min(ms * 2, 4000), waitedMs + ms)
    }, ms)
  }

  #send(bytes: Buffer): void {
    this.#socket.send(bytes, this.#options.serverPort, '127.0.0.1')
  }

  #receive(text: string): void {
    const id = /\r\nCall-ID: *([^\r]+)/i.exec(text)?.[1]
    const call = id === undefined ? undefined : this.#calls.get(id)
    const cseq = /\r\nCSeq: *(\d+) (\w+)/i.exec(text)
    if (!cseq) return
    if (!text.startsWith('SIP/2.0 ')) return this.#answerRequest(text, call)
    const status = Number(text.slice(8, 11))
    if (!call || status < 200) return
    if (cseq[2] === 'INVITE') return this.#inviteAnswered(call, status, text)
    if (cseq[2] === 'BYE' && call.state === 'ending') this.#over(call, null)
  }

  #inviteAnswered(call: Call, status: number, text: string): void {
    const isFirst = call.state === 'inviting'
    call.toTag = /\r\nTo:[^\r]*;tag=([^;\r]+)/i.exec(text)?.[1] ?? ''
    if (status === 200) call.target = /\r\nContact: *<([^>]+)>/i.exec(text)?.[1] ?? call.target
    this.#request(call, 'ACK', 1)
    if (!isFirst) return
    if (status !== 200) return this.#over(call, status)
    if (call.retransmit) clearTimeout(call.retransmit)
    call.state = 'up'
    call.log.answeredMs = wallMs()
    call.log.rtpPort = Number(/\r\nm=audio (\d+)/.exec(text)?.[1] ?? 0)
    call.onAnswer({
      log: call.log,
      hangUp: () => {
        if (call.state !== 'up') return
        call.state = 'ending'
        this.#request(call, 'BYE', 2)
      },
    })
  }

  /** The server's own requests (BYE, OPTIONS) are answered 200 by giving their header back. */
  #answerRequest(text: string, call: Call | undefined): void {
    if (text.startsWith('ACK ')) return
    const head = text.split('\r\n').filter((line) => /^(via|from|to|call-id|cseq):/i.test(line))
    this.#send(Buffer.from(['SIP/2.0 200 OK', ...head, 'Content-Length: 0', '', ''].join('\r\n'), 'latin1'))
    if (call && text.startsWith('BYE ')) this.#over(call, null)
  }

  #over(call: Call, refusedWith: number | null): void {
    if (call.state === 'over') return
    call.state = 'over'
    if (call.retransmit) clearTimeout(call.retransmit)
    this.#calls.delete(call.id)
    call.log.endedMs = wallMs()
    call.log.refusedWith = refusedWith
    call.onEnd(call.log)
  }
}
