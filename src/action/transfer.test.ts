import { describe, expect, it } from 'vitest'
import { startFlow } from '../../test/support/flow-harness.ts'
import type { BridgeOutcome } from './bridge.ts'
import type { FlowCall } from './flow-call.ts'
import type { HoldOutcome } from './hold.ts'
import type { Peer } from './peer.ts'
import type { TransferOptions, TransferOutcome } from './transfer.ts'

async function transferring(to: string, options: TransferOptions & { answerFirst?: boolean } = {}) {
  const outcomes: (TransferOutcome | string)[] = []
  const harness = await startFlow(async (call) => {
    const { answerFirst = true, ...rest } = options
    if (answerFirst) await call.answer()
    outcomes.push(await call.transfer(to, rest))
    outcomes.push((await call.say('Still here?')).outcome)
  })
  return Object.assign(harness, { outcomes })
}

describe('transfer by joining', () => {
  it('plays music meanwhile, joins the two, and the program hears no more of it', async () => {
    const harness = await transferring('140')
    expect(harness.leg.lines.at(-1)).toBe('play tone:music')
    harness.reacher.leg('140').peerAnswers()
    await harness.pass(0)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_140'])
    expect(harness.outcomes).toMatchObject([{ outcome: 'transferred', answeredBy: '140' }, 'ended'])
    expect(harness.leg.lines).not.toContain('play say:en:Still here?')
    await harness.pass(90_000)
    expect(harness.leg.state).toBe('answered')
    harness.reacher.leg('140').hangUp()
    expect(harness.leg.lines.at(-1)).toBe('end normal')
    await harness.pass(0)
    expect(harness.record).toMatchObject({
      transferredTo: '140',
      answeredBy: '140',
      endedBy: 'callee',
      sentence: 'The program transferred the call to 140. 140 hung up after 1 min 30 s.',
    })
    expect(harness.clock.pending).toBe(0)
  })

  it('rings on for a caller that is not answered yet', async () => {
    const harness = await transferring('140', { answerFirst: false })
    harness.reacher.leg('140').peerProgresses(180)
    expect(harness.leg.lines).toEqual(['ring'])
    harness.reacher.leg('140').peerAnswers()
    await harness.pass(0)
    expect(harness.leg.lines).toEqual(['ring', 'answer'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.record.sentence).toBe('The program transferred the call to 140. The caller hung up after 0 s.')
  })

  it('that nobody takes leaves the caller with the program', async () => {
    const harness = await transferring('140', { seconds: 10 })
    harness.reacher.leg('140').peerRefuses(486)
    await harness.pass(1000)
    expect(harness.outcomes).toMatchObject([{ outcome: 'busy', sentence: '140 was busy.' }, 'finished'])
    expect(harness.record.transferredTo).toBeNull()
    expect(harness.clock.pending).toBe(0)
  })

  it('refuses while the caller is joined with somebody', async () => {
    let code: unknown
    const harness = await startFlow(async (call) => {
      const talk = call.dial('137')
      await call.gather({ firstDigitTimeoutMs: 500 })
      await call.transfer('140').catch((thrown: { code: string }) => {
        code = thrown.code
      })
      await talk
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(1000)
    expect(code).toBe('action.already-joined')
    harness.leg.hangUp()
    await harness.pass(0)
  })
})

describe('transfer by REFER', () => {
  it('ends our call with the telephone once it was connected', async () => {
    const harness = await transferring('sip:140@pbx.example', { mode: 'refer' })
    expect(harness.leg.lines.at(-1)).toBe('refer sip:140@pbx.example')
    harness.leg.peerEndsRefer({ outcome: 'transferred' })
    await harness.pass(0)
    expect(harness.outcomes).toMatchObject([{ outcome: 'transferred' }, 'ended'])
    expect(harness.record).toMatchObject({ cause: 'transferred', transferredTo: 'sip:140@pbx.example' })
    expect(harness.clock.pending).toBe(0)
  })

  it('takes a telephone that hangs up behind its 202 for connected', async () => {
    const harness = await transferring('sip:140@pbx.example', { mode: 'refer' })
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.record).toMatchObject({
      endedBy: 'caller',
      transferredTo: 'sip:140@pbx.example',
      sentence: 'The caller hung up after 0 s while it was being transferred to sip:140@pbx.example.',
    })
    expect(harness.clock.pending).toBe(0)
  })

  it.each([
    [{ outcome: 'failed', status: 486 }, 'busy'],
    [{ outcome: 'refused', status: 603 }, 'refused'],
    [{ outcome: 'timeout' }, 'failed'],
  ] as const)('that comes to %j leaves the caller with the program', async (end, outcome) => {
    const harness = await transferring('sip:140@pbx.example', { mode: 'refer' })
    harness.leg.peerEndsRefer(end)
    await harness.pass(1000)
    expect(harness.outcomes).toMatchObject([{ outcome }, 'finished'])
    expect(harness.clock.pending).toBe(0)
  })

  it('needs an answered call and a full address', async () => {
    const codes: unknown[] = []
    const keep = (thrown: { code: string }): void => void codes.push(thrown.code)
    await startFlow(async (call) => {
      await call.transfer('sip:140@pbx.example', { mode: 'refer' }).catch(keep)
      await call.answer()
      await call.transfer('140', { mode: 'refer' }).catch(keep)
      await call.transfer('sip:1>\r\nX: y@z', { mode: 'refer' }).catch(keep)
    })
    expect(codes).toEqual(['action.not-answered', 'action.dial-invalid', 'action.dial-invalid'])
  })
})

describe('a peer', () => {
  it('can be spoken with alone, asked for a key, and then be given the caller', async () => {
    const seen: unknown[] = []
    const harness = await startFlow(async (call) => {
      await call.answer()
      const { peer } = await call.dial('137', { bridge: false })
      if (!peer) return
      seen.push(peer.number, peer.label, await peer.say('A call for you'))
      seen.push((await peer.gather({ maxDigits: 1 })).digits)
      seen.push((await call.transfer(peer)).outcome)
    })
    const callee = harness.reacher.leg('137')
    callee.peerAnswers()
    await harness.pass(1000)
    callee.press('1')
    await harness.pass(0)
    expect(seen).toMatchObject(['137', '137', { outcome: 'finished' }, '1', 'transferred'])
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.leg.hangUp()
    await harness.pass(0)
    expect(callee.state).toBe('ended')
    expect(harness.record.transferredTo).toBe('137')
    expect(harness.clock.pending).toBe(0)
  })

  it('that was heard before its answer is not heard by the caller any more', async () => {
    const harness = await startFlow(async (call) => {
      const { peer } = await call.dial('137', { bridge: false })
      await peer?.gather({ firstDigitTimeoutMs: 5000 })
    })
    harness.reacher.leg('137').peerProgresses(183, true)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_137'])
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(1000)
    expect(harness.mixer.joined).toEqual([])
    harness.leg.hangUp()
    await harness.pass(0)
  })

  it('that is spoken with for long does not make the flow look hung', async () => {
    const harness = await startFlow(async (call) => {
      const { peer } = await call.dial('137', { bridge: false })
      await peer?.gather({ firstDigitTimeoutMs: 200_000 })
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(150_000)
    expect(harness.call.isEnded).toBe(false)
    harness.reacher.leg('137').hangUp()
    await harness.pass(0)
    expect(harness.record.cause).toBe('normal')
    expect(harness.clock.pending).toBe(0)
  })

  it('is joined and parted by the program, and is still there behind a limit', async () => {
    const outcomes: BridgeOutcome[] = []
    let peer: Peer | null = null
    const harness = await startFlow(async (call) => {
      peer = (await call.dial('137', { bridge: false })).peer
      if (!peer) return
      outcomes.push(await call.bridge(peer, { limitSeconds: 5 }))
      await peer.hangUp()
      outcomes.push(await call.bridge(peer))
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(5000)
    expect(outcomes).toMatchObject([
      { outcome: 'completed', endedBy: 'limit', talkSeconds: 5 },
      { outcome: 'failed', endedBy: 'callee' },
    ])
    expect(harness.leg.lines).toEqual(['answer', 'end normal'])
    expect(harness.clock.pending).toBe(0)
  })
})

describe('hold', () => {
  it('plays music to the caller, keeps it from the callee, and takes it back', async () => {
    const seen: HoldOutcome[] = []
    let flowCall: FlowCall | null = null
    const harness = await startFlow(async (call) => {
      flowCall = call
      await call.dial('137')
    })
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(0)
    const verbs = flowCall as FlowCall | null
    seen.push((await verbs?.hold()) as HoldOutcome)
    await harness.pass(0)
    expect(harness.leg.lines.slice(-2)).toEqual(['hold', 'play tone:music'])
    expect(harness.mixer.bridges.at(-1)?.muted.has(harness.leg)).toBe(true)
    seen.push((await verbs?.unhold()) as HoldOutcome)
    await harness.pass(0)
    expect(harness.leg.lines.slice(-2)).toEqual(['unhold', 'stopped tone:music'])
    expect(harness.mixer.bridges.at(-1)?.muted.size).toBe(0)
    harness.leg.holdAnswer = 'refused'
    seen.push((await verbs?.hold()) as HoldOutcome)
    harness.leg.hangUp()
    seen.push((await verbs?.unhold()) as HoldOutcome)
    expect(seen).toEqual([
      { outcome: 'held', isSignalled: true },
      { outcome: 'unheld', isSignalled: true },
      { outcome: 'held', isSignalled: false },
      { outcome: 'ended', isSignalled: false },
    ])
    await harness.pass(0)
    expect(harness.clock.pending).toBe(0)
  })
})

describe('two calls', () => {
  it('of two tenants are never joined', async () => {
    let code: unknown
    let stranger: FlowCall | null = null
    const harness = await startFlow(async (call) => {
      await call.gather({ firstDigitTimeoutMs: 100 })
      if (!stranger) return
      await call.bridge(stranger).catch((thrown: { code: string }) => {
        code = thrown.code
      })
    })
    const { leg } = await harness.begin(
      '900',
      async (other) => {
        stranger = other
        await other.gather({ firstDigitTimeoutMs: 5000 })
      },
      { target: { tenant: 'other' } },
    )
    await harness.pass(200)
    expect(code).toBe('action.other-tenant')
    expect(leg.lines).toEqual([])
    await harness.pass(6000)
    expect(harness.clock.pending).toBe(0)
  })

  it('are joined by one of their programs, and each gets its caller back', async () => {
    const lines: string[] = []
    let waiting: FlowCall | null = null
    const harness = await startFlow(async (call) => {
      await call.gather({ firstDigitTimeoutMs: 1000 })
      if (!waiting) return
      const { outcome, endedBy } = await call.bridge(waiting, { limitSeconds: 90 })
      lines.push(`${outcome} ${endedBy}`)
      await call.say('Back')
    })
    const { leg, call } = await harness.begin('102', async (other) => {
      waiting = other
      // Idle for longer than a flow may be: it counts as busy while the other one talks with its caller.
      await other.ended
    })
    await harness.pass(1000)
    expect(harness.mixer.joined).toEqual(['leg_test+leg_102'])
    await harness.pass(89_000)
    expect(call.isEnded).toBe(false)
    await harness.pass(1000)
    expect(lines).toEqual(['completed limit'])
    expect(harness.mixer.joined).toEqual([])
    expect(leg.state).toBe('answered')
    leg.hangUp()
    await harness.pass(2000)
    expect(harness.leg.state).toBe('ended')
    expect(harness.clock.pending).toBe(0)
  })
})
