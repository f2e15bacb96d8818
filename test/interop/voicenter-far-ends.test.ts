import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { shareWith, sine } from '../support/hear.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'
import { writeMulaw, writeWav } from '../support/stage.ts'
import { Capture } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { until } from './support/program.ts'
import { runSipp, type SippResult, sipOffset, startSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'

vi.setConfig({ maxConcurrency: 3 })

/** Where the trunk is that brings callers; others are nobody in particular. */
const carrierAddress = '127.0.0.7'
const targetHz = 1340
/** Of the ring-back tone where the tenant names no country of its own: ITU-T E.180. */
const ringbackHz = 425
const answered = [step.invite(), step.response(200), step.ack()]
const givesUp = step.request({ method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' })

/** What CALL says besides, by the name of the case. */
type Said = Readonly<Record<string, unknown>>

describeAtOnceWith(['sipp', 'tshark'], 'CALL of a Voicenter handler, as its far end sees it', () => {
  const ports = new PeerPorts(30_900)
  const said = new Map<string, Said>()
  let folder: string
  let handler: Receiver
  let server: ServerProcess
  let trunkPorts: readonly number[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-far-ends-'))
    await mkdir(join(folder, 'prompts'))
    await writeWav(join(folder, 'prompts', 'long.wav'), sine(840, 2500))
    handler = await startReceiver({
      answer: ({ body }, response) => {
        const { METHOD: method, DATA: data } = JSON.parse(body) as { METHOD: string; DATA: { DID: string } }
        const call = {
          TARGET: '0501111111',
          CALLERID: data.DID,
          CALLERNAME: '',
          CALL_MAX_DIAL: 15,
          CALL_MAX: 30,
          REC_STATUS: 0,
          ...said.get(data.DID),
        }
        const answer = { STATUS: 0, ACTION: 'CALL', LANGUAGE: 'en', DATA: call }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(method === 'HANGUP_CALL' ? { STATUS: 0 } : answer))
      },
    })
    trunkPorts = await Promise.all(Array.from({ length: 9 }, () => ports.take()))
    const trunks = Object.fromEntries(
      trunkPorts.map((port, index) => [
        `t${index}`,
        { uri: `sip:127.0.0.1:${port + sipOffset}`, health: 0, callerId: '+97231111111' },
      ]),
    )
    const carrier = { uri: `sip:${carrierAddress}:5060`, health: 0, from: [`${carrierAddress}/32`] }
    const names = Object.keys(trunks)
    const tenant = {
      countryCode: '972',
      limits: { callsPerSecond: 1000, concurrentCalls: 500 },
      trunks: { ...trunks, carrier },
      outbound: [{ prefix: '', trunk: names }],
      recordings: { en: join(folder, 'prompts') },
      numbers: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`0722000${100 + i}`, { app: 'ivr' }])),
      apps: { ivr: { dialect: 'voicenter', url: handler.url, format: 'json' } },
    }
    const config = ['media: { workers: 1 }', 'rtp: { portRange: "10000-24999" }']
    config.push(`tenants: ${JSON.stringify({ test: tenant })}`)
    server = await startServer({ config: config.join('\n'), folder, sipPort: await ports.take() })
  })

  afterAll(async () => {
    await server.stop()
    await handler.close()
    await removeFolder(server)
  })

  let numbers = 100
  /** A number of its own for each call: the handler tells them by it. */
  function numberFor(call: Said): string {
    const number = `0722000${numbers++}`
    said.set(number, call)
    return number
  }

  const far = (name: string, trunk: number, steps: readonly string[]) =>
    startSipp({
      folder,
      serverPort: server.sipPort,
      number: 'callee',
      name: `${name}-far-${trunk}`,
      port: trunkPorts[trunk] ?? 0,
      steps: [...steps, callee.end],
    })

  async function call(
    name: string,
    number: string,
    steps: readonly string[],
    as: { readonly caller?: string; readonly address?: string; readonly port?: number } = {},
  ): Promise<SippResult> {
    const { port = await ports.take(), ...rest } = as
    const result = await runSipp({ folder, serverPort: server.sipPort, name, number, port, steps, ...rest })
    expect(result.code, `${result.log}\n${server.output().slice(-3000)}`).toBe(0)
    return result
  }

  const told = (number: string) =>
    handler.received
      .map(({ body }) => JSON.parse(body) as { METHOD: string; DATA: Record<string, unknown> })
      .filter(({ METHOD: method, DATA: data }) => method === 'HANGUP_CALL' && data['DID'] === number)
      .map(({ DATA: data }) => data)

  const hangupOf = (number: string) =>
    until(
      async () => told(number)[0] ?? null,
      () => `no HANGUP_CALL of ${number}`,
    )

  const takes = [
    callee.invite(),
    callee.respond('180 Ringing'),
    callee.respond('200 OK', { sdp: sdpOf() }),
    callee.received('ACK'),
  ]

  it('shows the number of the caller where its trunk vouches for it, and the name without what could be a header', async () => {
    const number = numberFor({
      CALLERID: '0541234567',
      CALLERNAME: 'Dan "the man"\r\nX-Evil: yes',
      DIALSTRINGS: ['SIP/0501111111@t0'],
    })
    const callee0 = await far('vouched', 0, [...takes, callee.bye()])
    await call('vouched', number, [...answered, step.byeReceived()], { caller: '0541234567', address: carrierAddress })
    const { code, messages, log } = await callee0.ended
    expect(code, log).toBe(0)
    const invite = messages.find(({ first }) => first.startsWith('INVITE'))
    expect(header(invite, 'From')).toContain('<sip:+972541234567@')
    expect(header(invite, 'From')).toMatch(/^"Dan \\"the man\\"/)
    expect(header(invite, 'X-Evil')).toBeNull()
    expect(await hangupOf(number)).toMatchObject({ CALL_STATUS: 'ANSWER', CALLER_ID: '0541234567' })
  })

  it('shows its own number in place of one of a caller that nobody vouches for, and none where the handler hides it', async () => {
    const own = numberFor({ CALLERID: '0541234567', DIALSTRINGS: ['SIP/0501111111@t1'] })
    const hidden = numberFor({ CALLERID: 'Unknown', DIALSTRINGS: ['SIP/0501111111@t2'] })
    const [first, second] = [
      await far('guest', 1, [...takes, callee.bye()]),
      await far('hidden', 2, [...takes, callee.bye()]),
    ]
    await Promise.all([
      call('guest', own, [...answered, step.byeReceived()], { caller: '0541234567' }),
      call('hidden', hidden, [...answered, step.byeReceived()], { caller: '0549999999' }),
    ])
    expect(header(received(await first.ended, 'INVITE')[0], 'From')).toContain('<sip:+97231111111@')
    const invite = received(await second.ended, 'INVITE')[0]
    expect(header(invite, 'From')).toContain('anonymous@anonymous.invalid')
    expect(header(invite, 'Privacy')).toBe('id')
    expect(invite?.text).not.toContain('549999999')
  })

  it('sends DTMF_PLAY as keys that last 100 ms, as long apart, and half a second for each w', async () => {
    const number = numberFor({ DTMF_PLAY: '1w2#', DIALSTRINGS: ['SIP/0501111111@t3'] })
    const port = trunkPorts[3] ?? 0
    const capture = await Capture.start(folder, 'keys', `udp portrange ${port}-${port + 7}`)
    const callee3 = await far('keys', 3, [...takes, step.pause(3000), callee.bye()])
    await call('keys', number, [...answered, step.byeReceived()])
    expect((await callee3.ended).code).toBe(0)
    await capture.stop()
    const events = (await capture.rtpTo(port)).filter(({ payloadType }) => payloadType === 101)
    const starts = [...new Set(events.map(({ timestamp }) => timestamp))]
    const byKey = starts.map((start) => events.filter(({ timestamp }) => timestamp === start))
    const keys = byKey.map((packets) => ({
      key: packets[0]?.payload[0],
      startMs: (packets[0]?.timestamp ?? 0) / 8,
      ms: Math.max(...packets.map(({ payload }) => payload.readUInt16BE(2))) / 8,
      isEnded: packets.some(({ payload }) => ((payload[1] ?? 0) & 0x80) !== 0),
    }))
    expect(keys.map(({ key }) => key)).toEqual([1, 2, 11])
    expect(keys.every(({ ms, isEnded }) => isEnded && ms >= 90 && ms <= 120)).toBe(true)
    const gaps = keys
      .slice(1)
      .map(({ startMs }, index) => startMs - (keys[index]?.startMs ?? 0) - (keys[index]?.ms ?? 0))
    expect(gaps[0]).toBeGreaterThanOrEqual(560)
    expect(gaps[0]).toBeLessThan(800)
    expect(gaps[1]).toBeGreaterThanOrEqual(90)
    expect(gaps[1]).toBeLessThan(250)
  })

  it('lets an unanswered caller hear what the far end lets hear, and ring-back while the far end hears TARGET_REC', async () => {
    const number = numberFor({ TARGET_REC: 'long', DIALSTRINGS: ['SIP/0501111111@t4'] })
    const tone = join(folder, 'early.ulaw')
    await writeMulaw(tone, sine(targetHz, 1000))
    const port = await ports.take()
    const capture = await Capture.start(folder, 'early', `udp portrange ${port}-${port + 7}`)
    const callee4 = await far('early', 4, [
      callee.invite(),
      callee.respond('183 Session Progress', { sdp: sdpOf() }),
      step.stream(tone, 1),
      step.pause(1500),
      callee.respond('200 OK', { sdp: sdpOf() }),
      callee.received('ACK'),
      step.pause(4500),
      callee.bye(),
    ])
    await call('early', number, [...answered, step.byeReceived()], { port })
    expect((await callee4.ended).code).toBe(0)
    await capture.stop()
    const heard = await capture.audioTo(port)
    const before = heard.subarray(0, 8 * 1400)
    expect(shareWith(before, targetHz)).toBeGreaterThan(0.4)
    expect(shareWith(heard.subarray(8 * 1400, 8 * 4000), ringbackHz)).toBeGreaterThan(0.25)
  })

  it('does not ring a telephone again by the next dial string when it rang and then failed', async () => {
    const number = numberFor({ DIALSTRINGS: ['SIP/0501111111@t5', 'SIP/0501111111@t6'] })
    const first = await far('rang', 5, [
      callee.invite(),
      callee.respond('180 Ringing'),
      step.pause(500),
      callee.refuse('503 Service Unavailable'),
    ])
    const second = await far('rang', 6, [callee.invite()])
    await call('rang', number, [step.invite(), step.response(503), step.ackRefusal()])
    expect((await first.ended).code).toBe(0)
    second.kill()
    expect(received(await second.ended, 'INVITE')).toEqual([])
    expect(await hangupOf(number)).toMatchObject({ CALL_STATUS: 'CHANUNAVAIL' })
  })

  it('rings for a CALL_MAX_DIAL of one second, time and again', async () => {
    for (let round = 1; round <= 4; round++) {
      const number = numberFor({ CALL_MAX_DIAL: 1, DIALSTRINGS: ['SIP/0501111111@t7'] })
      const ringing = await far(`second-${round}`, 7, [
        callee.invite(),
        callee.respond('180 Ringing'),
        callee.cancelReceived(),
      ])
      await call(`second-${round}`, number, [step.invite(), step.response(480), step.ackRefusal()])
      expect((await ringing.ended).code, `round ${round}`).toBe(0)
      expect(await hangupOf(number)).toMatchObject({ CALL_STATUS: 'NOANSWER', CALL_DAILTIME: 1 })
    }
  })

  it('tells one end, once, where both hang up at the same moment, and where the caller gives up as the far end answers', async () => {
    const both = numberFor({ DIALSTRINGS: ['SIP/0501111111@t8'] })
    const far8 = [...takes, step.pause(1000), callee.request({ method: 'BYE', cseq: 50 })]
    const eight = await far('both', 8, [...far8, callee.eitherResponse(200, 481, 'over')])
    const place = { folder, serverPort: server.sipPort, name: 'both', number: both, port: await ports.take() }
    // Either may get the other's BYE where it waits for the answer to its own, which is nothing a scenario can say.
    const caller = await startSipp({ ...place, steps: [...answered, step.pause(1000), step.bye(2)] })
    expect(await hangupOf(both)).toMatchObject({ CALL_STATUS: 'ANSWER' })
    for (const one of [caller, eight]) one.kill()
    await Promise.all([caller.ended, eight.ended])
    const crossed = numberFor({ DIALSTRINGS: ['SIP/0501111111@t8'] })
    const answering = await far('crossed', 8, [
      callee.invite(),
      callee.respond('180 Ringing'),
      callee.received('CANCEL'),
      callee.answer(),
      step.pause(300),
      callee.respond('200 OK', { sdp: sdpOf() }),
      callee.received('ACK'),
      callee.byeReceived(),
    ])
    await call('crossed', crossed, [
      step.invite(),
      // Ours, before the handler is asked; the far end rings some moments later.
      step.response(180),
      step.pause(1500),
      givesUp,
      step.only(200),
      step.only(487),
      step.ackRefusal(),
    ])
    const { code, log } = await answering.ended
    expect(code, log).toBe(0)
    expect(await hangupOf(crossed)).toMatchObject({ CALL_STATUS: 'CANCEL', TARGET: '0501111111' })
    for (const number of [both, crossed]) expect(told(number)).toHaveLength(1)
    await until(
      async () => {
        const { items } = (await server.get('/api/v1/calls?limit=100')) as {
          items: { to: string; endedAt: string | null }[]
        }
        const ours = items.filter(({ to }) => [both, crossed].some((number) => to.endsWith(number.slice(1))))
        return ours.length === 2 && ours.every(({ endedAt }) => endedAt !== null) ? true : null
      },
      () => 'a record is open still',
    )
  })
})
