import { type Table, to } from './machine.ts'

export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated'

export type InviteClientInput =
  | 'timerA'
  | 'timerB'
  | 'timerD'
  | 'timerM'
  | 'cancelUnanswered'
  | 'status1xx'
  | 'status2xx'
  | 'status300to699'
  | 'transportError'
  | 'connectionLost'

export type InviteClientEffect =
  | 'resend'
  | 'doubleTimerA'
  | 'startTimerD'
  | 'startTimerM'
  | 'stopTimers'
  | 'passUp'
  | 'sendAck'
  | 'sendPendingCancel'
  | 'informTimeout'
  | 'informTransport'

/**
 * INVITE client transaction: RFC 3261 §17.1.1 figure 5, with Accepted from RFC 6026 §7.2 (figure 5 there). Entered in
 * Calling with the INVITE sent, timer B running, and timer A too over UDP.
 */
export const inviteClient: Table<InviteClientState, InviteClientInput, InviteClientEffect> = {
  calling: {
    timerA: to('calling', 'resend', 'doubleTimerA'), // over UDP only
    timerB: to('terminated', 'informTimeout'), // the user treats it as 408, §8.1.3.1
    transportError: to('terminated', 'informTransport'), // as 503
    // Not in the figure: with no sign that the peer ever got the INVITE, waiting for timer B only costs the caller time.
    connectionLost: to('terminated', 'informTransport'),
    status1xx: to('proceeding', 'stopTimers', 'passUp', 'sendPendingCancel'),
    status2xx: to('accepted', 'stopTimers', 'startTimerM', 'passUp'), // the user sends the ACK
    status300to699: to('completed', 'stopTimers', 'sendAck', 'passUp', 'startTimerD'),
  },
  proceeding: {
    status1xx: to('proceeding', 'passUp'),
    status2xx: to('accepted', 'stopTimers', 'startTimerM', 'passUp'),
    status300to699: to('completed', 'stopTimers', 'sendAck', 'passUp', 'startTimerD'),
    cancelUnanswered: to('terminated', 'informTimeout'), // §9.1
    // The peer has the INVITE and opens a connection of its own for its answer, §18.2.2.
    connectionLost: to('proceeding'),
    transportError: to('proceeding'), // of a retransmission that was under way
  },
  completed: {
    status300to699: to('completed', 'sendAck'),
    timerD: to('terminated'),
    // The figure informs the user; but it has its final response, and nothing can be done about a lost ACK.
    transportError: to('terminated'),
  },
  accepted: {
    status2xx: to('accepted', 'passUp'), // again, or of another fork
    timerM: to('terminated'),
  },
}
