import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { levelDb, shareWith, sine, timeline } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { joined, keyHz, promptHz, type Stage, setStage, writeMulaw } from '../support/stage.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { keyPcap, sdpOf, step } from './support/sipp-steps.ts'
import { callBySipp, captureCall, recordOf, tonesIn } from './support/stage-calls.ts'

const ports = new PeerPorts(30_000)
const answered = [step.invite(), step.response(200), step.ack()]

describeAtOnceWith(['sipp', 'tshark'], 'sipp calls', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await setStage({ sipPort: await ports.take(), limits: 'callsPerSecond: 1000' })
  })

  afterAll(async () => {
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  for (const transport of ['udp', 'tcp'] as const) {
    it(`and hears the prompt and the answers to keys sent by INFO over ${transport}, and hangs up`, async () => {
      const port = await ports.take()
      const name = `info-${transport}`
      const steps = [...answered, step.pause(1800), step.info('3', 2), step.pause(1100), step.info('7', 3)]
      steps.push(step.pause(1100), step.bye(4))
      const { capture } = await captureCall(stage, { name, number: '1', transport, port, steps })
      expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz, keyHz(3), keyHz(7)])
      const record = await recordOf(stage, name)
      expect(record).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      expect(record.sentence).toMatch(/^The caller hung up after \d/)
    })

    it(`and presses a key by RFC 4733 while the prompt plays, which stops it; the server hangs up with Reason (${transport})`, async () => {
      const port = await ports.take()
      const name = `rfc4733-${transport}`
      const steps = [...answered, step.pause(500), step.pcap(keyPcap('0')), step.byeReceived()]
      const { result, capture } = await captureCall(stage, { name, number: '1', transport, port, steps })
      const heard = await capture.audioTo(port)
      expect(tonesIn(heard)).toEqual([promptHz, keyHz(0)])
      expect(timeline(heard, [promptHz])[0]?.durationMs).toBeLessThan(1200)
      const bye = result.messages.find((message) => message.first.startsWith('BYE '))
      expect(bye?.text).toMatch(/^Reason: *Q\.850 *; *cause=16/m)
      expect(await recordOf(stage, name)).toMatchObject({ cause: 'normal', endedBy: 'program' })
    })
  }

  it('and presses two keys by RFC 4733, each counted once though its end is sent three times', async () => {
    const port = await ports.take()
    const steps = [...answered, step.pause(300), step.pcap(keyPcap('5')), step.pause(1500), step.pcap(keyPcap('6'))]
    steps.push(step.pause(1500), step.bye(2))
    const { capture } = await captureCall(stage, { name: 'two-keys', number: '1', port, steps })
    expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz, keyHz(5), keyHz(6)])
  })

  it('and presses a key by tones in its audio', async () => {
    const port = await ports.take()
    const file = join(stage.folder, 'five.ulaw')
    const [low, high] = [sine(770, 200, { levelDb: -12 }), sine(1336, 200, { levelDb: -12 })]
    const key = low.map((sample, i) => sample + (high[i] ?? 0))
    await writeMulaw(file, joined([new Int16Array(800), key, new Int16Array(800)]))
    const steps = [...answered, step.pause(1800), step.stream(file), step.pause(1800), step.bye(2)]
    const { capture } = await captureCall(stage, { name: 'inband', number: '1', port, steps })
    expect(tonesIn(await capture.audioTo(port))).toEqual([promptHz, keyHz(5)])
  })

  it('1000, hears it speak, cuts it short with a key by RFC 4733 and hears it speak again until it hangs up', async () => {
    const port = await ports.take()
    const steps = [...answered, step.pause(3000), step.pcap(keyPcap('1')), step.byeReceived()]
    const { capture } = await captureCall(stage, { name: 'menu', number: '1000', port, steps })
    const heard = await capture.audioTo(port)
    const spokenSeconds = (pcm: Int16Array): number =>
      Array.from({ length: Math.floor(pcm.length / 800) }, (_, i) =>
        levelDb(pcm.subarray(i * 800, (i + 1) * 800)),
      ).filter((level) => level > -40).length / 10
    expect(spokenSeconds(heard.subarray(0, 3 * 8000))).toBeGreaterThan(1)
    // "What this is" takes some seven seconds to say, whatever the voice.
    expect(spokenSeconds(heard.subarray(4 * 8000))).toBeGreaterThan(4)
    expect(await recordOf(stage, 'menu')).toMatchObject({ endedBy: 'program', cause: 'normal' })
  })

  for (const transport of ['udp', 'tcp'] as const) {
    it(`1200 and gets back the tone that it sends (${transport})`, async () => {
      const port = await ports.take()
      const file = join(stage.folder, 'tone.ulaw')
      await writeMulaw(file, sine(1150, 2000))
      const steps = [...answered, step.stream(file, -1), step.pause(9000), step.bye(2)]
      const { capture } = await captureCall(stage, {
        name: `echo-${transport}`,
        number: '1200',
        transport,
        port,
        steps,
      })
      const heard = await capture.audioTo(port)
      expect(shareWith(heard.subarray(-8000), 1150)).toBeGreaterThan(0.95)
      expect(shareWith(heard.subarray(0, 8000), 1150)).toBeLessThan(0.1)
    })
  }

  it('a number nobody has and gets 404', async () => {
    const port = await ports.take()
    const steps = [step.invite(), step.response(404), step.ackRefusal()]
    await callBySipp(stage, { name: 'unknown', number: '999', port, steps })
    const record = await recordOf(stage, 'unknown')
    expect(record).toMatchObject({ sipStatus: 404, cause: 'number-unknown' })
    expect(record.sentence).toContain('999')
  })

  it('with a codec we do not speak and gets 488; the record names the codec', async () => {
    const port = await ports.take()
    const steps = [step.invite({ sdp: sdpOf({ formats: ['G729'] }) }), step.response(488), step.ackRefusal()]
    await callBySipp(stage, { name: 'g729', number: '1', port, steps })
    const record = await recordOf(stage, 'g729')
    expect(record.sipStatus).toBe(488)
    expect(record.sentence).toMatch(/G729/)
  })
})
