import { contactsOf } from '../message/addresses.ts'
import { MessageError } from '../message/message-error.ts'
import { isSipUri, type SipRequest, type SipUri } from '../message/types.ts'
import { accepts, parseDeltaSeconds, parseTokenWithParameters } from '../message/values.ts'
import type { EventPackage } from './types.ts'

export type HeaderLines = readonly (readonly [name: string, value: string])[]

/** What a legal SUBSCRIBE asks for. */
export interface AskedSubscription {
  readonly kind: 'subscribe'
  readonly package: EventPackage
  /** Tells two subscriptions of one dialog apart (RFC 6665 §8.2.1); null: none. */
  readonly id: string | null
  /** What is granted; 0: it ends, or the state is fetched once. */
  readonly expiresSeconds: number
  readonly contact: SipUri
}

export type SubscribeRequest =
  | AskedSubscription
  | {
      readonly kind: 'refused'
      readonly status: 400 | 406 | 423 | 489
      readonly sentence: string
      readonly headers: HeaderLines
    }

/** Reads a SUBSCRIBE: Event, Accept, Contact, Expires (RFC 6665 §4.2.1). Never throws. */
export function readSubscribe(request: SipRequest, packages: readonly EventPackage[]): SubscribeRequest {
  try {
    return read(request, packages)
  } catch (thrown) {
    if (thrown instanceof MessageError) return refused(400, thrown.message)
    throw thrown
  }
}

function read(request: SipRequest, packages: readonly EventPackage[]): SubscribeRequest {
  const { headers } = request
  const eventText = headers.get('Event')
  // Without one there is no package to speak of: the answer says which there are.
  const event = eventText === undefined ? null : parseTokenWithParameters(eventText)
  const found = packages.find(({ name }) => name === event?.token.toLowerCase())
  if (event === null || found === undefined) {
    return refused(489, 'There is no such event package here.', [['Allow-Events', allowedEvents(packages)]])
  }
  // RFC 3842 §3.5: without Accept it is the package's own type, not the application/sdp of RFC 3261 §20.1.
  if (headers.has('Accept') && !accepts(headers, found.contentType)) {
    return refused(406, `${found.contentType} is not accepted.`, [['Accept', found.contentType]])
  }
  const contacts = contactsOf(request)
  const contact = contacts === '*' || contacts.length !== 1 ? undefined : contacts[0]?.uri
  if (contact === undefined || !isSipUri(contact)) return refused(400, 'Exactly one SIP address is wanted as Contact.')
  const { defaultSeconds, minSeconds, maxSeconds } = found.expiry
  const expires = headers.get('Expires')
  const asked = expires === undefined ? defaultSeconds : parseDeltaSeconds(expires).seconds
  if (asked > 0 && asked < minSeconds) {
    return refused(423, 'The interval is too brief.', [['Min-Expires', String(minSeconds)]])
  }
  const id = event.parameters.get('id') ?? null
  return { kind: 'subscribe', package: found, id, expiresSeconds: Math.min(asked, maxSeconds), contact }
}

/** The Allow-Events of a 489: RFC 6665 §8.2.2. */
function allowedEvents(packages: readonly EventPackage[]): string {
  return packages.map(({ name }) => name).join(', ')
}

function refused(status: 400 | 406 | 423 | 489, sentence: string, headers: HeaderLines = []): SubscribeRequest {
  return { kind: 'refused', status, sentence, headers }
}
