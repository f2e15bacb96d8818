import { type BodyPart, bodyParts, isMultipart } from '../message/multipart.ts'
import { isSipUri, type SipRequest } from '../message/types.ts'
import { accepts, parseTokenWithParameters, tokenList } from '../message/values.ts'
import { acceptBodies } from './capabilities.ts'
import { isIntervalTooSmall, type SessionTimerSettings } from './session-expires.ts'

/** Why a request cannot be served, whoever it is for. */
export interface Refusal {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
}

export interface CheckSettings {
  readonly supported: readonly string[]
  readonly sessionTimers: SessionTimerSettings | null
}

type Check = (request: SipRequest, settings: CheckSettings) => Refusal | null

/** RFC 3261 §8.2.2.1. */
const scheme: Check = (request) => (isSipUri(request.uri) ? null : { status: 416, headers: [] })

/** §8.2.2.3. Proxy-Require is not for us. */
const require: Check = (request, { supported }) => {
  if (!request.headers.has('Require')) return null
  const unknown = tokenList(request.headers, 'Require').filter((option) => !supported.includes(option.toLowerCase()))
  return unknown.length === 0 ? null : { status: 420, headers: [['Unsupported', unknown.join(', ')]] }
}

/** §8.2.3: a content coding we cannot undo. */
const encoding: Check = (request) => {
  if (request.body.length === 0 || !request.headers.has('Content-Encoding')) return null
  const codings = request.headers.list('Content-Encoding').filter((coding) => coding.toLowerCase() !== 'identity')
  return codings.length === 0 ? null : { status: 415, headers: [['Accept-Encoding', 'identity']] }
}

/**
 * §8.2.3: a body that must be understood and is not. RFC 5621 §8.3 makes every part `handling=required` that does not say
 * otherwise. Kindness: beside an SDP, parts that do not say so are skipped, as gateways add ISUP and locations.
 */
const content: Check = (request) => {
  const parts = bodyParts(request)
  const isRefused = isMultipart(request)
    ? parts.some((part) => !isSdp(part) && handling(part) === 'required') ||
      (!parts.some(isSdp) && parts.some((part) => handling(part) === null))
    : parts.some((part) => !isSdp(part) && handling(part) !== 'optional')
  return isRefused ? { status: 415, headers: [acceptBodies] } : null
}

/** §20.1, §8.2.3: the peer would not understand our answer. */
const acceptance: Check = (request) =>
  accepts(request.headers, 'application/sdp') ? null : { status: 406, headers: [] }

/** RFC 4028 §9. */
const session: Check = (request, { sessionTimers }) =>
  sessionTimers !== null && isIntervalTooSmall(request, sessionTimers)
    ? { status: 422, headers: [['Min-SE', String(sessionTimers.minSeconds)]] }
    : null

/** RFC 3891 §3: Replaces is for INVITE, and does not go with Join (RFC 3911 §4). */
const replaces: Check = ({ method, headers }) =>
  headers.has('Replaces') && (method !== 'INVITE' || headers.has('Join')) ? { status: 400, headers: [] } : null

/** In the order of §8.2, whose first step, the method, is the user agent's. */
const anyRequest: readonly Check[] = [scheme, require, replaces]
const withDescription: readonly Check[] = [encoding, content]

const checks: Readonly<Record<string, readonly Check[]>> = {
  INVITE: [...anyRequest, ...withDescription, acceptance, session],
  UPDATE: [...anyRequest, ...withDescription, acceptance, session],
  PRACK: [...anyRequest, ...withDescription],
}

/**
 * The first reason to refuse a request that needs no knowledge of users (RFC 3261 §8.2); null when there is none.
 * @throws MessageError when a body or a header field is illegal: 400.
 */
export function firstRefusal(request: SipRequest, settings: CheckSettings): Refusal | null {
  for (const check of checks[request.method] ?? anyRequest) {
    const refusal = check(request, settings)
    if (refusal) return refusal
  }
  return null
}

function isSdp(part: BodyPart): boolean {
  return part.type.type === 'application/sdp'
}

function handling(part: BodyPart): 'required' | 'optional' | null {
  const disposition = part.headers.get('Content-Disposition')
  if (disposition === undefined) return null
  const value = parseTokenWithParameters(disposition).parameters.get('handling')?.toLowerCase()
  return value === 'required' || value === 'optional' ? value : null
}
