import { createRequest, type SipRequest, type SipResponse, type Via, withTopVia } from '../message/index.ts'

type HeaderPairs = (readonly [name: string, value: string])[]

/** The request with another branch in its topmost Via. */
export function withBranch(request: SipRequest, branch: string): SipRequest {
  const [via] = request.vias
  return withTopVia(request, { ...via, parameters: new Map(via.parameters).set('branch', branch) })
}

/** The ACK for a non-2xx final response: RFC 3261 §17.1.1.3. */
export function ackFor(invite: SipRequest, response: SipResponse): SipRequest {
  return follower(invite, 'ACK', response.to, routesOf(invite))
}

/** The CANCEL of a request: RFC 3261 §9.1. @param reason - the value of a Reason header field, RFC 3326. */
export function cancelFor(invite: SipRequest, reason: string | null): SipRequest {
  const headers = routesOf(invite)
  if (reason !== null) headers.push(['Reason', reason])
  return follower(invite, 'CANCEL', invite.to, headers)
}

/** Same Request-URI, Call-ID, From, CSeq number and topmost Via as the INVITE; a single Via. */
function follower(invite: SipRequest, method: string, to: SipRequest['to'], headers: HeaderPairs): SipRequest {
  const { uri, from, sipCallId, cseq, vias } = invite
  const request = createRequest({ method, uri, from, to, sipCallId, cseq: cseq.number, headers })
  const via: Via = vias[0]
  return withTopVia(request, via)
}

function routesOf(invite: SipRequest): HeaderPairs {
  return invite.headers.getAll('Route').map((value) => ['Route', value])
}
