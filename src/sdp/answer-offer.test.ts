import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SwitchhookError } from '../base/errors.ts'
import { type LocalDescription, type LocalMedia, newLocalDescription } from './local-description.ts'
import { answerOffer, familiesOfOffer } from './offer-answer.ts'
import type { AgreedMedia } from './types.ts'

const local: LocalMedia = { address: '198.51.100.10', port: 20_000 }
const local6: LocalMedia = { address: '2001:db8::10', port: 20_000 }
const fresh = newLocalDescription(4711)

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/sdp/${name}`, import.meta.url)))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** A description of a peer at 192.0.2.1: session part, then the lines given. */
function sdp(...lines: string[]): Uint8Array {
  const head = ['v=0', 'o=peer 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
  return new TextEncoder().encode(`${[...head, ...lines].join('\r\n')}\r\n`)
}

const plain = ['m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15']

function answer(offer: Uint8Array, options: LocalMedia = local, state: LocalDescription = fresh): AgreedMedia {
  return answerOffer(offer, options, state).agreed
}

/** Lines of our answer that begin so. */
function answered(offer: Uint8Array, start: string, options: LocalMedia = local): string[] {
  const lines = text(answerOffer(offer, options, fresh).answer).split('\r\n')
  return lines.filter((line) => line.startsWith(start))
}

/** Code and sentence of the refusal. */
function refusal(act: () => unknown): string {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof SwitchhookError) return `${thrown.code} ${thrown.sipStatus}: ${thrown.message}`
    throw thrown
  }
  return 'accepted'
}

describe('answerOffer', () => {
  it('answers a desk phone with what both speak, in its order and by its numbers', () => {
    const { answer, agreed, nextState } = answerOffer(fixture('deskphone.sdp'), local, fresh)
    expect(text(answer)).toBe(
      [
        'v=0',
        'o=- 4711 1 IN IP4 198.51.100.10',
        's=-',
        'c=IN IP4 198.51.100.10',
        't=0 0',
        'm=audio 20000 RTP/AVP 0 8 101',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=sendrecv',
        '',
      ].join('\r\n'),
    )
    expect(agreed).toEqual({
      remoteAddress: '203.0.113.41',
      remotePort: 11_784,
      remoteRtcpPort: 11_785,
      sendCodec: 'PCMU',
      sendPayloadType: 0,
      receivePayloadTypes: new Map([
        [0, 'PCMU'],
        [8, 'PCMA'],
      ]),
      telephoneEvent: { sendPayloadType: 101, receivePayloadType: 101 },
      ptimeMs: 20,
      direction: 'sendrecv',
      isHeld: false,
    })
    expect(nextState.version).toBe(1)
  })

  it('keeps the offerer preference and refuses its other streams in their place', () => {
    const offer = fixture('softphone.sdp')
    expect(answered(offer, 'm=')).toEqual(['m=audio 20000 RTP/AVP 8 0 13 99', 'm=video 0 RTP/AVP 100'])
    expect(answer(offer)).toMatchObject({ sendCodec: 'PCMA', sendPayloadType: 8, remoteRtcpPort: 4003 })
    expect(answered(fixture('trunk.sdp'), 'm=', local6)).toEqual([
      'm=audio 20000 RTP/AVP 8 0 96',
      'm=image 0 udptl t38',
    ])
  })

  it('takes the first usable of several audio streams', () => {
    const offer = sdp(
      'm=video 4000 RTP/AVP 31',
      'm=audio 0 RTP/AVP 0',
      'm=audio 4002 RTP/SAVP 0',
      'm=audio 4004 RTP/AVP 18',
      'm=audio 4006 RTP/AVP 8',
      'm=audio 4008 RTP/AVP 0',
    )
    expect(answered(offer, 'm=')).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 0 RTP/AVP 0',
      'm=audio 0 RTP/SAVP 0',
      'm=audio 0 RTP/AVP 18',
      'm=audio 20000 RTP/AVP 8',
      'm=audio 0 RTP/AVP 0',
    ])
    expect(answer(offer).remotePort).toBe(4006)
  })

  it('chooses the stream of its own address family where both are offered', () => {
    const offer = sdp(
      'm=audio 22334 RTP/AVP 0',
      'c=IN IP6 2001:db8::1',
      'm=audio 22336 RTP/AVP 8',
      'c=IN IP4 192.0.2.7',
    )
    expect(answer(offer)).toMatchObject({ remoteAddress: '192.0.2.7', remotePort: 22_336 })
    expect(answer(offer, local6)).toMatchObject({ remoteAddress: '2001:db8::1', remotePort: 22_334 })
    expect(familiesOfOffer(offer)).toEqual(['ip6', 'ip4'])
    expect(familiesOfOffer(sdp(...plain))).toEqual(['ip4'])
  })

  it('needs no rtpmap for 0 and 8, and knows PCMU by any number and in any case', () => {
    expect(answer(sdp('m=audio 4000 RTP/AVP 8'))).toMatchObject({ sendCodec: 'PCMA', telephoneEvent: null })
    const mapped = answer(sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 pcmu/8000/1'))
    expect(mapped).toMatchObject({ sendCodec: 'PCMU', sendPayloadType: 96 })
    expect(mapped.receivePayloadTypes).toEqual(new Map([[96, 'PCMU']]))
    expect(refusal(() => answer(sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000')))).toMatch(/no-common-codec/)
    expect(refusal(() => answer(sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMU/8000/2')))).toMatch(/no-common-codec/)
  })

  it('answers telephone-event at 8000 Hz only, once, and only when it carries keys', () => {
    const events = (...lines: string[]): AgreedMedia['telephoneEvent'] =>
      answer(sdp('m=audio 4000 RTP/AVP 0 110 101 102', 'a=rtpmap:110 telephone-event/48000', ...lines)).telephoneEvent
    const at101 = { sendPayloadType: 101, receivePayloadType: 101 }
    const both = ['a=rtpmap:101 telephone-event/8000', 'a=rtpmap:102 telephone-event/8000']
    expect(events()).toBeNull()
    expect(events(...both)).toEqual(at101)
    expect(events(...both, 'a=fmtp:101 0-16')).toEqual(at101)
    expect(events(...both, 'a=fmtp:101 0-11,66,70')).toEqual(at101)
    expect(events(...both, 'a=fmtp:101 what')).toEqual(at101)
    expect(events(...both, 'a=fmtp:101 66,70')).toEqual({ sendPayloadType: 102, receivePayloadType: 102 })
  })

  it('takes comfort noise where it is offered by its own number, and never for a codec', () => {
    expect(answered(sdp('m=audio 4000 RTP/AVP 0 13'), 'm=')).toEqual(['m=audio 20000 RTP/AVP 0 13'])
    const odd = sdp('m=audio 4000 RTP/AVP 0 97', 'a=rtpmap:97 CN/8000')
    expect(answered(odd, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0'])
    expect(refusal(() => answer(sdp('m=audio 4000 RTP/AVP 13')))).toContain('The peer offers no audio codec')
  })

  it.each([
    [[], 20],
    [['a=ptime:30'], 30],
    [['a=ptime:10'], 10],
    [['a=ptime:60'], 60],
    [['a=ptime:35'], 30],
    [['a=ptime:5'], 20],
    [['a=ptime:200'], 20],
    [['a=ptime:x'], 20],
    [['a=ptime:60', 'a=maxptime:40'], 40],
    [['a=maxptime:10'], 10],
    [['a=maxptime:5'], 10],
    [['a=maxptime:150'], 20],
  ])('sends packets of the wished length: %j makes %i ms', (lines, ptimeMs) => {
    expect(answer(sdp(...plain, ...lines)).ptimeMs).toBe(ptimeMs)
    expect(answered(sdp(...plain, ...lines), 'a=ptime')).toEqual([`a=ptime:${ptimeMs}`])
  })

  it.each([
    ['sendrecv', 'sendrecv', false],
    ['sendonly', 'recvonly', true],
    ['recvonly', 'sendonly', true],
    ['inactive', 'inactive', true],
  ])('answers %s with %s', (offered, ours, isHeld) => {
    const offer = sdp(...plain, `a=${offered}`)
    expect(answer(offer)).toMatchObject({ direction: ours, isHeld })
    expect(answered(offer, `a=${ours}`)).toEqual([`a=${ours}`])
  })

  it('lets the stream direction win over the session one, and our own wish limit both', () => {
    const session = text(sdp(...plain)).replace('t=0 0', 't=0 0\r\na=sendonly')
    expect(answer(new TextEncoder().encode(session)).direction).toBe('recvonly')
    expect(answer(new TextEncoder().encode(`${session}a=inactive\r\n`)).direction).toBe('inactive')
    expect(answer(sdp(...plain), { ...local, direction: 'sendonly' })).toMatchObject({
      direction: 'sendonly',
      isHeld: true,
    })
    expect(answer(sdp(...plain, 'a=sendonly'), { ...local, direction: 'sendonly' }).direction).toBe('inactive')
  })

  it('takes 0.0.0.0 and :: for a hold: nothing is sent, whatever the attribute says', () => {
    const held = answer(sdp(...plain, 'c=IN IP4 0.0.0.0'))
    expect(held).toMatchObject({ direction: 'recvonly', isHeld: true, remoteAddress: '0.0.0.0' })
    expect(answer(sdp(...plain, 'c=IN IP4 0.0.0.0', 'a=inactive')).direction).toBe('inactive')
    expect(answer(sdp(...plain, 'c=IN IP6 ::'), local6)).toMatchObject({ direction: 'recvonly', isHeld: true })
  })

  it('sends RTCP where a=rtcp says, and nowhere when there is no port above', () => {
    expect(answer(sdp(...plain, 'a=rtcp:53020')).remoteRtcpPort).toBe(53_020)
    const elsewhere = answer(sdp(...plain, 'a=rtcp:53020 IN IP4 192.0.2.99'))
    expect(elsewhere).toMatchObject({ remoteRtcpPort: 53_020, remoteRtcpAddress: '192.0.2.99' })
    expect(answer(sdp(...plain, 'a=rtcp:53020 IN IP4 192.0.2.1'))).not.toHaveProperty('remoteRtcpAddress')
    expect(answer(sdp(...plain, 'a=rtcp:99999')).remoteRtcpPort).toBe(4001)
    expect(answer(sdp(...plain, 'a=rtcp:53020 IN IP4 224.0.0.1'))).not.toHaveProperty('remoteRtcpAddress')
    expect(answer(sdp('m=audio 65535 RTP/AVP 0')).remoteRtcpPort).toBe(0)
  })

  it('answers on IPv6, knows an address in any spelling, and takes IPv4 mapped into IPv6 for IPv4', () => {
    expect(answer(fixture('trunk.sdp'), local6)).toMatchObject({ remoteAddress: '2001:db8::5', ptimeMs: 20 })
    expect(answered(fixture('trunk.sdp'), 'c=', local6)).toEqual(['c=IN IP6 2001:db8::10'])
    expect(answer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:DB8:0:0::1'), local6).remoteAddress).toBe('2001:db8::1')
    expect(answer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 ::ffff:192.0.2.9')).remoteAddress).toBe('192.0.2.9')
  })

  it('repeats the times of the offer and its RTP/AVPF, which regular RTCP satisfies', () => {
    const offer = new TextEncoder().encode(
      text(sdp('m=audio 4000 RTP/AVPF 0')).replace('t=0 0', 't=3338481189 3370017201'),
    )
    expect(answered(offer, 't=')).toEqual(['t=3338481189 3370017201'])
    expect(answered(offer, 'm=')).toEqual(['m=audio 20000 RTP/AVPF 0'])
  })

  it.each([
    [
      'G.729 alone',
      sdp('m=audio 4000 RTP/AVP 18'),
      'sdp.no-common-codec 488: The peer offers only G729; Switchhook speaks PCMU and PCMA.',
    ],
    [
      'other codecs',
      sdp('m=audio 4000 RTP/AVP 3 9 96 101 55', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:101 telephone-event/8000'),
      'sdp.no-common-codec 488: The peer offers only GSM, G722, opus and payload type 55; Switchhook speaks PCMU and PCMA.',
    ],
    [
      'SRTP',
      sdp('m=audio 4000 RTP/SAVP 0'),
      'sdp.secure-media-only 488: The peer offers encrypted audio only (RTP/SAVP); Switchhook speaks plain RTP/AVP.',
    ],
    [
      'a browser',
      fixture('browser.sdp'),
      'sdp.secure-media-only 488: The peer offers encrypted audio only (UDP/TLS/RTP/SAVPF); Switchhook speaks plain RTP/AVP.',
    ],
    [
      'RTP over TCP',
      sdp('m=audio 4000 TCP/RTP/AVP 0'),
      'sdp.no-audio 488: The peer offers audio over TCP/RTP/AVP; Switchhook speaks RTP/AVP.',
    ],
    [
      'video alone',
      sdp('a=group:BUNDLE 0', 'm=video 4000 RTP/AVP 31'),
      'sdp.no-audio 488: The session description has no audio stream, only video.',
    ],
    [
      'fax and video',
      sdp('m=video 4000 RTP/AVP 31', 'm=image 4002 udptl t38'),
      'sdp.no-audio 488: The session description has no audio stream, only video and image.',
    ],
    ['no stream', sdp(), 'sdp.no-audio 488: The session description has no media stream at all.'],
    ['audio switched off', sdp('m=audio 0 RTP/AVP 0'), 'sdp.no-audio 488: The audio stream is switched off (port 0).'],
    [
      'a host name',
      sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 phone.example.com'),
      'sdp.unusable-address 488: The c= line of the audio stream gives a host name; an IP address is needed, no name is looked up.',
    ],
    [
      'multicast',
      sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127'),
      'sdp.unusable-address 488: The c= line of the audio stream gives a multicast address; a call needs that of one host.',
    ],
    [
      'IPv6 for an IPv4 host',
      sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::1'),
      'sdp.address-family 488: The audio stream is on IPv6; only IPv4 can be used here.',
    ],
  ])('refuses %s with a sentence a person understands', (_name, offer, sentence) => {
    expect(refusal(() => answer(offer))).toBe(sentence)
  })

  it('refuses an audio stream without any c= line', () => {
    const bare = text(sdp('m=audio 4000 RTP/AVP 0')).replace('c=IN IP4 192.0.2.1\r\n', '')
    expect(refusal(() => answer(new TextEncoder().encode(bare)))).toMatch(/^sdp\.unusable-address 488: .*no c= line/)
  })

  it('names the fault that tells the most where every stream has its own', () => {
    const offer = sdp(
      'm=audio 4000 RTP/SAVP 0',
      'm=audio 4002 RTP/AVP 18',
      'm=audio 0 RTP/AVP 0',
      'm=video 4004 RTP/AVP 31',
    )
    expect(refusal(() => answer(offer))).toContain('only G729')
  })

  it('tells no more codecs than a sentence can bear, and none of their odd characters', () => {
    const many = Array.from({ length: 20 }, (_, i) => `a=rtpmap:${96 + i} <script>${i}/8000`)
    const formats = Array.from({ length: 20 }, (_, i) => 96 + i).join(' ')
    const sentence = refusal(() => answer(sdp(`m=audio 4000 RTP/AVP ${formats}`, ...many)))
    expect(sentence).toContain('script0')
    expect(sentence).not.toContain('<')
    expect(sentence).toContain('and 12 more')
  })

  it('passes over payload types that are none and formats told twice', () => {
    const offer = sdp(
      'm=audio 4000 RTP/AVP 999 x 0 0 128',
      'a=rtpmap:999 PCMA/8000',
      'a=rtpmap:y PCMA/8000',
      'a=rtpmap:',
    )
    expect(answered(offer, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0'])
  })

  it('speaks only the codecs it is allowed', () => {
    expect(answered(sdp(...plain), 'm=', { ...local, codecs: ['PCMA'] })).toEqual(['m=audio 20000 RTP/AVP 8 101'])
    const onlyMu = { ...local, codecs: ['PCMU'] } as const
    expect(refusal(() => answer(sdp('m=audio 4000 RTP/AVP 8'), onlyMu))).toContain('Switchhook speaks PCMU.')
  })
})
