import { LimitError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { Reacher } from '../../call/reach.ts'
import type { Application } from './applications.ts'
import type { Block, BlockOf, Message, TransferTarget } from './blocks.ts'
import { callerCandidates, callerFor } from './callers.ts'
import { type Parameters, Refusal, required } from './codec.ts'
import { readMessage, spoken } from './message.ts'
import type { MessageFiles } from './message-files.ts'
import { rateOf } from './rates.ts'
import { newRoomId, roomName } from './rooms.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'
import type { Targets } from './targets.ts'
import type { AnswerFields, RequestedBlock } from './wire.ts'
import {
  readAttempts,
  readCallDuration,
  readDestination,
  readDestinationNumber,
  readMaxDigits,
  readNotifyUrl,
  readOnFailure,
  readRecordDuration,
  readReport,
  readTimeout,
} from './wishes.ts'

export interface IvrRequestsParts {
  readonly sessions: Sessions
  readonly reacher: Reacher
  readonly targets: Targets
  readonly files: Pick<MessageFiles, 'fetch'>
  readonly random: Random
  /** Throws Refusal `error_concurrent_call_limit_reached`. */
  assertRoom(application: Application): void
  /** Whether there is a voice. */
  canSpeak(): boolean
}

/** The requests of sessions, from parameters to what their answers hold. All reject with Refusal. */
export class IvrRequests {
  readonly #parts: IvrRequestsParts

  constructor(parts: IvrRequestsParts) {
    this.#parts = parts
  }

  /** @param requestKey - of a request that may be repeated; null: it has none. */
  async dial(application: Application, parameters: Parameters, requestKey: string | null): Promise<AnswerFields> {
    const { tenant, settings } = application
    const dest = readDestinationNumber(required(parameters, 'dest'), tenant)
    const candidates = callerCandidates(application, parameters.get('caller_id'), null)
    const maxSeconds = readCallDuration(parameters)
    const { notifyUrl, tag } = readReport(parameters)
    const target = await this.#parts.targets.check(application, notifyUrl)
    const message = await this.#message(application, parameters)
    const callerId = await callerFor(this.#parts.reacher, application, dest, candidates)
    // Nothing is awaited from here to the session's beginning: two requests at once are both counted.
    this.#parts.assertRoom(application)
    const rate = rateOf(settings.rates, dest, tenant.countryCode)
    const start = { kind: 'dial', dest, rate, message, maxSeconds, target, tag } as const
    const { id, txnRef } = await limited(this.#parts.sessions.dial(application, start, callerId, requestKey))
    return { session: id, txn_ref: txnRef }
  }

  async block(application: Application, kind: RequestedBlock, parameters: Parameters): Promise<AnswerFields> {
    const id = required(parameters, 'session')
    if (kind === 'transfer') required(parameters, 'dest')
    const session = this.#parts.sessions.find(application, id)
    const verdict = session.admit(kind)
    try {
      if (verdict === 'cut' || (kind === 'hangup' && isForced(parameters))) {
        await this.#cut(session, parameters)
        return {}
      }
      const { block, answer } = await this.#read(session, kind, parameters)
      session.submit(block)
      return answer
    } catch (thrown) {
      if (verdict === 'run') session.withdraw()
      throw thrown
    }
  }

  async #cut(session: Session, parameters: Parameters): Promise<void> {
    const { notifyUrl, tag } = readReport(parameters)
    const target = await this.#parts.targets.check(session.application, notifyUrl)
    session.cut(target, tag)
  }

  async #read(
    session: Session,
    kind: RequestedBlock,
    parameters: Parameters,
  ): Promise<{ readonly block: Block; readonly answer: AnswerFields }> {
    const { application } = session
    const { targets } = this.#parts
    const own = this.#readOwn(session, kind, parameters)
    const report = readReport(parameters)
    const monitorUrl = kind === 'monitor' ? readNotifyUrl(parameters, 'monitor_notify_url') : null
    const target = await targets.check(application, report.notifyUrl)
    const monitorTarget = await targets.check(application, monitorUrl)
    const message = kind === 'unhold' ? [] : await this.#message(application, parameters)
    const common = { target, tag: report.tag, message }
    switch (own.kind) {
      case 'play':
      case 'hold':
      case 'unhold':
      case 'hangup':
        return { block: { ...common, kind: own.kind }, answer: {} }
      case 'monitor':
        return { block: { ...common, kind: 'monitor', monitorTarget }, answer: {} }
      case 'gather':
      case 'record':
        return { block: { ...common, ...own }, answer: {} }
      case 'transfer': {
        const { to, answer } = await this.#transferTarget(session, own)
        return { block: { ...common, kind: 'transfer', to, onFailure: own.onFailure }, answer }
      }
    }
  }

  /** What is of this kind of block alone. */
  #readOwn(session: Session, kind: RequestedBlock, parameters: Parameters): OwnWishes {
    const { application, start } = session
    switch (kind) {
      case 'gather':
        return {
          kind,
          maxDigits: readMaxDigits(parameters),
          timeoutSeconds: readTimeout(parameters),
          attempts: readAttempts(parameters),
        }
      case 'record':
        return { kind, maxSeconds: readRecordDuration(parameters) }
      case 'transfer': {
        const original = start.kind === 'incoming' ? start.from : null
        return {
          kind,
          dest: readDestination(parameters, application.tenant),
          candidates: callerCandidates(application, parameters.get('caller_id'), original),
          onFailure: readOnFailure(parameters),
        }
      }
      case 'play':
      case 'monitor':
      case 'hold':
      case 'unhold':
      case 'hangup':
        return { kind }
    }
  }

  async #transferTarget(
    { application }: Session,
    { dest, candidates }: Extract<OwnWishes, { kind: 'transfer' }>,
  ): Promise<{ readonly to: TransferTarget; readonly answer: AnswerFields }> {
    if (dest.kind === 'room') {
      const id = dest.id === '' ? newRoomId(this.#parts.random) : dest.id
      return { to: { kind: 'room', id, name: roomName(application, id) }, answer: { room: id } }
    }
    const { number } = dest
    const callerId = await callerFor(this.#parts.reacher, application, number, candidates)
    const rate = rateOf(application.settings.rates, number, application.tenant.countryCode)
    return { to: { kind: 'number', number, callerId, rate }, answer: {} }
  }

  async #message(application: Application, parameters: Parameters): Promise<Message> {
    const text = parameters.get('msg')
    if (text === undefined) return []
    const parts = readMessage(text)
    if (parts.some(({ kind }) => kind === 'text') && !this.#parts.canSpeak()) {
      throw new Refusal('error_msg_cannot_convert_text')
    }
    return await Promise.all(
      parts.map(async (part) =>
        part.kind === 'text'
          ? spoken(part)
          : ({ kind: 'file', path: await this.#parts.files.fetch(application, part.url) } as const),
      ),
    )
  }
}

type OwnWishes =
  | { readonly kind: Exclude<RequestedBlock, 'gather' | 'record' | 'transfer'> }
  | Pick<BlockOf<'gather'>, 'kind' | 'maxDigits' | 'timeoutSeconds' | 'attempts'>
  | Pick<BlockOf<'record'>, 'kind' | 'maxSeconds'>
  | (Pick<BlockOf<'transfer'>, 'kind' | 'onFailure'> & {
      readonly dest: ReturnType<typeof readDestination>
      readonly candidates: readonly (string | null)[]
    })

/** Over a limit of the tenant, or the server is full. */
export async function limited<Result>(placing: Promise<Result>): Promise<Result> {
  try {
    return await placing
  } catch (thrown) {
    if (thrown instanceof LimitError) throw new Refusal('error_concurrent_call_limit_reached')
    throw thrown
  }
}

function isForced(parameters: Parameters): boolean {
  return parameters.get('force')?.trim().toLowerCase() === 'enabled'
}
