import type { RequestedBlock, StatusCode } from './wire.ts'

/**
 * Where a session stands.
 * `ringing`: an incoming call that is not answered. `dialling`: Dial rings, or plays its message. `preparing`: a block was
 * asked for and its message is being fetched. `running`: a block is carried out. `ready`: between two blocks. `held`: between
 * Hold and Unhold. `leaving`: the last block is carried out. `ended`: the call is over.
 */
export type SessionState = 'ringing' | 'dialling' | 'preparing' | 'running' | 'ready' | 'held' | 'leaving' | 'ended'

/** `run`: it is carried out next. `cut`: what runs is cut off and the call is hung up, without the message. */
export type Verdict = 'run' | 'cut' | Extract<StatusCode, `error_session_${string}`>

type Column = 'middle' | 'hold' | 'unhold' | 'transfer' | 'hangup'

const notReady = 'error_session_not_ready'
const notHeld = 'error_session_not_on_hold'
const ended = 'error_session_ended'

/** One Start block (or a call that comes in), any number of Middle blocks, one End block; Hangup at any time. */
const states: Readonly<Record<SessionState, Readonly<Record<Column, Verdict>>>> = {
  //            play … monitor    hold            unhold            transfer            hangup
  ringing: { middle: 'run', hold: 'run', unhold: notHeld, transfer: 'run', hangup: 'run' },
  dialling: { middle: notReady, hold: notReady, unhold: notReady, transfer: notReady, hangup: 'cut' },
  preparing: { middle: notReady, hold: notReady, unhold: notReady, transfer: notReady, hangup: 'cut' },
  running: { middle: notReady, hold: notReady, unhold: notReady, transfer: notReady, hangup: 'cut' },
  ready: { middle: 'run', hold: 'run', unhold: notHeld, transfer: 'run', hangup: 'run' },
  held: { middle: notReady, hold: notReady, unhold: 'run', transfer: notReady, hangup: 'run' },
  leaving: { middle: notReady, hold: notReady, unhold: notReady, transfer: notReady, hangup: 'cut' },
  ended: { middle: ended, hold: ended, unhold: ended, transfer: ended, hangup: ended },
}

/** What becomes of a block that is asked for now. */
export function verdictOf(state: SessionState, block: RequestedBlock): Verdict {
  return states[state][columnOf(block)]
}

function columnOf(block: RequestedBlock): Column {
  switch (block) {
    case 'play':
    case 'gather':
    case 'record':
    case 'monitor':
      return 'middle'
    case 'hold':
    case 'unhold':
    case 'transfer':
    case 'hangup':
      return block
  }
}
