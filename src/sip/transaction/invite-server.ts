import { type Table, to } from './machine.ts'

export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated'

export type InviteServerInput =
  | 'request'
  | 'ack'
  | 'respond1xx'
  | 'respond2xx'
  | 'respond300to699'
  | 'timer100'
  | 'timerG'
  | 'timerH'
  | 'timerI'
  | 'timerL'
  | 'transportError'

export type InviteServerEffect =
  | 'send'
  | 'sendTrying'
  | 'resend'
  | 'forgetResponse'
  | 'startTimerG'
  | 'doubleTimerG'
  | 'startTimerH'
  | 'startTimerI'
  | 'startTimerL'
  | 'stopTimers'
  | 'passAckUp'
  | 'informTransport'
  | 'informAckTimeout'

/**
 * INVITE server transaction: RFC 3261 §17.2.1 figure 7 as RFC 6026 §7.1 redrew it, with Accepted, and without giving up on
 * a transport error. Entered in Proceeding with the INVITE passed up.
 */
export const inviteServer: Table<InviteServerState, InviteServerInput, InviteServerEffect> = {
  proceeding: {
    request: to('proceeding', 'resend'),
    timer100: to('proceeding', 'sendTrying'), // the user has not answered within 200 ms
    respond1xx: to('proceeding', 'send'),
    respond2xx: to('accepted', 'send', 'forgetResponse', 'startTimerL'), // its retransmissions are the user's, §13.3.1.4
    respond300to699: to('completed', 'send', 'startTimerG', 'startTimerH'),
    transportError: to('proceeding', 'informTransport'),
  },
  completed: {
    request: to('completed', 'resend'),
    timerG: to('completed', 'resend', 'doubleTimerG'), // over UDP only
    timerH: to('terminated', 'informAckTimeout'),
    ack: to('confirmed', 'stopTimers', 'forgetResponse', 'startTimerI'),
    transportError: to('completed', 'informTransport'),
  },
  confirmed: {
    ack: to('confirmed'),
    request: to('confirmed'), // overtaken by its own ACK
    transportError: to('confirmed'),
    timerI: to('terminated'),
  },
  accepted: {
    request: to('accepted'),
    ack: to('accepted', 'passAckUp'), // a peer that does not make a new branch for it
    respond2xx: to('accepted', 'send', 'forgetResponse'),
    transportError: to('accepted', 'informTransport'),
    timerL: to('terminated'),
  },
}
