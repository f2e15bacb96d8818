import { type HangupCause, hangupCauses } from '../leg/hangup-cause.ts'
import type { LegEnd } from '../leg/leg.ts'
import type { EndedBy } from './records.ts'

/** What our side said when it ended the call. */
export interface OwnEnding {
  readonly by: 'program' | 'server'
  readonly cause: HangupCause
  /** Why, as a sentence; null for the usual one of the cause. */
  readonly sentence: string | null
}

export interface Ending {
  readonly cause: HangupCause
  readonly endedBy: EndedBy
  readonly sipStatus: number | null
  readonly q850: number
  readonly sentence: string
}

/** What the sentence may speak of. */
export interface EndingFacts {
  readonly wasAnswered: boolean
  /** Seconds since the INVITE, and since the answer. */
  readonly ringMs: number
  readonly talkMs: number
  /** What was going on: `the prompt say:en:… was playing`; null for nothing. */
  readonly activity: string | null
}

/** Puts together what the leg saw and what our side wanted into the one account that the record keeps. */
export function describeEnding(end: LegEnd, own: OwnEnding | null, facts: EndingFacts): Ending {
  const q850 = end.q850 ?? hangupCauses[end.cause].q850
  if (end.by === 'remote') {
    return { cause: end.cause, endedBy: 'caller', sipStatus: end.sipStatus, q850, sentence: remoteSentence(end, facts) }
  }
  if (end.by === 'network') {
    const sentence = end.sentence ?? `The connection to the caller was lost (${hangupCauses[end.cause].text}).`
    return { cause: end.cause, endedBy: 'network', sipStatus: end.sipStatus, q850, sentence }
  }
  const endedBy = own?.by ?? 'server'
  return {
    cause: end.cause,
    endedBy,
    sipStatus: end.sipStatus,
    q850,
    sentence: own?.sentence ?? end.sentence ?? ownSentence(end, endedBy, facts),
  }
}

function remoteSentence(end: LegEnd, facts: EndingFacts): string {
  const doing = facts.activity === null ? '' : ` while ${facts.activity}`
  if (facts.wasAnswered) return `The caller hung up after ${seconds(facts.talkMs)}${doing}.`
  const how = end.cause === 'cancelled' ? 'gave up' : 'ended the call'
  return `The caller ${how} after ${seconds(facts.ringMs)}, before it was answered${doing}.`
}

function ownSentence(end: LegEnd, by: 'program' | 'server', facts: EndingFacts): string {
  const who = by === 'program' ? 'The program' : 'Switchhook'
  if (facts.wasAnswered) return `${who} hung up after ${seconds(facts.talkMs)}.`
  const status = end.sipStatus === null ? '' : `${end.sipStatus}, `
  return `${who} refused the call (${status}${hangupCauses[end.cause].text}).`
}

/** `3 s`, `3.4 s` below ten, `2 min 5 s` above a minute. */
function seconds(ms: number): string {
  if (ms < 9950) return `${(Math.round(ms / 100) / 10).toString()} s`
  const whole = Math.round(ms / 1000)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
