import { expect, it, vi } from 'vitest'
import type { WireMessage } from '../support/sip-wire.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { callerGivesUp, TwoSided } from './support/two-sided.ts'
import { WireCallee } from './support/wire-callee.ts'

vi.setConfig({ maxConcurrency: 12 })

const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]
const isAnswered = [step.invite(), step.response(200), step.ack()]

describeAtOnceWith(['sipp'], 'a call through us, when it is given up', () => {
  const two = new TwoSided({
    firstPort: 25_000,
    lines: { early: {}, ringing: {}, crossing: {}, late: {}, 'late-again': {}, unheard: {}, answered: {}, limit: {} },
  })

  it('before the callee has said anything: the CANCEL waits for its first response', async () => {
    // RFC 3261 §9.1: a CANCEL that overtakes its INVITE would find nothing to cancel.
    const steps = [callee.invite(), step.pause(1700), callee.respond('180 Ringing'), callee.cancelReceived()]
    const { callees, call } = await two.play('cancel-early', { caller: callerGivesUp(300), behind: { early: steps } })
    const [peer] = callees
    const ringing = peer?.messages.find(({ first }) => first.startsWith('SIP/2.0 180'))
    const [cancel] = received(peer, 'CANCEL')
    expect(cancel?.at).toBeGreaterThanOrEqual(ringing?.at ?? Number.POSITIVE_INFINITY)
    expect(header(cancel, 'CSeq')?.split(' ')[0]).toBe(header(received(peer, 'INVITE')[0], 'CSeq')?.split(' ')[0])
    expect(header(cancel, 'Via')).toBe(header(received(peer, 'INVITE')[0], 'Via'))
    expect(call).toMatchObject({ cause: 'cancelled', endedBy: 'caller', answeredAt: null })
    expect(call.legs.map(({ role }) => role).sort()).toEqual(['callee', 'caller'])
  })

  it('while the callee rings: it gets CANCEL, and both end', async () => {
    const behind = { ringing: [...rings, callee.cancelReceived()] }
    const { call } = await two.play('cancel-ringing', { caller: callerGivesUp(300, 180), behind })
    expect(call).toMatchObject({ cause: 'cancelled', endedBy: 'caller', answeredAt: null, sipStatus: 487 })
    expect(call.legs.map(({ answeredAt }) => answeredAt)).toEqual([null, null])
  })

  it('and the CANCEL crosses the 200: the answered callee gets ACK and BYE', async () => {
    const crossing = [...rings, callee.receivedAside('CANCEL'), callee.respond('200 OK', { sdp: sdpOf() })]
    crossing.push(callee.received('ACK'), callee.byeReceived(), callee.answerAside())
    const { call } = await two.play('cancel-crossing', { caller: callerGivesUp(200, 180), behind: { crossing } })
    expect(call).toMatchObject({ cause: 'cancelled', endedBy: 'caller', answeredAt: null })
    expect(call.legs).toHaveLength(2)
  })

  it('and the 200 comes a second behind the CANCEL and its answer: ACK and BYE all the same', async () => {
    const late = [...rings, callee.received('CANCEL'), callee.answer(), step.pause(1000)]
    late.push(callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'), callee.byeReceived())
    const { call } = await two.play('cancel-late', { caller: callerGivesUp(200, 180), behind: { late } })
    expect(call).toMatchObject({ cause: 'cancelled', answeredAt: null })
  })

  it('and the late 200 comes from another branch than the one that rang', async () => {
    const steps = [...rings, callee.received('CANCEL'), callee.answer(), step.pause(300)]
    steps.push(callee.respond('200 OK', { sdp: sdpOf(), tag: 'other' }), callee.received('ACK'), callee.byeReceived())
    const caller = callerGivesUp(200, 180)
    const { callees, call } = await two.play('cancel-other', { caller, behind: { 'late-again': steps } })
    for (const method of ['ACK', 'BYE']) expect(header(received(callees[0], method)[0], 'To')).toContain('tag=other')
    expect(call.cause).toBe('cancelled')
  })

  it('and the callee never answers the CANCEL: the caller is told at once', async () => {
    // The server goes on by itself: RFC 3261 §9.1 gives the callee 64*T1, and none of it is the caller's.
    const unheard = [...rings, callee.received('CANCEL')]
    const { caller, call } = await two.play('cancel-unheard', { caller: callerGivesUp(200, 180), behind: { unheard } })
    const cancelled = caller.messages.find(({ first }) => first.startsWith('CANCEL'))
    expect((received(caller, 'SIP/2.0 487')[0]?.at ?? 0) - (cancelled?.at ?? 0)).toBeLessThan(1)
    expect(call.cause).toBe('cancelled')
  })

  it('by BYE, answered already, while the callee rings: it gets CANCEL', async () => {
    const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('answered').number }] as const
    const behind = { answered: [...rings, callee.cancelReceived()] }
    const { call } = await two.play('bye-ringing', {
      caller: [...isAnswered, step.pause(700), step.bye(2)],
      behind,
      plan,
    })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    expect(call.legs.find(({ role }) => role === 'callee')?.answeredAt).toBeNull()
  })

  it('by us, when nobody answers within the limit of the dial', async () => {
    const plan = [
      { do: 'answer' },
      { do: 'dial', to: two.line('limit').number, options: { seconds: 2 } },
      { do: 'play', sound: 'key-1.wav' },
    ] as const
    const behind = { limit: [...rings, callee.cancelReceived()] }
    const { callees, call } = await two.play('ring-limit', {
      caller: [...isAnswered, step.byeReceived()],
      behind,
      plan,
    })
    const rang = received(callees[0], 'INVITE')[0]?.at ?? 0
    const waited = (received(callees[0], 'CANCEL')[0]?.at ?? 0) - rang
    expect(waited).toBeGreaterThan(1.5)
    expect(waited).toBeLessThan(2.7)
    // The caller is still there afterwards.
    expect(call.planned).toEqual(['answer answered', 'dial no-answer', 'play finished'])
  })
})

