import { NegotiationError } from '../base/errors.ts'
import { type AudioStream, isCodec, noAudio, readAudioStream } from './audio-stream.ts'
import { commonDirection, reverseDirection } from './direction.ts'
import { type AudioFormat, staticPayloadTypes } from './formats.ts'
import {
  defaultCodecs,
  describe,
  familyOf,
  type LocalDescription,
  type LocalFormat,
  type LocalMedia,
} from './local-description.ts'
import { parseSdp } from './parse.ts'
import type { MediaDescription, SessionDescription } from './session-description.ts'
import type { AgreedMedia, AudioCodec, Direction } from './types.ts'

/** What is kept of an offer of ours until its answer comes. */
export interface PendingOffer {
  readonly local: LocalMedia
  readonly audioIndex: number
  readonly formats: readonly LocalFormat[]
}

/** The usual packet time, RFC 3551 §4.2, and where a peer's wish is beyond what we do. */
const usualPtimeMs = 20

/** The number most telephones give to telephone-event. */
const usualEventPayloadType = 101

/** Numbers free for any use, RFC 3551 §6. */
const firstDynamicPayloadType = 96
const lastDynamicPayloadType = 127

/** Which complaint tells the most, where several streams fail each in its own way. */
const mostTelling = [
  'sdp.no-common-codec',
  'sdp.unusable-address',
  'sdp.address-family',
  'sdp.secure-media-only',
  'sdp.no-audio',
]

/**
 * Makes an offer: the first of a call, or a new one within it. RFC 3264 §5, §8.
 * @param state - of the descriptions before; `newLocalDescription` for the first.
 * @returns the offer, what `acceptAnswer` wants of it, and the state to keep once it has been sent.
 */
export function createOffer(
  local: LocalMedia,
  state: LocalDescription,
): { readonly offer: Uint8Array; readonly pending: PendingOffer; readonly nextState: LocalDescription } {
  const formats = offeredFormats(local, state)
  const isFirst = state.media.length === 0
  const { sdp, next } = describe(state, {
    local,
    media: isFirst ? [{ media: 'audio', protocol: 'RTP/AVP', formats: [] }] : state.media,
    audioIndex: state.audioIndex,
    formats,
    ptimeMs: usualPtimeMs,
    direction: local.direction ?? 'sendrecv',
    timings: [],
  })
  return { offer: sdp, pending: { local, audioIndex: state.audioIndex, formats }, nextState: next }
}

/**
 * Answers an offer, the first or a later one. RFC 3264 §6: the first usable audio stream is taken (the one in use before
 * others), every other line is refused in its place; formats keep the offerer's order and numbers.
 * @param offer - bytes of application/sdp.
 * @returns the answer, what was agreed, and the state to keep once the answer has been sent.
 * @throws ParseError `sdp.malformed`, `sdp.too-large`; NegotiationError `sdp.no-common-codec`, `sdp.secure-media-only`,
 *   `sdp.no-audio`, `sdp.unusable-address`, `sdp.address-family`. What was agreed before then stays in force.
 */
export function answerOffer(
  offer: Uint8Array,
  local: LocalMedia,
  state: LocalDescription,
): { readonly answer: Uint8Array; readonly agreed: AgreedMedia; readonly nextState: LocalDescription } {
  const description = parseSdp(offer)
  const codecs = local.codecs ?? defaultCodecs
  const stream = chooseStream(description, state.audioIndex, local, codecs)
  const formats = answeredFormats(stream.formats, codecs)
  const ptimeMs = agreedPtime(stream)
  const direction = commonDirection(local.direction ?? 'sendrecv', reverseDirection(stream.direction))
  const agreed = agree(stream, formats, direction, ptimeMs)
  const { sdp, next } = describe(state, {
    local,
    media: description.media.map(({ media, protocol, formats }) => ({ media, protocol, formats })),
    audioIndex: stream.index,
    formats,
    ptimeMs,
    direction,
    // RFC 3264 §6: equal to the offer's.
    timings: description.timings.filter((line) => line.startsWith('t=')),
  })
  return { answer: sdp, agreed, nextState: next }
}

/**
 * Takes the answer to an offer of ours. RFC 3264 §7: we send by the answer's numbers and first format, and receive by
 * those we offered.
 * @throws as `answerOffer`, and NegotiationError `sdp.audio-refused`, `sdp.answer-mismatch`.
 */
export function acceptAnswer(pending: PendingOffer, answer: Uint8Array): AgreedMedia {
  const description = parseSdp(answer)
  const { local, audioIndex } = pending
  const codecs = local.codecs ?? defaultCodecs
  const media = description.media[audioIndex]
  if (!media || media.media !== 'audio') {
    const sentence = `The answer has no audio as stream ${audioIndex + 1}, where it was offered.`
    throw new NegotiationError('sdp.answer-mismatch', sentence)
  }
  if (media.port === 0) throw new NegotiationError('sdp.audio-refused', 'The answer refuses our audio stream.')
  const stream = readAudioStream(description, audioIndex, familyOf(local.address), codecs)
  if (stream instanceof NegotiationError) throw stream
  const direction = commonDirection(local.direction ?? 'sendrecv', reverseDirection(stream.direction))
  return agree(stream, pending.formats, direction, agreedPtime(stream))
}

/**
 * The address families of the streams that an offer could be answered with, best first: for a host that has both, to
 * open its media socket on the right one.
 * @throws ParseError as `parseSdp`; NegotiationError as `answerOffer` where neither family would do.
 */
