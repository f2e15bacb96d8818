import { describe, expect, it } from 'vitest'
import { SwitchhookError } from '../base/errors.ts'
import { type LocalMedia, newLocalDescription } from './local-description.ts'
import { acceptAnswer, answerOffer, createOffer } from './offer-answer.ts'
import { parseSdp } from './parse.ts'

const local: LocalMedia = { address: '198.51.100.10', port: 20_000 }
const fresh = newLocalDescription(4711)

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** A description of a peer at 192.0.2.1: session part, then the lines given. */
function sdp(...lines: string[]): Uint8Array {
  const head = ['v=0', 'o=peer 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
  return new TextEncoder().encode(`${[...head, ...lines].join('\r\n')}\r\n`)
}

const plain = ['m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15']

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

describe('createOffer and acceptAnswer', () => {
  it('offers PCMU, PCMA and telephone-event', () => {
    expect(text(createOffer(local, fresh).offer)).toBe(
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
  })

  it('sends by the numbers of the answer and receives by its own', () => {
    const { pending } = createOffer(local, fresh)
    const agreed = acceptAnswer(
      pending,
      sdp('m=audio 4000 RTP/AVP 97 96', 'a=rtpmap:97 PCMA/8000', 'a=rtpmap:96 telephone-event/8000', 'a=ptime:30'),
    )
    expect(agreed).toMatchObject({
      sendCodec: 'PCMA',
      sendPayloadType: 97,
      telephoneEvent: { sendPayloadType: 96, receivePayloadType: 101 },
      ptimeMs: 30,
      direction: 'sendrecv',
    })
    expect(agreed.receivePayloadTypes).toEqual(
      new Map([
        [0, 'PCMU'],
        [8, 'PCMA'],
      ]),
    )
  })

  it('agrees on the same with itself at both ends', () => {
    const { offer, pending } = createOffer(local, fresh)
    const other = answerOffer(offer, { address: '192.0.2.50', port: 30_000 }, newLocalDescription(9))
    const ours = acceptAnswer(pending, other.answer)
    expect(ours).toMatchObject({
      remoteAddress: '192.0.2.50',
      remotePort: 30_000,
      sendCodec: 'PCMU',
      direction: 'sendrecv',
    })
    expect(other.agreed).toMatchObject({ remoteAddress: '198.51.100.10', remotePort: 20_000, sendCodec: 'PCMU' })
  })

  it('never sends more than it offered, whatever direction the answer takes', () => {
    const { pending } = createOffer({ ...local, direction: 'sendonly' }, fresh)
    expect(acceptAnswer(pending, sdp(...plain, 'a=sendrecv')).direction).toBe('sendonly')
    expect(acceptAnswer(pending, sdp(...plain, 'a=recvonly'))).toMatchObject({ direction: 'sendonly', isHeld: true })
    expect(acceptAnswer(pending, sdp(...plain, 'a=inactive')).direction).toBe('inactive')
  })

  it.each([
    ['refuses the stream', sdp('m=audio 0 RTP/AVP 0'), 'sdp.audio-refused'],
    ['has no stream', sdp(), 'sdp.answer-mismatch'],
    ['has another medium in its place', sdp('m=video 4000 RTP/AVP 31'), 'sdp.answer-mismatch'],
    ['takes none of the codecs', sdp('m=audio 4000 RTP/AVP 18'), 'sdp.no-common-codec'],
    ['wants encryption', sdp('m=audio 4000 RTP/SAVP 0'), 'sdp.secure-media-only'],
    ['gives a host name', sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 a.example'), 'sdp.unusable-address'],
    ['is damaged', sdp('m=audio'), 'sdp.malformed'],
  ])('refuses an answer that %s', (_name, bytes, code) => {
    const { pending } = createOffer(local, fresh)
    expect(refusal(() => acceptAnswer(pending, bytes))).toContain(code)
  })

  it('refuses an answer with a codec of ours that was not in this offer', () => {
    const { pending } = createOffer({ ...local, codecs: ['PCMA'] }, fresh)
    expect(refusal(() => acceptAnswer(pending, sdp('m=audio 4000 RTP/AVP 0')))).toMatch(/^sdp\.no-common-codec/)
  })
})

describe('a second offer and answer', () => {
  const version = (bytes: Uint8Array): string => parseSdp(bytes).origin.version

  it('keeps the session id, and the version while nothing changes', () => {
    const first = answerOffer(sdp(...plain), local, fresh)
    const again = answerOffer(sdp(...plain), local, first.nextState)
    expect(text(again.answer)).toBe(text(first.answer))
    const held = answerOffer(sdp(...plain, 'a=sendonly'), local, again.nextState)
    expect(version(held.answer)).toBe('2')
    const resumed = answerOffer(sdp(...plain), local, held.nextState)
    expect(version(resumed.answer)).toBe('3')
    expect(parseSdp(resumed.answer).origin.sessionId).toBe('4711')
  })

  it('offers every stream of before in its place, and formats by the numbers they had', () => {
    const offer = sdp(
      'm=video 4000 RTP/AVP 31',
      'm=audio 4002 RTP/AVP 97 101 96',
      'a=rtpmap:97 PCMU/8000',
      'a=rtpmap:101 speex/8000',
      'a=rtpmap:96 telephone-event/8000',
    )
    const { nextState } = answerOffer(offer, local, fresh)
    const ours = createOffer({ ...local, direction: 'sendonly' }, nextState)
    const lines = text(ours.offer).split('\r\n')
    expect(lines.filter((line) => line.startsWith('m='))).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 20000 RTP/AVP 97 8 96',
    ])
    expect(lines).toContain('a=sendonly')
    expect(version(ours.offer)).toBe('2')
    const agreed = acceptAnswer(
      ours.pending,
      sdp('m=video 0 RTP/AVP 31', 'm=audio 4002 RTP/AVP 97', 'a=rtpmap:97 PCMU/8000', 'a=recvonly'),
    )
    expect(agreed).toMatchObject({ sendPayloadType: 97, direction: 'sendonly', telephoneEvent: null })
  })

  it('gives telephone-event no number that already means a codec', () => {
    const offer = sdp('m=audio 4002 RTP/AVP 101', 'a=rtpmap:101 PCMU/8000')
    const { nextState } = answerOffer(offer, local, fresh)
    expect(text(createOffer(local, nextState).offer)).toContain('m=audio 20000 RTP/AVP 101 8 96\r\n')
  })

  it('stays with the stream in use where another could be used too', () => {
    const first = answerOffer(sdp('m=audio 0 RTP/AVP 0', 'm=audio 4002 RTP/AVP 0'), local, fresh)
    const again = answerOffer(sdp('m=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 0'), local, first.nextState)
    expect(again.agreed.remotePort).toBe(4002)
  })

  it('changes nothing when an offer is refused', () => {
    const first = answerOffer(sdp(...plain), local, fresh)
    expect(refusal(() => answerOffer(sdp('m=audio 4000 RTP/AVP 18'), local, first.nextState))).toMatch(
      /no-common-codec/,
    )
    expect(version(answerOffer(sdp(...plain), local, first.nextState).answer)).toBe('1')
  })
})
