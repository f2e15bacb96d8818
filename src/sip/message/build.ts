import { Buffer } from 'node:buffer'
import type { SipCallId } from '../../base/ids.ts'
import { printCSeq } from './cseq.ts'
import { Headers } from './headers.ts'
import { printNameAddress } from './name-address.ts'
import { noParameters } from './parameters.ts'
import { reasonPhrase } from './reason-phrases.ts'
import { splitList } from './split-list.ts'
import type { NameAddress, SipMessage, SipRequest, SipResponse, Uri, Via } from './types.ts'
import { printVia } from './via.ts'

type HeaderPairs = Iterable<readonly [name: string, value: string]>

export interface RequestOptions {
  readonly method: string
  readonly uri: Uri
  readonly from: NameAddress
  readonly to: NameAddress
  readonly sipCallId: SipCallId
  /** 0 to 2^31 - 1; its method is the request's. */
  readonly cseq: number
  /** 70 where nothing is said: RFC 3261 §8.1.1.6. */
  readonly maxForwards?: number
  /** Added in this order behind those that every request has. */
  readonly headers?: HeaderPairs
  readonly body?: Uint8Array | string
  /** Needed with a body: §20.15. */
  readonly contentType?: string
}

export interface ResponseOptions {
  /** The standard's phrase where nothing is said. */
  readonly reason?: string
  /** Added to To unless it has a tag: §8.2.6.2. */
  readonly toTag?: string
  readonly headers?: HeaderPairs
  readonly body?: Uint8Array | string
  readonly contentType?: string
}

const noBody = new Uint8Array(0)

/** Stands in place of the Via until transaction and transport have put in branch and sent-by. */
const viaPlaceholder: Via = { transport: 'UDP', host: 'placeholder.invalid', port: null, parameters: noParameters }
const printedPlaceholder = printVia(viaPlaceholder)

/**
 * Makes a request of ours, RFC 3261 §8.1.1, with a placeholder as its only Via.
 * @throws MessageError `sip-message.header` when a value has a line break.
 */
export function createRequest(options: RequestOptions): SipRequest {
  const { method, uri, from, to, sipCallId } = options
  const cseq = { number: options.cseq, method }
  const maxForwards = options.maxForwards ?? 70
  const headers = Headers.empty()
  headers.push('Via', 'via', printedPlaceholder)
  headers.push('Max-Forwards', 'max-forwards', String(maxForwards))
  headers.append('From', printNameAddress(from))
  headers.append('To', printNameAddress(to))
  headers.append('Call-ID', sipCallId)
  headers.append('CSeq', printCSeq(cseq))
  addExtras(headers, options)
  const body = bodyBytes(options.body)
  return { kind: 'request', method, uri, maxForwards, headers, body, vias: [viaPlaceholder], from, to, sipCallId, cseq }
}

/**
 * Makes the answer to a request: Via, From, To, Call-ID and CSeq are copied as they came (RFC 3261 §8.2.6.2), and into
 * a 100 also Timestamp (§8.2.6.1). Record-Route is the dialog's to copy.
 * @param status - 100 to 699.
 * @throws MessageError `sip-message.header` when a value has a line break.
 */
export function createResponse(request: SipRequest, status: number, options: ResponseOptions = {}): SipResponse {
  const { vias, from, sipCallId, cseq } = request
  const headers = Headers.empty()
  let { to } = request
  headers.pushAllFrom(request.headers, 'via')
  headers.pushAllFrom(request.headers, 'from')
  if (options.toTag !== undefined && !to.parameters.has('tag')) {
    // As text, so that the peer gets its own To back, and ours behind it.
    headers.append('To', `${request.headers.get('To') ?? ''};tag=${options.toTag}`)
    to = { ...to, parameters: new Map(to.parameters).set('tag', options.toTag) }
  } else headers.pushAllFrom(request.headers, 'to')
  headers.pushAllFrom(request.headers, 'call-id')
  headers.pushAllFrom(request.headers, 'cseq')
  if (status === 100) headers.pushAllFrom(request.headers, 'timestamp')
  addExtras(headers, options)
  const reason = options.reason ?? reasonPhrase(status)
  return { kind: 'response', status, reason, headers, body: bodyBytes(options.body), vias, from, to, sipCallId, cseq }
}

/** The same message with another topmost Via; the message given stays as it is. */
export function withTopVia<Message extends SipMessage>(message: Message, via: Via): Message {
  const headers = message.headers.clone()
  const [, ...others] = message.vias
  let text = printVia(via)
  // Several values may share the first line.
  if (others.length > 0) {
    const [, ...sameLine] = splitList(headers.get('Via') ?? '')
    if (sameLine.length > 0) text = [text, ...sameLine].join(', ')
  }
  headers.replaceFirst('via', text)
  return { ...message, headers, vias: [via, ...others] }
}

function addExtras(headers: Headers, options: { headers?: HeaderPairs; contentType?: string }): void {
  if (options.headers !== undefined) for (const [name, value] of options.headers) headers.append(name, value)
  if (options.contentType !== undefined) headers.append('Content-Type', options.contentType)
}

function bodyBytes(body: Uint8Array | string | undefined): Uint8Array {
  if (body === undefined) return noBody
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body
}
