import type { Flow } from '../../action/run-flow.ts'
import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Reacher } from '../../call/reach.ts'
import type { CallRecord } from '../../call/records.ts'
import type { Rooms } from '../../call/rooms.ts'
import type { Application } from './applications.ts'
import { ringSeconds } from './blocks.ts'
import { callerCandidates, callerFor } from './callers.ts'
import { type Parameters, Refusal, readDate, readWhole, required } from './codec.ts'
import { limited } from './ivr-requests.ts'
import { dialStatusOf } from './map.ts'
import type { Notifications } from './notifications.ts'
import { billingOf, rateOf, writeMoney } from './rates.ts'
import { newRoomId, roomName } from './rooms.ts'
import { type CallPlacer, flowIdleLimitMs, newReference, type PlacedByUs, type Sessions } from './sessions.ts'
import type { Targets } from './targets.ts'
import { type Step, type Transaction, type Transactions, viewTransaction } from './transactions.ts'
import { clickToCall, joinRoom, type VoiceProgress } from './voice-call.ts'
import type { AnswerFields, StatusCode } from './wire.ts'
import { checkRoom, readCallDuration, readDestinationNumber, readReport } from './wishes.ts'

const mostMembers = 8
const entriesPerPage = 100

export interface VoiceRequestsParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly placer: CallPlacer
  readonly reacher: Reacher
  readonly rooms: Pick<Rooms, 'get'>
  readonly sessions: Sessions
  readonly targets: Targets
  readonly transactions: Transactions
  readonly notifications: Pick<Notifications, 'send'>
  /** Throws Refusal `error_concurrent_call_limit_reached`. @param calls - how many are to be placed. */
  assertRoom(application: Application, calls: number): void
}

interface Live {
  readonly application: Application
  readonly placed: PlacedByUs
  readonly progress: VoiceProgress
  transaction: Transaction
}

/** The requests of the Voice and Conference APIs. All reject with Refusal. */
export class VoiceRequests {
  readonly #parts: VoiceRequestsParts
  readonly #live = new Map<string, Live>()

  constructor(parts: VoiceRequestsParts) {
    this.#parts = parts
  }

