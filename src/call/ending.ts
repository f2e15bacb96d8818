import { type HangupCause, hangupCauses } from '../leg/hangup-cause.ts'
import type { LegEnd } from '../leg/leg.ts'
import type { BridgeEnd } from './bridge.ts'
import { causeText, failureOf, failureSentence } from './dial-outcome.ts'
import type { Party } from './party.ts'
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

/** What last happened between the parties: the reason that a program had when it then hung up. */
export interface CallNews {
  readonly sentence: string
  /** Set where that was the end of the call in all but form: the callee hung up. */
  readonly endedBy: EndedBy | null
}

/** What the sentence may speak of. */
export interface EndingFacts {
  /** Who is at the other end of the call's own leg; the one that called, or the one whom we called. */
  readonly side: 'caller' | 'callee'
  /** For a leg of ours that was never answered: whom it was for. */
  readonly dialled: string
  readonly hasRung: boolean
  readonly wasAnswered: boolean
  /** Seconds since the INVITE, and since the answer. */
  readonly ringMs: number
  readonly talkMs: number
  /** What was going on: `the prompt say:en:… was playing`; null for nothing. */
  readonly activity: string | null
  readonly news: CallNews | null
}

/** Puts together what the leg saw and what our side wanted into the one account that the record keeps. */
export function describeEnding(end: LegEnd, own: OwnEnding | null, facts: EndingFacts): Ending {
  const q850 = end.q850 ?? hangupCauses[end.cause].q850
  const { cause, sipStatus } = end
  if (end.by === 'remote') {
    return { cause, endedBy: facts.side, sipStatus, q850, sentence: remoteSentence(end, facts) }
  }
  if (end.by === 'network') {
    const sentence = end.sentence ?? `The connection to the ${facts.side} was lost (${hangupCauses[cause].text}).`
    return { cause, endedBy: 'network', sipStatus, q850, sentence }
  }
  const by = own?.by ?? 'server'
  const hasOwnWords = own?.sentence ?? end.sentence ?? null
  const isAftermath = hasOwnWords === null && by === 'program' && cause === 'normal' && facts.news !== null
  return {
    cause,
    endedBy: (isAftermath ? facts.news?.endedBy : null) ?? by,
    sipStatus,
    q850,
    sentence: hasOwnWords ?? ownSentence(end, by, facts),
  }
}

/** The account of a call that went on without its program, when its parties have parted. */
export function describeParting(end: BridgeEnd, transfer: string): Ending {
  const { by, why, talkMs } = end
  const left = by?.leg.ending ?? null
  const cause = left?.cause ?? 'normal'
  const q850 = left?.q850 ?? hangupCauses[cause].q850
  const account = (endedBy: EndedBy, sentence: string): Ending => {
    return { cause, endedBy, sipStatus: left?.sipStatus ?? null, q850, sentence: `${transfer} ${sentence}` }
  }
  if (by && left) return account(left.by === 'network' ? 'network' : by.side, partedSentence(by, left, talkMs))
  if (why === 'limit') return account('server', `Its time of ${seconds(talkMs)} was up.`)
  return account(
    'server',
    why === 'failed' ? 'Then the two could not be joined.' : `Switchhook parted them after ${seconds(talkMs)}.`,
  )
}

/** `The callee hung up after 12 s.` @param name - how the sentence calls the one who left. */
export function partedSentence(by: Party, end: LegEnd, talkMs: number, name = nameOf(by)): string {
  if (end.by === 'network') {
    return (
      end.sentence ??
      `The connection to ${lower(name)} was lost after ${seconds(talkMs)} (${hangupCauses[end.cause].text}).`
    )
  }
  if (end.by === 'local') return `${name} was hung up after ${seconds(talkMs)}.`
  return `${name} hung up after ${seconds(talkMs)}.`
}

/** How a sentence calls a party at its beginning: `The caller`, `137`. */
export function nameOf(party: Party): string {
  return party.side === 'caller' ? 'The caller' : party.number
}

function remoteSentence(end: LegEnd, facts: EndingFacts): string {
  const doing = facts.activity === null ? '' : ` while ${facts.activity}`
  if (facts.wasAnswered) return `The ${facts.side} hung up after ${seconds(facts.talkMs)}${doing}.`
  if (facts.side === 'callee') {
    const failure = failureOf(end.cause, facts.hasRung)
    const ringSeconds = Math.round(facts.ringMs / 1000)
    return failureSentence(failure, [facts.dialled], ringSeconds, causeText(end.cause, end.sipStatus))
  }
  const how = end.cause === 'cancelled' ? 'gave up' : 'ended the call'
  return `The caller ${how} after ${seconds(facts.ringMs)}, before it was answered${doing}.`
}

function ownSentence(end: LegEnd, by: 'program' | 'server', facts: EndingFacts): string {
  const who = by === 'program' ? 'The program' : 'Switchhook'
  const { news } = facts
  if (news?.endedBy && by === 'program' && end.cause === 'normal') return news.sentence
  const before = news === null ? '' : `${news.sentence} `
  if (facts.wasAnswered) return `${before}${who} hung up after ${seconds(facts.talkMs)}.`
  if (facts.side === 'callee')
    return `${before}${who} gave up after ${seconds(facts.ringMs)}, before ${facts.dialled} answered.`
  const status = end.sipStatus === null ? '' : `${end.sipStatus}, `
  return `${before}${who} refused the call (${status}${hangupCauses[end.cause].text}).`
}

/** `3 s`, `3.4 s` below ten, `2 min 5 s` above a minute. */
export function seconds(ms: number): string {
  if (ms < 9950) return `${(Math.round(ms / 100) / 10).toString()} s`
  const whole = Math.round(ms / 1000)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** The same within a sentence. */
export function lower(name: string): string {
  return name.startsWith('The ') ? `the ${name.slice(4)}` : name
}
