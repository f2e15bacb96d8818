import { expect, it, vi } from 'vitest'
import { encodeG711 } from '../../src/media/g711.ts'
import { sine } from '../support/hear.ts'
import { MediaSocket, rtpPacket } from '../support/raw-call.ts'
import { residentBytes } from '../support/server-watch.ts'
import type { WireMessage } from '../support/sip-wire.ts'
import { Capture } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { readSippMessages } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { lastHeard, says } from './support/tones.ts'
import { TwoSided } from './support/two-sided.ts'
import { callThrough, startCallee, theCallOf } from './support/two-sided-calls.ts'
import { openMirror, WireCallee } from './support/wire-callee.ts'

vi.setConfig({ maxConcurrency: 8 })

const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]
const isAnswered = [step.invite(), step.response(200), step.ack()]
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describeAtOnceWith(['sipp', 'tshark'], 'a callee that does not behave', () => {
  const two = new TwoSided({
    firstPort: 25_000,
    workers: 2,
    lines: {
      'many-lines': {},
      'many-streams': {},
      storm: {},
      again: {},
      forged: {},
      stranger: {},
      mirror: {},
      circle: {},
      hops: {},
      provisional: {},
      reliable: {},
      offers: {},
      refers: {},
    },
  })

  it('answers with an SDP of 200 lines: what can be used of it is', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `a=x-unheard-of-${i}:${'y'.repeat(8)}`).join('\n')
    const steps = [
      ...rings,
      callee.respond('200 OK', { sdp: `${sdpOf()}\n${lines}` }),
      callee.received('ACK'),
      callee.bye(),
    ]
    const { call } = await two.play('many-lines', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { 'many-lines': steps },
    })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee', planned: ['dial completed'] })
  })

  it('answers one stream with two hundred: it gets ACK and BYE, and the caller is still there', async () => {
    // RFC 3264 §6: as many streams as were offered, and none more.
    const streams = Array.from({ length: 200 }, (_, i) => `m=audio ${30_000 + 2 * i} RTP/AVP 0`).join('\n')
    const steps = [...rings, callee.respond('200 OK', { sdp: `${sdpOf()}\n${streams}` }), callee.received('ACK')]
    const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('many-streams').number }, { do: 'hangUp' }] as const
    const { call } = await two.play('many-streams', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { 'many-streams': [...steps, callee.byeReceived()] },
      plan,
    })
    expect(call.planned).toEqual(['answer answered', 'dial failed', 'hangUp done'])
  })

  it('answers 60 times, each time as another: one is the call, the rest are acknowledged and ended', async () => {
    const peer = await WireCallee.open(two.stage, two.line('storm'), (message, self) => {
      if (!message.startLine.startsWith('INVITE ') || self.requests('INVITE').at(-1) !== message) return
      self.respond(message, '180 Ringing', { tag: 'branch-0' })
      for (let i = 0; i < 60; i++) self.respond(message, '200 OK', { tag: `branch-${i}`, sdp: self.sdp })
    })
    try {
      const { call } = await two.play('storm', {
        caller: [...isAnswered, step.pause(1500), step.bye(2)],
        plan: [{ do: 'dial', to: two.line('storm').number }],
      })
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      const tagsOf = (method: string): readonly string[] =>
        [...new Set(peer.requests(method).map((one) => /tag=([\w-]+)/.exec(one.get('to') ?? '')?.[1] ?? ''))].sort()
      await until(
        () => (tagsOf('BYE').length === tagsOf('ACK').length ? true : null),
        () => `acknowledged: ${tagsOf('ACK').join()}; ended: ${tagsOf('BYE').join()}`,
      )
      // How many forks are followed is bounded: an attacker decides how many there are.
      expect(tagsOf('ACK')).toContain('branch-0')
      expect(tagsOf('ACK').length).toBeGreaterThan(1)
      expect(call.legs).toHaveLength(2)
    } finally {
      await peer.close()
    }
  })

  it('sends its 200 a thousand times: the call stands, and nothing grows', async () => {
    let stop = (): void => {}
    const peer = await WireCallee.open(two.stage, two.line('again'), (message, self) => {
      if (!message.startLine.startsWith('INVITE ') || self.requests('INVITE').at(-1) !== message) return
      self.respond(message, '180 Ringing')
      let left = 1000
      const timer = setInterval(() => {
        for (let i = 0; i < 20 && left > 0; i++, left--) self.respond(message, '200 OK', { sdp: self.sdp })
        if (left === 0) clearInterval(timer)
      }, 20)
      stop = () => clearInterval(timer)
    })
    try {
      const before = await residentBytes(two.stage.server)
      const { call } = await two.play('again', {
        caller: [...isAnswered, step.pause(1800), step.bye(2)],
        plan: [{ do: 'dial', to: two.line('again').number }],
      })
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      // RFC 3261 §13.2.2.4: an ACK for each that comes again; but nobody needs a thousand, a correct callee sends eleven.
      const acks = peer.wire.received.filter(({ startLine }) => startLine.startsWith('ACK '))
      expect(acks.length).toBeGreaterThan(10)
      expect(acks.length).toBeLessThan(100)
      expect((await residentBytes(two.stage.server)) - before).toBeLessThan(100_000_000)
    } finally {
      stop()
      await peer.close()
    }
  })

  /** A callee that does so with each INVITE, once. */
  function whoDoes(line: string, act: (invite: WireMessage, self: WireCallee) => void): Promise<WireCallee> {
    return WireCallee.open(two.stage, two.line(line), (message, self) => {
      if (message.startLine.startsWith('INVITE ') && self.requests('INVITE').at(-1) === message) act(message, self)
    })
  }

  it('rings in thousands of branches, and is busy', async () => {
    const peer = await whoDoes('provisional', (invite, self) => {
      let branch = 0
      const timer = setInterval(() => {
        for (let i = 0; i < 100; i++) {
          self.respond(invite, '183 Session Progress', { tag: `branch-${branch++}`, sdp: self.sdp })
        }
        if (branch < 3000) return
        clearInterval(timer)
        self.respond(invite, '486 Busy Here')
      }, 20)
    })
    const before = await residentBytes(two.stage.server)
    try {
      const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('provisional').number }, { do: 'hangUp' }] as const
      const { call } = await two.play('provisional', { caller: [...isAnswered, step.byeReceived()], plan })
      expect(call.planned).toEqual(['answer answered', 'dial busy', 'hangUp done'])
      expect((await residentBytes(two.stage.server)) - before).toBeLessThan(100_000_000)
    } finally {
      await peer.close()
    }
  })

  it('wants hundreds of PRACKs: it gets some', async () => {
    const peer = await whoDoes('reliable', (invite, self) => {
      for (let i = 1; i <= 500; i++) {
        self.respond(invite, '180 Ringing', { tag: `branch-${i % 50}`, headers: ['Require: 100rel', `RSeq: ${i}`] })
      }
      setTimeout(() => self.respond(invite, '486 Busy Here'), 500)
    })
    try {
      const plan = [{ do: 'answer' }, { do: 'dial', to: two.line('reliable').number }, { do: 'hangUp' }] as const
      const { call } = await two.play('pracks', { caller: [...isAnswered, step.byeReceived()], plan })
      expect(call.planned).toEqual(['answer answered', 'dial busy', 'hangUp done'])
      expect(peer.requests('PRACK').length).toBeGreaterThan(0)
      expect(peer.requests('PRACK').length).toBeLessThan(100)
    } finally {
      await peer.close()
    }
  })

  it('sends hundreds of offers at once: those that wait for an answer are bounded, and the call stands', async () => {
    const peer = await whoDoes('offers', (invite, self) => {
      self.respond(invite, '200 OK', { sdp: self.sdp })
      setTimeout(() => {
        for (let i = 0; i < 300; i++) self.request(invite, 'INVITE', 100 + i, { sdp: self.sdp })
      }, 300)
    })
    try {
      const { call } = await two.play('offers', {
        caller: [...isAnswered, step.pause(1500), step.bye(2)],
        plan: [{ do: 'dial', to: two.line('offers').number }],
      })
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      // RFC 3261 §14.2: while one is not acknowledged, 500 with Retry-After.
      expect(peer.statusesOf('INVITE').get(500)).toBeGreaterThan(200)
    } finally {
      await peer.close()
    }
  })

  it('sends hundreds of REFERs at once: one is followed at a time', async () => {
    const peer = await whoDoes('refers', (invite, self) => {
      self.respond(invite, '200 OK', { sdp: self.sdp })
      setTimeout(() => {
        for (let i = 0; i < 300; i++) {
          self.request(invite, 'REFER', 100 + i, { headers: ['Refer-To: <sip:104@127.0.0.1>'] })
        }
      }, 300)
    })
    try {
      const { call } = await two.play('refers', {
        caller: [...isAnswered, step.pause(2000), step.bye(2)],
        plan: [{ do: 'dial', to: two.line('refers').number }],
      })
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      expect([...peer.statusesOf('REFER').keys()].every((status) => status === 202 || status === 491)).toBe(true)
    } finally {
      await peer.close()
    }
  })

  it('sends a BYE with a tag that is not of the dialog: 481, and the call goes on', async () => {
    const forged = [
      ...takesCall,
      callee.request({ method: 'BYE', cseq: 20, remoteTag: 'guessed' }),
      callee.response(481),
    ]
    forged.push(
      callee.request({ method: 'BYE', cseq: 21, tag: 'another' }),
      callee.response(481),
      step.pause(500),
      callee.bye(22),
    )
    const { caller, call } = await two.play('forged', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { forged },
    })
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
    const answered = caller.messages.find(({ first }) => first.startsWith('ACK'))
    expect((received(caller, 'BYE')[0]?.at ?? 0) - (answered?.at ?? 0)).toBeGreaterThan(0.4)
  })

  it('RTP of a stranger to the port of a caller who talks is never heard', async () => {
    const [name, line] = [two.again('stranger'), two.line('stranger')]
    const port = await two.ports.take()
    const capture = await Capture.start(
      two.stage.folder,
      `${name}-audio`,
      `udp portrange ${line.port}-${line.port + 7}`,
    )
    const steps = [...takesCall, await says(two.stage, 790), callee.byeReceived()]
    const peer = await startCallee(two.stage, { name: `${name}-callee`, port: line.port, steps })
    const since = new Date()
    const caller = [...isAnswered, await says(two.stage, 530), step.pause(3000), step.bye(2)]
    const number = await two.stage.plan({ do: 'dial', to: line.number })
    const calling = callThrough(two.stage, { name, port, number, steps: caller }, [peer])
    const intruder = await MediaSocket.open('127.0.0.1')
    try {
      const theirs = await until(
        async () => {
          const messages = await readSippMessages(two.stage.folder, name)
          const answer = messages.find(({ direction, text }) => direction === 'received' && text.includes('m=audio'))
          return answer ? Number(/^m=audio (\d+)/m.exec(answer.text)?.[1]) : null
        },
        () => 'the caller was not answered',
      )
      // The real one is known by then: it has talked for half a second.
      await pause(500)
      const pcm = sine(1110, 20)
      const payload = new Uint8Array(pcm.length)
      encodeG711('PCMU', pcm, payload)
      for (let i = 0; i < 100; i++) {
        const packet = rtpPacket({ sequence: i, timestamp: i * 160, ssrc: 0xbad, payload })
        intruder.send(packet, { address: '127.0.0.1', port: theirs })
        await pause(18)
      }
      await calling
      await capture.stop()
      const packets = await capture.rtpTo(line.port)
      expect(packets.length).toBeGreaterThan(50)
      expect(await lastHeard(capture, line.port, [530, 1110])).toEqual([530])
      // Nor is it sent anything.
      expect(intruder.received).toHaveLength(0)
      expect(await theCallOf(two.stage, name, since)).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    } finally {
      await intruder.close()
      peer.kill()
    }
  })

  it('sends our call back to us as it is: 482 at the first return', async () => {
    const line = two.line('mirror')
    const mirror = await openMirror(two.stage, line, () => ({ user: line.number, maxForwards: 70 }))
    try {
      const plan = [{ do: 'answer' }, { do: 'dial', to: line.number }, { do: 'hangUp' }] as const
      const { call } = await two.play('mirrored', { caller: [...isAnswered, step.byeReceived()], plan })
      expect(call.planned).toEqual(['answer answered', 'dial failed', 'hangUp done'])
      expect(mirror.requests('INVITE')).toHaveLength(1)
      expect(mirror.wire.received.some(({ status }) => status === 482)).toBe(true)
    } finally {
      await mirror.close()
    }
  })

  it('sends our call round in a circle: it ends where Max-Forwards does', async () => {
    const line = two.line('circle')
    const number = await two.stage.plan({ do: 'dial', to: line.number })
    const mirror = await openMirror(two.stage, line, (invite) => ({
      user: number,
      maxForwards: Number(invite.get('max-forwards')) - 1,
    }))
    try {
      // What a program makes of a dial that failed is its own affair: this one does nothing, and the caller hears that.
      const caller = [
        step.invite().replace('Max-Forwards: 70', 'Max-Forwards: 8'),
        step.response(480),
        step.ackRefusal(),
      ]
      await two.play('circling', { caller, number })
      // Eight: half of the hops are ours, half the mirror's.
      expect(mirror.requests('INVITE').map((one) => one.get('max-forwards'))).toEqual(['7', '5', '3', '1'])
    } finally {
      await mirror.close()
    }
  })

  it('a call that may pass no further server is not passed on; one that may pass one more is', async () => {
    const line = two.line('hops')
    const zero = [step.invite().replace('Max-Forwards: 70', 'Max-Forwards: 0'), step.response(200), step.ack()]
    const plan = [{ do: 'answer' }, { do: 'dial', to: line.number }, { do: 'hangUp' }] as const
    const { call } = await two.play('no-hop', { caller: [...zero, step.byeReceived()], plan })
    expect(call.planned[1]).toBe('dial failed')
    expect(call.legs).toHaveLength(1)
    const one = [step.invite().replace('Max-Forwards: 70', 'Max-Forwards: 1'), step.response(200), step.ack()]
    const { callees } = await two.play('one-hop', {
      caller: [...one, step.byeReceived()],
      behind: { hops: [...takesCall, callee.bye()] },
    })
    expect(header(received(callees[0], 'INVITE')[0], 'Max-Forwards')).toBe('0')
  })
})
