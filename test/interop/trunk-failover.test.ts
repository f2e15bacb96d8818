import { afterAll, expect, it, vi } from 'vitest'
import { DnsServer } from '../support/dns-server.ts'
import type { PlanStep } from '../support/flows/two-sided.ts'
import { trunkAddress } from '../support/stage-two-sided.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { sipOffset } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { TwoSided } from './support/two-sided.ts'
import { WireCallee } from './support/wire-callee.ts'

vi.setConfig({ maxConcurrency: 8 })

const isAnswered = [step.invite(), step.response(200), step.ack()]
const takesCall = [
  callee.invite(),
  callee.respond('180 Ringing'),
  callee.respond('200 OK', { sdp: sdpOf() }),
  callee.received('ACK'),
  callee.bye(),
]

/** Pairs of trunks, the first tried first; each case has its own, so that what one learns of a host is not another's. */
const pairs = ['nobody', 'silent', 'busy', 'full', 'ringing', 'sick'] as const
const first = (name: string): string => `${name}-1`
const second = (name: string): string => `${name}-2`
const numberOf = (name: (typeof pairs)[number]): string => `+6591000${pairs.indexOf(name)}`

describeAtOnceWith(['sipp'], 'a call to the outside, when the first host', () => {
  let dns: DnsServer | null = null
  const two = new TwoSided({
    firstPort: 28_000,
    lines: {
      ...Object.fromEntries(
        pairs.flatMap((name) => [
          [first(name), { priority: 1 }],
          [second(name), { priority: 2 }],
        ]),
      ),
      // Asked every other second, and given up after half a second.
      [first('sick')]: { priority: 1, health: 2, failoverMs: 500 },
      'srv-dead': {},
      'srv-alive': {},
      srv: { uri: 'sip:carrier.example.test' },
    },
    outbound: pairs.map((name) => ({ prefix: numberOf(name), trunk: [first(name), second(name)] })),
    prepare: async (line) => {
      dns = await DnsServer.start()
      const [dead, alive] = [line('srv-dead').port + sipOffset, line('srv-alive').port + sipOffset]
      dns.add('_sip._udp.carrier.example.test', { type: 'SRV', priority: 10, port: dead, target: 'one.example.test' })
      dns.add('_sip._udp.carrier.example.test', { type: 'SRV', priority: 20, port: alive, target: 'two.example.test' })
      for (const name of ['one.example.test', 'two.example.test']) dns.add(name, { type: 'A', address: trunkAddress })
      return { dns: `127.0.0.1:${dns.port}` }
    },
  })

  afterAll(async () => {
    await dns?.close()
  })

  function plan(name: (typeof pairs)[number]): readonly PlanStep[] {
    return [{ do: 'answer' }, { do: 'dial', to: numberOf(name) }, { do: 'hangUp' }]
  }

  const caller = [...isAnswered, step.byeReceived()]

  it('is a machine where nobody listens: the second is called', async () => {
    const behind = { [second('nobody')]: takesCall }
    const { callees, caller: result, call } = await two.play('nobody', { caller, behind, plan: plan('nobody') })
    const begun = result.messages.find(({ first: line }) => line.startsWith('ACK'))?.at ?? 0
    // A socket for all peers hears nothing of ICMP: it takes as long as with one that is silent.
    expect((received(callees[0], 'INVITE')[0]?.at ?? 0) - begun).toBeLessThan(5)
    expect(call.planned[1]).toBe('dial completed')
  })

  it('says nothing: the second is called after four seconds', async () => {
    const silent = await WireCallee.open(two.stage, two.line(first('silent')))
    try {
      const behind = { [second('silent')]: takesCall }
      const { callees, caller: result, call } = await two.play('silent', { caller, behind, plan: plan('silent') })
      const begun = result.messages.find(({ first: line }) => line.startsWith('ACK'))?.at ?? 0
      const waited = (received(callees[0], 'INVITE')[0]?.at ?? 0) - begun
      expect(waited).toBeGreaterThan(3.5)
      expect(waited).toBeLessThan(5)
      expect(silent.requests('INVITE')).toHaveLength(1)
      expect(call.planned[1]).toBe('dial completed')
    } finally {
      await silent.close()
    }
  })

  it('says 503: the second is called', async () => {
    const behind = {
      [first('full')]: [callee.invite(), callee.refuse('503 Service Unavailable')],
      [second('full')]: takesCall,
    }
    const { call } = await two.play('full', { caller, behind, plan: plan('full') })
    expect(call.planned[1]).toBe('dial completed')
  })

  it('says 486: the callee is busy, and nobody else is called', async () => {
    const other = await WireCallee.open(two.stage, two.line(second('busy')))
    try {
      const behind = { [first('busy')]: [callee.invite(), callee.refuse('486 Busy Here')] }
      const { call } = await two.play('busy', { caller, behind, plan: plan('busy') })
      expect(call.planned[1]).toBe('dial busy')
      expect(other.wire.received).toHaveLength(0)
    } finally {
      await other.close()
    }
  })

  it('says 180 and then 503: a telephone has rung, and no second one does', async () => {
    const other = await WireCallee.open(two.stage, two.line(second('ringing')))
    try {
      const rang = [
        callee.invite(),
        callee.respond('180 Ringing'),
        step.pause(300),
        callee.refuse('503 Service Unavailable'),
      ]
      const { call } = await two.play('rang', { caller, behind: { [first('ringing')]: rang }, plan: plan('ringing') })
      expect(call.planned[1]).toBe('dial failed')
      expect(other.wire.received).toHaveLength(0)
    } finally {
      await other.close()
    }
  })

  it('is known to be dead from its silence to OPTIONS: the second is called without asking it', async () => {
    const sick = await WireCallee.open(two.stage, two.line(first('sick')))
    try {
      // One silence may be a lost packet; the second in a row is an answer.
      await until(
        () => (sick.requests('OPTIONS').length >= 2 ? true : null),
        () => 'the first host was not asked twice',
      )
      await new Promise((resolve) => setTimeout(resolve, 1200))
      const behind = { [second('sick')]: takesCall }
      const { call } = await two.play('sick', { caller, behind, plan: plan('sick') })
      expect(call.planned[1]).toBe('dial completed')
      expect(sick.requests('INVITE')).toHaveLength(0)
    } finally {
      await sick.close()
    }
  })

  it('of its DNS records (SRV) is dead: the next one is called', async () => {
    const silent = await WireCallee.open(two.stage, two.line('srv-dead'))
    try {
      const { call } = await two.play('srv', {
        caller,
        behind: { 'srv-alive': takesCall },
        plan: [{ do: 'answer' }, { do: 'dial', to: two.line('srv').number }, { do: 'hangUp' }],
      })
      expect(call.planned[1]).toBe('dial completed')
      expect(silent.requests('INVITE')).toHaveLength(1)
      expect(dns?.questions).toContain('SRV _sip._udp.carrier.example.test')
    } finally {
      await silent.close()
    }
  })
})
