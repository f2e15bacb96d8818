import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallRecord } from '../../src/call/records.ts'
import { eventually } from '../support/eventually.ts'
import { okFor } from '../support/raw-call.ts'
import { removeFolder } from '../support/server-process.ts'
import { lastCallTo, troubles } from '../support/server-watch.ts'
import { isFinalFor, requestText, sdpText, token } from '../support/sip-text.ts'
import { TcpWire, UdpWire, type Wire, type WireMessage } from '../support/sip-wire.ts'
import { type Stage, setStage } from '../support/stage.ts'

/** What the number of these calls plays: tones, until the caller hangs up. */
const number = '4'
const place = { address: '127.0.0.1', port: 40_404 }
const usual = sdpText(place)
const session = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'

let stage: Stage

beforeAll(async () => {
  stage = await setStage({ limits: 'callsPerSecond: 1000' })
})

afterAll(async () => {
  await stage.server.stop()
  await removeFolder(stage.server)
})

interface Outcome {
  readonly answer: WireMessage
  readonly record: CallRecord
}

/** Sends an INVITE with this body, gets its final answer, acknowledges it, hangs up if it was taken, reads the record. */
async function call(
  body: string | Uint8Array,
  options: { readonly ackBody?: string; readonly headers?: readonly string[]; readonly protocol?: 'udp' | 'tcp' } = {},
): Promise<Outcome> {
  const server = { address: '127.0.0.1', port: stage.server.sipPort }
  const wire: Wire = await (options.protocol === 'tcp' ? TcpWire.open(server) : UdpWire.open(server))
  // A caller's name of its own finds the record.
  const from = token()
  const dialog = { user: number, from, sipCallId: token(), fromTag: token() }
  let isHungUp = false
  wire.onMessage = (message) => {
    if (message.startLine.startsWith('BYE ')) {
      isHungUp = true
      wire.send(okFor(message))
    }
  }
  try {
    wire.send(requestText(wire, { ...dialog, method: 'INVITE', body, headers: options.headers ?? [] }))
    const answer = await wire.message(isFinalFor(dialog.sipCallId))
    if (answer === undefined) throw new Error('There was no answer.')
    const toTag = /;tag=([^;\s]+)/.exec(answer.get('to') ?? '')?.[1] ?? ''
    const branch = /;branch=([^;\s]+)/.exec(answer.get('via') ?? '')?.[1] ?? ''
    const ack = { ...dialog, toTag, method: 'ACK', ...(options.ackBody === undefined ? {} : { body: options.ackBody }) }
    wire.send(requestText(wire, answer.status === 200 ? ack : { ...ack, branch }))
    if (answer.status === 200 && options.ackBody === undefined) {
      wire.send(requestText(wire, { ...dialog, toTag, method: 'BYE', cseq: 2 }))
      await wire.message((message) => message.get('cseq') === '2 BYE')
    } else if (answer.status === 200) {
      await eventually(
        () => isHungUp,
        (is) => is,
      )
    }
    const record = await eventually(
      async () =>
        (await lastCallTo(stage.server, number))?.from === from ? lastCallTo(stage.server, number) : undefined,
      (found) => found?.endedAt !== undefined && found.endedAt !== null,
    )
    if (record === undefined) throw new Error('There is no record.')
    return { answer, record }
  } finally {
    await wire.close()
  }
}

const port = (answer: WireMessage): readonly string[] =>
  answer.body
    .toString()
    .split('\r\n')
    .filter(
      (line) =>
        line.startsWith('m=') || line.startsWith('a=send') || line.startsWith('a=recv') || line === 'a=inactive',
    )

