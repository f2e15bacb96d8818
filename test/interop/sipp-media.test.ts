import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { shareWith, sine } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { joined, keyHz, melodyHz, promptHz, type Stage, setStage, writeAlaw, writeMulaw } from '../support/stage.ts'
import { audioOf, type CapturedRtp } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { type SdpOptions, sdpOf, step } from './support/sipp-steps.ts'
import { captureCall, melodyTones, tonesIn } from './support/stage-calls.ts'

const ports = new PeerPorts(30_500)
const answered = [step.invite(), step.response(200), step.ack()]

function reInvite(cseq: number, sdp: SdpOptions): readonly string[] {
  return [
    step.invite({ cseq, sdp: sdpOf({ version: cseq, ...sdp }), isAgain: true }),
    step.response(200),
    step.ack(cseq),
  ]
}

/** The times, in ms, between one packet and the next. */
function gapsOf(packets: readonly CapturedRtp[]): readonly number[] {
  return packets.slice(1).map((packet, i) => (packet.at - (packets[i]?.at ?? 0)) * 1000)
}

describeAtOnceWith(['sipp', 'tshark'], 'sipp media', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage({ sipPort: await ports.take(), limits: 'callsPerSecond: 1000' })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  const holds: Readonly<Record<string, SdpOptions>> = {
    'a=sendonly': { direction: 'sendonly' },
    'a=inactive': { direction: 'inactive' },
    'c=0.0.0.0': { address: '0.0.0.0' },
  }
  for (const [how, sdp] of Object.entries(holds)) {
    it(`hold by ${how} silences the server at once; after the resume the melody goes on`, async () => {
      const port = await ports.take()
      const steps = [...answered, step.pause(1300), ...reInvite(2, sdp), step.pause(1500), ...reInvite(3, {})]
      steps.push(step.byeReceived())
      const name = `hold-${how.replace(/\W+/g, '-')}`
      const { result, capture } = await captureCall(stage, { name, number: '4', port, steps })
      const packets = await capture.rtpTo(port)
      // One silence, as long as the hold.
      const silences = gapsOf(packets).filter((gap) => gap > 500)
      expect(silences).toHaveLength(1)
      expect(silences[0]).toBeGreaterThan(1400)
      expect(silences[0]).toBeLessThan(2000)
      // One stream, whose timestamps went on with the clock meanwhile (RFC 3550 §5.1).
      expect(new Set(packets.map(({ ssrc }) => ssrc)).size).toBe(1)
      const [first, last] = [packets[0], packets.at(-1)]
      const wallMs = ((last?.at ?? 0) - (first?.at ?? 0)) * 1000
      expect(Math.abs((((last?.timestamp ?? 0) - (first?.timestamp ?? 0)) >>> 0) / 8 - wallMs)).toBeLessThan(150)
      // Heard up to the hold, and again to its end.
      const tones = tonesIn(audioOf(packets), melodyTones)
      expect(tones).toEqual([...tones].sort((one, other) => one - other))
      expect(tones.slice(0, 2)).toEqual(melodyHz.slice(0, 2))
      expect(tones.slice(-3)).toEqual(melodyHz.slice(-3))
      expect(tones.length).toBeLessThan(melodyHz.length)
      // RFC 3264 §6.1: the answer mirrors the direction.
      const answers = result.messages.filter(
        ({ first, text }) => first === 'SIP/2.0 200 OK' && text.includes('m=audio'),
      )
      const directions = answers.map(
        ({ text }) => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text)?.[1] ?? 'sendrecv',
      )
      expect(new Set([directions[0], directions.at(-1)])).toEqual(new Set(['sendrecv']))
      if (sdp.direction) expect(directions).toContain(sdp.direction === 'sendonly' ? 'recvonly' : 'inactive')
    })
  }

  for (const ptimeMs of [10, 30, 60]) {
    it(`packets are ${ptimeMs} ms long where the peer asks for it`, async () => {
      const port = await ports.take()
      const steps = [step.invite({ sdp: sdpOf({ ptimeMs }) }), step.response(200), step.ack(), step.pause(1800)]
      steps.push(step.info('2', 2), step.pause(1100), step.bye(3))
      const { result, capture } = await captureCall(stage, { name: `ptime-${ptimeMs}`, number: '1', port, steps })
      const packets = await capture.rtpTo(port)
      expect(tonesIn(audioOf(packets))).toEqual([promptHz, keyHz(2)])
      expect(new Set(packets.map(({ payload }) => payload.length))).toEqual(new Set([8 * ptimeMs]))
      expect(
        result.messages.find(({ text }) => text.includes('m=audio') && text.startsWith('SIP/2.0 200'))?.text,
      ).toContain(`a=ptime:${ptimeMs}`)
      // The pace, over the second of the prompt that lies in the middle.
      const count = Math.round(1000 / ptimeMs)
      const [from, to] = [packets[5], packets[5 + count]]
      expect(((to?.at ?? 0) - (from?.at ?? 0)) * 1000).toBeGreaterThan(900)
      expect(((to?.at ?? 0) - (from?.at ?? 0)) * 1000).toBeLessThan(1100)
    })
  }

  it('A-law alone is spoken and understood', async () => {
    const port = await ports.take()
    const file = join(stage.folder, 'eight.alaw')
    const [low, high] = [sine(852, 200, { levelDb: -12 }), sine(1336, 200, { levelDb: -12 })]
    await writeAlaw(
      file,
      joined([new Int16Array(800), low.map((sample, i) => sample + (high[i] ?? 0)), new Int16Array(800)]),
    )
    const steps = [step.invite({ sdp: sdpOf({ formats: ['PCMA'] }) }), step.response(200), step.ack()]
    steps.push(step.pause(1800), step.stream(file, 1, 8), step.pause(1800), step.bye(2))
    const { capture } = await captureCall(stage, { name: 'pcma', number: '1', port, steps })
    const packets = await capture.rtpTo(port)
    expect(new Set(packets.map(({ payloadType }) => payloadType))).toEqual(new Set([8]))
    expect(tonesIn(audioOf(packets))).toEqual([promptHz, keyHz(8)])
  })

  it('a re-INVITE moves the audio to another port and another codec, and the melody goes on there', async () => {
    const port = await ports.take()
    const moved = sdpOf({ version: 2, formats: ['PCMA', 'telephone-event'] }).replace('[media_port]', '[media_port+4]')
    const steps = [...answered, step.pause(1300), step.invite({ cseq: 2, sdp: moved, isAgain: true })]
    steps.push(step.response(200), step.ack(2), step.byeReceived())
    const { capture } = await captureCall(stage, { name: 'moved', number: '4', port, steps })
    const [before, after] = [await capture.rtpTo(port), await capture.rtpTo(port + 4)]
    expect(new Set(before.map(({ payloadType }) => payloadType))).toEqual(new Set([0]))
    expect(new Set(after.map(({ payloadType }) => payloadType))).toEqual(new Set([8]))
    expect((after[0]?.at ?? 0) - (before.at(-1)?.at ?? 0)).toBeLessThan(0.2)
    const tones = [...tonesIn(audioOf(before), melodyTones), ...tonesIn(audioOf(after), melodyTones)]
    expect([...new Set(tones)]).toEqual(melodyHz)
  })

  it('RTCP reports what was sent and how the caller is heard', async () => {
    const port = await ports.take()
    const file = join(stage.folder, 'tone.ulaw')
    await writeMulaw(file, sine(1150, 2000))
    const steps = [...answered, step.stream(file, -1), step.pause(12_000), step.bye(2)]
    const { capture } = await captureCall(stage, { name: 'rtcp', number: '1200', port, steps })
    const packets = await capture.rtpTo(port)
    expect(shareWith(audioOf(packets).subarray(-8000), 1150)).toBeGreaterThan(0.95)
    const names = ['frame.time_epoch', 'rtcp.senderssrc', 'rtcp.timestamp.ntp.msw', 'rtcp.timestamp.rtp']
    names.push('rtcp.sender.packetcount', 'rtcp.sender.octetcount', 'rtcp.ssrc.fraction', 'rtcp.ssrc.cum_nr')
    names.push('rtcp.ssrc.jitter', 'rtcp.sdes.type')
    const decodeAs = ['-d', `udp.port==${port + 1},rtcp`]
    const filter = `udp.dstport == ${port + 1} && rtcp.pt == 200`
    const reports = await capture.fields(filter, names, decodeAs)
    expect(reports.length).toBeGreaterThanOrEqual(1)
    const ssrc = packets[0]?.ssrc ?? 0
    for (const report of reports) {
      const [at = '', sender = '', ntpSeconds = '', rtpTime = '', sent = '', octets = ''] = report
      const [fraction = '', lost = '', jitter = '', sdes = ''] = report.slice(6)
      expect(Number(sender.split(',')[0])).toBe(ssrc)
      const before = packets.filter((packet) => packet.at <= Number(at)).length
      expect(Math.abs(Number(sent) - before)).toBeLessThanOrEqual(2)
      expect(Number(octets)).toBe(Number(sent) * 160)
      // NTP counts from 1900; the RTP time belongs to that same moment.
      expect(Math.abs(Number(ntpSeconds) - 2_208_988_800 - Number(at))).toBeLessThan(2)
      const latest = packets.filter((packet) => packet.at <= Number(at)).at(-1)
      expect(Math.abs((Number(rtpTime) - (latest?.timestamp ?? 0)) | 0)).toBeLessThan(8000 / 5)
      expect(Number(fraction)).toBe(0)
      expect(Number(lost)).toBe(0)
      // In ticks of 1/8000 s: under 20 ms, whatever else this machine has to do.
      expect(Number(jitter)).toBeLessThan(160)
      expect(sdes.split(',')).toContain('1')
    }
  })
})
