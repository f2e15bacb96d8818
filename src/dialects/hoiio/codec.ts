import { createHmac } from 'node:crypto'
import type { AnswerFields, RequiredParameter, StatusCode } from './wire.ts'

/** A request's parameters by name, empty ones left out: several clients send what they do not set as an empty value. */
export type Parameters = ReadonlyMap<string, string>

/** A request that is refused, with the code that its program is told. Answered with HTTP 200 like all else. */
export class Refusal extends Error {
  readonly status: StatusCode

  constructor(status: StatusCode) {
    super(status)
    this.name = 'Refusal'
    this.status = status
  }
}

/** More than any request has; what follows is nobody's honest request. */
const maxParameters = 64

/**
 * Reads the parameters of a request from its query and its body, which is a form whatever its label says: hoiio-js sends form
 * text as `application/json`. Text that is not percent-encoded is taken as it stands; the encoding is UTF-8 in any case.
 * @param query - as Node gives it: one character for each byte.
 * Throws Refusal `error_malformed_params` for bytes that are no text, for a parameter that is given twice with different values,
 * and for too many.
 */
export function readParameters(query: string, body: Uint8Array): Parameters {
  const found = new Map<string, string>()
  for (const part of [Buffer.from(query, 'latin1'), body]) {
    // A byte order mark is left out by the decoder.
    const text = readText(part).replace(/[\r\n]+$/, '')
    if (text === '') continue
    const mayHoldReplacements = text.includes(replacement) || /%EF%BF%BD/i.test(text)
    for (const [name, value] of new URLSearchParams(text)) {
      if (value === '') continue
      if (!mayHoldReplacements && value.includes(replacement)) throw new Refusal('error_malformed_params')
      const before = found.get(name)
      if (before !== undefined && before !== value) throw new Refusal('error_malformed_params')
      found.set(name, value)
      if (found.size > maxParameters) throw new Refusal('error_malformed_params')
    }
  }
  return found
}

/** What stands for percent-encoded bytes that are no UTF-8. */
const replacement = '\uFFFD'

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal('error_malformed_params')
  }
}

/** Throws Refusal `error_X_param_missing`. */
export function required(parameters: Parameters, name: RequiredParameter): string {
  const value = parameters.get(name)
  if (value === undefined) throw new Refusal(`error_${name}_param_missing`)
  return value
}

/** A telephone number as written, without separators. A blank in front of it is a `+` that was not encoded. */
export function readNumber(text: string): string {
  return text.replace(/^ +/, '+').replace(/[\s().-]/g, '')
}

/**
 * The id of a room destination; empty for a new room; null where it is no room. hoiiopie puts `+` and a country code before
 * every destination that has no `+`, so that `room:R1` arrives as `+1room:R1`.
 */
export function readRoom(text: string): string | null {
  return /^[+ ]?\d*room:(.*)$/s.exec(text)?.[1]?.trim() ?? null
}

/** A whole number of these bounds; null for anything else. */
export function readWhole(text: string, least: number, most: number): number | null {
  if (!/^\s*\d{1,9}\s*$/.test(text)) return null
  const value = Number(text)
  return value >= least && value <= most ? value : null
}

/** An answer as it goes out. */
export function writeAnswer(status: StatusCode, fields: AnswerFields = {}): string {
  return JSON.stringify({ status, ...fields })
}

/**
 * The body of a notification: the fields, and the parameters that the program put into its URL, which come back among them.
 * A field wins over a parameter of its name.
 * @param url - as the program gave it.
 */
export function writeNotification(url: string, fields: Readonly<Record<string, string | undefined>>): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, value)
  for (const [name, value] of new URL(url).searchParams) if (fields[name] === undefined) form.append(name, value)
  return form.toString()
}

/** HMAC-SHA256 of a notification's body with the application's token, in hex: the vendor's page on verifying notifications. */
export function signNotification(body: string, accessToken: string): string {
  return createHmac('sha256', accessToken).update(body).digest('hex')
}

/** `YYYY-MM-DD HH:MM:SS` at GMT+8, whatever the tenant's time zone. @param at - wall-clock ms. */
export function writeDate(at: number): string {
  return new Date(at + eightHoursMs).toISOString().slice(0, 19).replace('T', ' ')
}

/** The same, a date alone, or with the `.0` that the service sometimes added. @returns wall-clock ms, or null. */
export function readDate(text: string): number | null {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.\d+)?)?$/.exec(text.trim())
  if (!parts) return null
  const at = Date.parse(`${parts[1]}T${parts[2] ?? '00:00:00'}Z`)
  return Number.isFinite(at) ? at - eightHoursMs : null
}

const eightHoursMs = 8 * 3_600_000
