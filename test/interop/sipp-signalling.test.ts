import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFolder } from '../support/server-process.ts'
import { keyHz, promptHz, type Stage, setStage } from '../support/stage.ts'
import { audioOf } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import type { SippMessage, SippResult } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { callBySipp, captureCall, recordOf, tonesIn } from './support/stage-calls.ts'
import { TwoSided } from './support/two-sided.ts'

const ports = new PeerPorts(31_000)
const answered = [step.invite(), step.response(200), step.ack()]

/** The message that begins so, or, of several, the n-th. */
function message(result: SippResult, first: string, index = 0): SippMessage {
  const found = result.messages.filter((one) => one.first.startsWith(first))[index]
  if (!found) throw new Error(`sipp has no ${first} (${index}):\n${result.log}`)
  return found
}

function responses(result: SippResult, status: number, method: string): readonly SippMessage[] {
  const isWanted = ({ first, text }: SippMessage): boolean =>
    first.startsWith(`SIP/2.0 ${status}`) && new RegExp(`^CSeq: *\\d+ ${method}`, 'im').test(text)
  return result.messages.filter((one) => one.direction === 'received' && isWanted(one))
}

function header({ text }: SippMessage, name: string): string | null {
  return new RegExp(`^${name} *: *(.*?)\\s*$`, 'im').exec(text)?.[1] ?? null
}

