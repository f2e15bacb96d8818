import type { FlowTable } from './machine.ts'

export type RetrieveState =
  | 'init'
  | 'pin'
  | 'promoX'
  | 'count'
  | 'newMessages'
  | 'promoY'
  | 'main'
  | 'oldMessages'
  | 'greeting'
  | 'language'
  | 'denied'
  | 'unavailable'
  | 'bye'
  | 'finish'

/**
 * Fetching messages. Own number without password, promo X, new messages by themselves, promo Y and the main menu with greeting
 * and language are those of the original picture; the PIN, the keys and old messages are ours. Every hang-up leads to
 * `finish`, where what was deleted is deleted.
 */
export const retrieveTable: FlowTable<RetrieveState> = {
  init: { own: 'promoX', elsewhere: 'pin', denied: 'denied', failed: 'unavailable', hangUp: 'finish' }, // INITRETRIEVE
  pin: { right: 'promoX', wrong: 'denied', failed: 'unavailable', hangUp: 'finish' }, // AUTHMAIL
  promoX: { next: 'count', hangUp: 'finish' },
  count: { unread: 'newMessages', none: 'main', hangUp: 'finish' }, // "You have …"
  newMessages: { heard: 'promoY', main: 'main', leave: 'bye', hangUp: 'finish' }, // newest first
  promoY: { next: 'main', hangUp: 'finish' }, // key 1: PROMOTAKER; once a call
  main: {
    new: 'newMessages', // 1
    old: 'oldMessages', // 2
    greeting: 'greeting', // 3
    language: 'language', // 4
    help: 'main', // 0 or *
    leave: 'bye', // #
    silent: 'bye', // three times no key
    hangUp: 'finish',
  },
  oldMessages: { heard: 'main', main: 'main', leave: 'bye', hangUp: 'finish' },
  greeting: { back: 'main', hangUp: 'finish' }, // RECGREETING
  language: { back: 'main', hangUp: 'finish' }, // CFGLANG
  denied: { told: 'bye', hangUp: 'finish' },
  unavailable: { told: 'bye', hangUp: 'finish' },
  bye: { done: 'finish' },
  finish: { done: 'end' }, // DELMAIL
}
