import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { isSipUri, type Uri } from '../message/types.ts'
import { printUri } from '../message/uri.ts'
import type { SipTimers, Transactions } from '../transaction/types.ts'
import { hostText } from '../transport/address-text.ts'
import type { SocketAddress, Transport, TransportProtocol } from '../transport/types.ts'
import type { SessionTimerSettings } from './session-expires.ts'
import type { UsageStore } from './usage-store.ts'

/** What every usage of one user agent shares. */
export interface DialogContext {
  readonly transactions: Transactions
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly timers: SipTimers
  /** Server and User-Agent. */
  readonly serverName: string
  /** Whether 1xx are sent reliably to all who know how, or to those only who insist (RFC 3262 §3). */
  readonly reliableProvisional: 'required-only' | 'when-supported'
  /** Null: session timers are neither asked for nor understood. */
  readonly sessionTimers: SessionTimerSettings | null
  /** Body types that INFO may have: named in the 415 of others. */
  readonly infoTypes: readonly string[]
  /** Event packages that somebody else serves, for Allow-Events. */
  readonly otherEvents: readonly string[]
  readonly usages: UsageStore
}

/**
 * A Contact of ours that reaches us from this peer: `<sip:user@host:port;transport=tcp>`.
 * @param like - the URI whose user part it repeats, so that traces can be read.
 */
export function localContact(
  transport: Pick<Transport, 'localAddress'>,
  peer: { readonly protocol: TransportProtocol; readonly remote: SocketAddress },
  like: Uri,
): string {
  const { address, port } = transport.localAddress(peer)
  const host = hostText(address)
  const parameters = new Map<string, string | null>()
  if (peer.protocol !== 'udp') parameters.set('transport', peer.protocol)
  const user = isSipUri(like) ? like.user : null
  return `<${printUri({ scheme: 'sip', user, password: null, host, port, parameters, headers: [] })}>`
}

/** A tag: RFC 3261 §19.3 wants 32 bits of randomness at least; these are 62. */
export function newTag(random: Random): string {
  return random.token(12)
}

/** The Retry-After of a request that came too early: a number of seconds from 0 to 10 (RFC 3261 §14.2, RFC 3311 §5.2). */
export function retryAfter(random: Random): readonly [string, string] {
  return ['Retry-After', String(random.uint32() % 11)]
}
