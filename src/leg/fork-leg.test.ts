import { beforeEach, describe, expect, it } from 'vitest'
import { FakeLeg } from '../../test/support/fake-leg.ts'
import { TestClock } from '../../test/support/test-clock.ts'
import { ForkLeg } from './fork-leg.ts'
import type { LegEnd, LegUser } from './leg.ts'

let legs: [FakeLeg, FakeLeg, FakeLeg]
let fork: ForkLeg
let news: string[]
let ends: LegEnd[]

beforeEach(() => {
  const clock = new TestClock()
  const make = (user: string): FakeLeg => new FakeLeg(clock, { id: `leg_${user}`, user, direction: 'outbound' })
  legs = [make('a'), make('b'), make('c')]
  fork = new ForkLeg(legs)
  news = []
  ends = []
  const user: LegUser = {
    legProgressed: (status, hasEarlyMedia) => news.push(`progress ${status} ${hasEarlyMedia}`),
    legAnswered: () => news.push('answered'),
    legHeld: (isHeld) => news.push(`held ${isHeld}`),
    transferRequested: () => news.push('transfer'),
    digitReceived: ({ digit }) => news.push(`digit ${digit}`),
    legEnded: (end) => {
      news.push('ended')
      ends.push(end)
    },
    legNoted: () => {},
  }
  fork.attach(user)
  fork.start()
})

describe('several telephones rung as one', () => {
  it('the first that answers is the leg, and the others are told that it was completed elsewhere', () => {
    legs[1].peerProgresses(180)
    legs[1].peerAnswers()
    expect(news).toEqual(['progress 180 false', 'answered'])
    expect(fork.state).toBe('answered')
    expect(fork.party.user).toBe('b')
    expect(legs[0].lines).toContain('end answered-elsewhere')
    expect(legs[2].lines).toContain('end answered-elsewhere')
    legs[1].press('5')
    legs[1].hangUp()
    expect(news.slice(2)).toEqual(['digit 5', 'ended'])
    expect(fork.state).toBe('ended')
  })

  it('one that answers too late, or tells something before it has answered, is not heard', () => {
    legs[0].press('5')
    legs[0].peerAnswers()
    legs[2].peerAnswers()
    expect(news).toEqual(['answered'])
    expect(legs[2].lines).toContain('end answered-elsewhere')
  })

  it('where nobody answers, the end is told that says most, once the last has ended', () => {
    legs[0].peerRefuses(480)
    legs[1].peerRefuses(486)
    expect(ends).toEqual([])
    legs[2].peerRefuses(404)
    expect(ends).toMatchObject([{ cause: 'busy', sipStatus: 486 }])
  })

  it('given up before an answer, all are ended with that cause', () => {
    fork.end('no-answer')
    for (const leg of legs) expect(leg.lines).toContain('end no-answer')
    expect(ends).toMatchObject([{ cause: 'no-answer', by: 'local' }])
  })

  it('once answered, what is asked of it is asked of the one that answered', async () => {
    legs[2].peerAnswers()
    expect(await fork.hold(true)).toBe('done')
    fork.end('normal')
    expect(legs[2].lines).toContain('end normal')
    expect(ends).toHaveLength(1)
  })
})
