import type { CallStatus, GetIvrAction, HangupCall } from './wire.ts'

/** What the handler is asked, in our words. */
export interface Question {
  readonly callerId: string
  readonly callerName: string
  readonly did: string
  readonly menu: string
  readonly previousMenu: string
  /** What was pressed in the menu. */
  readonly digits: string
  readonly uniqueId: string
}

/** What the handler is told of a call that is over. Times are wall-clock ms. */
export interface Farewell {
  readonly callerId: string
  readonly did: string
  readonly uniqueId: string
  /** Of the last CALL; empty without one. */
  readonly target: string
  /** When the last CALL began to dial; the start of the call without one. */
  readonly dialledAt: number
  readonly startedAt: number
  readonly endedAt: number
  readonly dialMs: number
  /** As the app spells it. */
  readonly status: CallStatus | 'ANSWERED'
}

export function printQuestion(question: Question): GetIvrAction {
  return {
    CALLER_ID: question.callerId,
    CALLER_NAME: question.callerName,
    DID: question.did,
    MENU: question.menu,
    PREVIOUS_MENU: question.previousMenu,
    DTMF: question.digits,
    IVR_UNIQUE_ID: question.uniqueId,
  }
}

export function printFarewell(farewell: Farewell): HangupCall {
  const start = epoch(farewell.startedAt)
  return {
    CALLER_ID: farewell.callerId,
    DID: farewell.did,
    IVR_UNIQUE_ID: farewell.uniqueId,
    TARGET: farewell.target,
    CALL_TIME_EPOCH: epoch(farewell.dialledAt),
    CALL_START_EPOCH: start,
    CALL_DURATION: Math.max(0, epoch(farewell.endedAt) - start),
    CALL_DAILTIME: Math.round(farewell.dialMs / 1000),
    CALL_STATUS: farewell.status,
  }
}

/** Whole seconds since 1970. */
function epoch(wallTime: number): number {
  return Math.floor(wallTime / 1000)
}
