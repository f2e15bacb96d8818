import { isIP } from 'node:net'
import { NegotiationError } from '../base/errors.ts'
import { canonicalAddress, classifyAddress } from './address.ts'
import { canReceive, canSend, directionOf, isDirection } from './direction.ts'
import { type AudioFormat, nameOfFormat, readFormats } from './formats.ts'
import type { AddressFamily, Attribute, MediaDescription, SessionDescription } from './session-description.ts'
import type { AudioCodec, Direction } from './types.ts'

/** An audio stream of the peer's description that can be used. */
export interface AudioStream {
  /** Which m= line, from 0. */
  readonly index: number
  readonly protocol: string
  /** In the form the kernel prints. `0.0.0.0` or `::` for a hold of RFC 2543. */
  readonly address: string
  readonly port: number
  /** 0 where there can be none. */
  readonly rtcpPort: number
  /** Set where a=rtcp names another address than c=. */
  readonly rtcpAddress: string | null
  /** As the peer sees it, a hold by address included. */
  readonly direction: Direction
  /** All, in the peer's order of preference. */
  readonly formats: readonly AudioFormat[]
  readonly ptimeMs: number | null
  readonly maxPtimeMs: number | null
}

/**
 * Reads one m= line as an audio stream that we could use.
 * @param codecs - those we would take.
 * @returns the stream, or why not: a NegotiationError that is not thrown yet, for another line may do.
 */
export function readAudioStream(
  description: SessionDescription,
  index: number,
  family: AddressFamily,
  codecs: readonly AudioCodec[],
): AudioStream | NegotiationError {
  const media = description.media[index]
  if (!media || media.media !== 'audio') return noAudio(description)
  if (media.port === 0) return new NegotiationError('sdp.no-audio', 'The audio stream is switched off (port 0).')
  if (/SAVP/i.test(media.protocol)) {
    const sentence = `The peer offers encrypted audio only (${media.protocol}); Switchhook speaks plain RTP/AVP.`
    return new NegotiationError('sdp.secure-media-only', sentence)
  }
  if (!/^RTP\/AVPF?$/i.test(media.protocol)) {
    const sentence = `The peer offers audio over ${media.protocol}; Switchhook speaks RTP/AVP.`
    return new NegotiationError('sdp.no-audio', sentence)
  }
  const formats = readFormats(media)
  if (!formats.some(({ use }) => isCodec(use) && codecs.includes(use))) return noCommonCodec(formats, codecs)
  const place = readPlace(description, media, family)
  if (place instanceof NegotiationError) return place
  const attributes = [...description.attributes, ...media.attributes]
  return {
    index,
    protocol: media.protocol,
    ...place,
    direction: readDirection(attributes, place.address),
    formats,
    ptimeMs: readMs(attributes, 'ptime'),
    maxPtimeMs: readMs(attributes, 'maxptime'),
  }
}

export function isCodec(use: AudioFormat['use']): use is AudioCodec {
  return use === 'PCMU' || use === 'PCMA'
}

/** The sentence for a description without any audio line. */
export function noAudio(description: SessionDescription): NegotiationError {
  const offered = [...new Set(description.media.map(({ media }) => media.slice(0, 20)))].slice(0, 5)
  const sentence =
    offered.length === 0
      ? 'The session description has no media stream at all.'
      : `The session description has no audio stream, only ${listed(offered)}.`
  return new NegotiationError('sdp.no-audio', sentence)
}

function noCommonCodec(formats: readonly AudioFormat[], codecs: readonly AudioCodec[]): NegotiationError {
  // Keys and comfort noise are no sound: naming them would hide what is missing.
  const names = formats.map(nameOfFormat).filter((name) => !/^(telephone-event|CN)$/i.test(name))
  const offered = [...new Set(names)]
  const told = offered.length > 8 ? [...offered.slice(0, 8), `${offered.length - 8} more`] : offered
  const what = told.length === 0 ? 'no audio codec' : `only ${listed(told)}`
  const sentence = `The peer offers ${what}; Switchhook speaks ${listed(codecs)}.`
  return new NegotiationError('sdp.no-common-codec', sentence, { facts: { offered: told.join(' ') } })
}

type Place = Pick<AudioStream, 'address' | 'port' | 'rtcpPort' | 'rtcpAddress'>

function readPlace(
  description: SessionDescription,
  media: MediaDescription,
  family: AddressFamily,
): Place | NegotiationError {
  const connection = media.connection ?? description.connection
  if (!connection) return unusable('The audio stream has no c= line, so there is nowhere to send audio to.')
  const version = isIP(connection.address)
  if (version === 0) {
    return unusable('The c= line of the audio stream gives a host name; an IP address is needed, no name is looked up.')
  }
  const address = canonicalAddress(connection.address)
  if (connection.suffix !== '' || classifyAddress(address) === 'group') {
    return unusable('The c= line of the audio stream gives a multicast address; a call needs that of one host.')
  }
  const isHold = classifyAddress(address) === 'unspecified'
  // A hold names no host, so it may be of any family.
  if (!isHold && isIP(address) !== (family === 'ip4' ? 4 : 6)) {
    const sentence = `The audio stream is on IPv${isIP(address)}; only IPv${family === 'ip4' ? 4 : 6} can be used here.`
    return new NegotiationError('sdp.address-family', sentence)
  }
  return { address, port: media.port, ...readRtcp(media, address) }
}

/** RFC 3605: `53020`, or `53020 IN IP4 126.16.64.4`. What is none is as if it were not there. */
function readRtcp(media: MediaDescription, address: string): Pick<AudioStream, 'rtcpPort' | 'rtcpAddress'> {
  const usual = { rtcpPort: media.port < 65_535 ? media.port + 1 : 0, rtcpAddress: null }
  const value = media.attributes.findLast(({ name }) => name === 'rtcp')?.value
  const [port = '', network, , where] = value?.split(/ +/) ?? []
  if (!/^\d{1,5}$/.test(port) || Number(port) === 0 || Number(port) > 65_535) return usual
  const other = network === 'IN' && where !== undefined ? canonicalAddress(where) : address
  const isUsable = isIP(other) === isIP(address) && ['public', 'local'].includes(classifyAddress(other))
  return { rtcpPort: Number(port), rtcpAddress: isUsable && other !== address ? other : null }
}

/** The last one counts; the stream's own before the session's (RFC 8866 §6.7). */
function readDirection(attributes: readonly Attribute[], address: string): Direction {
  const name = attributes.findLast((one) => isDirection(one.name))?.name ?? 'sendrecv'
  const direction = isDirection(name) ? name : 'sendrecv'
  // RFC 3264 §8.4: the address 0.0.0.0 asks for silence, whatever the attribute says about receiving.
  const isHold = classifyAddress(address) === 'unspecified'
  return isHold ? directionOf(canSend(direction), false) : directionOf(canSend(direction), canReceive(direction))
}

/** Whole milliseconds; fractions are cut. Null where absent or no number. */
function readMs(attributes: readonly Attribute[], name: string): number | null {
  const value = attributes.findLast((one) => one.name === name)?.value ?? ''
  return /^\d{1,4}(\.\d{1,6})?$/.test(value) ? Math.floor(Number(value)) : null
}

function unusable(sentence: string): NegotiationError {
  return new NegotiationError('sdp.unusable-address', sentence)
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
