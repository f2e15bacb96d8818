import { type Table, to } from './machine.ts'

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated'

export type NonInviteServerInput = 'request' | 'respond1xx' | 'respond200to699' | 'timerJ' | 'transportError'

export type NonInviteServerEffect = 'send' | 'resend' | 'startTimerJ' | 'informTransport'

/** Non-INVITE server transaction: RFC 3261 §17.2.2 figure 8. Entered in Trying with the request passed up. */
export const nonInviteServer: Table<NonInviteServerState, NonInviteServerInput, NonInviteServerEffect> = {
  trying: {
    request: to('trying'), // nothing to send again yet
    respond1xx: to('proceeding', 'send'),
    respond200to699: to('completed', 'send', 'startTimerJ'),
  },
  proceeding: {
    request: to('proceeding', 'resend'),
    respond1xx: to('proceeding', 'send'),
    respond200to699: to('completed', 'send', 'startTimerJ'),
    transportError: to('terminated', 'informTransport'),
  },
  completed: {
    request: to('completed', 'resend'),
    timerJ: to('terminated'),
    transportError: to('terminated', 'informTransport'),
  },
}
