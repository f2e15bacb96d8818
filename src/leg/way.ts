import type { ExtraHeaders, OutgoingInviteOptions } from '../sip/dialog/types.ts'
import type { NameAddress, Uri } from '../sip/message/types.ts'
import type { MediaAddresses } from './leg-media.ts'

/** What came of one way, told once and as soon as it is known. */
export type WayResult =
  /** Somebody is there: `status` is the first response that said so, 101 to 699. */
  | { readonly kind: 'alive'; readonly status: number }
  /** Nothing could be sent, nothing came back in time, or the host has no room (503). The next way may be taken. */
  | {
      readonly kind: 'failed'
      readonly why: 'unreachable' | 'silent' | 'overloaded'
      readonly sentence: string
      /** Of a 503: how long it wants to be left alone, seconds. */
      readonly retryAfterSeconds: number | null
    }
  /** We gave up before anything was known. */
  | { readonly kind: 'cancelled' }

/** One place that an INVITE can be sent to. */
export interface Way {
  /** For sentences and the journal: `provider1 (udp:203.0.113.5:5060)`. */
  readonly label: string
  readonly uri: Uri
  readonly target: OutgoingInviteOptions['target']
  /** Outbound proxies. */
  readonly route?: readonly Uri[]
  readonly from: NameAddress
  readonly to: NameAddress
  readonly headers: ExtraHeaders
  readonly credentials?: NonNullable<OutgoingInviteOptions['credentials']>
  readonly maxForwards: number
  /** Without any response for so long the next way is tried; absent: Timer B, 32 s. */
  readonly firstResponseMs?: number
  /** Where the telephone there is to find our sound; absent: where the leg began. */
  readonly media?: MediaAddresses
  /** Absent: redirections are not followed. */
  readonly redirects?: {
    /** How many in a row, at most. */
    readonly max: number
    /** Where such a target is; null: it may not be followed. A rejection is that of `next`. */
    follow(target: NameAddress): Promise<Way | null>
  }
  report?(result: WayResult): void
  /** Told once when the leg has no more to do with it: another way is taken, or the leg has ended. */
  released?(): void
}

/**
 * Gives the ways one after the other, so that names need not be resolved before they are needed.
 * @param previous - what came of the last one; null for the first.
 * @returns null: there is no other. Rejects with a SwitchhookError, whose sentence goes on record.
 */
export type NextWay = (previous: WayResult | null) => Promise<Way | null>

/** Ways that are all known. */
export function waysInOrder(ways: readonly Way[]): NextWay {
  let next = 0
  return async () => ways[next++] ?? null
}
