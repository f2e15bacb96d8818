import type { AddressOfRecord } from '../registrar/types.ts'

/** How long subscriptions may last. */
export interface SubscriptionExpiry {
  /** Where the request says nothing. */
  readonly defaultSeconds: number
  /** Shorter ones are refused with 423. */
  readonly minSeconds: number
  /** Longer ones are cut to this. */
  readonly maxSeconds: number
}

/** What a notifier has to know of an event package: RFC 6665 §5. */
export interface EventPackage {
  /** As in Event, in lower case. */
  readonly name: string
  /** Of the bodies of NOTIFY, in lower case. */
  readonly contentType: string
  readonly expiry: SubscriptionExpiry
  /**
   * Whether an extension that has proven itself may watch a resource: `watch`, or the status to refuse with.
   * @param resource - the user part of the Request-URI; null: it has none.
   */
  admit(aor: AddressOfRecord, resource: string | null): 'watch' | 403 | 404
  /**
   * The whole state as it is now, as a body. May reject; then a NOTIFY goes without a body.
   * @param localHost - how the server is called by this subscriber: `192.0.2.1`, `[2001:db8::1]`.
   */
  state(aor: AddressOfRecord, localHost: string): Promise<string>
}

/** Why a subscription has ended, RFC 6665 §4.1.3; `probation` names when to try again. */
export type TerminationReason = 'timeout' | 'probation' | 'noresource'
