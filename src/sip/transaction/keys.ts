import { Buffer } from 'node:buffer'
import { magicCookie, printUri, type SipRequest, type SipResponse, type Via } from '../message/index.ts'

/** What a transaction is found by. Strings of these three kinds never meet in one map. */

/** RFC 3261 §17.1.3: the branch, which is ours, and the method of CSeq, since a CANCEL shares the branch of its INVITE. */
export function clientKey(message: SipRequest | SipResponse): string {
  return `${message.vias[0].parameters.get('branch') ?? ''} ${message.cseq.method}`
}

/**
 * RFC 3261 §17.2.3: branch, sent-by and method; an ACK has the key of its INVITE. Peers of RFC 2543, whose branch lacks
 * the cookie, are told by Request-URI, tags, Call-ID, CSeq and Via.
 * @param method - another method than the request's own: for a CANCEL, that of the request which it cancels.
 */
export function serverKey(request: SipRequest, method: string = request.method): string {
  const [via] = request.vias
  const keyMethod = method === 'ACK' ? 'INVITE' : method
  const branch = via.parameters.get('branch')
  if (isGlobal(branch)) return `${branch} ${sentBy(via)} ${keyMethod}`
  const { from, to, sipCallId, cseq, uri } = request
  // The To tag of INVITE, ACK and CANCEL differs within one transaction; an ACK's is compared where it is matched.
  const toTag = keyMethod === 'INVITE' || keyMethod === 'CANCEL' ? '' : (to.parameters.get('tag') ?? '')
  return [
    '2543',
    printUri(uri),
    from.parameters.get('tag') ?? '',
    toTag,
    sipCallId,
    cseq.number,
    sentBy(via),
    branch ?? '',
    keyMethod,
  ].join(' ')
}

/** What requests have in common that forking made out of one: RFC 3261 §8.2.2.2. */
export function mergeKey({ sipCallId, from, cseq }: SipRequest): string {
  return `${sipCallId} ${from.parameters.get('tag') ?? ''} ${cseq.number} ${cseq.method}`
}

/**
 * The same text with memory of its own. V8 makes slices and sums of strings by reference: a key of 80 characters would keep
 * the whole request that its parts were cut from, for as long as the transaction lasts.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

/** Whether a server key was made of that branch, one of RFC 3261. */
export function hasBranch(key: string, branch: string): boolean {
  return key.startsWith(`${branch} `)
}

/** Whether the branch is one of RFC 3261, unique in space and time: §8.1.1.7. */
export function isGlobal(branch: string | null | undefined): branch is string {
  return typeof branch === 'string' && branch.startsWith(magicCookie)
}

function sentBy({ host, port }: Via): string {
  return port === null ? host : `${host}:${port}`
}
