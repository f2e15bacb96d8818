import { type Table, to } from '../dialog/machine.ts'

export type RegistrationState = 'idle' | 'registering' | 'registered' | 'waiting' | 'removing' | 'closed'

export type RegistrationInput =
  | 'start'
  /** 2xx with a binding of ours. */
  | 'accepted'
  /** 401, 407 or 423, and the request can be made as it asks. */
  | 'askedAgain'
  /** Silence, a lost connection, 408, 503, 504: another host may do better, and there is one. */
  | 'hostFailed'
  /** The same without another host, or any other refusal. */
  | 'failed'
  /** The credentials are wrong, or the account is barred: 401, 407 again, 403. */
  | 'refused'
  /** Time to refresh, or to try again. */
  | 'due'
  /** The connection that the registration came by is gone, or its host does not answer: calls would have come by there. */
  | 'wayLost'
  /** A host that had been silent answers again. */
  | 'hostBack'
  | 'stop'
  /** As `stop`, where the other side holds no binding of ours. */
  | 'stopUnbound'
  /** The removal was not answered in time. */
  | 'patienceOver'

export type RegistrationEffect =
  | 'begin'
  | 'send'
  | 'tryNextHost'
  | 'noteBinding'
  | 'scheduleRefresh'
  | 'scheduleRetry'
  | 'scheduleLateRetry'
  | 'stopTimers'
  | 'sendRemoval'
  | 'finish'

/** A registration of ours at a trunk: the client's side of RFC 3261 §10.2, with the waits of RFC 5626 §4.5. */
export const registration: Table<RegistrationState, RegistrationInput, RegistrationEffect> = {
  idle: {
    start: to('registering', 'begin'),
    stop: to('closed', 'finish'),
    stopUnbound: to('closed', 'finish'),
  },
  registering: {
    askedAgain: to('registering', 'send'), // §10.2.8 and §22.2
    hostFailed: to('registering', 'tryNextHost'), // RFC 3263 §4.3
    accepted: to('registered', 'stopTimers', 'noteBinding', 'scheduleRefresh'), // §10.2.4
    failed: to('waiting', 'stopTimers', 'scheduleRetry'),
    refused: to('waiting', 'stopTimers', 'scheduleLateRetry'),
    stop: to('removing', 'stopTimers', 'sendRemoval'),
    stopUnbound: to('removing', 'stopTimers', 'sendRemoval'), // the one on its way may yet be accepted
  },
  registered: {
    due: to('registering', 'begin'),
    wayLost: to('registering', 'stopTimers', 'begin'), // RFC 5626 §4.2.1
    stop: to('removing', 'stopTimers', 'sendRemoval'), // §10.2.2
    stopUnbound: to('closed', 'stopTimers', 'finish'),
  },
  waiting: {
    due: to('registering', 'begin'),
    hostBack: to('registering', 'stopTimers', 'begin'),
    stop: to('removing', 'stopTimers', 'sendRemoval'),
    stopUnbound: to('closed', 'stopTimers', 'finish'),
  },
  removing: {
    askedAgain: to('removing', 'send'),
    accepted: to('closed', 'stopTimers', 'finish'),
    hostFailed: to('closed', 'stopTimers', 'finish'),
    failed: to('closed', 'stopTimers', 'finish'),
    refused: to('closed', 'stopTimers', 'finish'),
    patienceOver: to('closed', 'stopTimers', 'finish'),
  },
}
