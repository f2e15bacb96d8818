import type { Clock } from '../base/clock.ts'
import { Defect } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Leg, TransferRequest } from '../leg/leg.ts'
import type { LegMixer } from '../leg/mixer.ts'
import type { Call } from './call.ts'
import type { Party } from './party.ts'
import type { Reacher } from './reach.ts'
import type { CallRecords } from './records.ts'
import type { CallSounds } from './sounds.ts'

/**
 * Within so long after a party, a worker or a program has gone, whoever was joined with it is with a program again or is hung
 * up; but for a telephone that is told why first. See docs/closing-order.md.
 */
export const orphanLimitMs = 2000

/** Takes a REFER of a party's telephone and carries it out. */
export interface TransferTaker {
  requested(call: Call, party: Party, request: TransferRequest): void
}

/** What every call needs, the same for all. */
export interface CallParts {
  readonly clock: Clock
  readonly log: Logger
  readonly records: CallRecords
  readonly mixer: LegMixer
  readonly reacher: Reacher
  readonly sounds: CallSounds
  readonly transfers: TransferTaker
  /** The party behind each leg that is up, over all calls. */
  readonly parties: Map<Leg, Party>
  /** For `CallRecord.serial`. */
  nextSerial(): number
}

/** Where a call is to go, decided before it exists. */
export interface CallTarget {
  readonly tenant: string
  /** The number or name dialled, as it is looked up: E.164 or an extension. */
  readonly to: string
  /** What takes the call, for the record; null where nothing does. */
  readonly app: string | null
  /** For a call that we place: whom it is from, as it is shown. The leg's own party if absent. */
  readonly from?: { readonly user: string; readonly name: string | null }
  /** For a call that we place: the extension on whose behalf, for the record. */
  readonly extension?: string
  /** For a call that we place: the device that is rung, for the record. */
  readonly label?: string
  /** For a call that we place: given up as unanswered after so long. Absent: never. */
  readonly ringLimitMs?: number
}

/** The reacher of a server that has neither telephones nor trunks. */
export const nobodyToReach: Reacher = {
  reach: async () => ({ kind: 'unreachable', cause: 'forbidden', sentence: 'This server places no calls.' }),
}

/** The mixer of a server whose calls have one party each. */
export const nothingToMix: LegMixer = {
  bridge: () => {
    throw new Defect('defect.assertion', 'This server has nothing that joins legs.')
  },
  openRoom: () => {
    throw new Defect('defect.assertion', 'This server has nothing that joins legs.')
  },
}
