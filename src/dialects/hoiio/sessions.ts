import type { Flow } from '../../action/run-flow.ts'
import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { CallId, RecordingId } from '../../base/ids.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { CallRecord } from '../../call/records.ts'
import { numberKey } from '../../config/numbers.ts'
import type { Application } from './applications.ts'
import { type NotifyTarget, ringSeconds } from './blocks.ts'
import { Refusal } from './codec.ts'
import type { Notifications } from './notifications.ts'
import { Session, type SessionStart } from './session.ts'

/** Places calls. Implemented by the root. Rejects with LimitError where a limit is reached. */
export interface CallPlacer {
  place(
    request: {
      readonly tenant: string
      readonly to: string
      readonly from?: string
      readonly seconds?: number
      readonly app?: string
      readonly idleLimitMs?: number
    },
    flow: Flow,
  ): Promise<PlacedByUs>
}

export interface PlacedByUs {
  readonly id: CallId
  readonly answered: Promise<boolean>
  readonly ended: Promise<CallRecord>
  hangUp(): void
}

/** A session has limits of its own, all shorter: what stands still for so long is broken. */
export const flowIdleLimitMs = 2 * 3_600_000
/** Ids are hard to guess: this many of 36 letters make 82 bits. */
const idLength = 16
/** Ended sessions whose ids are still known, so that a late request learns what happened. */
const mostEnded = 10_000

export interface SessionsParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly placer: CallPlacer
  readonly notifications: Pick<Notifications, 'send'>
  linkOf(recording: RecordingId): string
  /** A session has begun; and has ended, with the record of its call. */
  began(session: Session, call: CallId, requestKey: string | null): Promise<void>
  changed(session: Session): void
  ended(session: Session, record: CallRecord): void
}

/** A reference that nobody can guess. */
export function newReference(random: Random): string {
  return `TX-${random.token(idLength)}`
}

/** All sessions, by id. */
export class Sessions {
  readonly #parts: SessionsParts
  readonly #live = new Map<string, Session>()
  /** The same by the reference of their transaction, and how many each application has. */
  readonly #byReference = new Map<string, Session>()
  readonly #counts = new Map<string, number>()
  /** Id to application. */
  readonly #ended = new Map<string, string>()

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  /** Sessions of an application that are up. */
  count(application: Application): number {
    return this.#counts.get(application.key) ?? 0
  }

  /** Throws Refusal `error_invalid_session`, `error_session_access_denied`, `error_session_ended`. */
  find(application: Application, id: string): Session {
    const session = this.#live.get(id)
    const owner = session?.application.key ?? this.#ended.get(id)
    if (owner === undefined) throw new Refusal('error_invalid_session')
    if (owner !== application.key) throw new Refusal('error_session_access_denied')
    if (!session) throw new Refusal('error_session_ended')
    return session
  }

  /** The session of a transaction; null where it is not up, or another application's. */
  withTransaction(application: Application, txnRef: string): Session | null {
    const session = this.#byReference.get(txnRef)
    return session?.application.key === application.key ? session : null
  }

  /** What a call to a number of the application runs. @param targetOf - where it is told; null: nowhere. */
  incoming(application: Application, targetOf: (to: string) => Promise<NotifyTarget | null>): Flow {
    return async (call) => {
      const { countryCode } = application.tenant
      const to = numberKey(call.to, countryCode)
      const target = await targetOf(to)
      if (target === null) {
        const sentence = `The app ${application.settings.name} has no notifyUrl for calls that come in.`
        return await call.reject('temporarily-unavailable', { sentence })
      }
      const from = numberKey(call.from, countryCode)
      const session = this.#open(application, { kind: 'incoming', from, to, target })
      void this.#watch(session, call, null)
      await session.run(call)
    }
  }

  /**
   * Dial: calls somebody. Resolves when the call is on its way.
   * Rejects with what the placer rejects with.
   */
  async dial(
    application: Application,
    start: Extract<SessionStart, { kind: 'dial' }>,
    callerId: string | null,
    requestKey: string | null,
  ): Promise<Session> {
    const session = this.#open(application, start)
    try {
      const placed = await this.#parts.placer.place(
        {
          tenant: application.tenant.name,
          to: start.dest,
          ...(callerId !== null && { from: callerId }),
          seconds: ringSeconds,
          app: application.settings.name,
          idleLimitMs: flowIdleLimitMs,
        },
        (call) => session.run(call),
      )
      session.hangUpEarly = () => placed.hangUp()
      // Who asks for its status right behind must find it.
      await this.#watch(session, placed, requestKey)
      return session
    } catch (thrown) {
      this.#drop(session)
      throw thrown
    }
  }

  #open(application: Application, start: SessionStart): Session {
    const { clock, random, notifications, linkOf } = this.#parts
    const ids = { id: `S${random.token(idLength)}`, txnRef: newReference(random) }
    const session = new Session(ids, application, start, {
      clock,
      linkOf,
      notify: (target, fields) => notifications.send(application, ids.id, target, { ...fields }),
      changed: (changed) => this.#parts.changed(changed),
      ended: (ended, record) => this.#parts.ended(ended, record),
    })
    this.#live.set(ids.id, session)
    this.#byReference.set(ids.txnRef, session)
    this.#counts.set(application.key, this.count(application) + 1)
    return session
  }

  /** It is not up any more. */
  #drop(session: Session): void {
    const { application } = session
    if (!this.#live.delete(session.id)) return
    this.#byReference.delete(session.txnRef)
    const count = this.count(application) - 1
    if (count > 0) this.#counts.set(application.key, count)
    else this.#counts.delete(application.key)
  }

  #watch(session: Session, call: { id: CallId; ended: Promise<CallRecord> }, requestKey: string | null): Promise<void> {
    const kept = this.#parts.began(session, call.id, requestKey)
    const finish = async (): Promise<void> => {
      const record = await call.ended
      this.#drop(session)
      this.#remember(session)
      await session.finish(record)
    }
    finish().catch((thrown: unknown) => {
      this.#parts.log.error({ session: session.id, err: toError(thrown) }, 'the end of a session could not be told')
    })
    return kept
  }

  #remember(session: Session): void {
    this.#ended.set(session.id, session.application.key)
    if (this.#ended.size <= mostEnded) return
    const [oldest] = this.#ended.keys()
    if (oldest !== undefined) this.#ended.delete(oldest)
  }
}
