import { type Table, to } from './machine.ts'

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated'

export type NonInviteClientInput =
  | 'timerE'
  | 'timerF'
  | 'timerK'
  | 'status1xx'
  | 'status200to699'
  | 'transportError'
  | 'connectionLost'

export type NonInviteClientEffect =
  | 'resend'
  | 'doubleTimerE'
  | 'timerEAtT2'
  | 'startTimerK'
  | 'stopTimers'
  | 'passUp'
  | 'informTimeout'
  | 'informTransport'

/**
 * Non-INVITE client transaction: RFC 3261 §17.1.2 figure 6. Entered in Trying with the request sent, timer F running, and
 * timer E too over UDP.
 */
export const nonInviteClient: Table<NonInviteClientState, NonInviteClientInput, NonInviteClientEffect> = {
  trying: {
    timerE: to('trying', 'resend', 'doubleTimerE'), // up to T2
    timerF: to('terminated', 'informTimeout'),
    transportError: to('terminated', 'informTransport'),
    connectionLost: to('terminated', 'informTransport'), // not in the figure; see the INVITE client
    status1xx: to('proceeding', 'passUp'),
    status200to699: to('completed', 'stopTimers', 'passUp', 'startTimerK'),
  },
  proceeding: {
    timerE: to('proceeding', 'resend', 'timerEAtT2'),
    timerF: to('terminated', 'informTimeout'),
    transportError: to('terminated', 'informTransport'),
    connectionLost: to('proceeding'), // the answer may come by a connection of the peer, §18.2.2; timer F runs
    status1xx: to('proceeding', 'passUp'),
    status200to699: to('completed', 'stopTimers', 'passUp', 'startTimerK'),
  },
  completed: {
    status200to699: to('completed'), // retransmitted: absorbed
    timerK: to('terminated'),
  },
}
