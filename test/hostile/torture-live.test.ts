import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callByPhone } from '../support/phone-call.ts'
import { removeFolder } from '../support/server-process.ts'
import { troubles } from '../support/server-watch.ts'
import { answersOptions } from '../support/sip-text.ts'
import { loopbackAddress, TcpWire, UdpWire, type Wire, type WireMessage } from '../support/sip-wire.ts'
import { type Stage, setStage } from '../support/stage.ts'
import { sentByPort, type TortureVerdict, tortureBytes, tortureVerdicts } from '../support/torture-messages.ts'

/** RFC 4475 allows any answer to a message that is well-formed but those which call it malformed, and no breakdown of ours. */
const neverForValid = [400, 500, 505, 513]

/** Verdicts reached, so that none is left out without a word. */
const judged: string[] = []

let stage: Stage
let number = 0

beforeAll(async () => {
  // As many INVITEs as may come in one second.
  stage = await setStage({ limits: 'callsPerSecond: 1000' })
})

afterAll(async () => {
  await stage.server.stop()
  await removeFolder(stage.server)
})

/** Each message from an address of its own: answers to malformed requests are bounded per address. */
async function open(protocol: 'udp' | 'tcp', bytes: Buffer): Promise<Wire> {
  const server = { address: '127.0.0.1', port: stage.server.sipPort }
  const address = loopbackAddress(75, ++number)
  if (protocol === 'tcp') return TcpWire.open(server, { address })
  return UdpWire.open(server, { address, port: sentByPort(bytes) })
}

const isFinal = (message: WireMessage): boolean => message.status !== null && message.status >= 200

function expectAnswer(verdict: TortureVerdict, answer: WireMessage): void {
  const { kind, codes, never = [], header } = verdict
  const { status } = answer
  if (kind === 'invalid' || (kind === 'valid' && codes !== null)) expect(codes).toContain(status)
  // Left open by the RFC: taken as what was meant, or refused with these.
  else if (kind === 'either') expect(neverForValid.filter((one) => !codes?.includes(one))).not.toContain(status)
  else expect(neverForValid).not.toContain(status)
  expect(never).not.toContain(status)
  if (header !== undefined) expect(answer.get(header)).toBeTruthy()
}

/** A server that answers what came later on the same way has done with this message. */
async function expectSilence(wire: Wire): Promise<void> {
  expect(await answersOptions(wire)).toBe(true)
  const others = wire.received.filter((message) => message.get('cseq') !== '1 OPTIONS')
  expect(others.map(({ startLine }) => startLine)).toEqual([])
}

async function judgeOverUdp(verdict: TortureVerdict): Promise<void> {
  const bytes = tortureBytes(verdict, `u${number}`)
  const wire = await open('udp', bytes)
  try {
    wire.send(bytes)
    if (verdict.kind === 'response') return await expectSilence(wire)
    const answer = await wire.message(isFinal)
    if (answer === undefined) throw new Error('There was no answer.')
    expectAnswer(verdict, answer)
    const { forbid } = verdict
    if (forbid === undefined) return
    expect(await answersOptions(wire)).toBe(true)
    expect(wire.received.map((message) => message.get('call-id'))).not.toContain(forbid)
  } finally {
    await wire.close()
  }
}

async function judgeOverTcp(verdict: TortureVerdict): Promise<void> {
  const bytes = tortureBytes(verdict, `t${number}`)
  const wire = await open('tcp', bytes)
  try {
    wire.send(bytes)
    if (verdict.tcp === 'skip') return await judgeUnframed(wire)
    if (verdict.kind === 'response') return await expectSilence(wire)
    const [answer, isClosed] = await Promise.race([
      wire.message(isFinal).then((message) => [message, false] as const),
      wire.closed().then((closed) => [undefined, closed] as const),
    ])
    const first = answer ?? wire.received.find(isFinal)
    if (first === undefined) {
      expect([verdict.tcp, isClosed]).toEqual(['refuse-or-close', true])
      return
    }
    expectAnswer(verdict, first)
    // Where the length is in doubt nobody knows where the next message begins: the connection ends (§18.3, §7.5).
    if (verdict.tcp === 'refuse-or-close') expect(await wire.closed()).toBe(true)
  } finally {
    await wire.close()
  }
}

/** Its length is a lie or missing: what it is on a stream no RFC says. It must do no harm, and is not taken for a request. */
async function judgeUnframed(wire: Wire): Promise<void> {
  const other = await open('tcp', Buffer.alloc(0))
  try {
    expect(await answersOptions(other)).toBe(true)
    expect(wire.received.filter(({ status }) => status !== null && status < 400)).toEqual([])
  } finally {
    await other.close()
  }
}

describe.each(['udp', 'tcp'] as const)('a running server, over %s,', (protocol) => {
  for (const verdict of tortureVerdicts) {
    const { name, rfc, section, kind, codes, why } = verdict
    const wanted = kind === 'response' ? 'drops' : kind === 'invalid' ? `refuses (${codes?.join(', ')})` : 'answers'
    it(`${wanted} ${name} of RFC ${rfc} §${section}: ${why}`, async () => {
      await (protocol === 'udp' ? judgeOverUdp(verdict) : judgeOverTcp(verdict))
      judged.push(`${protocol} ${name}`)
    })
  }
})

describe('after all of it', () => {
  it('every one of the 61 messages has been judged over both transports', () => {
    expect(tortureVerdicts).toHaveLength(61)
    expect(new Set(judged).size).toBe(61 * 2)
  })

  it.each(['udp', 'tcp'] as const)('the server still answers OPTIONS over %s, and a call works', async (protocol) => {
    const wire = await open(protocol, Buffer.alloc(0))
    expect(await answersOptions(wire)).toBe(true)
    await wire.close()
    const { result } = await callByPhone({ sipPort: stage.server.sipPort, protocol, number: '4' })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server', packetsLost: 0 })
  })

  it('nothing of it was logged as an error', () => {
    expect(troubles(stage.server)).toEqual([])
  })
})
