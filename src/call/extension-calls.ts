import type { CallId } from '../base/ids.ts'
import type { CallRecord, HangupCause, LegRecord } from './records.ts'

/**
 * How an extension took part. `outgoing`: it called, or we called on its behalf; `direct`: a call rang it and nobody else
 * before anything had answered; `handled`: something had taken the call first, or it rang among others.
 */
export type ExtensionCallKind = 'outgoing' | 'direct' | 'handled'

export type ExtensionCallOutcome = 'answered' | 'no-answer' | 'busy' | 'failed'

/** One call as one extension knows it. */
export interface ExtensionCall {
  readonly callId: CallId
  /** As in `CallRecord`. */
  readonly serial: number | null
  readonly tenant: string
  readonly extension: string
  /** Of the call, wall-clock ms. */
  readonly startedAt: number
  readonly kind: ExtensionCallKind
  readonly outcome: ExtensionCallOutcome
  /** The other party, as it stands in the record. */
  readonly other: string
  /** How long the extension talked; 0 unless answered. */
  readonly talkMs: number
}

/** Characters kept of the other party. */
const mostOther = 128

/** What each cause means for a call that was not answered. */
const outcomeOfCause: Readonly<Record<HangupCause, Exclude<ExtensionCallOutcome, 'answered'>>> = {
  normal: 'no-answer',
  'no-answer': 'no-answer',
  cancelled: 'no-answer',
  'answered-elsewhere': 'no-answer',
  transferred: 'no-answer',
  'temporarily-unavailable': 'no-answer',
  busy: 'busy',
  rejected: 'busy',
  'do-not-disturb': 'busy',
  'number-unknown': 'failed',
  'number-incomplete': 'failed',
  'too-many-hops': 'failed',
  'not-registered': 'failed',
  unauthorized: 'failed',
  forbidden: 'failed',
  'not-acceptable': 'failed',
  congestion: 'failed',
  'limit-exceeded': 'failed',
  timeout: 'failed',
  'ack-missing': 'failed',
  'media-timeout': 'failed',
  'session-expired': 'failed',
  'network-failure': 'failed',
  'flow-failed': 'failed',
  'server-error': 'failed',
  shutdown: 'failed',
  interrupted: 'failed',
}

/**
 * The calls of extensions that a call amounts to. A call that an extension placed is its alone, whoever took it; any other is one
 * of each extension that talked, or where none did, of the first that rang.
 * @param legs - all that ever took part, in the order in which they came.
 */
export function extensionCalls(call: CallRecord, legs: readonly LegRecord[]): readonly ExtensionCall[] {
  if (call.extension !== null) return [placedBy(call.extension, call, legs)]
  const rung = legs.filter((leg) => leg.direction === 'outbound' && leg.extension !== null)
  const talked = rung.filter(hasTalked)
  const first = rung.find((leg) => outcomeOf(leg.cause) === 'no-answer') ?? rung[0]
  const taking = talked.length > 0 ? talked : first ? [first] : []
  const found = new Map<string, ExtensionCall>()
  for (const leg of taking) {
    const extension = leg.extension ?? ''
    const isAnswered = talked.length > 0
    const before = found.get(extension)
    found.set(extension, {
      ...common(call),
      extension,
      kind: kindOf(leg, call, rung),
      outcome: isAnswered ? 'answered' : outcomeOf(leg.cause),
      other: otherOf(call, legs),
      talkMs: (isAnswered ? talkOf(leg, call) : 0) + (before?.talkMs ?? 0),
    })
  }
  const [absent] = call.absent
  if (found.size === 0 && absent !== undefined) {
    const isDirect = call.answeredAt === null && call.absent.length === 1
    const kind = isDirect ? 'direct' : 'handled'
    return [{ ...common(call), extension: absent, kind, outcome: 'failed', other: otherOf(call, legs), talkMs: 0 }]
  }
  return [...found.values()]
}

function common({ id, serial, tenant, startedAt }: CallRecord) {
  return { callId: id, serial, tenant, startedAt }
}

function placedBy(extension: string, call: CallRecord, legs: readonly LegRecord[]): ExtensionCall {
  const other = shortened(call.direction === 'inbound' ? call.to : call.from)
  const own = legs[0]
  if (call.direction === 'inbound') {
    const isAnswered = call.answeredAt !== null
    return {
      ...common(call),
      extension,
      kind: 'outgoing',
      outcome: isAnswered ? 'answered' : outcomeOf(call.cause),
      other,
      talkMs: isAnswered ? talkBetween(call.answeredAt, own?.endedAt ?? call.endedAt) : 0,
    }
  }
  // We rang the extension first and then the other: it is the other's answer that counts.
  const others = legs.slice(1).filter((leg) => leg.direction === 'outbound')
  const talked = others.filter(hasTalked)
  const talkMs = talked.reduce((sum, leg) => sum + talkOf(leg, call), 0)
  const failed = call.answeredAt === null ? outcomeOf(call.cause) : outcomeOfSecond(others)
  return {
    ...common(call),
    extension,
    kind: 'outgoing',
    outcome: talked.length > 0 ? 'answered' : failed,
    other,
    talkMs,
  }
}

function outcomeOfSecond(others: readonly LegRecord[]): ExtensionCallOutcome {
  const last = others.at(-1)
  return last ? outcomeOf(last.cause) : 'failed'
}

function hasTalked(leg: LegRecord): boolean {
  return leg.answeredAt !== null && leg.cause !== 'answered-elsewhere'
}

function kindOf(leg: LegRecord, call: CallRecord, rung: readonly LegRecord[]): ExtensionCallKind {
  const answeredAt = call.answeredAt ?? Number.POSITIVE_INFINITY
  const early = rung.filter(({ startedAt }) => startedAt < answeredAt)
  // A call that we placed ourselves was in somebody's hands from the beginning.
  if (call.direction === 'outbound' || early.length === 0) return 'handled'
  const asked = new Set([...early.map(({ extension }) => extension), ...call.absent])
  return asked.size === 1 || (!early.includes(leg) && isDirectTo(early)) ? 'direct' : 'handled'
}

/** Whether a call went to one extension alone, which may then have passed it on. */
function isDirectTo(early: readonly LegRecord[]): boolean {
  return new Set(early.map(({ extension }) => extension)).size === 1
}

/** Who is at the other end for an extension that was rung: the caller, or whom we had called before. */
function otherOf(call: CallRecord, legs: readonly LegRecord[]): string {
  if (call.direction === 'inbound') return shortened(call.from)
  return shortened(legs[0]?.extension === null ? call.to : call.from)
}

function talkOf(leg: LegRecord, call: CallRecord): number {
  return talkBetween(leg.answeredAt, leg.endedAt ?? call.endedAt)
}

function talkBetween(from: number | null, to: number | null): number {
  return from === null || to === null ? 0 : Math.max(0, Math.round(to - from))
}

/** A call that is still ringing has no cause yet. */
function outcomeOf(cause: HangupCause | null): ExtensionCallOutcome {
  return cause === null ? 'no-answer' : outcomeOfCause[cause]
}

/** A caller may call itself anything: what is kept in an index must have an end. */
function shortened(other: string): string {
  return other.slice(0, mostOther)
}
