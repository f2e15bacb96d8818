import { sdpText, token } from '../../support/sip-text.ts'
import { UdpWire, type WireMessage } from '../../support/sip-wire.ts'
import { type TwoSidedStage, trunkAddress } from '../../support/stage-two-sided.ts'
import type { Line } from './lines.ts'
import { sipOffset } from './sipp.ts'

const usualTag = 'wire'

export interface WireResponse {
  readonly tag?: string
  readonly sdp?: string
  readonly headers?: readonly string[]
}

/**
 * A peer behind a trunk that says what no program with manners would: by hand, message by message. What does keep to the rules
 * is a scenario of sipp.
 */
export class WireCallee {
  readonly wire: UdpWire

  private constructor(wire: UdpWire) {
    this.wire = wire
  }

  /** @param received - told of every message; BYE, CANCEL and NOTIFY are answered 200 by themselves. */
  static async open(
    stage: TwoSidedStage,
    line: Line,
    received: (message: WireMessage, peer: WireCallee) => void = () => {},
  ): Promise<WireCallee> {
    const server = { address: '127.0.0.1', port: stage.server.sipPort }
    const wire = await UdpWire.open(server, { address: trunkAddress, port: line.port + sipOffset })
    const peer = new WireCallee(wire)
    wire.onMessage = (message) => {
      if (/^(BYE|CANCEL|NOTIFY) /.test(message.startLine)) peer.respond(message, '200 OK')
      received(message, peer)
    }
    return peer
  }

  /** The SDP of a telephone that listens, if at all, at a port of the line. */
  get sdp(): string {
    const { address, port } = this.wire.local
    return sdpText({ address, port: port - sipOffset })
  }

  respond(request: WireMessage, status: string, options: WireResponse = {}): void {
    const { tag = usualTag, sdp = '', headers = [] } = options
    const copied = ['Via', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
      request.all(name).map((value) => `${name}: ${value}`),
    )
    const to = request.get('to') ?? ''
    const lines = [`SIP/2.0 ${status}`, ...copied, `To: ${to}${to.includes('tag=') ? '' : `;tag=${tag}`}`, this.contact]
    lines.push(
      ...headers,
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(sdp)}`,
    )
    this.wire.send(`${lines.join('\r\n')}\r\n\r\n${sdp}`)
  }

  /** A request of its own in the dialog of an INVITE that it has answered. */
  request(
    invite: WireMessage,
    method: string,
    cseq: number,
    options: Pick<WireResponse, 'sdp' | 'headers'> = {},
  ): void {
    const { sdp = '', headers = [] } = options
    const { address, port } = this.wire.local
    const target = /<([^>]+)>/.exec(invite.get('contact') ?? '')?.[1]
    const lines = [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${token()};rport`,
      'Max-Forwards: 70',
      `From: ${invite.get('to')};tag=${usualTag}`,
      `To: ${invite.get('from')}`,
      `Call-ID: ${invite.get('call-id')}`,
      `CSeq: ${cseq} ${method}`,
      this.contact,
      ...headers,
      ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(sdp)}`,
    ]
    this.wire.send(`${lines.join('\r\n')}\r\n\r\n${sdp}`)
  }

  /** How often each status came to requests of a method. */
  statusesOf(method: string): ReadonlyMap<number, number> {
    const counts = new Map<number, number>()
    for (const { status, get } of this.wire.received) {
      if (status !== null && get('cseq')?.endsWith(` ${method}`)) counts.set(status, (counts.get(status) ?? 0) + 1)
    }
    return counts
  }

  get contact(): string {
    const { address, port } = this.wire.local
    return `Contact: <sip:wire@${address}:${port}>`
  }

  /** Requests of this method that came, those that were sent again left out. */
  requests(method: string): readonly WireMessage[] {
    const branches = new Set<string>()
    return this.wire.received.filter((message) => {
      const branch = /branch=([^;,\s]+)/.exec(message.get('via') ?? '')?.[1] ?? ''
      if (!message.startLine.startsWith(`${method} `) || branches.has(branch)) return false
      branches.add(branch)
      return true
    })
  }

  close(): Promise<void> {
    return this.wire.close()
  }
}

export interface Turn {
  /** Whom it calls at our server: the user part of the Request-URI and of To. */
  readonly user: string
  readonly maxForwards: number
}

/**
 * A trunk that sends our calls back to us: to each INVITE one of its own, with another Call-ID as every B2BUA has it, and what
 * comes of that is the answer.
 */
export async function openMirror(
  stage: TwoSidedStage,
  line: Line,
  turnOf: (invite: WireMessage) => Turn,
): Promise<WireCallee> {
  const asked = new Map<string, { readonly ours: WireMessage; readonly sent: string }>()
  return await WireCallee.open(stage, line, (message, peer) => {
    const { address, port } = peer.wire.local
    const isNew = message.startLine.startsWith('INVITE ') && peer.requests('INVITE').at(-1) === message
    if (isNew) {
      peer.respond(message, '100 Trying')
      const { user, maxForwards } = turnOf(message)
      const sipCallId = token()
      const from = /sip:([^@>;]+)@/.exec(message.get('from') ?? '')?.[1] ?? 'nobody'
      const uri = `sip:${user}@127.0.0.1:${stage.server.sipPort}`
      const head = (method: string, to: string): string =>
        [
          `${method} ${uri} SIP/2.0`,
          `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${sipCallId};rport`,
          `Max-Forwards: ${maxForwards}`,
          `From: <sip:${from}@${address}>;tag=${sipCallId}`,
          `To: ${to}`,
          `Call-ID: ${sipCallId}`,
          `CSeq: 1 ${method}`,
          peer.contact,
        ].join('\r\n')
      const invite = `${head('INVITE', `<${uri}>`)}\r\nContent-Type: application/sdp\r\nContent-Length: ${peer.sdp.length}\r\n\r\n${peer.sdp}`
      asked.set(sipCallId, { ours: message, sent: head('ACK', 'TO') })
      peer.wire.send(invite)
      return
    }
    const turn = asked.get(message.get('call-id') ?? '')
    if (turn === undefined || message.status === null || message.status < 300) return
    peer.wire.send(`${turn.sent.replace('To: TO', `To: ${message.get('to')}`)}\r\nContent-Length: 0\r\n\r\n`)
    peer.respond(turn.ours, message.startLine.slice('SIP/2.0 '.length))
  })
}
