import { isIPv6 } from 'node:net'
import { printSdpText } from './print.ts'
import type { AddressFamily, Attribute, MediaDescription } from './session-description.ts'
import type { AudioCodec, Direction } from './types.ts'

/** What our side of a call is like. */
export interface LocalMedia {
  /** What the peer is told: IP literal. Its family is the one that is used. */
  readonly address: string
  /** Our RTP port; RTCP is on the next. */
  readonly port: number
  /** In our order of preference, which counts in offers only. Default: PCMU, PCMA. */
  readonly codecs?: readonly AudioCodec[]
  /** What we want; the peer may want less. Default `sendrecv`; `sendonly` or `inactive` puts the peer on hold. */
  readonly direction?: Direction
}

/** A format as we number it for receiving. */
export interface LocalFormat {
  readonly payloadType: number
  readonly use: AudioCodec | 'telephone-event' | 'CN'
}

/** What must be remembered of our descriptions from one offer or answer to the next. The leg keeps it; it never changes. */
export interface LocalDescription {
  readonly sessionId: string
  /** Of the last description; 0 before the first. */
  readonly version: number
  /** The last description; null before the first. */
  readonly lastText: string | null
  /** Its streams, in order: their number and places stay for the whole call (RFC 3264 §8). */
  readonly media: readonly Pick<MediaDescription, 'media' | 'protocol' | 'formats'>[]
  /** Which of them is ours. */
  readonly audioIndex: number
  /** How we numbered formats: a number keeps its meaning for the whole call (RFC 3264 §8.3.2). */
  readonly formats: readonly LocalFormat[]
}

const encoder = new TextEncoder()

export const defaultCodecs: readonly AudioCodec[] = ['PCMU', 'PCMA']

/**
 * The state before the first description of a call.
 * @param sessionId - 0 to 2^63 - 1, unlike that of other calls of this host (RFC 8866 §5.2): a time or a random number.
 */
export function newLocalDescription(sessionId: number | bigint): LocalDescription {
  const id = BigInt.asUintN(63, BigInt(typeof sessionId === 'number' ? Math.floor(Math.abs(sessionId)) : sessionId))
  return { sessionId: id.toString(), version: 0, lastText: null, media: [], audioIndex: 0, formats: [] }
}

export function familyOf(address: string): AddressFamily {
  return isIPv6(address) ? 'ip6' : 'ip4'
}

/** What a new description of ours is to say. */
export interface Statement {
  readonly local: LocalMedia
  readonly media: LocalDescription['media']
  readonly audioIndex: number
  readonly formats: readonly LocalFormat[]
  readonly ptimeMs: number
  readonly direction: Direction
  readonly timings: readonly string[]
}

/**
 * Writes a description of ours. The version goes up by one when anything has changed, and stays when nothing has
 * (RFC 3264 §8).
 */
export function describe(state: LocalDescription, statement: Statement): { sdp: Uint8Array; next: LocalDescription } {
  const { media, audioIndex, formats } = statement
  let version = state.lastText === null ? 1 : state.version
  let text = print(state, statement, version)
  if (state.lastText !== null && text !== state.lastText) {
    text = text.replace(`${state.sessionId} ${version} IN`, `${state.sessionId} ${version + 1} IN`)
    version++
  }
  return {
    sdp: encoder.encode(text),
    next: { sessionId: state.sessionId, version, lastText: text, media, audioIndex, formats },
  }
}

function print(state: LocalDescription, statement: Statement, version: number): string {
  const { address, port } = statement.local
  const family = familyOf(address)
  return printSdpText({
    origin: { username: '-', sessionId: state.sessionId, version: String(version), family, address },
    sessionName: '-',
    connection: { family, address, suffix: '' },
    timings: statement.timings,
    attributes: [],
    otherLines: [],
    media: statement.media.map((media, index) =>
      index === statement.audioIndex
        ? stream(media, port, statement.formats.map(formatOf), attributesOf(statement))
        : stream(media, 0, media.formats, []),
    ),
  })
}

function stream(
  { media, protocol }: LocalDescription['media'][number],
  port: number,
  formats: readonly string[],
  attributes: readonly Attribute[],
): MediaDescription {
  return { media, port, portCount: 1, protocol, formats, connection: null, attributes, otherLines: [] }
}

function formatOf({ payloadType }: LocalFormat): string {
  return String(payloadType)
}

function attributesOf({ formats, ptimeMs, direction }: Statement): readonly Attribute[] {
  const attributes: Attribute[] = []
  for (const { payloadType, use } of formats) {
    attributes.push({ name: 'rtpmap', value: `${payloadType} ${use}/8000` })
    // Every event that is a key; a flash hook (16) would come to nothing.
    if (use === 'telephone-event') attributes.push({ name: 'fmtp', value: `${payloadType} 0-15` })
  }
  attributes.push({ name: 'ptime', value: String(ptimeMs) }, { name: direction, value: null })
  return attributes
}
