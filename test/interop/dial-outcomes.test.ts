import { expect, it, vi } from 'vitest'
import { trunkAddress } from '../support/stage-two-sided.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { sipOffset } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { TwoSided } from './support/two-sided.ts'
import { WireCallee } from './support/wire-callee.ts'

vi.setConfig({ maxConcurrency: 12 })

const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]
const isAnswered = [step.invite(), step.response(200), step.ack()]

/** What a callee answers, the outcome that the program gets, and the status that a caller gets whom the program passes it on to. */
const refusals: Readonly<Record<string, readonly [status: string, outcome: string]>> = {
  'r-302': ['302 Moved Temporarily', 'declined'],
  'r-404': ['404 Not Found', 'unreachable'],
  'r-480': ['480 Temporarily Unavailable', 'unreachable'],
  'r-486': ['486 Busy Here', 'busy'],
  'r-488': ['488 Not Acceptable Here', 'failed'],
  'r-503': ['503 Service Unavailable', 'failed'],
  'r-600': ['600 Busy Everywhere', 'busy'],
  'r-603': ['603 Decline', 'declined'],
}

describeAtOnceWith(['sipp'], 'a dial', () => {
  const two = new TwoSided({
    firstPort: 25_000,
    lines: {
      ...Object.fromEntries(Object.keys(refusals).map((name) => [name, {}])),
      moves: { redirects: 1 },
      moved: {},
      circles: { redirects: 3 },
      'in-turn-1': {},
      'in-turn-2': {},
      early: {},
    },
    apps: { everybody: { dial: ['107', '108', '109'], seconds: 20 } },
    numbers: { '7900': { app: 'everybody' } },
  })

  for (const [line, [status, outcome]] of Object.entries(refusals)) {
    it(`that is answered ${status} comes back as ${outcome}, and the caller is still there`, async () => {
      const plan = [
        { do: 'answer' },
        { do: 'dial', to: two.line(line).number },
        { do: 'play', sound: 'key-1.wav' },
      ] as const
      const { call } = await two.play(line, {
        caller: [...isAnswered, step.byeReceived()],
        behind: { [line]: [callee.invite(), callee.refuse(status)] },
        plan,
      })
      expect(call.planned).toEqual(['answer answered', `dial ${outcome}`, 'play finished'])
      const leg = call.legs.find(({ role }) => role === 'callee')
      expect(leg?.answeredAt).toBeNull()
      expect(leg?.cause).not.toBe('normal')
    })
  }

  it('that is redirected goes on to the new place, where that is allowed', async () => {
    const target = `Contact: <sip:elsewhere@${trunkAddress}:${two.line('moved').port + sipOffset}>`
    const moves = [callee.invite(), callee.refuse('302 Moved Temporarily', [target])]
    const { callees, call } = await two.play('redirect', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { moves, moved: [...takesCall, callee.bye()] },
    })
    expect(received(callees[1], 'INVITE')[0]?.first).toContain('sip:elsewhere@')
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee', planned: ['dial completed'] })
  })

  it('that is redirected again to where it has been does not run in a circle', async () => {
    // Each answer names the place of the callee itself: new the first time, known the second.
    const peer = await WireCallee.open(two.stage, two.line('circles'), (message, self) => {
      if (message.startLine.startsWith('INVITE ')) self.respond(message, '302 Moved Temporarily')
    })
    try {
      const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('circles').number }, { do: 'hangUp' }] as const
      const { call } = await two.play('circle', { caller: [...isAnswered, step.byeReceived()], plan })
      expect(peer.requests('INVITE').map(({ startLine }) => /sip:([^@]+)@/.exec(startLine)?.[1])).toEqual([
        two.line('circles').number,
        'wire',
      ])
      expect(call.planned).toEqual(['answer answered', 'dial declined', 'hangUp done'])
    } finally {
      await peer.close()
    }
  })

  it('in turn rings the second when the first is busy', async () => {
    const to = [two.line('in-turn-1').number, two.line('in-turn-2').number]
    const { callees, call } = await two.play('in-turn', {
      caller: [...isAnswered, step.byeReceived()],
      behind: {
        'in-turn-1': [callee.invite(), callee.refuse('486 Busy Here')],
        'in-turn-2': [...takesCall, callee.bye()],
      },
      plan: [{ do: 'dial', to, options: { mode: 'in-turn', seconds: 10 } }],
    })
    const refused = callees[0]?.messages.find(({ first }) => first.startsWith('SIP/2.0 486'))
    expect(received(callees[1], 'INVITE')[0]?.at).toBeGreaterThanOrEqual(refused?.at ?? Number.POSITIVE_INFINITY)
    expect(call.planned).toEqual(['dial completed'])
    expect(call.legs.filter(({ role }) => role === 'callee')).toHaveLength(2)
  })

  it('of a number that no rule lets out is refused, and of a telephone that is not registered says so', async () => {
    const plan = [
      { do: 'answer' },
      { do: 'dial', to: '+4930123456' },
      { do: 'dial', to: '104' },
      { do: 'hangUp' },
    ] as const
    const { call } = await two.play('closed', { caller: [...isAnswered, step.byeReceived()], plan })
    expect(call.planned.slice(1, 3)).toEqual(['dial refused', 'dial not-registered'])
    expect(call.legs).toHaveLength(1)
  })

  it('early media of the callee is let through before the answer', async () => {
    const early = [callee.invite(), callee.respond('183 Session Progress', { sdp: sdpOf() }), step.pause(600)]
    early.push(callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'), callee.bye())
    const { caller } = await two.play('early', { caller: [...isAnswered, step.byeReceived()], behind: { early } })
    const progress = received(caller, 'SIP/2.0 18').find((one) => one.text.includes('m=audio'))
    expect(progress, caller.log).toBeDefined()
  })
})