describeAtOnceWith(['sipp'], 'a call through us, when it is answered', () => {
  const two = new TwoSided({
    firstPort: 26_000,
    lines: { plain: {}, fork: {}, twice: {}, crossing: {}, hasty: {}, deaf: {} },
  })

  it('goes both ways, and the callee hangs up', async () => {
    const behind = { plain: [...takesCall, step.pause(300), callee.bye()] }
    const { call, caller } = await two.play('plain', { caller: [...isAnswered, step.byeReceived()], behind })
    expect(received(caller, 'SIP/2.0 180')).not.toHaveLength(0)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee', planned: ['dial completed'] })
    expect(call.answeredAt).not.toBeNull()
    expect(call.legs.map(({ role }) => role).sort()).toEqual(['callee', 'caller'])
    for (const leg of call.legs) expect(leg.answeredAt).not.toBeNull()
  })

  it('after 18x of several branches: the one that answers is the dialog', async () => {
    const fork = [callee.invite(), callee.respond('180 Ringing', { tag: 'one' })]
    fork.push(callee.respond('183 Session Progress', { tag: 'two', sdp: sdpOf() }), step.pause(300))
    fork.push(callee.respond('180 Ringing', { tag: 'three' }), step.pause(300))
    fork.push(callee.respond('200 OK', { tag: 'three', sdp: sdpOf() }), callee.received('ACK'), callee.byeReceived())
    const { callees, call } = await two.play('branches', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      behind: { fork },
    })
    for (const method of ['ACK', 'BYE']) expect(header(received(callees[0], method)[0], 'To')).toContain('tag=three')
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    expect(call.legs).toHaveLength(2)
  })

  /** A callee of which two messages leave in one breath: our ACK would come between two sends of sipp. */
  function inOneBreath(line: string, act: (invite: WireMessage, self: WireCallee) => void): Promise<WireCallee> {
    return WireCallee.open(two.stage, two.line(line), (message, self) => {
      if (message.startLine.startsWith('INVITE ') && self.requests('INVITE').at(-1) === message) act(message, self)
    })
  }

  it('by two branches at once: the first is the call, the second is acknowledged and ended', async () => {
    // RFC 3261 §13.2.2.4: every 2xx makes a dialog, and who wants only one ends the others.
    const peer = await inOneBreath('twice', (invite, self) => {
      self.respond(invite, '180 Ringing', { tag: 'first' })
      self.respond(invite, '200 OK', { tag: 'first', sdp: self.sdp })
      self.respond(invite, '200 OK', { tag: 'second', sdp: self.sdp })
    })
    try {
      const { call } = await two.play('two-answers', {
        caller: [...isAnswered, step.pause(700), step.bye(2)],
        plan: [{ do: 'dial', to: two.line('twice').number }],
      })
      const tagsOf = (method: string): readonly string[] =>
        peer.requests(method).map((one) => /tag=(\w+)/.exec(one.get('to') ?? '')?.[1] ?? '')
      await until(
        () => (tagsOf('BYE').length === 2 ? true : null),
        () => `acknowledged: ${tagsOf('ACK').join()}; ended: ${tagsOf('BYE').join()}`,
      )
      expect(tagsOf('ACK')).toEqual(['first', 'second'])
      expect(tagsOf('BYE')).toEqual(['second', 'first'])
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      expect(call.legs).toHaveLength(2)
    } finally {
      await peer.close()
    }
  })

  it('and both hang up at the same moment: each BYE is answered', async () => {
    const crossing = [...takesCall, callee.receivedAside('BYE'), callee.request({ method: 'BYE', cseq: 60 })]
    // Ours has ended the dialog already, or not yet: RFC 3261 §15.1.2 allows both answers.
    crossing.push(callee.eitherResponse(200, 481, 'over'), callee.answerAside())
    const { call } = await two.play('bye-bye', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      behind: { crossing },
    })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    expect(call.legs).toHaveLength(2)
  })

  it('and the callee hangs up before the ACK has reached it', async () => {
    // It must not (RFC 3261 §15); some do.
    const peer = await inOneBreath('hasty', (invite, self) => {
      self.respond(invite, '180 Ringing')
      self.respond(invite, '200 OK', { sdp: self.sdp })
      self.request(invite, 'BYE', 60)
    })
    try {
      const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('hasty').number }] as const
      const { call } = await two.play('bye-before-ack', { caller: [...isAnswered, step.byeReceived()], plan })
      expect(peer.statusesOf('BYE').get(200)).toBe(1)
      expect(call.legs).toHaveLength(2)
      expect(call.planned).toHaveLength(2)
    } finally {
      await peer.close()
    }
  })

  it('and the callee dies: nobody answers our BYE, and the caller does not wait for that', async () => {
    const { caller, call } = await two.play('deaf', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      // Hears the first BYE and is gone.
      behind: { deaf: [...takesCall, callee.received('BYE')] },
    })
    const bye = caller.messages.find(({ first }) => first.startsWith('BYE'))
    expect((caller.messages.at(-1)?.at ?? 0) - (bye?.at ?? 0)).toBeLessThan(1)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })
})
