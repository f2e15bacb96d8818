import { isE164 } from '../../config/numbers.ts'
import type { TenantSettings } from '../../config/settings.ts'
import { type Parameters, Refusal, readNumber, readRoom, readWhole, required } from './codec.ts'
import type { ParameterName, StatusCode } from './wire.ts'

const mostTagCharacters = 256
const mostUrlCharacters = 4000
/** Ranges that no document names; these refuse only what is no honest request. */
const longestCallSeconds = 86_400
const longestRecordingSeconds = 14_400
const longestTimeoutSeconds = 3600
const mostAttempts = 100

/** Where a block's outcome is told, and the mark that it is told with. */
export interface Report {
  readonly notifyUrl: string | null
  readonly tag: string | null
}

export type Destination =
  | { readonly kind: 'number'; readonly number: string }
  /** `id` is empty where a new room is wanted. */
  | { readonly kind: 'room'; readonly id: string }

/** Throws Refusal `error_tag_invalid_length`, `error_invalid_notify_url`. */
export function readReport(parameters: Parameters): Report {
  const tag = parameters.get('tag') ?? null
  if (tag !== null && [...tag].length > mostTagCharacters) throw new Refusal('error_tag_invalid_length')
  return { notifyUrl: readNotifyUrl(parameters, 'notify_url'), tag }
}

/** Absolute, HTTP or HTTPS; null where it is not given. Throws Refusal `error_invalid_notify_url`. */
export function readNotifyUrl(parameters: Parameters, name: ParameterName): string | null {
  const text = parameters.get(name)
  if (text === undefined) return null
  // An unencoded blank is what `+` in a query has become on its way.
  const url = text.trim()
  if (url.length > mostUrlCharacters || !/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
    throw new Refusal('error_invalid_notify_url')
  }
  return url
}

/** E.164, or an extension or short number of the tenant. Throws Refusal `error_dest_invalid`. */
export function readDestinationNumber(text: string, tenant: TenantSettings): string {
  const number = readNumber(text)
  if (isE164(number) || tenant.extensions.has(number) || tenant.numbers.has(number)) return number
  throw new Refusal('error_dest_invalid')
}

/** Throws Refusal `error_dest_param_missing`, `error_dest_invalid`, `error_invalid_room`. */
export function readDestination(parameters: Parameters, tenant: TenantSettings): Destination {
  const text = required(parameters, 'dest')
  const room = readRoom(text)
  if (room === null) return { kind: 'number', number: readDestinationNumber(text, tenant) }
  return { kind: 'room', id: checkRoom(room) }
}

/** 1 to 32 of `a-zA-Z0-9._`; empty stands for a new one. Throws Refusal `error_invalid_room`. */
export function checkRoom(id: string): string {
  if (/^[a-zA-Z0-9._]{0,32}$/.test(id)) return id
  throw new Refusal('error_invalid_room')
}

/** The number of digits; null: until `#` or time-out. Throws Refusal `error_invalid_max_digits`. */
export function readMaxDigits(parameters: Parameters): number | null {
  const digits = readRange(parameters, 'max_digits', 'error_invalid_max_digits', 0, 255, 0)
  return digits === 0 ? null : digits
}

/** Seconds; 15 unless given. Throws Refusal `error_invalid_timeout`. */
export function readTimeout(parameters: Parameters): number {
  return readRange(parameters, 'timeout', 'error_invalid_timeout', 1, longestTimeoutSeconds, 15)
}

/** 1 unless given. Throws Refusal `error_invalid_attempts`. */
export function readAttempts(parameters: Parameters): number {
  return readRange(parameters, 'attempts', 'error_invalid_attempts', 1, mostAttempts, 1)
}

/** Seconds of a recording; 120 unless given. Throws Refusal `error_invalid_max_duration`. */
export function readRecordDuration(parameters: Parameters): number {
  return readRange(parameters, 'max_duration', 'error_invalid_max_duration', 1, longestRecordingSeconds, 120)
}

/** Seconds of a whole call; null: as long as it lasts. Throws Refusal `error_max_duration_invalid`. */
export function readCallDuration(parameters: Parameters): number | null {
  if (!parameters.has('max_duration')) return null
  return readRange(parameters, 'max_duration', 'error_max_duration_invalid', 1, longestCallSeconds, longestCallSeconds)
}

/** Whether a failed transfer leaves the call to the program. Throws Refusal `error_on_failure_invalid`. */
export function readOnFailure(parameters: Parameters): 'hangup' | 'continue' {
  const text = parameters.get('on_failure')?.trim().toLowerCase() ?? 'hangup'
  if (text === 'hangup' || text === 'continue') return text
  throw new Refusal('error_on_failure_invalid')
}

function readRange(
  parameters: Parameters,
  name: ParameterName,
  refusal: StatusCode,
  least: number,
  most: number,
  usual: number,
): number {
  const text = parameters.get(name)
  if (text === undefined) return usual
  const value = readWhole(text, least, most)
  if (value === null) throw new Refusal(refusal)
  return value
}