describeAtOnceWith(['sipp', 'tshark'], 'sipp signalling', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage({ sipPort: await ports.take(), limits: 'callsPerSecond: 1000' })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  it('a 200 without ACK is sent again at T1 doubling to T2, then comes BYE, and the record says that the ACK never came', async () => {
    const port = await ports.take()
    const steps = [step.invite(), step.response(200), step.byeReceived(36_000)]
    const result = await callBySipp(stage, { name: 'no-ack', number: '2', port, steps })
    const [first, ...again] = responses(result, 200, 'INVITE').map(({ at }) => at)
    const after = again.map((at) => at - (first ?? 0))
    // RFC 3261 §13.3.1.4.
    const expected = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    expect(after).toHaveLength(expected.length)
    for (const [i, at] of after.entries()) expect(Math.abs(at - (expected[i] ?? 0))).toBeLessThan(0.25)
    expect(message(result, 'BYE ').at - (first ?? 0)).toBeGreaterThan(31.9)
    expect(message(result, 'BYE ').at - (first ?? 0)).toBeLessThan(33)
    const record = await recordOf(stage, 'no-ack')
    expect(record).toMatchObject({ cause: 'ack-missing', endedBy: 'network' })
    expect(record.sentence).toContain('ACK')
  })

  it('an INVITE without SDP gets the offer in the 200, and the answer in the ACK opens the audio', async () => {
    const port = await ports.take()
    const steps = [step.invite({ sdp: null }), step.response(200), step.ack(1, sdpOf()), step.pause(1900), step.bye(2)]
    const { result, capture } = await captureCall(stage, { name: 'late-offer', number: '1', port, steps })
    expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz])
    const offer = responses(result, 200, 'INVITE')[0]?.text ?? ''
    expect(offer).toMatch(/^m=audio \d+ RTP\/AVP (?=.*\b0\b)(?=.*\b8\b)/m)
    expect(offer).toMatch(/^a=rtpmap:\d+ telephone-event\/8000/m)
  })

  it('an SDP inside multipart/mixed is found', async () => {
    const port = await ports.take()
    const boundary = 'frontier.7'
    const text = [
      `--${boundary}`,
      'Content-Type: text/plain',
      'Content-Disposition: render;handling=optional',
      '',
      'Hello',
      `--${boundary}`,
      'Content-Type: application/sdp',
      '',
      sdpOf(),
      '',
      `--${boundary}--`,
    ].join('\n')
    const body = { type: `multipart/mixed;boundary="${boundary}"`, text }
    const steps = [step.invite({ body }), step.response(200), step.ack(), step.pause(1900), step.bye(2)]
    const { capture } = await captureCall(stage, { name: 'multipart', number: '1', port, steps })
    expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz])
  })

  for (const transport of ['udp', 'tcp'] as const) {
    it(`a CANCEL while early media plays gets 200, and the INVITE 487 (${transport})`, async () => {
      const port = await ports.take()
      const name = `cancel-${transport}`
      const cancel = { method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' } as const
      const steps = [step.invite(), step.response(183), step.pause(700), step.request(cancel), step.only(200)]
      steps.push(step.only(487), step.ackRefusal())
      const { result, capture } = await captureCall(stage, { name, number: '3', transport, port, steps })
      expect(header(responses(result, 200, 'CANCEL')[0] as SippMessage, 'CSeq')).toBe('1 CANCEL')
      expect(responses(result, 487, 'INVITE')).toHaveLength(1)
      // It heard the prompt before, and nothing afterwards.
      const packets = await capture.rtpTo(port)
      expect(tonesIn(audioOf(packets))).toEqual([promptHz])
      expect((packets.at(-1)?.at ?? 0) - (packets[0]?.at ?? 0)).toBeLessThan(1.2)
      const record = await recordOf(stage, name)
      expect(record).toMatchObject({ cause: 'cancelled', endedBy: 'caller', sipStatus: 487 })
      expect(record.sentence).toMatch(/^The caller gave up after/)
    })
  }

  it('where 100rel is required, 180 and 183 wait for their PRACKs, the SDP goes in the 183, and an UPDATE may follow', async () => {
    const port = await ports.take()
    // sipp's own way of keeping the RSeq of a response for the RAck of its PRACK.
    const reliable = (status: number): string => `<recv response="100" optional="true"/>
<recv response="${status}" rrs="true"><action><ereg regexp="[0-9]+" search_in="hdr" header="RSeq:" check_it="true" assign_to="rseq"/></action></recv>`
    const prack = (cseq: number): readonly string[] => [
      step.request({ method: 'PRACK', cseq, headers: ['RAck: [$rseq] 1 INVITE'] }),
      step.only(200),
    ]
    const update = sdpOf({ version: 2, formats: ['PCMA', 'telephone-event'] })
    const steps = [step.invite({ headers: ['Require: 100rel', 'Supported: 100rel'] }), reliable(180), ...prack(2)]
    steps.push(reliable(183), ...prack(3), step.pause(500))
    const body = { type: 'application/sdp', text: update }
    steps.push(step.request({ method: 'UPDATE', cseq: 4, body }), step.only(200))
    steps.push(step.response(200), step.ack(), step.byeReceived())
    const { result, capture } = await captureCall(stage, { name: 'reliable', number: '3', port, steps })
    const [ringing, progress] = [message(result, 'SIP/2.0 180'), message(result, 'SIP/2.0 183')]
    for (const one of [ringing, progress]) expect(header(one, 'Require')).toContain('100rel')
    expect(Number(header(progress, 'RSeq'))).toBe(Number(header(ringing, 'RSeq')) + 1)
    expect([ringing, progress].map(({ text }) => text.includes('m=audio'))).toEqual([false, true])
    expect(responses(result, 200, 'UPDATE')[0]?.text).toMatch(/^m=audio \d+ RTP\/AVP 8 101/m)
    // RFC 6337 §3.1.1: offer and answer are done; the 200 has none.
    expect(responses(result, 200, 'INVITE')[0]?.text).not.toContain('m=audio')
    const packets = await capture.rtpTo(port)
    expect(tonesIn(audioOf(packets))).toEqual([promptHz, keyHz(1)])
    expect([...new Set(packets.map(({ payloadType }) => payloadType))]).toEqual([0, 8])
  })

  it('a session interval below our least gets 422 with Min-SE; then the agreed one stands in the 200 and in the refresh', async () => {
    const port = await ports.take()
    const tooShort = ['Supported: timer', 'Session-Expires: 60']
    const fit = ['Supported: timer', 'Session-Expires: 120;refresher=uac', 'Min-SE: 90']
    const steps = [step.invite({ headers: tooShort }), step.response(422), step.ackRefusal()]
    steps.push(step.invite({ cseq: 2, headers: fit }), step.response(200), step.ack(2), step.pause(300))
    steps.push(step.request({ method: 'UPDATE', cseq: 3, headers: fit }), step.only(200), step.bye(4))
    const result = await callBySipp(stage, { name: 'timer', number: '1', port, steps })
    expect(header(message(result, 'SIP/2.0 422'), 'Min-SE')).toBe('90')
    for (const method of ['INVITE', 'UPDATE']) {
      const [response] = responses(result, 200, method)
      expect(header(response as SippMessage, 'Session-Expires')).toMatch(/^120; *refresher=uac$/)
      expect(header(response as SippMessage, 'Require')).toContain('timer')
    }
  })

  it('an UPDATE holds and resumes like a re-INVITE', async () => {
    const port = await ports.take()
    const update = (cseq: number, direction: 'sendonly' | 'sendrecv'): readonly string[] => {
      const body = { type: 'application/sdp', text: sdpOf({ version: cseq, direction }) }
      return [step.request({ method: 'UPDATE', cseq, body }), step.only(200)]
    }
    const steps = [...answered, step.pause(1000), ...update(2, 'sendonly'), step.pause(1000)]
    steps.push(...update(3, 'sendrecv'), step.byeReceived())
    const { result, capture } = await captureCall(stage, { name: 'update', number: '4', port, steps })
    const packets = await capture.rtpTo(port)
    const silences = packets.slice(1).filter((packet, i) => packet.at - (packets[i]?.at ?? 0) > 0.5)
    expect(silences).toHaveLength(1)
    const [held, resumed] = responses(result, 200, 'UPDATE')
    expect(held?.text).toMatch(/^a=recvonly/m)
    expect(resumed?.text).not.toMatch(/^a=(recvonly|sendonly|inactive)/m)
  })

  it('what is lost on the way, each fourth message by chance, is sent again, and no key counts twice', async () => {
    const port = await ports.take()
    // The ACK arrives: sipp would take the 200 of the INVITE, sent again late, for that of an INFO, and not repeat the INFO.
    const steps = [step.invite(), step.response(200), step.ack(1, null, 0)]
    steps.push(step.pause(1800), step.info('3', 2), step.pause(1100), step.info('3', 3))
    steps.push(step.pause(1100), step.info('7', 4), step.pause(1100), step.bye(5))
    const extra = ['-lost', '25']
    const { capture } = await captureCall(stage, { name: 'lossy', number: '1', port, steps, extra })
    expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz, keyHz(3), keyHz(3), keyHz(7)])
    expect(await recordOf(stage, 'lossy')).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  it('requests of a dialog that nobody knows get 481, and an INFO of unknown content 415', async () => {
    const port = await ports.take()
    const stray = step.request({ method: 'BYE', cseq: 7, place: 'outside' }).replace(/(To: .*>)/, '$1;tag=unknown')
    await callBySipp(stage, { name: 'stray', number: '1', port, steps: [stray, step.only(481)] })
    const body = { type: 'application/unheard-of', text: 'what' }
    const steps = [...answered, step.request({ method: 'INFO', cseq: 2, body }), step.only(415), step.bye(3)]
    await callBySipp(stage, { name: 'unheard', number: '1', port: await ports.take(), steps })
  })

  for (const transport of ['udp', 'tcp'] as const) {
    it(`an extension registers with its password, calls with it, and goes (${transport})`, async () => {
      const port = await ports.take()
      const [username, password] = transport === 'udp' ? ['101', 'secret-of-101'] : ['102', 'secret-of-102']
      const credentials = { username, password }
      const authentication = `[authentication username=${username} password=${password}]`
      const register = (cseq: number, expires: number, headers: readonly string[] = []): string =>
        step
          .request({ method: 'REGISTER', cseq, place: 'outside', headers: [`Expires: ${expires}`, ...headers] })
          .replace('sip:[service]@[remote_ip]:[remote_port] SIP/2.0', 'sip:[remote_ip]:[remote_port] SIP/2.0')
          .replace(/To: .*>/, 'To: <sip:[caller]@[remote_ip]:[remote_port]>')
      const twice = (first: (headers: readonly string[]) => string, then: (headers: readonly string[]) => string) => [
        first([]),
        step.response(401, 'auth="true"'),
        then([authentication]),
      ]
      const common = { number: '1', transport, port, caller: username, credentials }
      const registering = [
        ...twice(
          () => register(1, 300),
          (headers) => register(2, 300, headers),
        ),
        step.only(200),
      ]
      await callBySipp(stage, { ...common, name: `register-${transport}`, steps: registering })
      const { items } = (await stage.server.get('/api/v1/registrations')) as {
        items: readonly { extension: string; contact: string; address: string }[]
      }
      const registration = items.find(({ extension }) => extension === username)
      expect(registration?.contact).toContain(`sip:${username}@127.0.0.1:${port + 10}`)
      expect(registration?.address).toMatch(new RegExp(`^${transport}:127\\.0\\.0\\.1:`))

      const calling = [step.invite(), step.response(401, 'auth="true"'), step.ackRefusal()]
      calling.push(step.invite({ cseq: 2, headers: [authentication] }), step.response(200), step.ack(2))
      calling.push(step.pause(300), step.info('0', 3), step.byeReceived())
      await callBySipp(stage, { ...common, name: `call-as-${username}`, steps: calling })
      expect(await recordOf(stage, username)).toMatchObject({ extension: username, cause: 'normal' })

      const leaving = [
        ...twice(
          () => register(3, 0),
          (headers) => register(4, 0, headers),
        ),
        step.only(200),
      ]
      await callBySipp(stage, { ...common, name: `leave-${transport}`, steps: leaving })
      const left = (await stage.server.get('/api/v1/registrations')) as { items: readonly { extension: string }[] }
      expect(left.items.map(({ extension }) => extension)).not.toContain(username)
    })
  }

  it('a wrong password is asked for again with 401', async () => {
    const port = await ports.take()
    const authentication = '[authentication username=101 password=guess]'
    const steps = [step.invite(), step.response(401, 'auth="true"'), step.ackRefusal()]
    steps.push(step.invite({ cseq: 2, headers: [authentication] }), step.response(401), step.ackRefusal(2))
    await callBySipp(stage, { name: 'guess', number: '1', port, caller: '101', steps })
  })
})

