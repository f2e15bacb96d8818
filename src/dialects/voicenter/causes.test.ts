import { describe, expect, it } from 'vitest'
import { startVoicenter } from '../../../test/support/voicenter-harness.ts'
import { causeTable, nameOfCause, refusalOf, resultOfAttempts } from './causes.ts'

/** Section 8 of the specification, its columns ISUP and SIP. */
const published = `
1 404 2 404 3 404 16 480 17 486 18 408 19 480 20 480 21 403 22 410 23 410 26 404 27 502 28 484 29 501 31 480 34 503 38 503 41 503
42 503 47 503 55 403 57 403 58 503 65 488 70 488 79 501 87 403 88 503 102 504 111 500 127 500`
  .trim()
  .split(/\s+/)
  .map(Number)
const pairs = Array.from(
  { length: published.length / 2 },
  (_, i) => [published[2 * i] ?? 0, published[2 * i + 1] ?? 0] as const,
)

describe('the causes', () => {
  it('are those of the published table, all of them', () => {
    expect(pairs.map(([cause]) => cause)).toEqual([...causeTable.keys()])
  })

  it.each(pairs)('%i refuses an unanswered caller with %i, and says so in Reason', async (cause, status) => {
    const { leg, pass, call } = await startVoicenter([
      { STATUS: 0, ACTION: 'HANGUP', LANGUAGE: 'en', DATA: { HANGUP_CAUSE: cause } },
    ])
    await pass(0)
    expect(leg.lines.at(-1)).toBe(`end ${nameOfCause(cause)} ${status} Q.850 ${cause}`)
    expect(await call.ended).toMatchObject({ sipStatus: status, q850: cause })
  })

  it.each([
    [5, 480],
    [33, 503],
    [62, 503],
    [64, 500],
    [126, 500],
  ])('%i, which the table does not have, is %i', (cause, status) => {
    expect(refusalOf(cause)).toBe(status)
  })
})

describe('what became of a CALL', () => {
  const attempt = (outcome: string, sipStatus: number | null, label: string | null = '137') =>
    ({ outcome, sipStatus, label }) as Parameters<typeof resultOfAttempts>[0][number]
  it.each([
    ['busy', 486, 'BUSY', 17],
    ['busy', 600, 'BUSY', 17],
    ['declined', 603, 'BUSY', 21],
    ['no-answer', null, 'NOANSWER', 19],
    ['no-answer', 480, 'NOANSWER', 19],
    ['unreachable', 404, 'CONGESTION', 1],
    ['unreachable', 410, 'CONGESTION', 22],
    ['unreachable', 484, 'CONGESTION', 28],
    ['failed', 488, 'CONGESTION', 65],
    ['unreachable', 604, 'CONGESTION', 1],
    ['failed', 606, 'CONGESTION', 65],
    ['refused', 403, 'CHANUNAVAIL', 21],
    ['unreachable', 408, 'CHANUNAVAIL', 18],
    ['unreachable', 480, 'CHANUNAVAIL', 20],
    ['failed', 500, 'CHANUNAVAIL', 41],
    ['failed', 502, 'CHANUNAVAIL', 27],
    ['failed', 503, 'CHANUNAVAIL', 34],
    ['failed', 504, 'CHANUNAVAIL', 102],
    ['not-registered', null, 'CHANUNAVAIL', 20],
    ['failed', null, 'CHANUNAVAIL', 41],
  ])('%s with %s is %s, cause %i', (outcome, sipStatus, status, cause) => {
    expect(resultOfAttempts([attempt(outcome, sipStatus)])).toEqual({ status, cause })
  })

  it('that nobody could be rung for is INVALIDARGS, and one closed by the rules CHANUNAVAIL', () => {
    expect(resultOfAttempts([attempt('unreachable', null, null)])).toEqual({ status: 'INVALIDARGS', cause: 28 })
    expect(resultOfAttempts([attempt('refused', null, null)])).toEqual({ status: 'CHANUNAVAIL', cause: 21 })
  })

  it('of several telephones is that of the one that came nearest', () => {
    expect(resultOfAttempts([attempt('failed', 503), attempt('busy', 486), attempt('unreachable', 404)]).status).toBe(
      'BUSY',
    )
  })
})
