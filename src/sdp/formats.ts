import type { MediaDescription } from './session-description.ts'
import type { AudioCodec } from './types.ts'

/** What a format is to us; null for all that we do not speak. */
type FormatUse = AudioCodec | 'telephone-event' | 'CN' | null

/** One format of an audio stream. */
export interface AudioFormat {
  readonly payloadType: number
  /** From its rtpmap, or the static table: `PCMU/8000`. Empty where neither tells. */
  readonly encoding: string
  readonly use: FormatUse
  /** The value of its fmtp line. */
  readonly parameters: string | null
}

/** RFC 3551 §6, table 4, audio: numbers that need no rtpmap. */
const staticNames: Readonly<Record<number, string>> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  4: 'G723/8000',
  5: 'DVI4/8000',
  6: 'DVI4/16000',
  7: 'LPC/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  10: 'L16/44100/2',
  11: 'L16/44100',
  12: 'QCELP/8000',
  13: 'CN/8000',
  14: 'MPA/90000',
  15: 'G728/8000',
  16: 'DVI4/11025',
  17: 'DVI4/22050',
  18: 'G729/8000',
}

/** The number RFC 3551 gives to each codec of ours. */
export const staticPayloadTypes: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 }

/** RFC 3389 comfort noise, at 8,000 Hz. */
const comfortNoisePayloadType = 13

/** Longest name told in a sentence. */
const maxNameLength = 24

/**
 * The formats of an RTP stream in their order, which is the order of preference (RFC 3264 §5.1). Numbers that are none or
 * stand twice are left out.
 */
export function readFormats(media: MediaDescription): readonly AudioFormat[] {
  const mappings = new Map<number, string>()
  const parameters = new Map<number, string>()
  for (const { name, value } of media.attributes) {
    if (value === null || (name !== 'rtpmap' && name !== 'fmtp')) continue
    const [number, rest = ''] = splitOnce(value)
    const payloadType = readPayloadType(number)
    if (payloadType === null) continue
    if (name === 'rtpmap') mappings.set(payloadType, rest)
    else parameters.set(payloadType, rest)
  }
  const formats = new Map<number, AudioFormat>()
  for (const text of media.formats) {
    const payloadType = readPayloadType(text)
    if (payloadType === null || formats.has(payloadType)) continue
    // A mapping that is written wins over the static one: the peer says what it means.
    const encoding = mappings.get(payloadType) ?? staticNames[payloadType] ?? ''
    formats.set(payloadType, {
      payloadType,
      encoding,
      use: useOf(encoding, payloadType, parameters.get(payloadType) ?? null),
      parameters: parameters.get(payloadType) ?? null,
    })
  }
  return [...formats.values()]
}

/** `PCMU/8000`, `PCMU/8000/1`: names compare without case (RFC 8866 §6.6). */
function useOf(encoding: string, payloadType: number, parameters: string | null): FormatUse {
  const [name = '', rate, channels = '1', ...rest] = encoding.toUpperCase().split('/')
  if (rate !== '8000' || channels !== '1' || rest.length > 0) return null
  if (name === 'PCMU' || name === 'PCMA') return name
  if (name === 'TELEPHONE-EVENT') return takesKeys(parameters) ? 'telephone-event' : null
  // Only the static number: the media side knows comfort noise by it.
  return name === 'CN' && payloadType === comfortNoisePayloadType ? 'CN' : null
}

/**
 * Whether a list of events (RFC 4733 §2.4.1: `0-15,66,70`) has the twelve keys of every telephone. A list that is none,
 * or missing, is taken for 0-15, as the section says of a missing one.
 */
function takesKeys(parameters: string | null): boolean {
  const list = parameters?.replace(/^events=/i, '').replaceAll(/\s/g, '') ?? ''
  if (!/^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$/.test(list)) return true
  const ranges = list.split(',').map((part) => part.split('-').map(Number))
  for (let key = 0; key <= 11; key++) {
    if (!ranges.some(([first = 0, last = first]) => key >= first && key <= last)) return false
  }
  return true
}

/** For sentences: `G729`, `opus`. Characters that could disturb a log or a page are left out. */
export function nameOfFormat({ encoding, payloadType }: AudioFormat): string {
  const name = (encoding.split('/')[0] ?? '').replaceAll(/[^\w.+-]/g, '').slice(0, maxNameLength)
  return name === '' ? `payload type ${payloadType}` : name
}

function readPayloadType(text: string): number | null {
  return /^\d{1,3}$/.test(text) && Number(text) <= 127 ? Number(text) : null
}

function splitOnce(value: string): [string, string?] {
  const at = value.search(/[ \t]/)
  return at < 0 ? [value] : [value.slice(0, at), value.slice(at).trim()]
}
