import { expect, it, vi } from 'vitest'
import { describeAtOnceWith } from './support/peers.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { sipfrags } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { lastHeard, says } from './support/tones.ts'
import { TwoSided, type TwoSidedResult } from './support/two-sided.ts'
import { inviteAs } from './support/two-sided-calls.ts'

vi.setConfig({ maxConcurrency: 8 })

const hz = { first: 530, second: 790, third: 1310 } as const
const all = Object.values(hz)
const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]

function calls(extension: string): readonly string[] {
  return [...inviteAs(extension), step.response(200), step.ack(2)]
}

function reInvite(cseq: number, direction: 'sendonly' | 'sendrecv'): readonly string[] {
  return [
    step.invite({ cseq, sdp: sdpOf({ version: cseq, direction }), isAgain: true }),
    step.response(200),
    step.ack(cseq),
  ]
}

function refers(cseq: number, target: string): readonly string[] {
  const to = `Refer-To: <sip:${target}@[remote_ip]:[remote_port]>`
  return [step.request({ method: 'REFER', cseq, headers: [to] }), step.only(202)]
}

/** What the caller (0) or a callee (from 1) heard last. */
function heard({ capture, ports }: TwoSidedResult, index: number): Promise<readonly number[]> {
  return lastHeard(capture, ports[index] ?? 0, all)
}

describeAtOnceWith(['sipp', 'tshark'], 'a transfer as telephones do it', () => {
  const two = new TwoSided({ firstPort: 25_000, workers: 2 })

  it('with the other on hold, to one that is busy: taken back, the two talk again', async () => {
    const { stage } = two
    const caller = [...calls('101'), await says(stage, hz.first), step.pause(300), ...reInvite(3, 'sendonly')]
    caller.push(...refers(4, '103'), callee.notified('told'), ...reInvite(5, 'sendrecv'), step.pause(1800), step.bye(6))
    const result = await two.play('held-busy', {
      caller,
      extension: '101',
      number: '102',
      isCaptured: true,
      devices: [
        { extension: '102', steps: [...takesCall, await says(stage, hz.second), callee.byeReceived()] },
        { extension: '103', steps: [...rings, step.pause(300), callee.refuse('486 Busy Here')] },
      ],
    })
    expect(sipfrags(result.caller).at(-1)).toBe(486)
    expect(await heard(result, 0)).toEqual([hz.second])
    expect(await heard(result, 1)).toEqual([hz.first])
  })

  it('with the other on hold, to one that is free: those two talk', async () => {
    const { stage } = two
    const caller = [...calls('104'), await says(stage, hz.first), step.pause(300), ...reInvite(3, 'sendonly')]
    caller.push(...refers(4, '106'), callee.notified('told'), step.bye(5))
    const third = [...takesCall, await says(stage, hz.third), step.pause(1800), callee.bye()]
    const result = await two.play('held-free', {
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
    expect(await heard(result, 1)).toEqual([hz.third])
    expect(await heard(result, 2)).toEqual([hz.second])
  })

  it('by the one who was called', async () => {
    const { stage } = two
    const refer = callee.request({
      method: 'REFER',
      cseq: 10,
      headers: ['Refer-To: <sip:109@[remote_ip]:[remote_port]>'],
    })
    const transferor = [
      ...takesCall,
      step.pause(300),
      refer,
      callee.response(202),
      callee.notified('told'),
      callee.bye(11),
    ]
    const third = [...takesCall, await says(stage, hz.third), step.pause(1800), callee.bye()]
    const result = await two.play('by-callee', {
      caller: [...calls('107'), await says(stage, hz.first), step.byeReceived()],
      extension: '107',
      number: '108',
      isCaptured: true,
      devices: [
        { extension: '108', steps: transferor },
        { extension: '109', steps: third },
      ],
    })
    expect(await heard(result, 0)).toEqual([hz.third])
    expect(await heard(result, 2)).toEqual([hz.first])
    expect(result.call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
  })
})
