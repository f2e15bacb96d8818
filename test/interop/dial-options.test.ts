import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { readWav, shareWith } from '../support/hear.ts'
import { keyHz } from '../support/stage.ts'
import { trunkAddress, trunkLogin } from '../support/stage-two-sided.ts'
import type { CapturedRtp } from './support/capture.ts'
import type { Line } from './support/lines.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { type RunningSipp, startSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received, sipfrags } from './support/sipp-messages.ts'
import { keyPcap, sdpOf, step } from './support/sipp-steps.ts'
import { lastHeard, says } from './support/tones.ts'
import { TwoSided, type TwoSidedResult } from './support/two-sided.ts'
import { inviteAs } from './support/two-sided-calls.ts'

vi.setConfig({ maxConcurrency: 12 })

const isAnswered = [step.invite(), step.response(200), step.ack()]
const rings = [callee.invite(), callee.respond('180 Ringing')]
const takesCall = [...rings, callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK')]

/** The tones that the caller (0) or a callee (from 1) heard last. */
function heard({ capture, ports }: TwoSidedResult, index: number): Promise<readonly number[]> {
  return lastHeard(capture, ports[index] ?? 0, [530, 790, 1310])
}

/** The keys that were sent by RFC 4733, each once: an event is told by its timestamp. */
function keysIn(packets: readonly CapturedRtp[]): string {
  const events = new Map(
    packets.filter(({ payloadType }) => payloadType === 101).map((one) => [one.timestamp, one.payload[0] ?? 0]),
  )
  return [...events.values()].map((event) => '0123456789*#'[event] ?? '?').join('')
}

for (const workers of [1, 2]) {
  describeAtOnceWith(['sipp', 'tshark'], `a dial with all that it can do, media workers: ${workers}`, () => {
    const two = new TwoSided({
      firstPort: workers === 1 ? 25_000 : 27_500,
      workers,
      lines: { full: {}, codecs: {}, keys: {} },
    })

    it('sends digits, announces, records both on a channel each, and ends after its limit', async () => {
      const { stage } = two
      const options = { digits: '42#', announce: 'key-5.wav', record: 'both', limitSeconds: 3 } as const
      const result = await two.play('full', {
        caller: [...isAnswered, await says(stage, 530), step.byeReceived()],
        behind: { full: [...takesCall, await says(stage, 1310), callee.byeReceived()] },
        plan: [{ do: 'answer' }, { do: 'dial', to: two.line('full').number, options }, { do: 'hangUp' }],
        isCaptured: true,
      })
      expect(result.call.planned).toEqual(['answer answered', 'dial completed', 'hangUp done'])
      const [callerPort = 0, calleePort = 0] = result.ports
      const toCallee = (await result.capture?.rtpTo(calleePort)) ?? []
      expect(keysIn(toCallee)).toBe('42#')
      const announced = (await result.capture?.audioTo(calleePort)) ?? new Int16Array()
      expect(shareWith(announced, keyHz(5)) * (announced.length / 8)).toBeGreaterThan(600)
      const heardByCaller = (await result.capture?.audioTo(callerPort)) ?? new Int16Array()
      expect(shareWith(heardByCaller, keyHz(5)) * (heardByCaller.length / 8)).toBeLessThan(100)
      expect(await lastHeard(result.capture, calleePort, [530, 1310])).toEqual([530])
      expect(await lastHeard(result.capture, callerPort, [530, 1310])).toEqual([1310])
      const { recordings } = (await stage.server.get(`/api/v1/calls/${result.call.id}`)) as {
        recordings: readonly { audio: string; state: string; channels: number; durationSeconds: number }[]
      }
      expect(recordings).toMatchObject([{ state: 'saved', channels: 2 }])
      expect(recordings[0]?.durationSeconds).toBeGreaterThan(2.5)
      expect(recordings[0]?.durationSeconds).toBeLessThan(3.7)
      const [left, right] = readWav(await two.stage.server.download(recordings[0]?.audio ?? '')).channels
      expect(shareWith(left ?? new Int16Array(), 530)).toBeGreaterThan(0.8)
      expect(shareWith(left ?? new Int16Array(), 1310)).toBeLessThan(0.1)
      expect(shareWith(right ?? new Int16Array(), 1310)).toBeGreaterThan(0.8)
      expect(shareWith(right ?? new Int16Array(), 530)).toBeLessThan(0.1)
    })

    it('joins two who have no codec in common', async () => {
      const { stage } = two
      const alaw = sdpOf({ formats: ['PCMA'] })
      const codecs = [
        ...rings,
        callee.respond('200 OK', { sdp: alaw }),
        callee.received('ACK'),
        await says(stage, 1310, 'PCMA'),
      ]
      const result = await two.play('codecs', {
        caller: [
          step.invite({ sdp: sdpOf({ formats: ['PCMU'] }) }),
          step.response(200),
          step.ack(),
          await says(stage, 530),
          step.byeReceived(),
        ],
        behind: { codecs: [...codecs, step.pause(2500), callee.bye()] },
        isCaptured: true,
      })
      const [callerPort = 0, calleePort = 0] = result.ports
      expect(await lastHeard(result.capture, callerPort, [530, 1310])).toEqual([1310])
      expect(await lastHeard(result.capture, calleePort, [530, 1310])).toEqual([530])
      expect(new Set((await result.capture?.rtpTo(calleePort))?.map(({ payloadType }) => payloadType))).toEqual(
        new Set([8]),
      )
    })

    it('passes keys on from one to the other, each once', async () => {
      const keys = [...isAnswered, step.pause(500), step.pcap(keyPcap('7')), step.pause(700), step.pcap(keyPcap('3'))]
      const result = await two.play('keys', {
        caller: [...keys, step.pause(900), step.bye(2)],
        behind: { keys: [...takesCall, callee.byeReceived()] },
        isCaptured: true,
      })
      expect(keysIn((await result.capture?.rtpTo(result.ports[1] ?? 0)) ?? [])).toBe('73')
    })
  })
}

/** Takes one registration, at the second attempt, when the credentials are right. It is there before the server is. */
async function startRegistrar({ port }: Line, folder: string): Promise<RunningSipp> {
  const granted = ['[last_Contact:]', 'Expires: 60']
  const steps = [callee.challengeRequest('REGISTER', trunkLogin, granted)]
  return await startSipp({ folder, name: 'registrar', steps, serverPort: 1, number: 'us', port, address: trunkAddress })
}

describeAtOnceWith(['sipp'], 'a trunk', () => {
  let registrar: RunningSipp | null = null
  let folder = ''
  const two = new TwoSided({
    firstPort: 29_000,
    lines: {
      tcp: { transport: 'tcp' },
      national: { numberFormat: 'national' },
      registrar: { register: true, expires: 60 },
    },
    prepare: async (line) => {
      folder = await mkdtemp(join(tmpdir(), 'switchhook-registrar-'))
      registrar = await startRegistrar(line('registrar'), folder)
      return {}
    },
  })

  afterAll(async () => {
    registrar?.kill()
    await registrar?.ended
    await rm(folder, { recursive: true, force: true })
  })

  it('where we register asks for our password, and we have it', async () => {
    const result = await registrar?.ended
    expect(result?.code, result?.log).toBe(0)
    const [first, second] = received(result, 'REGISTER')
    expect(header(first, 'To')).toContain(`sip:${trunkLogin.username}@`)
    expect(header(second, 'Contact')).toContain(`@127.0.0.1:${two.stage.server.sipPort}`)
    expect(second?.text).toMatch(/^(Expires: 60|Contact: .*expires=60)/m)
  })

  it('over TCP: the call goes there and comes back on its connection', async () => {
    const { callees, call } = await two.play('tcp', {
      caller: [...isAnswered, step.pause(300), step.bye(2)],
      behind: { tcp: [...takesCall, callee.byeReceived()] },
    })
    expect(header(received(callees[0], 'INVITE')[0], 'Via')).toMatch(/^SIP\/2\.0\/TCP/)
    expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
  })

  it('is shown our number, and the callee in the format that it wants', async () => {
    const { number } = two.line('national')
    const { callees } = await two.play('national', {
      caller: [...isAnswered, step.byeReceived()],
      behind: { national: [...takesCall, callee.bye()] },
    })
    const [invite] = received(callees[0], 'INVITE')
    // Singapore writes its numbers without a zero in front.
    expect(invite?.first).toContain(`sip:${number.slice(3)}@`)
    expect(header(invite, 'From')).toContain('sip:60000001@')
  })
})

describeAtOnceWith(['sipp', 'tshark'], 'a dial', () => {
  const two = new TwoSided({ firstPort: 29_500, workers: 2, lines: { early: {}, recode: {} } })

  it('a program dials another: the caller hears it', async () => {
    const inner = await two.stage.plan({ do: 'answer' }, { do: 'play', sound: 'prompt.wav' }, { do: 'hangUp' })
    const result = await two.play('inside', {
      caller: [step.invite(), step.response(200), step.ack(), step.byeReceived()],
      plan: [{ do: 'dial', to: inner }],
      inner,
      isCaptured: true,
    })
    expect(result.call.planned).toEqual(['dial completed'])
    expect(await lastHeard(result.capture, result.ports[0] ?? 0, [440])).toEqual([440])
  })

  it('a caller is transferred into a room, and hears who is there', async () => {
    const { stage } = two
    const [room, other] = [
      await stage.plan({ do: 'conference', room: 'meeting' }),
      await stage.plan({ do: 'conference', room: 'meeting' }),
    ]
    const to = `Refer-To: <sip:${room}@[remote_ip]:[remote_port]>`
    const caller = [...inviteAs('101'), step.response(200), step.ack(2), step.pause(300)]
    caller.push(
      step.request({ method: 'REFER', cseq: 3, headers: [to] }),
      step.only(202),
      callee.notified('told'),
      step.bye(4),
    )
    const member = two.play('member', {
      caller: [step.invite(), step.response(200), step.ack(), await says(stage, 530), step.pause(5000), step.bye(2)],
      number: other,
      isCaptured: true,
    })
    const result = await two.play('into-room', {
      caller,
      extension: '101',
      number: '102',
      inner: room,
      isCaptured: true,
      devices: [{ extension: '102', steps: [...takesCall, await says(stage, 790), step.pause(3500), callee.bye()] }],
    })
    expect(sipfrags(result.caller).at(-1)).toBe(200)
    expect(await heard(result, 1)).toEqual([530])
    await member
  })

  it('early media is heard before the answer', async () => {
    const early = [
      callee.invite(),
      callee.respond('183 Session Progress', { sdp: sdpOf() }),
      await says(two.stage, 790),
    ]
    early.push(step.pause(2000), callee.refuse('486 Busy Here'))
    const result = await two
      .play('early', {
        caller: [step.invite(), step.response(480), step.ackRefusal()],
        behind: { early },
        plan: [{ do: 'dial', to: two.line('early').number }, { do: 'hangUp' }],
        isCaptured: true,
      })
      .catch((thrown: unknown) => {
        throw thrown
      })
    expect(await heard(result, 0)).toEqual([790])
  })

  it('the callee changes its codec in the middle: both are heard on', async () => {
    const { stage } = two
    const alaw = sdpOf({ version: 2, formats: ['PCMA'] })
    const recode = [...takesCall, await says(stage, 790), step.pause(700)]
    recode.push(callee.reInvite(2, alaw), await says(stage, 1310, 'PCMA'), step.pause(1800), callee.bye())
    const result = await two.play('recode', {
      caller: [step.invite(), step.response(200), step.ack(), await says(stage, 530), step.byeReceived()],
      behind: { recode },
      isCaptured: true,
    })
    expect(await heard(result, 1)).toEqual([530])
    expect(await heard(result, 0)).toEqual([1310])
    expect(received(result.callees[0], 'SIP/2.0 200')[0]?.text).toMatch(/^m=audio \d+ RTP\/AVP 8/m)
  })
})
