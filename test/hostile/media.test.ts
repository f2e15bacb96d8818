import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { eventually } from '../support/eventually.ts'
import { timeline } from '../support/hear.ts'
import { MediaSocket, RawCall, rtpPacket } from '../support/raw-call.ts'
import { removeFolder } from '../support/server-process.ts'
import { lastCallTo, troubles } from '../support/server-watch.ts'
import { loopbackAddress } from '../support/sip-wire.ts'
import { keyHz, promptHz, type Stage, setStage } from '../support/stage.ts'

const frequencies = [promptHz, ...Array.from({ length: 10 }, (_, key) => keyHz(key))]

let stage: Stage
let call: RawCall

beforeAll(async () => {
  stage = await setStage()
})

afterAll(async () => {
  await stage.server.stop()
  await removeFolder(stage.server)
})

beforeEach(async () => {
  call = await RawCall.place({ address: '127.0.0.1', port: stage.server.sipPort }, '1')
  call.talk()
  await expectHeard(promptHz)
})

afterEach(async () => {
  await call.close()
})

/** The tones heard so far, in their order. */
function tones(): readonly number[] {
  return timeline(call.heard(), frequencies).flatMap((stretch) =>
    stretch.durationMs >= 100 ? stretch.frequenciesHz : [],
  )
}

async function expectHeard(hz: number): Promise<void> {
  expect(await eventually(tones, (heard) => heard.includes(hz))).toContain(hz)
}

/** Presses a key and waits for its tone. */
async function expectKeyHeard(key: number): Promise<void> {
  await call.press(key)
  await expectHeard(keyHz(key))
}

/** Ends the call by its last key; the keys the server took, and the facts of its record. */
async function finish(): Promise<{ readonly digits: string; readonly packetsLost: number }> {
  await expectKeyHeard(0)
  expect(
    await eventually(
      () => call.isHungUp,
      (is) => is,
    ),
  ).toBe(true)
  const record = await eventually(
    () => lastCallTo(stage.server, '1'),
    (found) => found?.endedAt !== null,
  )
  expect(record).toMatchObject({ cause: 'normal', endedBy: 'program' })
  const journal = (await stage.server.get(`/api/v1/calls/${record?.id}/journal?digits=show`)) as {
    items: readonly { kind: string; facts: { digit?: string } }[]
  }
  const { legs } = (await stage.server.get(`/api/v1/calls/${record?.id}`)) as {
    legs: readonly { packetsLost: number }[]
  }
  const digits = journal.items.flatMap(({ kind, facts }) => (kind === 'digit' ? [facts.digit] : [])).join('')
  return { digits, packetsLost: legs[0]?.packetsLost ?? -1 }
}

/** A good packet of ours, to be spoilt. */
function goodPacket(): Buffer {
  return rtpPacket({ sequence: 7, timestamp: 7, ssrc: 7 })
}

const damagedRtp: readonly (readonly [what: string, packets: () => readonly Buffer[]])[] = [
  ['cut short at every length', () => Array.from({ length: 12 }, (_, length) => goodPacket().subarray(0, length))],
  ['of every other version', () => [0x00, 0x40, 0xc0].map((first) => spoilt((bytes) => (bytes[0] = first)))],
  ['with more sources than bytes', () => [spoilt((bytes) => (bytes[0] = 0x8f)).subarray(0, 40)]],
  [
    'with an extension that is longer than the packet',
    () => [
      spoilt((bytes) => {
        bytes[0] = 0x90
        bytes.writeUInt16BE(0xffff, 14)
      }),
    ],
  ],
  [
    'with padding of 0 or of more than there is',
    () => [0, 255].map((padding) => spoilt((bytes) => ((bytes[0] = 0xa0), (bytes[bytes.length - 1] = padding)))),
  ],
  ['that are RTCP on the RTP port', () => [spoilt((bytes) => (bytes[1] = 0xc8))]],
  ['of a type nobody agreed on', () => [spoilt((bytes) => (bytes[1] = 97))]],
  [
    'of 1,000 random bytes each',
    () => {
      const random = new SeededRandom(4711)
      return Array.from({ length: 500 }, (_, i) => {
        const bytes = Buffer.from(random.bytes(1000))
        // One in two looks like RTP; none of them is a key by chance.
        if (i % 2 === 0) bytes[0] = 0x80 | (bytes[0] ?? 0)
        if (((bytes[1] ?? 0) & 0x7f) === 101) bytes[1] = 97
        return bytes
      })
    },
  ],
  ['keys that are cut short or that no telephone has', () => damagedKeys()],
]

