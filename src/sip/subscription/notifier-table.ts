import { type Table, to } from '../transaction/machine.ts'

export type SubscriptionState = 'init' | 'resp_proc' | 'active' | 'terminated'

export type SubscriptionInput =
  | 'subscribe'
  | 'accepted'
  | 'fetched'
  | 'refreshed'
  | 'unsubscribed'
  | 'changed'
  | 'expired'
  | 'revoked'
  | 'closing'
  | 'notifyFailed'
  | 'delivered'

export type SubscriptionEffect =
  | 'sendOk'
  | 'armExpiry'
  | 'stopExpiry'
  | 'notify'
  | 'notifyTimeout'
  | 'notifyNoResource'
  | 'notifyProbation'
  | 'forget'

/**
 * One subscription at the notifier, RFC 6665 §4.2 figure 2. Its `pending` is not here: the password decides at once. After
 * `terminated` the last NOTIFY is still under way, but the subscription is found no more: a SUBSCRIBE gets 481.
 */
export const notifierTable: Table<SubscriptionState, SubscriptionInput, SubscriptionEffect> = {
  init: {
    subscribe: to('resp_proc'), // what is refused before (§4.2.1.1) never becomes one
  },
  resp_proc: {
    accepted: to('active', 'sendOk', 'armExpiry', 'notify'), // at once, §4.2.1.2
    fetched: to('terminated', 'sendOk', 'notifyTimeout'), // Expires: 0 without a subscription, §4.4.3
  },
  active: {
    refreshed: to('active', 'sendOk', 'armExpiry', 'notify'), // §4.2.1.3: the state again, changed or not
    unsubscribed: to('terminated', 'sendOk', 'stopExpiry', 'notifyTimeout'), // Expires: 0, §4.1.2.3
    changed: to('active', 'notify'),
    expired: to('terminated', 'stopExpiry', 'notifyTimeout'), // §4.2.2
    revoked: to('terminated', 'stopExpiry', 'notifyNoResource'), // the mailbox is gone
    closing: to('terminated', 'stopExpiry', 'notifyProbation'), // the server stops
    notifyFailed: to('terminated', 'stopExpiry', 'forget'), // 481, no answer, or a refusal without Retry-After: §4.2.2
  },
  terminated: {
    delivered: to('terminated', 'forget'),
    notifyFailed: to('terminated', 'forget'),
  },
}
