import { type DataField, type Envelope, type RequestType, requestTypes } from './wire.ts'

/** A request as it came. What is missing or of a wrong kind is null; the checks come in the published order, not here. */
export interface DecodedRequest {
  readonly requestType: RequestType | null
  readonly partnerSecret: string | null
  /** Null where it is no object. */
  readonly data: DecodedData | null
}

/** The members of `data`; numbers as they were written. */
export interface DecodedData {
  /** The value as sent; null where it is absent, blank, or neither text nor number. */
  get(name: DataField): string | null
}

/** Strings of JSON, which are passed over, and numbers. */
const stringsAndNumbers = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** @returns null for what is not a JSON object in UTF-8. */
export function decodeRequest(body: Uint8Array): DecodedRequest | null {
  const members = parseObject(body)
  if (!members) return null
  const { whole, textual } = members
  const type = textual.requestType
  const name = typeof type === 'string' ? type.trim().toLowerCase() : null
  const { partnerSecret } = whole
  return {
    requestType: requestTypes.find((one) => one.toLowerCase() === name) ?? null,
    // A number is no secret, whatever it looks like.
    partnerSecret: typeof partnerSecret === 'string' ? partnerSecret : null,
    data: isObject(textual.data) ? readData(textual.data) : null,
  }
}

/** A success in the published order of its members. */
export function encodeSuccess(data: unknown): string {
  const envelope: Envelope<unknown> = { respCode: 0, respMsg: 'Success', data }
  return JSON.stringify(envelope)
}

export function encodeFailure(respMsg: string): string {
  const envelope: Envelope<never> = { respCode: -1, respMsg, data: null }
  return JSON.stringify(envelope)
}

type Members = Readonly<Record<string, unknown>>

/** The object twice: as it is, and with its numbers as text: `1531709393.4470` must not lose its last digit. */
function parseObject(body: Uint8Array): { readonly whole: Members; readonly textual: Members } | null {
  try {
    // A byte order mark is dropped by the decoder.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const whole: unknown = JSON.parse(text)
    const textual: unknown = JSON.parse(
      text.replace(stringsAndNumbers, (found) => (found.startsWith('"') ? found : `"${found}"`)),
    )
    return isObject(whole) && isObject(textual) ? { whole, textual } : null
  } catch {
    return null
  }
}

function readData(members: Members): DecodedData {
  return {
    get: (name) => {
      const value = Object.hasOwn(members, name) ? members[name] : null
      return typeof value === 'string' && value.trim() !== '' ? value : null
    },
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
