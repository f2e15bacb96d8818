import { describe, expect, it } from 'vitest'
import { type HangupCause, hangupCauses } from '../../leg/hangup-cause.ts'
import { dialStatusOf, roomStatusOf, transferStatusOf } from './map.ts'

describe('outcomes in the published words', () => {
  it('a call that was answered is answered, however it ended', () => {
    expect(dialStatusOf({ answeredAt: 1, cause: 'network-failure' })).toBe('answered')
  })

  it('every cause of a call that was not has a word', () => {
    const byStatus = new Map<string, HangupCause[]>()
    for (const cause of Object.keys(hangupCauses) as HangupCause[]) {
      const status = dialStatusOf({ answeredAt: null, cause })
      byStatus.set(status, [...(byStatus.get(status) ?? []), cause])
    }
    expect([...byStatus.keys()].sort()).toEqual(['busy', 'failed', 'unanswered'])
    expect(byStatus.get('busy')).toEqual(['busy', 'do-not-disturb'])
    expect(byStatus.get('unanswered')).toEqual([
      'normal',
      'no-answer',
      'rejected',
      'cancelled',
      'answered-elsewhere',
      'temporarily-unavailable',
    ])
    expect(dialStatusOf({ answeredAt: null, cause: null })).toBe('failed')
  })

  it.each([
    ['completed', 'answered'],
    ['busy', 'busy'],
    ['declined', 'unanswered'],
    ['no-answer', 'unanswered'],
    ['refused', 'failed'],
    ['ended', null],
  ] as const)('a transfer that is %s is told as %s', (outcome, status) => {
    expect(transferStatusOf({ outcome, answeredBy: null })).toBe(status)
  })

  it('a transfer during whose conversation the call ended was answered', () => {
    expect(transferStatusOf({ outcome: 'ended', answeredBy: '137' })).toBe('answered')
  })

  it.each([
    ['left', 1, 'answered'],
    ['ended', 2, 'answered'],
    ['ended', 0, null],
    ['full', 0, 'failed'],
    ['locked', 0, 'failed'],
  ] as const)('a room that was %s with %i members is told as %s', (outcome, members, status) => {
    expect(roomStatusOf({ outcome, members })).toBe(status)
  })
})
