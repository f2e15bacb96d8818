import { describe, expect, it } from 'vitest'
import { type SessionState, verdictOf } from './session-states.ts'
import { blockPaths } from './wire.ts'

const blocks = Object.values(blockPaths)
const states: readonly SessionState[] = [
  'ringing',
  'dialling',
  'preparing',
  'running',
  'ready',
  'held',
  'leaving',
  'ended',
]

describe('which block may follow which', () => {
  it('takes every middle block and transfer only while nothing runs', () => {
    for (const block of ['play', 'gather', 'record', 'monitor', 'hold', 'transfer'] as const) {
      expect(states.filter((state) => verdictOf(state, block) === 'run')).toEqual(['ringing', 'ready'])
    }
  })

  it('takes hangup at any time until the end, and cuts what runs', () => {
    expect(states.map((state) => verdictOf(state, 'hangup'))).toEqual([
      'run',
      'cut',
      'cut',
      'cut',
      'run',
      'run',
      'cut',
      'error_session_ended',
    ])
  })

  it('takes unhold on hold alone', () => {
    expect(states.filter((state) => verdictOf(state, 'unhold') === 'run')).toEqual(['held'])
    expect(verdictOf('ready', 'unhold')).toBe('error_session_not_on_hold')
  })

  it('takes nothing when the session has ended', () => {
    for (const block of blocks) expect(verdictOf('ended', block)).toBe('error_session_ended')
  })
})
