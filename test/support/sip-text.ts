import { randomBytes } from 'node:crypto'
import type { Wire, WireMessage } from './sip-wire.ts'

/** A token nobody else has. */
export function token(): string {
  return randomBytes(8).toString('hex')
}

export interface RequestText {
  readonly method: string
  /** User part of the Request-URI and of To; null: the server itself. */
  readonly user?: string | null
  readonly from?: string
  readonly fromTag?: string
  readonly toTag?: string
  readonly sipCallId?: string
  readonly cseq?: number
  readonly branch?: string
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  readonly contentType?: string
}

/** A legal request as a telephone at `wire` would write it. */
export function requestText(wire: Pick<Wire, 'protocol' | 'local'>, parts: RequestText): Buffer {
  const { method, user = '1', from = 'stranger', cseq = 1, headers = [] } = parts
  const { address, port } = wire.local
  const at = address.includes(':') ? `[${address}]` : address
  const target = user === null ? `sip:${at}` : `sip:${user}@${at}`
  const body = Buffer.from(parts.body ?? '')
  const head = [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/${wire.protocol.toUpperCase()} ${at}:${port};branch=${parts.branch ?? `z9hG4bK${token()}`};rport`,
    'Max-Forwards: 70',
    `From: <sip:${from}@${at}>;tag=${parts.fromTag ?? token()}`,
    `To: <${target}>${parts.toTag === undefined ? '' : `;tag=${parts.toTag}`}`,
    `Call-ID: ${parts.sipCallId ?? token()}`,
    `CSeq: ${cseq} ${method === 'ACK' ? 'ACK' : method}`,
    `Contact: <sip:${from}@${at}:${port}${wire.protocol === 'tcp' ? ';transport=tcp' : ''}>`,
    ...headers,
    ...(body.length === 0 ? [] : [`Content-Type: ${parts.contentType ?? 'application/sdp'}`]),
    `Content-Length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

/** The plainest offer of a telephone. */
export function sdpText(place: { readonly address: string; readonly port: number }): string {
  const { address, port } = place
  const family = address.includes(':') ? 'IP6' : 'IP4'
  return [
    'v=0',
    `o=- 1 1 IN ${family} ${address}`,
    's=-',
    `c=IN ${family} ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:101 telephone-event/8000',
    '',
  ].join('\r\n')
}

/** A final response with this Call-ID. */
export function isFinalFor(sipCallId: string): (message: WireMessage) => boolean {
  return (message) => message.status !== null && message.status >= 200 && message.get('call-id') === sipCallId
}

/** Sends OPTIONS and waits for its answer: whatever the server had to say before has been said by then. */
export async function answersOptions(wire: Wire): Promise<boolean> {
  const sipCallId = token()
  const request = requestText(wire, { method: 'OPTIONS', user: null, sipCallId })
  // A datagram may be lost in a flood: sent again, as a telephone does.
  for (let attempt = 0; attempt < 6; attempt++) {
    wire.send(request)
    const answer = await wire.message(isFinalFor(sipCallId), 1000)
    if (answer !== undefined) return answer.status === 200
    if (wire.protocol === 'tcp') return false
  }
  return false
}