describe('an odd offer that can be served is served', () => {
  it('with 200 lines', async () => {
    const many = Array.from({ length: 193 }, (_, i) => `a=x-vendor-${i}:${i}\r\n`).join('')
    const { answer } = await call(usual + many)
    expect(answer.status).toBe(200)
    expect(answer.body.length).toBeLessThan(600)
  })

  it('with bare LF', async () => {
    const { answer } = await call(usual.replaceAll('\r\n', '\n'))
    expect(answer.status).toBe(200)
  })

  it('with a hold from the start, by attribute or by address', async () => {
    const byAttribute = await call(`${usual}a=inactive\r\n`)
    expect(byAttribute.answer.status).toBe(200)
    expect(port(byAttribute.answer)).toContain('a=inactive')
    const sendonly = await call(`${usual}a=sendonly\r\n`)
    expect(port(sendonly.answer)).toContain('a=recvonly')
    const byAddress = await call(usual.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 0.0.0.0'))
    expect(byAddress.answer.status).toBe(200)
  })

  it('with video beside the audio: that line is refused in its place', async () => {
    const { answer } = await call(`${session}m=video 5000 RTP/AVP 31\r\nm=audio 40404 RTP/AVP 0\r\n`)
    expect(answer.status).toBe(200)
    const [video, audio] = port(answer)
    expect(video).toMatch(/^m=video 0 /)
    expect(audio).toMatch(/^m=audio [1-9]/)
  })

  it('with none at all: ours stands in the 200, and the ACK answers it', async () => {
    const { answer, record } = await call('', { ackBody: usual })
    expect(answer.status).toBe(200)
    expect(answer.body.toString()).toMatch(/^v=0\r\n[^]*m=audio [1-9]\d* RTP\/AVP 0 8 101/)
    expect(record).toMatchObject({ cause: 'normal', endedBy: 'program' })
  })

  it('with an offer in the 200 whose answer has no audio: BYE, and the record says why', async () => {
    const { record } = await call('', { ackBody: `${session}m=audio 0 RTP/AVP 0\r\n` })
    expect(record).toMatchObject({ cause: 'not-acceptable', endedBy: 'server' })
    expect(record.sentence).toMatch(/^The caller's answer cannot be used: .*audio/)
  })

  it('with an offer in the 200 whose ACK brings no answer: the same', async () => {
    const { record } = await call('', { ackBody: '' })
    expect(record).toMatchObject({ cause: 'not-acceptable', endedBy: 'server' })
    expect(record.sentence).toBe('The ACK of the caller brought no answer to our offer.')
  })
})

const refused: readonly (readonly [what: string, body: string | Uint8Array, status: number, sentence: RegExp])[] = [
  ['no m= line', session, 488, /has no media stream at all/],
  ['an audio port 0', `${session}m=audio 0 RTP/AVP 0\r\n`, 488, /switched off \(port 0\)/],
  ['video only', `${session}m=video 5000 RTP/AVP 31\r\n`, 488, /no audio stream, only video/],
  [
    'G.729 only',
    `${session}m=audio 40404 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n`,
    488,
    /offers only G729; Switchhook speaks PCMU and PCMA/,
  ],
  ['RTP/SAVP only', `${session}m=audio 40404 RTP/SAVP 0\r\n`, 488, /encrypted audio only \(RTP\/SAVP\)/],
  [
    'an IPv6 address on an IPv4 socket',
    sdpText({ address: '2001:db8::1', port: 40_404 }),
    488,
    /is on IPv6; only IPv4 can be used here/,
  ],
  ['a host name in c=', usual.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 pc33.example.com'), 488, /host name/],
  ['a multicast address', usual.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 224.2.1.1/127'), 488, /multicast/],
  ['no c= line', usual.replace('c=IN IP4 127.0.0.1\r\n', ''), 488, /no c= line/],
  ['a line that is none', `${usual}hello\r\n`, 400, /Line 8 of the session description is not of the form/],
  ['bytes that are no text', Uint8Array.from({ length: 200 }, (_, i) => i), 400, /Line 1 of the session description/],
  ['a port of 99999', `${session}m=audio 99999 RTP/AVP 0\r\n`, 400, /Line 6 of the session description has no port/],
  ['more than 2,000 lines', usual + 'a=x\r\n'.repeat(2000), 413, /has more than 2000 lines/],
  ['more than 32 streams', session + 'm=audio 40404 RTP/AVP 0\r\n'.repeat(33), 413, /has more than 32 streams/],
]

describe('an offer that cannot be served is refused, and the record says why', () => {
  it.each(refused)('%s', async (_what, body, status, sentence) => {
    const { answer, record } = await call(body)
    expect(answer.status).toBe(status)
    expect(record).toMatchObject({ sipStatus: status, answeredAt: null, endedBy: 'server' })
    expect(record.sentence).toMatch(/^The call was refused: /)
    expect(record.sentence).toMatch(sentence)
  })

  it('64 KiB of it, over TCP: refused before anybody looks inside', async () => {
    const server = { address: '127.0.0.1', port: stage.server.sipPort }
    const wire = await TcpWire.open(server)
    wire.send(requestText(wire, { method: 'INVITE', user: number, body: usual + 'a=x\r\n'.repeat(14_000) }))
    expect(await wire.closed()).toBe(true)
    // The kernel may drop the answer of a connection that is closed while bytes still come.
    expect([undefined, 513]).toContain(wire.received[0]?.status)
  })

  it('the largest that fits a datagram is read line by line', async () => {
    const { answer, record } = await call(usual + `a=x:${'y'.repeat(58_000)}\r\n`)
    expect(answer.status).toBe(200)
    expect(record.cause).toBe('normal')
  })
})

it('none of it was logged as an error', () => {
  expect(troubles(stage.server)).toEqual([])
})