  /** Calls of an application that are up. */
  count({ key }: Application): number {
    let count = 0
    for (const { application } of this.#live.values()) if (application.key === key) count++
    return count
  }

  async call(application: Application, parameters: Parameters, requestKey: string | null): Promise<AnswerFields> {
    const { tenant, settings } = application
    const written1 = parameters.get('dest1') ?? settings.registeredNumber
    if (written1 === null) throw new Refusal('error_dest1_param_missing')
    const written2 = required(parameters, 'dest2')
    const dest1 = this.#number(application, written1, 'error_dest1_invalid')
    const dest2 = this.#number(application, written2, 'error_dest2_invalid')
    if (dest1 === dest2) throw new Refusal('error_same_dest1_dest2')
    const candidates = callerCandidates(application, parameters.get('caller_id'), null)
    const maxSeconds = readCallDuration(parameters)
    const step = await this.#step(application, parameters)
    // Who is called first sees with whom it is to be joined, where its telephone or its trunk may show that.
    const caller1 = await this.#caller(application, dest1, [dest2, ...candidates], 'error_dest1_not_supported')
    const callerId = await this.#caller(application, dest2, candidates, 'error_dest2_not_supported')
    this.#parts.assertRoom(application, 1)
    const progress: VoiceProgress = { status2: null, talkMs: 0 }
    const { rates } = settings
    const rate = rateOf(rates, dest1, tenant.countryCode) + rateOf(rates, dest2, tenant.countryCode)
    const flow = clickToCall(progress, { number: dest2, callerId, maxSeconds })
    const about = { kind: 'voice', room: null, dest1, dest2, rate, step, requestKey } as const
    return { txn_ref: await this.#place(application, { to: dest1, callerId: caller1 }, flow, progress, about) }
  }

  /** @returns the references as the asker wants them. */
  async conference(
    application: Application,
    parameters: Parameters,
    requestKey: string | null,
    write: (references: readonly string[]) => unknown,
  ): Promise<AnswerFields> {
    const { tenant, settings } = application
    const written = required(parameters, 'dest').split(',')
    if (written.length > mostMembers) throw new Refusal('error_dest_too_many')
    const numbers = written.map((one) => this.#number(application, one, 'error_dest_invalid'))
    if (new Set(numbers).size !== numbers.length) throw new Refusal('error_dest_invalid')
    const room = checkRoom((parameters.get('room') ?? '').replace(/^room:/, '')) || newRoomId(this.#parts.random)
    const candidates = callerCandidates(application, parameters.get('caller_id'), null)
    const step = await this.#step(application, parameters)
    const callers = await Promise.all(
      numbers.map((number) => this.#caller(application, number, candidates, 'error_dest_not_supported')),
    )
    this.#parts.assertRoom(application, numbers.length)
    const references: string[] = []
    try {
      for (const [index, number] of numbers.entries()) {
        const rate = rateOf(settings.rates, number, tenant.countryCode)
        const about = { kind: 'conference', room, dest1: number, dest2: '', rate, step, requestKey } as const
        const whom = { to: number, callerId: callers[index] ?? null }
        const flow = joinRoom(roomName(application, room))
        references.push(await this.#place(application, whom, flow, { status2: null, talkMs: 0 }, about))
      }
    } catch (thrown) {
      // All or none: a program that is refused will ask again for all of them.
      for (const reference of references) this.#live.get(reference)?.placed.hangUp()
      throw thrown
    }
    return { room, txn_refs: write(references) }
  }

  /** Kicks, mutes or unmutes a member of a room, whichever way it came in. */
  async moderate(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const reference = required(parameters, 'txn_ref')
    const action = required(parameters, 'action')
    const { callId, room } = await this.#parts.transactions.find(application, reference)
    const within = this.#parts.sessions.withTransaction(application, reference)?.room ?? room
    if (action !== 'kick' && action !== 'mute' && action !== 'unmute') throw new Refusal('error_malformed_params')
    const found = within === null ? null : this.#roomOf(application, within)
    const view = found?.view().members.find((member) => member.callId === callId)
    const member = view && found?.member(view.id)
    if (!found || !member) throw new Refusal('error_txn_ref_invalid')
    if (action === 'kick') found.kick(member)
    else found.mute(member, action === 'mute')
    return {}
  }

  /** Ends a call, that of a session too. One that is over is over. */
  async hangUp(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const reference = required(parameters, 'txn_ref')
    await this.#parts.transactions.find(application, reference)
    this.#live.get(reference)?.placed.hangUp()
    const session = this.#parts.sessions.withTransaction(application, reference)
    if (session) session.cut(session.step?.target ?? null, session.step?.tag ?? null)
    return {}
  }

  async status(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const reference = required(parameters, 'txn_ref')
    const kept = await this.#parts.transactions.find(application, reference)
    const live = this.#live.get(reference)
    return viewTransaction(live ? { ...kept, status2: live.progress.status2 } : kept)
  }

  async history(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const from = readMoment(parameters.get('from'), 'error_from_invalid')
    const before = readMoment(parameters.get('to'), 'error_to_invalid')
    if (from !== null && before !== null && before < from) throw new Refusal('error_to_before_from')
    const page = readWhole(parameters.get('page') ?? '1', 1, 1_000_000)
    if (page === null) throw new Refusal('error_page_invalid')
    const period = { ...(from !== null && { from }), ...(before !== null && { before }) }
    const where = { offset: (page - 1) * entriesPerPage, limit: entriesPerPage }
    const { total, entries } = await this.#parts.transactions.page(application, period, where)
    return {
      total_entries_count: String(total),
      entries_count: String(entries.length),
      entries: entries.map(viewTransaction),
    }
  }

  async rate(application: Application, parameters: Parameters): Promise<AnswerFields> {
    const { tenant, settings } = application
    const written1 = parameters.get('dest1') ?? settings.registeredNumber
    if (written1 === null) throw new Refusal('error_dest1_param_missing')
    const dest1 = this.#number(application, written1, 'error_dest1_invalid')
    const dest2 = this.#number(application, required(parameters, 'dest2'), 'error_dest2_invalid')
    const rates = [dest1, dest2].map((dest) => rateOf(settings.rates, dest, tenant.countryCode))
    // Nobody's credit runs out here, so that no longest talk can be named.
    return { currency: settings.currency, rate: writeMoney(rates.reduce((sum, one) => sum + one, 0)), talktime: '0' }
  }

  #number(application: Application, text: string, refusal: StatusCode): string {
    try {
      return readDestinationNumber(text, application.tenant)
    } catch {
      throw new Refusal(refusal)
    }
  }

  async #step(application: Application, parameters: Parameters): Promise<Step | { target: null; tag: string | null }> {
    const { notifyUrl, tag } = readReport(parameters)
    const target = await this.#parts.targets.check(application, notifyUrl)
    return target === null ? { target, tag } : { block: null, target, tag }
  }

  async #caller(
    application: Application,
    number: string,
    candidates: readonly (string | null)[],
    refusal: StatusCode,
  ): Promise<string | null> {
    try {
      return await callerFor(this.#parts.reacher, application, number, candidates)
    } catch (thrown) {
      throw thrown instanceof Refusal ? new Refusal(refusal) : thrown
    }
  }

  #roomOf(application: Application, id: string): ReturnType<Rooms['get']> | null {
    try {
      return this.#parts.rooms.get(application.tenant.name, roomName(application, id))
    } catch {
      return null
    }
  }

  /** @returns its reference. */
  async #place(
    application: Application,
    whom: { readonly to: string; readonly callerId: string | null },
    flow: Flow,
    progress: VoiceProgress,
    about: Pick<Transaction, 'kind' | 'room' | 'dest1' | 'dest2' | 'rate' | 'requestKey'> & {
      readonly step: Step | { target: null; tag: string | null }
    },
  ): Promise<string> {
    const { clock, random, placer } = this.#parts
    const ref = newReference(random)
    const { step, ...rest } = about
    const placed = await limited(
      placer.place(
        {
          tenant: application.tenant.name,
          to: whom.to,
          ...(whom.callerId !== null && { from: whom.callerId }),
          seconds: ringSeconds,
          app: application.settings.name,
          idleLimitMs: flowIdleLimitMs,
        },
        flow,
      ),
    )
    const transaction: Transaction = {
      ...rest,
      ref,
      startedAt: clock.wallTime(),
      endedAt: null,
      callId: placed.id,
      session: null,
      tag: step.tag,
      status1: 'ongoing',
      status2: null,
      currency: application.settings.currency,
      billing: null,
      step: step.target === null ? null : step,
      monitor: null,
      standing: rest.room === null ? {} : { room: rest.room },
    }
    const live: Live = { application, placed, progress, transaction }
    this.#live.set(ref, live)
    const opened = this.#parts.transactions.put(application, transaction)
    void this.#settle(live)
    // Not before it is kept: who asks for its status right behind must find it. The call goes on even if it cannot be.
    await opened.catch((thrown: unknown) => {
      this.#parts.log.error({ reference: ref, err: toError(thrown) }, 'a call could not be put on record')
    })
    return ref
  }

  async #settle(live: Live): Promise<void> {
    try {
      const answered = await live.placed.answered
      if (answered) {
        live.transaction = { ...live.transaction, status1: 'answered' }
        await this.#parts.transactions.put(live.application, live.transaction)
      }
      await this.#finish(live, await live.placed.ended)
    } catch (thrown) {
      const { ref } = live.transaction
      this.#parts.log.error({ reference: ref, err: toError(thrown) }, 'the end of a call could not be kept')
    } finally {
      this.#live.delete(live.transaction.ref)
    }
  }

  async #finish({ application, transaction, progress }: Live, record: CallRecord): Promise<void> {
    const endedAt = record.endedAt ?? this.#parts.clock.wallTime()
    const ownMs = record.answeredAt === null ? 0 : endedAt - record.answeredAt
    const talkMs = transaction.kind === 'voice' ? progress.talkMs : ownMs
    const ended: Transaction = {
      ...transaction,
      endedAt,
      status1: dialStatusOf(record),
      status2: transaction.kind === 'voice' ? (progress.status2 ?? 'unanswered') : null,
      billing: billingOf(transaction.currency, talkMs, [{ rate: transaction.rate, talkMs }]),
    }
    if (ended.step) {
      this.#parts.notifications.send(application, ended.ref, ended.step.target, voiceNotification(ended))
    }
    await this.#parts.transactions.put(application, ended)
  }
}

/** The end of a call as it is notified. */
export function voiceNotification(transaction: Transaction): Readonly<Record<string, string>> {
  // All of it is strings; an empty tag is that of a request that had none.
  return { ...(viewTransaction(transaction) as Readonly<Record<string, string>>), ...transaction.standing }
}

function readMoment(text: string | undefined, refusal: StatusCode): number | null {
  if (text === undefined) return null
  const at = readDate(text)
  if (at === null) throw new Refusal(refusal)
  return at
}