/** Telephones that ring together: one answers, the others hear why they were cancelled. */
describeAtOnceWith(['sipp'], 'three devices that ring together', () => {
  const two = new TwoSided({
    firstPort: 26_500,
    apps: { everybody: { dial: ['107', '108', '109'], seconds: 20 } },
    numbers: { '7900': { app: 'everybody' } },
  })

  const winner = [...rings, step.pause(700), callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]
  const loser = [...rings, callee.cancelReceived()]

  const ways = {
    'of one extension that has registered three times': { extensions: ['103', '103', '103'], number: null },
    'of three extensions that a program dials all at once': { extensions: ['104', '105', '106'], number: null },
    'of a ring group': { extensions: ['107', '108', '109'], number: '7900' },
  } as const
  for (const [how, { extensions, number }] of Object.entries(ways)) {
    it(`${how}: one answers, the others get CANCEL with Reason`, async () => {
      const devices = extensions.map((extension, index) => ({
        extension,
        steps: index === 1 ? [...winner, step.pause(300), callee.bye()] : loser,
      }))
      const to = [...new Set(extensions)]
      const { callees, call } = await two.play(`three-${extensions[0]}`, {
        caller: [...isAnswered, step.byeReceived()],
        devices,
        ...(number === null ? { plan: [{ do: 'dial', to, options: { mode: 'all', seconds: 20 } }] } : { number }),
      })
      for (const index of [0, 2]) {
        const reason = header(received(callees[index], 'CANCEL')[0], 'Reason')
        // RFC 3326 §3: what a telephone looks for before it counts a missed call.
        expect(reason, callees[index]?.log).toMatch(/^SIP *; *cause=200 *; *text="Call completed elsewhere"/i)
      }
      const legs = call.legs.filter(({ role }) => role === 'callee')
      expect(legs.map(({ cause }) => cause).sort()).toEqual(['answered-elsewhere', 'answered-elsewhere', 'normal'])
      expect(legs.filter(({ answeredAt }) => answeredAt !== null)).toHaveLength(1)
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
    })
  }

  it('and all are busy: so is the extension', async () => {
    const busy = [callee.invite(), callee.refuse('486 Busy Here')]
    const devices = ['101', '101', '101'].map((extension) => ({ extension, steps: busy }))
    const plan = [{ do: 'answer' }, { do: 'dial', to: '101' }, { do: 'hangUp' }] as const
    const { call } = await two.play('three-busy', { caller: [...isAnswered, step.byeReceived()], devices, plan })
    expect(call.planned).toEqual(['answer answered', 'dial busy', 'hangUp done'])
  })

  it('and one declines: the others ring on until one answers', async () => {
    // We are no proxy (RFC 3261 §16.7): each telephone has a call of its own, and its user speaks for that one only.
    const decline = [...rings, step.pause(300), callee.refuse('603 Decline')]
    const answers = [...winner, step.pause(300), callee.bye()]
    const devices = [loser, decline, answers].map((steps) => ({ extension: '102', steps }))
    const { call } = await two.play('three-decline', {
      caller: [...isAnswered, step.byeReceived()],
      devices,
      plan: [{ do: 'dial', to: '102' }],
    })
    expect(call.planned).toEqual(['dial completed'])
    const legs = call.legs.filter(({ role }) => role === 'callee')
    expect(legs.map(({ cause }) => cause).sort()).toEqual(['answered-elsewhere', 'normal', 'rejected'])
  })
})
