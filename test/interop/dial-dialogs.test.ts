import { expect, it, vi } from 'vitest'
import { trunkLogin } from '../support/stage-two-sided.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { callee, provesLogin } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { TwoSided } from './support/two-sided.ts'

vi.setConfig({ maxConcurrency: 12 })

const takesCall = [
  callee.invite(),
  callee.respond('180 Ringing'),
  callee.respond('200 OK', { sdp: sdpOf() }),
  callee.received('ACK'),
]
const isAnswered = [step.invite(), step.response(200), step.ack()]

/** Of a 2xx to an INVITE. */
function withTimer(seconds: number, refresher: 'uac' | 'uas'): readonly string[] {
  return [`Session-Expires: ${seconds};refresher=${refresher}`, 'Require: timer', 'Supported: timer']
}

const allowsUpdate = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE'

describeAtOnceWith(['sipp'], 'a dialog with a callee', () => {
  const two = new TwoSided({
    firstPort: 27_000,
    lines: {
      prack: {},
      update: {},
      'late-offer': {},
      'caller-late': {},
      'both-hold': {},
      refresh: {},
      interval: {},
      'bye-digest': {},
      digest: {},
      'proxy-digest': {},
      'wrong-digest': { password: 'not-the-one' },
      'no-sdp': {},
      held: {},
    },
  })

  it('with reliable 18x: each gets its PRACK, and the SDP of the 183 is the answer', async () => {
    const reliable = (rseq: number): readonly string[] => ['Require: 100rel', `RSeq: ${rseq}`]
    const prack = [callee.invite(), callee.respond('180 Ringing', { headers: reliable(7) })]
    prack.push(callee.received('PRACK'), callee.answer())
    prack.push(callee.respond('183 Session Progress', { headers: reliable(8), sdp: sdpOf() }))
    prack.push(callee.received('PRACK'), callee.answer(), step.pause(300))
    prack.push(callee.respond('200 OK'), callee.received('ACK'), callee.byeReceived())
    const { callees, call } = await two.play('reliable', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      behind: { prack },
    })
    const [invite] = received(callees[0], 'INVITE')
    expect(header(invite, 'Supported')).toContain('100rel')
    const cseq = header(invite, 'CSeq')
    expect(received(callees[0], 'PRACK').map((one) => header(one, 'RAck'))).toEqual([`7 ${cseq}`, `8 ${cseq}`])
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  it('takes an UPDATE with a new offer before the answer', async () => {
    const update = [callee.invite()]
    const progress = { headers: ['Require: 100rel', 'RSeq: 1', allowsUpdate], sdp: sdpOf() }
    update.push(callee.respond('183 Session Progress', progress), callee.received('PRACK'), callee.answer())
    const body = { type: 'application/sdp', text: sdpOf({ version: 2, formats: ['PCMA', 'telephone-event'] }) }
    update.push(callee.request({ method: 'UPDATE', cseq: 2, body }), callee.response(200))
    update.push(callee.respond('200 OK'), callee.received('ACK'), callee.byeReceived())
    const { callees, call } = await two.play('update-early', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      behind: { update },
    })
    const answer = received(callees[0], 'SIP/2.0 200').find((one) => header(one, 'CSeq') === '2 UPDATE')
    expect(answer?.text).toMatch(/^m=audio \d+ RTP\/AVP 8\b/m)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  it('answers a re-INVITE of the callee, and one without SDP with an offer of its own', async () => {
    const moved = sdpOf({ version: 2 }).replace('[media_port]', '[media_port+4]')
    const steps = [...takesCall, callee.reInvite(2, moved), callee.reInvite(3, null, sdpOf({ version: 3 }))]
    steps.push(callee.bye())
    const { callees, call } = await two.play('late-offer', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { 'late-offer': steps },
    })
    const bodies = received(callees[0], 'SIP/2.0 200').filter((one) => one.text.includes('m=audio'))
    expect(bodies).toHaveLength(2)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
  })

  it('and with a caller whose INVITE and re-INVITE have no SDP', async () => {
    const caller = [step.invite({ sdp: null }), step.response(200), step.ack(1, sdpOf()), step.pause(200)]
    caller.push(
      step.invite({ cseq: 2, sdp: null, isAgain: true }),
      step.response(200),
      step.ack(2, sdpOf({ version: 2 })),
    )
    caller.push(step.pause(200), step.bye(3))
    const { caller: result, call } = await two.play('caller-late', {
      caller,
      behind: { 'caller-late': [...takesCall, callee.byeReceived()] },
    })
    for (const cseq of ['1 INVITE', '2 INVITE']) {
      const answer = received(result, 'SIP/2.0 200').find((one) => header(one, 'CSeq') === cseq)
      expect(answer?.text).toMatch(/^m=audio \d+ RTP\/AVP .*\b0\b/m)
    }
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  it('ends with ACK and BYE when the 200 has no answer to our offer', async () => {
    const steps = [callee.invite(), callee.respond('180 Ringing'), callee.respond('200 OK'), callee.received('ACK')]
    const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('no-sdp').number }, { do: 'hangUp' }] as const
    const { call } = await two.play('no-sdp', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { 'no-sdp': [...steps, callee.byeReceived()] },
      plan,
    })
    expect(call.planned).toEqual(['answer answered', 'dial failed', 'hangUp done'])
  })

  it('our hold meets a 491, and is tried again', async () => {
    const caller = [...isAnswered, callee.invite(), callee.refuseAgain('491 Request Pending')]
    caller.push(
      callee.invite(),
      callee.respond('200 OK', { tag: null, sdp: sdpOf({ version: 2, direction: 'recvonly' }) }),
    )
    caller.push(callee.received('ACK'), callee.invite())
    caller.push(callee.respond('200 OK', { tag: null, sdp: sdpOf({ version: 3 }) }), callee.received('ACK'))
    const plan = [{ do: 'answer' }, { do: 'hold' }, { do: 'unhold' }, { do: 'hangUp' }] as const
    const { caller: result, call } = await two.play('glare', {
      caller: [...caller, step.byeReceived(), callee.end],
      plan,
    })
    const [refused, again, back] = received(result, 'INVITE')
    expect(refused?.text).toMatch(/^a=(sendonly|inactive)/m)
    expect(again?.text).toMatch(/^a=(sendonly|inactive)/m)
    expect(back?.text).not.toMatch(/^a=(sendonly|inactive|recvonly)/m)
    // RFC 3261 §14.1: the caller owns the Call-ID, so ours waits 0 to 2 s; half a second for the machine.
    const refusal = result.messages.find(({ first }) => first.startsWith('SIP/2.0 491'))
    expect((again?.at ?? 0) - (refusal?.at ?? 0)).toBeLessThan(2.5)
    expect(call.planned).toEqual(['answer answered', 'hold held', 'unhold unheld', 'hangUp done'])
  })

  it('an offer of the peer that meets ours is refused with 491, and ours goes on', async () => {
    const caller = [...isAnswered, callee.invite(), step.invite({ cseq: 2, sdp: sdpOf({ version: 2 }), isAgain: true })]
    caller.push(step.only(491), step.ackRefusal(2))
    caller.push(callee.respond('200 OK', { tag: null, sdp: sdpOf({ version: 3, direction: 'recvonly' }) }))
    caller.push(callee.received('ACK'), step.byeReceived(), callee.end)
    const plan = [{ do: 'answer' }, { do: 'hold' }, { do: 'hangUp' }] as const
    const { call } = await two.play('glare-peer', { caller, plan })
    expect(call.planned).toEqual(['answer answered', 'hold held', 'hangUp done'])
  })

  it('a caller on hold and back: the callee stays', async () => {
    const again = (cseq: number, direction: 'sendonly' | 'sendrecv'): readonly string[] => [
      step.invite({ cseq, sdp: sdpOf({ version: cseq, direction }), isAgain: true }),
      step.response(200),
      step.ack(cseq),
      step.pause(300),
    ]
    const { caller, call } = await two.play('held', {
      caller: [...isAnswered, ...again(2, 'sendonly'), ...again(3, 'sendrecv'), step.bye(4)],
      behind: { held: [...takesCall, callee.byeReceived()] },
    })
    const [, held, back] = received(caller, 'SIP/2.0 200').filter((one) => one.text.includes('m=audio'))
    expect(held?.text).toMatch(/^a=recvonly/m)
    expect(back?.text).not.toMatch(/^a=(recvonly|sendonly|inactive)/m)
    expect(call.legs).toHaveLength(2)
  })

  it('lives on by the refreshes of the callee', async () => {
    const refresh = [callee.invite(), callee.respond('200 OK', { sdp: sdpOf(), headers: withTimer(120, 'uas') })]
    const headers = ['Session-Expires: 120;refresher=uac', 'Supported: timer']
    refresh.push(callee.received('ACK'), callee.request({ method: 'UPDATE', cseq: 2, headers }), callee.response(200))
    refresh.push(callee.bye())
    const { callees, call } = await two.play('refresh', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { refresh },
    })
    const [invite] = received(callees[0], 'INVITE')
    expect(header(invite, 'Supported')).toContain('timer')
    const answer = received(callees[0], 'SIP/2.0 200').find((one) => header(one, 'CSeq') === '2 UPDATE')
    expect(header(answer, 'Session-Expires')).toMatch(/^120; *refresher=uac$/)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
  })

  it('comes about with the interval that the callee asked for by 422', async () => {
    const steps = [callee.invite(), callee.refuse('422 Session Interval Too Small', ['Min-SE: 3600']), callee.invite()]
    steps.push(callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'), callee.bye())
    const { callees, call } = await two.play('interval', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { interval: steps },
    })
    const [first, second] = received(callees[0], 'INVITE')
    expect(header(second, 'Min-SE')).toBe('3600')
    expect(Number.parseInt(header(second, 'Session-Expires') ?? '', 10)).toBeGreaterThanOrEqual(3600)
    // RFC 4028 §7.4: the same call tried again.
    expect(header(second, 'Call-ID')).toBe(header(first, 'Call-ID'))
    expect(call.legs).toHaveLength(2)
  })

  it('a BYE of ours that is asked for credentials is sent with them', async () => {
    const steps = [...takesCall, callee.challengeRequest('BYE', trunkLogin)]
    const { call } = await two.play('bye-digest', {
      caller: [...isAnswered, step.pause(200), step.bye(2)],
      behind: { 'bye-digest': steps },
    })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  for (const [name, status] of [
    ['digest', '401'],
    ['proxy-digest', '407'],
  ] as const) {
    it(`an INVITE of ours that is asked for credentials by ${status} is sent with them`, async () => {
      const steps = [status === '401' ? callee.inviteWithDigest(trunkLogin) : callee.inviteWithProxyDigest()]
      steps.push(callee.respond('180 Ringing'), callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'))
      const { callees, call } = await two.play(name, {
        caller: [...isAnswered, step.byeReceived()],
        behind: { [name]: [...steps, callee.bye()] },
      })
      const [first, second] = received(callees[0], 'INVITE')
      expect(provesLogin(second?.text ?? '', trunkLogin)).toBe(true)
      expect(second?.text).not.toContain(trunkLogin.password)
      expect(Number.parseInt(header(second, 'CSeq') ?? '', 10)).toBe(
        Number.parseInt(header(first, 'CSeq') ?? '', 10) + 1,
      )
      expect(call.legs).toHaveLength(2)
    })
  }

  it('credentials that are refused are not tried again and again', async () => {
    const challenge = ['WWW-Authenticate: Digest realm="trunk.example", nonce="aa11", algorithm=MD5, qop="auth"']
    const steps = [callee.invite(), callee.refuse('401 Unauthorized', challenge)]
    steps.push(callee.invite(), callee.refuse('401 Unauthorized', challenge))
    const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('wrong-digest').number }, { do: 'hangUp' }] as const
    const { call } = await two.play('wrong-digest', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { 'wrong-digest': steps },
      plan,
    })
    expect(call.planned).toEqual(['answer answered', 'dial failed', 'hangUp done'])
  })
})
