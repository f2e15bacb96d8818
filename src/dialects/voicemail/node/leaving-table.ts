import type { FlowTable } from './machine.ts'

export type LeavingState =
  | 'init'
  | 'promoX'
  | 'greeting'
  | 'tariff'
  | 'record'
  | 'tooShort'
  | 'deposit'
  | 'saved'
  | 'promoY'
  | 'taker'
  | 'promoSms'
  | 'refused'
  | 'full'
  | 'noRecord'
  | 'missed'
  | 'ownerCalls'
  | 'notKept'
  | 'unavailable'
  | 'bye'

/**
 * Leaving a message. The order from promo X to the farewell is that of the original picture; `init`, `tooShort`, the keys and
 * what happens at a hang-up are ours. Every way from `promoX` on leads through exactly one of `deposit`, `missed`,
 * `ownerCalls` and `notKept`: the four that see to the one RECMAIL.
 */
export const leavingTable: FlowTable<LeavingState> = {
  init: { ok: 'promoX', refused: 'unavailable', failed: 'unavailable' }, // INITLEAVING
  promoX: { next: 'greeting', hangUp: 'missed' }, // where general and personal are on
  greeting: { next: 'tariff', skip: 'tariff', owner: 'ownerCalls', hangUp: 'missed' }, // personal, else standard; # or * to the beep
  tariff: { record: 'record', full: 'full', off: 'noRecord', hangUp: 'missed' }, // where play_tarif_call is on
  record: {
    recorded: 'deposit', // silence of max_idle, max_record, #, or the hang-up: what is a second or more is kept
    short: 'tooShort',
    failed: 'notKept',
    hangUp: 'missed',
  },
  tooShort: { again: 'record', enough: 'missed', hangUp: 'missed' },
  deposit: { ok: 'saved', refused: 'refused', failed: 'saved', hangUp: 'promoSms' }, // RECMAIL deposit true
  refused: { told: 'bye' }, // it has become full meanwhile
  saved: { next: 'promoY', hangUp: 'promoSms' }, // "pesan tersimpan"
  promoY: { next: 'taker', off: 'bye', hangUp: 'promoSms' }, // "press 1"
  taker: { yes: 'bye', no: 'promoSms', hangUp: 'promoSms' }, // PROMOTAKER, "terima kasih"
  promoSms: { done: 'bye' }, // SENDPROMO y, where the node is told to
  full: { told: 'missed' }, // "kotak pesan penuh"
  noRecord: { told: 'missed' },
  missed: { done: 'bye' }, // RECMAIL deposit false
  ownerCalls: { done: 'end' }, // RECMAIL deposit false; the owner fetches its messages
  notKept: { done: 'bye' }, // the recording failed, or stays owed
  unavailable: { told: 'bye' }, // an apology; no RECMAIL, nobody was there to take it
  bye: { done: 'end' },
}