describeAtOnceWith(['sipp'], 'a session with a callee', () => {
  // In this file, and not with the other dialogs of callees, because it takes as long as the 200 without ACK above.
  const two = new TwoSided({ firstPort: 28_000, lines: { refresh: {} } })

  it('is refreshed by us at half of the interval, where that is our part', async () => {
    // The shortest interval there is: RFC 4028 §4.
    const timer = ['Session-Expires: 90;refresher=uac', 'Require: timer', 'Supported: timer']
    const allowed = 'Allow: INVITE, ACK, BYE, CANCEL, UPDATE'
    const refresh = [callee.invite(), callee.respond('200 OK', { sdp: sdpOf(), headers: [...timer, allowed] })]
    refresh.push(callee.received('ACK'), callee.received('UPDATE', { limitMs: 48_000 }))
    refresh.push(callee.answer('200 OK', { headers: timer }), callee.bye())
    const { callees, call } = await two.play('refresh', {
      caller: [...answered, step.byeReceived(49_000)],
      behind: { refresh },
    })
    const [update] = received(callees[0], 'UPDATE')
    const waited = (update?.at ?? 0) - (received(callees[0], 'ACK')[0]?.at ?? 0)
    expect(waited).toBeGreaterThan(44)
    expect(waited).toBeLessThan(46.5)
    expect(update?.text).toMatch(/^Session-Expires: 90; *refresher=uac/m)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee' })
  })
})