function spoilt(spoil: (bytes: Buffer) => unknown): Buffer {
  const bytes = goodPacket()
  spoil(bytes)
  return bytes
}

function damagedKeys(): readonly Buffer[] {
  const header = { payloadType: 101, sequence: 9, timestamp: 9, ssrc: 9 }
  const short = [0, 1, 2, 3].map((length) => rtpPacket({ ...header, payload: Buffer.alloc(length, 5) }))
  // Events 16 (hook flash) to 255 are no keys.
  const strange = [16, 17, 100, 255].map((code) => rtpPacket({ ...header, payload: Uint8Array.of(code, 0x8a, 0, 160) }))
  return [...short, ...strange]
}

const damagedRtcp: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from([0x80]),
  // A sender report whose length says more than there is, less than there is, nothing.
  Buffer.from([0x80, 200, 0xff, 0xff, 0, 0, 0, 1]),
  Buffer.from([0x80, 200, 0, 0, 0, 0, 0, 1]),
  Buffer.concat([Buffer.from([0x9f, 201, 0, 1, 0, 0, 0, 1]), Buffer.alloc(3)]),
  // SDES whose item runs out of the packet; BYE of 31 sources that are not there; APP; an unknown type; version 1.
  Buffer.from([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 255, 65, 66]),
  Buffer.from([0x9f, 203, 0, 0]),
  Buffer.from([0x80, 204, 0, 2, 0, 0, 0, 1, 88, 88, 88, 88]),
  Buffer.from([0x80, 250, 0, 0]),
  Buffer.from([0x40, 200, 0, 1, 0, 0, 0, 1]),
  Buffer.from(new SeededRandom(7).bytes(1400)),
]

describe('a live call', () => {
  it('goes on among damaged RTP of every kind, and takes no key from it', async () => {
    for (const [, packets] of damagedRtp) for (const packet of packets()) call.rtp.send(packet, call.rtpTo)
    await expectKeyHeard(4)
    for (const [, packets] of damagedRtp) for (const packet of packets()) call.rtp.send(packet, call.rtpTo)
    const { digits } = await finish()
    expect(digits).toBe('40')
    expect(tones()).toEqual([promptHz, keyHz(4), keyHz(0)])
  })

  it('goes on among damaged RTCP', async () => {
    for (let i = 0; i < 20; i++) for (const packet of damagedRtcp) call.rtcp.send(packet, call.rtcpTo)
    await expectKeyHeard(5)
    // On the RTP port too, where some telephones send it (RFC 5761).
    for (const packet of damagedRtcp) call.rtp.send(packet, call.rtpTo)
    expect((await finish()).digits).toBe('50')
  })

  it.each([
    ['another port of the same host', '127.0.0.1'],
    ['another host', loopbackAddress(76, 5)],
  ])('is neither redirected nor keyed by a stranger at %s', async (_where, address) => {
    const stranger = await MediaSocket.open(address)
    try {
      await expectKeyHeard(3)
      for (let i = 0; i < 200; i++) {
        stranger.send(rtpPacket({ sequence: i, timestamp: i * 160, ssrc: 666 }), call.rtpTo)
        // With our own SSRC and numbers, as one who listens in could.
        stranger.send(
          rtpPacket({ sequence: call.sequence + i, timestamp: call.timestamp, ssrc: call.ssrc }),
          call.rtpTo,
        )
      }
      await call.press(9, { socket: stranger, ssrc: 666 })
      await call.press(8, { socket: stranger })
      const before = call.rtp.received.length
      const { digits } = await finish()
      expect(digits).toBe('30')
      expect(stranger.received).toEqual([])
      expect(call.rtp.received.length).toBeGreaterThan(before)
      expect(tones()).toEqual([promptHz, keyHz(3), keyHz(0)])
    } finally {
      await stranger.close()
    }
  })

  it('hears keys on after every kind of jump: SSRC, timestamp, sequence number', async () => {
    await expectKeyHeard(1)
    call.ssrc = 0xdeadbeef
    await expectKeyHeard(2)
    call.timestamp += 0x8000_0000
    await expectKeyHeard(3)
    call.sequence += 30_000
    await expectKeyHeard(4)
    call.sequence = 65_533
    call.timestamp = 0xffff_ff00
    await expectKeyHeard(5)
    expect((await finish()).digits).toBe('123450')
  })
})

it('none of it was logged as an error', () => {
  expect(troubles(stage.server)).toEqual([])
})
