import { expect, it, vi } from 'vitest'
import { describeAtOnceWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { readSippMessages, type SippMessage } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received, sipfrags } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { lastHeard, says } from './support/tones.ts'
import { captureOf, loginOf, TwoSided, type TwoSidedResult } from './support/two-sided.ts'
import { callThrough, inviteAs, registerAt, startCallee } from './support/two-sided-calls.ts'

vi.setConfig({ maxConcurrency: 12 })

const hz = { first: 530, second: 790, third: 1110 } as const
const all = Object.values(hz)

const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]

/** An extension calls. */
function calls(extension: string): readonly string[] {
  return [...inviteAs(extension), step.response(200), step.ack(2)]
}

/** @param target - the user part; with `?`, header fields that the INVITE is to have. */
function refers(target: string): readonly string[] {
  const [user, query] = target.split('?')
  const to = `Refer-To: <sip:${user}@[remote_ip]:[remote_port]${query === undefined ? '' : `?${query}`}>`
  return [step.request({ method: 'REFER', cseq: 3, headers: [to] }), step.only(202)]
}

/** The first NOTIFY comes right behind the 202: RFC 3515 §2.4.4. */
const trying = [callee.received('NOTIFY'), callee.answer()]

for (const workers of [1, 2]) {
  describeAtOnceWith(['sipp', 'tshark'], `a telephone that transfers, media workers: ${workers}`, () => {
    const two = new TwoSided({ firstPort: workers === 1 ? 25_000 : 27_500, workers })

    it('blindly to one that is busy: it is told so, and is back with the other', async () => {
      const { stage } = two
      const caller = [...calls('101'), await says(stage, hz.first), step.pause(500), ...refers('103')]
      caller.push(callee.notified('told'), step.pause(1800), step.bye(4))
      const other = [...takesCall, await says(stage, hz.second), callee.byeReceived()]
      const result = await two.play('blind-busy', {
        caller,
        extension: '101',
        number: '102',
        isCaptured: true,
        devices: [
          { extension: '102', steps: other },
          { extension: '103', steps: [...rings, step.pause(300), callee.refuse('486 Busy Here')] },
        ],
      })
      expect(sipfrags(result.caller)[0]).toBe(100)
      expect(sipfrags(result.caller).at(-1)).toBe(486)
      expect(header(received(result.caller, 'NOTIFY').at(-1), 'Subscription-State')).toMatch(/^terminated/)
      expect(await heard(result, 0)).toEqual([hz.second])
      expect(await heard(result, 1)).toEqual([hz.first])
      expect(result.call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    })

    it('blindly to one that is free: those two talk, and the transferor is out', async () => {
      const { stage } = two
      const caller = [...calls('104'), await says(stage, hz.first), step.pause(500), ...refers('106')]
      caller.push(callee.notified('told'), step.bye(4))
      const third = [...takesCall, await says(stage, hz.third), step.pause(1800), callee.bye()]
      const result = await two.play('blind-free', {
        caller,
        extension: '104',
        number: '105',
        isCaptured: true,
        devices: [
          { extension: '105', steps: [...takesCall, await says(stage, hz.second), callee.byeReceived()] },
          { extension: '106', steps: third },
        ],
      })
      expect(sipfrags(result.caller).at(-1)).toBe(200)
      expect(header(received(result.callees[1], 'INVITE')[0], 'Referred-By') ?? '104').toContain('104')
      expect(await heard(result, 1)).toEqual([hz.third])
      expect(await heard(result, 2)).toEqual([hz.second])
      expect(result.call.legs).toHaveLength(3)
    })

    it('with consultation (REFER with Replaces): the two others talk', async () => {
      const { stage } = two
      const since = new Date()
      const [first, second, at102, at103] = [
        await two.ports.take(),
        await two.ports.take(),
        await two.ports.take(),
        await two.ports.take(),
      ]
      await registerAt(stage, '108', at102)
      await registerAt(stage, '109', at103)
      const login = loginOf('107')
      const name = two.again('consultation')
      const place = { folder: stage.folder, serverPort: stage.server.sipPort, address: '127.0.0.1' }
      const capture = await captureOf(stage, `${name}-audio`, [at102, at103])
      const other = await startCallee(stage, {
        ...place,
        name: `${name}-other`,
        port: at102,
        steps: [...takesCall, await says(stage, hz.second), callee.byeReceived()],
      })
      const third = await startCallee(stage, {
        ...place,
        name: `${name}-third`,
        port: at103,
        steps: [...takesCall, await says(stage, hz.third), step.pause(4500), callee.bye()],
      })
      // The consultation first: what its dialog is called must be known for the REFER of the other call.
      const asking = [...calls('107'), step.byeReceived(20_000)]
      const consultation = callThrough(
        stage,
        { ...place, ...login, name: `${name}-asks`, number: '109', port: second, steps: asking },
        [],
      )
      // Awaited below; where it fails before that, the rest says why.
      consultation.catch(() => {})
      const dialog = await until(
        async () => dialogOf(await readSippMessages(stage.folder, `${name}-asks`)),
        () => 'the consultation was not answered',
      )
      const replaces = `109?Replaces=${encodeURIComponent(dialog)}`
      const caller = [...calls('107'), await says(stage, hz.first), step.pause(500), ...refers(replaces)]
      caller.push(callee.notified('told'), step.bye(4))
      const result = await callThrough(stage, { ...place, ...login, name, number: '108', port: first, steps: caller }, [
        other,
        third,
      ])
      await consultation
      await capture.stop()
      expect(sipfrags(result.caller).at(-1)).toBe(200)
      expect(await lastHeard(capture, at102, all)).toEqual([hz.third])
      expect(await lastHeard(capture, at103, all)).toEqual([hz.second])
      // Two calls, both closed.
      const { items } = (await stage.server.get(`/api/v1/calls?from=107&startedFrom=${since.toISOString()}`)) as {
        items: readonly { to: string; endedAt: string | null }[]
      }
      expect(items.map(({ to }) => to).sort()).toEqual(['108', '109'])
      for (const { endedAt } of items) expect(endedAt).not.toBeNull()
    })
  })
}

describeAtOnceWith(['sipp'], 'a transfer', () => {
  const two = new TwoSided({ firstPort: 26_200 })

  it('goes on when the transferor hangs up right behind its 202', async () => {
    const caller = [...calls('101'), step.pause(300), ...refers('103'), ...trying, step.bye(4)]
    const third = [
      callee.invite(),
      step.pause(800),
      callee.respond('180 Ringing'),
      callee.respond('200 OK', { sdp: sdpOf() }),
    ]
    third.push(callee.received('ACK'), step.pause(500), callee.bye())
    const { call } = await two.play('quick-leaver', {
      caller,
      extension: '101',
      number: '102',
      devices: [
        { extension: '102', steps: [...takesCall, callee.byeReceived()] },
        { extension: '103', steps: third },
      ],
    })
    expect(call.legs).toHaveLength(3)
    for (const leg of call.legs) expect(leg.answeredAt).not.toBeNull()
  })

  it('that fails when its transferor has gone tells who is left, and ends the call', async () => {
    const caller = [...calls('104'), step.pause(300), ...refers('106'), ...trying, step.bye(4)]
    const { call } = await two.play('nobody-left', {
      caller,
      extension: '104',
      number: '105',
      devices: [
        { extension: '105', steps: [...takesCall, callee.byeReceived(20_000)] },
        { extension: '106', steps: [callee.invite(), step.pause(800), callee.refuse('486 Busy Here')] },
      ],
    })
    expect(call).toMatchObject({ cause: 'busy', endedBy: 'server' })
    expect(call.sentence).toContain('106')
  })

  it('to oneself or to the other of the two is refused, and the call goes on', async () => {
    for (const [target, extension] of [
      ['107', 'to-itself'],
      ['108', 'to-the-other'],
    ] as const) {
      const to = `Refer-To: <sip:${target}@[remote_ip]:[remote_port]>`
      const caller = [...calls('107'), step.pause(300), step.request({ method: 'REFER', cseq: 3, headers: [to] })]
      caller.push(step.only(603), step.pause(300), step.bye(4))
      const { call } = await two.play(extension, {
        caller,
        extension: '107',
        number: '108',
        devices: [{ extension: '108', steps: [...takesCall, callee.byeReceived()] }],
      })
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    }
  })

  it('that cannot be understood is refused with 400, and one of a dialog that nobody knows with 481', async () => {
    const caller = [step.invite(), step.response(200), step.ack()]
    caller.push(step.request({ method: 'REFER', cseq: 2 }), step.only(400))
    caller.push(step.request({ method: 'REFER', cseq: 3, headers: ['Refer-To: <sip:103@[remote_ip]'] }), step.only(400))
    // sipp takes the tag of the last answer for the dialog's from here on: hanging up is left to the server.
    const stray = step.request({ method: 'REFER', cseq: 4, headers: ['Refer-To: <sip:103@127.0.0.1>'] })
    caller.push(stray.replace('[peer_tag_param]', ';tag=unknown'), step.only(481), step.byeReceived())
    const plan = [{ do: 'answer' }, { do: 'pause', ms: 1500 }, { do: 'hangUp' }] as const
    await two.play('not-understood', { caller, plan })
  })

  it('by a program with REFER: the telephone reports, and is let go', async () => {
    const notify = (cseq: number, state: string, line: string): string =>
      step.request({
        method: 'NOTIFY',
        cseq,
        headers: ['Event: refer', `Subscription-State: ${state}`],
        body: { type: 'message/sipfrag;version=2.0', text: `SIP/2.0 ${line}` },
      })
    const caller = [
      step.invite(),
      step.response(200),
      step.ack(),
      callee.received('REFER'),
      callee.answer('202 Accepted'),
    ]
    caller.push(notify(2, 'active;expires=60', '100 Trying'), callee.response(200), step.pause(300))
    caller.push(notify(3, 'terminated;reason=noresource', '200 OK'), callee.response(200), step.byeReceived())
    const plan = [{ do: 'answer' }, { do: 'transfer', to: 'sip:103@127.0.0.1', mode: 'refer' }] as const
    const result = await two.play('by-program', { caller, plan })
    expect(header(received(result.caller, 'REFER')[0], 'Refer-To')).toContain('sip:103@')
    expect(result.call).toMatchObject({ cause: 'transferred', endedBy: 'program' })
  })

  it('by a program with REFER that the telephone does not do: the call is still there', async () => {
    const caller = [step.invite(), step.response(200), step.ack(), callee.received('REFER')]
    caller.push(callee.answer('501 Not Implemented'), step.byeReceived())
    const plan = [
      { do: 'answer' },
      { do: 'transfer', to: 'sip:103@127.0.0.1', mode: 'refer' },
      { do: 'play', sound: 'key-1.wav' },
    ] as const
    const { call } = await two.play('refer-refused', { caller, plan })
    expect(call.planned.at(-1)).toBe('play finished')
    expect(call.planned[1]).not.toBe('transfer transferred')
  })

  it('a NOTIFY that nobody has asked for is refused with 481', async () => {
    const caller = [step.invite(), step.response(200), step.ack()]
    const headers = ['Event: refer', 'Subscription-State: active']
    const body = { type: 'message/sipfrag', text: 'SIP/2.0 200 OK' }
    caller.push(step.request({ method: 'NOTIFY', cseq: 2, headers, body }), step.only(481), step.bye(3))
    const plan = [{ do: 'answer' }, { do: 'pause', ms: 5000 }] as const
    const { call } = await two.play('unasked', { caller, plan })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })
})

/** What the caller (0) or a callee (from 1) heard last. */
function heard({ capture, ports }: TwoSidedResult, index: number): Promise<readonly number[]> {
  return lastHeard(capture, ports[index] ?? 0, all)
}

/** What the dialog of an answered caller is called in Replaces, as we know it: our tag is the To tag. RFC 3891 §3. */
function dialogOf(messages: readonly SippMessage[]): string | null {
  const answer = messages.find(({ first, text }) => first.startsWith('SIP/2.0 200') && /^CSeq: *2 INVITE/m.test(text))
  if (answer === undefined) return null
  const tag = (name: string): string => /tag=([^;\s]+)/.exec(header(answer, name) ?? '')?.[1] ?? ''
  return `${header(answer, 'Call-ID')};to-tag=${tag('To')};from-tag=${tag('From')}`
}