export function familiesOfOffer(
  offer: Uint8Array,
  codecs: readonly AudioCodec[] = defaultCodecs,
): readonly ('ip4' | 'ip6')[] {
  const description = parseSdp(offer)
  const families = new Set<'ip4' | 'ip6'>()
  let refusal: NegotiationError | null = null
  for (let index = 0; index < description.media.length; index++) {
    for (const family of ['ip4', 'ip6'] as const) {
      const stream = readAudioStream(description, index, family, codecs)
      if (stream instanceof NegotiationError) refusal = moreTelling(refusal, stream)
      else families.add(family)
    }
  }
  if (families.size === 0) throw refusal ?? noAudio(description)
  return [...families]
}

function chooseStream(
  description: SessionDescription,
  previousIndex: number,
  local: LocalMedia,
  codecs: readonly AudioCodec[],
): AudioStream {
  let refusal: NegotiationError | null = null
  const order = [previousIndex, ...description.media.keys()]
  for (const index of order) {
    if (!isAudio(description.media[index])) continue
    const stream = readAudioStream(description, index, familyOf(local.address), codecs)
    if (!(stream instanceof NegotiationError)) return stream
    refusal = moreTelling(refusal, stream)
  }
  throw refusal ?? noAudio(description)
}

function isAudio(media: MediaDescription | undefined): boolean {
  return media?.media === 'audio'
}

function moreTelling(one: NegotiationError | null, other: NegotiationError): NegotiationError {
  return one && mostTelling.indexOf(one.code) <= mostTelling.indexOf(other.code) ? one : other
}

/** Ours for an offer: the numbers of this call's earlier descriptions, else the usual ones. */
function offeredFormats(local: LocalMedia, state: LocalDescription): readonly LocalFormat[] {
  const formats: LocalFormat[] = []
  for (const codec of local.codecs ?? defaultCodecs) {
    const before = state.formats.find(({ use }) => use === codec)
    formats.push(before ?? { payloadType: staticPayloadTypes[codec], use: codec })
  }
  const before = state.formats.find(({ use }) => use === 'telephone-event')
  formats.push(before ?? { payloadType: freeEventPayloadType(state.formats), use: 'telephone-event' })
  return formats
}

/** A number that never meant anything else in this call. */
function freeEventPayloadType(formats: readonly LocalFormat[]): number {
  const isFree = (number: number): boolean => formats.every(({ payloadType }) => payloadType !== number)
  if (isFree(usualEventPayloadType)) return usualEventPayloadType
  for (let number = firstDynamicPayloadType; number < lastDynamicPayloadType; number++)
    if (isFree(number)) return number
  return lastDynamicPayloadType
}

/** What we speak of an offer, in its order and by its numbers (RFC 3264 §6.1); one telephone-event is enough. */
function answeredFormats(offered: readonly AudioFormat[], codecs: readonly AudioCodec[]): readonly LocalFormat[] {
  const formats: LocalFormat[] = []
  for (const { payloadType, use } of offered) {
    if (use === null || (isCodec(use) && !codecs.includes(use))) continue
    if (use === 'telephone-event' && formats.some((one) => one.use === use)) continue
    formats.push({ payloadType, use })
  }
  return formats
}

/** @param ours - by which numbers we receive. */
function agree(
  stream: AudioStream,
  ours: readonly LocalFormat[],
  direction: Direction,
  ptimeMs: AgreedMedia['ptimeMs'],
): AgreedMedia {
  const receivePayloadTypes = new Map<number, AudioCodec>()
  for (const { payloadType, use } of ours) if (isCodec(use)) receivePayloadTypes.set(payloadType, use)
  const spoken = [...receivePayloadTypes.values()]
  const first = stream.formats.find(({ use }) => isCodec(use) && spoken.includes(use))
  if (!first || !isCodec(first.use)) {
    throw new NegotiationError('sdp.no-common-codec', 'The answer takes none of the codecs that were offered.')
  }
  const ourEvent = ours.find(({ use }) => use === 'telephone-event')
  const theirEvent = stream.formats.find(({ use }) => use === 'telephone-event')
  return {
    remoteAddress: stream.address,
    remotePort: stream.port,
    remoteRtcpPort: stream.rtcpPort,
    ...(stream.rtcpAddress === null ? {} : { remoteRtcpAddress: stream.rtcpAddress }),
    sendCodec: first.use,
    sendPayloadType: first.payloadType,
    receivePayloadTypes,
    telephoneEvent:
      ourEvent && theirEvent
        ? { sendPayloadType: theirEvent.payloadType, receivePayloadType: ourEvent.payloadType }
        : null,
    ptimeMs,
    direction,
    isHeld: direction !== 'sendrecv',
  }
}

/** The packet time the peer wishes, cut to whole 10 ms and to its own maximum; 20 ms where it says nothing we can do. */
function agreedPtime({ ptimeMs, maxPtimeMs }: AudioStream): AgreedMedia['ptimeMs'] {
  const wished = ptimeMs !== null && ptimeMs >= 10 && ptimeMs <= 60 ? ptimeMs : usualPtimeMs
  const most = maxPtimeMs === null ? wished : Math.max(10, Math.min(wished, maxPtimeMs))
  return (most - (most % 10)) as AgreedMedia['ptimeMs']
}
