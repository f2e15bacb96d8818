import { describe, expect, it } from 'vitest'
import { hears, hearsNone, sine } from '../../../test/support/hear.ts'
import { agreedMedia, countingPrompt, type HeardPacket, mediaHarness } from '../../../test/support/media-harness.ts'
import { decodeG711 } from '../g711.ts'
import { dtmfTone } from '../tones.ts'

const events = (packets: readonly HeardPacket[]): HeardPacket[] =>
  packets.filter(({ payloadType }) => payloadType === 96)
const duration = ({ payload }: HeardPacket): number => ((payload[2] ?? 0) << 8) | (payload[3] ?? 0)
const isEnd = ({ payload }: HeardPacket): boolean => ((payload[1] ?? 0) & 0x80) !== 0

describe('sending digits', () => {
  it('sends a key as RFC 4733 has it: one timestamp, growing durations, one marker, three ends', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const sending = endpoint.sendDigits(['5'])
    await clock.advanceAsync(400)
    expect(peer.heard.map(duration)).toEqual([160, 320, 480, 640, 800, 800, 800])
    expect(peer.heard.map(isEnd)).toEqual([false, false, false, false, true, true, true])
    expect(peer.heard.map(({ isMarked }) => isMarked)).toEqual([true, false, false, false, false, false, false])
    expect(new Set(peer.heard.map(({ timestamp }) => timestamp)).size).toBe(1)
    expect(peer.heard.every(({ payloadType, payload }) => payloadType === 96 && payload[0] === 5)).toBe(true)
    expect(await sending.ended).toBe('finished')
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('sends keys 160 ms apart, and the prompt waits without losing a word', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.play([countingPrompt('a', 6)])
    await clock.advanceAsync(45)
    const sending = endpoint.sendDigits(['1', '#'])
    await clock.advanceAsync(600)
    expect(await sending.ended).toBe('finished')
    const keys = [...new Set(events(peer.heard).map(({ timestamp }) => timestamp))]
    expect(keys.length).toBe(2)
    expect(((keys[1] ?? 0) - (keys[0] ?? 0)) >>> 0).toBe(160 * 8)
    const sound = peer.heard.filter(({ payloadType }) => payloadType === 0)
    expect(sound.map(({ payload }) => payload[0])).toEqual([1, 2, 3, 4, 5, 6])
    // 320 ms of keys lie between: the clock of the stream went on.
    expect(((sound[3]?.timestamp ?? 0) - (sound[2]?.timestamp ?? 0)) >>> 0).toBe((320 + 20) * 8)
    expect(sound[3]?.isMarked).toBe(true)
    const numbers = peer.heard.map(({ sequence }) => sequence)
    expect(numbers.every((number, i) => i === 0 || ((number - (numbers[i - 1] ?? 0)) & 0xffff) === 1)).toBe(true)
    await finish()
  })

  it('stopped, still ends the key that sounds, and sends no other', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const sending = endpoint.sendDigits(['1', '2', '3'])
    await clock.advanceAsync(50)
    sending.stop()
    await clock.advanceAsync(600)
    expect(await sending.ended).toBe('stopped')
    expect(new Set(peer.heard.map(({ payload }) => payload[0]))).toEqual(new Set([1]))
    expect(peer.heard.map(isEnd).slice(-3)).toEqual([true, true, true])
    await finish()
  })

  it('sends tones where telephone-event was not agreed, in the codec that was', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    endpoint.connect(agreedMedia({ telephoneEvent: null, sendCodec: 'PCMA', sendPayloadType: 8 }))
    const sending = endpoint.sendDigits(['5', 'D'])
    await clock.advanceAsync(600)
    expect(await sending.ended).toBe('finished')
    expect(peer.heard.length).toBe(16)
    const sound = new Int16Array(16 * 160)
    for (const [i, { payload }] of peer.heard.entries()) decodeG711('PCMA', payload, sound, i * 160)
    expect(hears(sound.subarray(0, 800), [770, 1336])).toBe(true)
    expect(hearsNone(sound.subarray(0, 800), [697, 852, 941, 1209, 1477, 1633], 8000, -35)).toBe(true)
    expect(hears(sound.subarray(1280, 2080), [941, 1633])).toBe(true)
    await finish()
  })

  it('waits with keys until it is connected, then uses what was agreed', async () => {
    const { clock, endpoint, peer, finish } = await mediaHarness()
    const sending = endpoint.sendDigits(['7'])
    await clock.advanceAsync(300)
    endpoint.connect(agreedMedia({ telephoneEvent: null }))
    await clock.advanceAsync(300)
    expect(await sending.ended).toBe('finished')
    expect(peer.heard.length).toBe(8)
    expect(peer.heard.every(({ payload }) => payload.length === 160)).toBe(true)
    await finish()
  })
})

describe('receiving digits', () => {
  it('tells an RFC 4733 key with its first packet, once, however often it is repeated', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    await clock.advanceAsync(1000)
    peer.sendEvent(endpoint.localPort, 9, 160, { isMarked: true })
    await clock.advanceAsync(1)
    expect(user.digits).toEqual([{ digit: '9', carrier: 'rfc4733', startedMs: 980, durationMs: 20 }])
    for (const ticks of [320, 480]) peer.sendEvent(endpoint.localPort, 9, ticks)
    for (let i = 0; i < 3; i++) peer.sendEvent(endpoint.localPort, 9, 640, { isEnd: true })
    await clock.advanceAsync(100)
    peer.timestamp += 1600
    peer.sendEvent(endpoint.localPort, 11, 800, { isEnd: true })
    await clock.advanceAsync(100)
    expect(user.digits.map(({ digit }) => digit)).toEqual(['9', '#'])
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('takes the same key again after its end was lost', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    for (let press = 0; press < 2; press++) {
      peer.sendEvent(endpoint.localPort, 4, 160, { isMarked: true })
      await clock.advanceAsync(300)
      peer.timestamp += 2400
    }
    expect(user.digits.map(({ digit }) => digit)).toEqual(['4', '4'])
    await finish()
  })

  it('hears keys in the sound only while armed', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    const press = new Int16Array(3200)
    press.set(dtmfTone('3', 100), 400)
    await peer.speak(endpoint.localPort, press)
    expect(user.digits).toEqual([])
    endpoint.detectInband(true)
    const beforeMs = clock.now()
    await peer.speak(endpoint.localPort, press)
    await clock.advanceAsync(100)
    expect(user.digits.map(({ digit, carrier }) => [digit, carrier])).toEqual([['3', 'inband']])
    // 50 ms into what was said, and through a jitter buffer.
    expect((user.digits[0]?.startedMs ?? 0) - beforeMs).toBeGreaterThan(40)
    expect((user.digits[0]?.startedMs ?? 0) - beforeMs).toBeLessThan(150)
    endpoint.detectInband(false)
    await peer.speak(endpoint.localPort, press)
    await clock.advanceAsync(100)
    expect(user.digits.length).toBe(1)
    expect(await finish()).toEqual({ pending: 0, ports: 0 })
  })

  it('takes speech and plain tones for no key', async () => {
    const { clock, endpoint, peer, user, finish } = await mediaHarness()
    endpoint.connect(agreedMedia())
    endpoint.detectInband(true)
    await peer.speak(endpoint.localPort, sine(770, 500))
    await clock.advanceAsync(100)
    expect(user.digits).toEqual([])
    await finish()
  })
})
