import type { CallId } from '../../base/ids.ts'
import type { ExtensionCall, ExtensionCallKind, ExtensionCallOutcome } from '../../call/extension-calls.ts'
import type { CallRecord } from '../../call/records.ts'
import { nationalNumber, numberKey } from '../../config/numbers.ts'
import { calendarDay, type LocalTime } from './local-time.ts'
import type { CallEntry, CallStatus, CallType } from './wire.ts'

/**
 * The document names the three types and defines none. Read as FreePBX names its calls: EXTERNAL is a call from outside that rings
 * one extension; INBOUND one that a menu or a group takes; OUTBOUND one that the extension dials or has dialled.
 */
const callTypes: Readonly<Record<ExtensionCallKind, CallType>> = {
  outgoing: 'OUTBOUND',
  direct: 'EXTERNAL',
  handled: 'INBOUND',
}

const callStatuses: Readonly<Record<ExtensionCallOutcome, CallStatus>> = {
  answered: 'ANSWERED',
  'no-answer': 'NO ANSWER',
  busy: 'BUSY',
  failed: 'FAILED',
}

/** How one partner is shown things. */
export interface PartnerView {
  readonly time: LocalTime
  readonly numberFormat: 'national' | 'e164'
  /** Of its tenant. */
  readonly countryCode: string | null
}

export function toEntry(call: ExtensionCall, view: PartnerView): CallEntry {
  return {
    callId: publishedId(call.startedAt, call.serial, call.callId),
    user: call.extension,
    phoneNumber: shownNumber(call.other, view),
    callType: callTypes[call.kind],
    callStatus: callStatuses[call.outcome],
    duration: Math.floor(call.talkMs / 1000),
    callDate: view.time.text(call.startedAt),
  }
}

/** A call that was no extension's: a menu or a program of ours had it. */
export function toOwnerlessEntry(call: CallRecord, view: PartnerView): CallEntry {
  const isAnswered = call.answeredAt !== null
  const talkMs = isAnswered && call.endedAt !== null ? call.endedAt - (call.answeredAt ?? 0) : 0
  return {
    callId: publishedId(call.startedAt, call.serial, call.id),
    user: '',
    phoneNumber: shownNumber(call.direction === 'inbound' ? call.from : call.to, view),
    callType: call.direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',
    callStatus: isAnswered ? 'ANSWERED' : 'NO ANSWER',
    duration: Math.max(0, Math.floor(talkMs / 1000)),
    callDate: view.time.text(call.startedAt),
  }
}

/** `<epoch seconds>.<number>`, the form of the samples; rows of older versions have no number and go by our own id. */
export function publishedId(startedAt: number, serial: number | null, id: CallId): string {
  return serial === null ? id : `${Math.floor(startedAt / 1000)}.${serial}`
}

export type NamedCall =
  | { readonly kind: 'serial'; readonly second: number; readonly serial: number }
  | { readonly kind: 'id'; readonly id: CallId }

/** What a client's call id, or the name of one of our recording files, names; null: nothing of ours. */
export function readCallId(text: string): NamedCall | null {
  const value = text.trim()
  const own = /call_[0-9a-z]{25}/.exec(value)
  if (own) return { kind: 'id', id: own[0] as CallId }
  const match = /(?:^|-)(\d{9,11})\.(\d{1,9})(?:\.wav)?$/.exec(value)
  return match ? { kind: 'serial', second: Number(match[1]), serial: Number(match[2]) } : null
}

/**
 * `in-<DID>-<caller>-<yyyymmdd>-<hhmmss>-<callId>.wav`, `out-<phone>-<extension>-…`.
 * @param whose - the extension's call, where it was one's.
 */
export function recordingName(call: CallRecord, whose: ExtensionCall | null, view: PartnerView): string {
  const isOut = whose ? whose.kind === 'outgoing' : call.direction === 'outbound'
  const parties = isOut
    ? ['out', shownNumber(whose?.other ?? call.to, view), whose?.extension ?? call.from]
    : ['in', shownNumber(call.to, view), shownNumber(whose?.other ?? call.from, view)]
  const [date = '', time = ''] = view.time.text(call.startedAt).split(' ')
  const id = publishedId(call.startedAt, call.serial, call.id)
  return `${[...parties, date.replaceAll('-', ''), time.replaceAll(':', ''), id].map(plain).join('-')}.wav`
}

/** Days since 1970-01-01 of `30/07/2018`, `1/7/2018`, or `2018-07-30`; null for what is no date. */
export function readDate(text: string): number | null {
  const value = text.trim()
  const published = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(value)
  if (published) return calendarDay(Number(published[3]), Number(published[2]), Number(published[1]))
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(value)
  return iso ? calendarDay(Number(iso[1]), Number(iso[2]), Number(iso[3])) : null
}

/** A number to dial: digits, a leading plus, separators; nothing else. */
export function isReadablePhone(text: string): boolean {
  const value = text.trim()
  return /^\+?[\d\s().\-/]+$/.test(value) && /\d/.test(value) && value.length <= 40
}

function shownNumber(text: string, { numberFormat, countryCode }: PartnerView): string {
  const key = numberKey(text, countryCode)
  return numberFormat === 'national' ? nationalNumber(key, countryCode) : key
}

/** Of a party's name only what is safe in a file name and in a header. */
function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9+_.]/g, '')
}
