import type { FlowCall } from '../../../action/flow-call.ts'
import type { Flow } from '../../../action/run-flow.ts'
import { toError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { VoicemailClient } from '../client.ts'
import { type LeavingAnswer, readLeavingAnswer } from './answers.ts'
import { type Deposit, type Deposits, leastSoundMs, secondsOf, voiceOfCall } from './deposits.ts'
import { type LeavingState, leavingTable } from './leaving-table.ts'
import { type Activities, runTable } from './machine.ts'
import { noteServiceProblem, problemOf } from './service-problem.ts'
import { NodeVoice, type VoiceFiles } from './voice.ts'

export interface LeavingParts {
  readonly client: VoicemailClient
  /** The client's service, as a debt to it is remembered. */
  readonly service: string
  readonly deposits: Deposits
  readonly media: VoiceFiles
  readonly log: Logger
  /** Whose mailbox; as it goes to the service. */
  owner(call: FlowCall): string
  /** What the owner gets that calls itself and presses `*`; null: nothing. */
  readonly retrieve: Flow | null
}

/** Times that a message may be too short before the caller is let go. */
const attempts = 3
/** How long a caller may be silent behind the beep. */
const thinkingMs = 6000
/** Behind a prompt that a key may interrupt: only what is pressed during it counts. */
const momentMs = 20
const takerWaitMs = 5000

interface Leaving {
  readonly call: FlowCall
  readonly voice: NodeVoice
  readonly parts: LeavingParts
  readonly deposit: Deposit
  answer: LeavingAnswer | null
  attempt: number
  /** The key that goes straight to the beep was pressed. */
  isSkipped: boolean
  seconds: number
  /** Why the service is not there for the caller, or does not want it. */
  problem: { readonly why: 'refused' | 'failed'; readonly sentence: string } | null
  /** The service was told what came of the call, or will be. */
  isTold: boolean
}

/** The flow of a caller who is to leave a message. */
export function leavingFlow(parts: LeavingParts): Flow {
  return async (call) => {
    const leaving = begin(call, parts)
    try {
      await runTable(leavingTable, activities, 'init', leaving, (state) => {
        // The journal closes with the call, and this flow goes on until the service has been told.
        if (!call.isEnded) call.note('voicemail', { state })
      })
    } finally {
      // Also where something broke on the way: one RECMAIL for every caller that was let in.
      if (leaving.answer !== null && !leaving.isTold) await tellMissed(leaving)
      parts.deposits.leave(call.id)
    }
  }
}

function begin(call: FlowCall, parts: LeavingParts): Leaving {
  const voice = new NodeVoice(call, parts.media, parts.log)
  const deposit = {
    call_id: call.id,
    tenant: call.tenant,
    service: parts.service,
    caller: callerNumber(call),
    owner: parts.owner(call),
    access: call.to,
    voice: voiceOfCall(call.id),
  }
  return {
    call,
    voice,
    parts,
    deposit,
    answer: null,
    attempt: 0,
    isSkipped: false,
    seconds: 0,
    problem: null,
    isTold: false,
  }
}

/** Who calls, as the owner may see it: empty where the caller does not want to be known. */
function callerNumber({ party }: FlowCall): string {
  if (party.isPrivate === true) return ''
  const number = party.extension ?? party.assertedNumber ?? party.user
  return number === 'anonymous' ? '' : number
}

function numbersOf({ caller, owner, access }: Deposit) {
  return { a: caller, b: owner, c: access }
}

const activities: Activities<LeavingState, Leaving> = {
  init: async (leaving) => {
    const { call, parts, deposit } = leaving
    const asked = await parts.client.ask({ command: 'INITLEAVING', number: numbersOf(deposit) })
    const problem = problemOf(asked)
    if (problem !== null) noteServiceProblem(call, 'INITLEAVING', problem)
    if (asked.kind === 'failure') {
      parts.log.error({ callId: call.id, problem }, 'the voicemail service was not there for a caller')
      leaving.problem = { why: 'failed', sentence: asked.sentence }
      return 'failed'
    }
    if (problem !== null) {
      const why = asked.object['reason'] === 'NO_MAILBOX' ? 'refused' : 'failed'
      parts.log.warn({ callId: call.id, problem }, 'the voicemail service did not take a caller')
      leaving.problem = { why, sentence: problem }
      return 'refused'
    }
    leaving.answer = readLeavingAnswer(asked.object)
    leaving.voice.language = leaving.answer.language
    call.language = leaving.answer.language
    await call.answer()
    return 'ok'
  },

  promoX: async ({ voice, answer, call }) => {
    const promo = answer?.promos.x ? await voice.find(answer.promos.x) : null
    if (promo) await voice.tell(promo)
    return call.isEnded ? 'hangUp' : 'next'
  },

  greeting: async (leaving) => {
    const { voice, answer, call, parts, deposit } = leaving
    const personal = answer?.greeting ? await voice.find(answer.greeting) : null
    const { key, isEnded } = await voice.ask([personal ?? voice.text('vm-greet-default')], momentMs)
    if (isEnded) return 'hangUp'
    if (key === '*' && call.party.extension === deposit.owner && parts.retrieve !== null) return 'owner'
    leaving.isSkipped = key === '#' || key === '*'
    return leaving.isSkipped ? 'skip' : 'next'
  },

  tariff: async ({ voice, answer, call, isSkipped }) => {
    if (answer?.isTariffOn && !isSkipped) await voice.tell(voice.text('vm-tariff'))
    if (call.isEnded) return 'hangUp'
    if (answer?.isRecordOn === false) return 'off'
    return answer?.isFull ? 'full' : 'record'
  },

  record: async (leaving) => {
    const { call, parts, deposit, answer } = leaving
    leaving.attempt++
    await parts.deposits.open(deposit)
    const silenceMs = answer?.maxIdleMs ?? 2000
    const options = { maxDurationMs: answer?.maxRecordMs ?? 60_000, silenceMs, endKey: '#' } as const
    let recorded = await call.record(options)
    // Two seconds of silence are the end of a message, but not too long to think of its beginning.
    for (let waitedMs = 0; isOnlySilence(recorded); ) {
      waitedMs += recorded.durationMs
      if (waitedMs >= thinkingMs) break
      recorded = await call.record({ ...options, beep: false })
    }
    if (!('file' in recorded)) return 'hangUp'
    // The silence that ended it is no part of the message.
    const cutMs = recorded.endedBy === 'silence' ? Math.min(silenceMs, recorded.durationMs) : 0
    const soundMs = recorded.heardSound ? recorded.durationMs - cutMs : 0
    if (soundMs < leastSoundMs) {
      if (recorded.outcome === 'failed') return 'failed'
      return call.isEnded ? 'hangUp' : 'short'
    }
    leaving.seconds = secondsOf(soundMs)
    try {
      await parts.deposits.keep(deposit, recorded.file, cutMs)
    } catch (thrown) {
      // The recording itself is there: it stays owed, and is taken into the store as soon as that goes.
      parts.log.error(
        { callId: call.id, err: toError(thrown) },
        'a voicemail message could not be taken into the store',
      )
      leaving.isTold = true
      return 'failed'
    }
    return 'recorded'
  },

  tooShort: async ({ voice, call, attempt }) => {
    await voice.tell(voice.text('vm-tooshort'))
    if (call.isEnded) return 'hangUp'
    if (attempt >= attempts) return 'enough'
    await voice.tell(voice.text('vm-again'))
    return call.isEnded ? 'hangUp' : 'again'
  },

  deposit: async (leaving) => {
    const { call, parts, deposit, seconds } = leaving
    leaving.isTold = true
    const asked = await parts.deposits.tell(deposit, seconds)
    const problem = problemOf(asked)
    if (problem !== null) noteServiceProblem(call, 'RECMAIL', problem)
    if (asked.kind === 'failure') {
      parts.log.error({ callId: call.id, problem: asked.sentence }, 'a voicemail message is owed to its service')
      return call.isEnded ? 'hangUp' : 'failed'
    }
    if (call.isEnded) return 'hangUp'
    return asked.object['status'] === 'ok' ? 'ok' : 'refused'
  },

  saved: async ({ voice, call }) => {
    await voice.tell(voice.text('vm-saved'))
    return call.isEnded ? 'hangUp' : 'next'
  },

  promoY: async ({ voice, answer, call }) => {
    const promo = answer?.promos.y ? await voice.find(answer.promos.y) : null
    if (promo === null) return 'off'
    await voice.tell(promo)
    return call.isEnded ? 'hangUp' : 'next'
  },

  taker: async ({ voice, parts, deposit }) => {
    const { key, isEnded } = await voice.ask([voice.text('vm-promo-press1')], takerWaitMs)
    if (isEnded) return 'hangUp'
    const taker = key === '1'
    await parts.client.ask({ command: 'PROMOTAKER', number: deposit.caller, promo: 'y', taker })
    if (taker) await voice.tell(voice.text('vm-thanks'))
    return taker ? 'yes' : 'no'
  },

  promoSms: async ({ answer, parts, deposit }) => {
    // Whether anything is sent is the service's decision: off unless it was switched on.
    if (answer?.promos.y && deposit.caller !== '') {
      await parts.client.ask({ command: 'SENDPROMO', number: deposit.caller, promo: 'y' })
    }
    return 'done'
  },

  refused: async ({ voice }) => {
    await voice.tell(voice.text('vm-full'))
    return 'told'
  },

  full: async ({ voice }) => {
    await voice.tell(voice.text('vm-full'))
    return 'told'
  },

  noRecord: async ({ voice }) => {
    await voice.tell(voice.text('vm-norecord'))
    return 'told'
  },

  missed: async (leaving) => {
    await tellMissed(leaving)
    return 'done'
  },

  ownerCalls: async (leaving) => {
    await tellMissed(leaving)
    await leaving.parts.retrieve?.(leaving.call)
    return 'done'
  },

  notKept: async (leaving) => {
    const { voice } = leaving
    if (!leaving.isTold) await tellMissed(leaving)
    await voice.tell(voice.text('vm-error'))
    return 'done'
  },

  unavailable: async ({ call, voice, problem }) => {
    await call.answer()
    await voice.tell(voice.text(problem?.why === 'refused' ? 'vm-norecord' : 'vm-error'))
    return 'told'
  },

  bye: async ({ call, voice, answer, problem }) => {
    if (answer !== null) await voice.tell(voice.text('vm-bye'))
    await call.hangUp('normal', problem === null ? {} : { sentence: `No message could be left. ${problem.sentence}` })
    return 'done'
  },
}

type Recorded = Awaited<ReturnType<FlowCall['record']>>

function isOnlySilence(recorded: Recorded): recorded is Extract<Recorded, { readonly file: string }> {
  return 'file' in recorded && recorded.endedBy === 'silence' && !recorded.heardSound
}

async function tellMissed(leaving: Leaving): Promise<void> {
  leaving.isTold = true
  const asked = await leaving.parts.deposits.tell(leaving.deposit, null)
  if (asked.kind === 'failure') {
    leaving.parts.log.warn({ callId: leaving.call.id, problem: asked.sentence }, 'a missed call could not be told')
  }
}
