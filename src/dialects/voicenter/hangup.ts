import type { FlowCall } from '../../action/flow-call.ts'
import { type Clock, delay } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { CallRecord } from '../../call/records.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import { urlWithoutSecrets } from '../../http/outgoing/outgoing-url.ts'
import type { NewEvent } from '../../store/outbox-types.ts'
import { encodeRequest } from './codec.ts'
import type { VoicenterParts } from './parts.ts'
import { type Farewell, printFarewell } from './requests.ts'
import type { LastCall, Session } from './session.ts'
import type { CallStatus } from './wire.ts'

/** The kind of HANGUP_CALL in the queue of what is owed. */
export const hangupEventKind = 'voicenter.hangup'
/** The first attempt, and one behind each wait of the retry plan. */
const attempts = 5

/** No caller waits longer than that for a database that does not keep up. */
const announceLimitMs = 1000
/** When queueing is tried again, each behind the other. */
const queueAgainMs = [1000, 5000, 15_000]

/** The header by which an event's app is found when it is sent, and with it what must not be kept. */
const appHeader = 'switchhook-app'

/** What is told of a call that is over. */
export interface HangupFacts {
  readonly callerId: string
  readonly did: string
  readonly uniqueId: string
  readonly lastCall: LastCall | null
}

/** The id of its event: the receiver of two with one id has had the second. */
export function hangupEventId(uniqueId: string): string {
  return `vch_${uniqueId}`
}

/**
 * Announces that HANGUP_CALL is owed, and queues it when the call has ended: the handler is asked when that is resolved, so that no
 * server that is killed behind the first question forgets it. Harms no call when it cannot be written, and never rejects.
 */
export async function oweHangup(
  call: FlowCall,
  app: VoicenterAppSettings,
  tenant: TenantSettings,
  session: Session,
  parts: Pick<VoicenterParts, 'outbox' | 'log' | 'clock'>,
): Promise<void> {
  const { outbox, log, clock } = parts
  const id = hangupEventId(session.uniqueId)
  const failed = (thrown: unknown): void => {
    log.error({ callId: call.id, err: toError(thrown) }, 'HANGUP_CALL could not be queued')
  }
  const announced = outbox.announce({ id, tenant: tenant.name, kind: hangupEventKind, subject: call.id }).catch(failed)
  call.ended
    .then(async (record) => {
      if (!session.wasAsked) return await outbox.withdraw(id)
      const { callerId, did, uniqueId, lastCall } = session
      const event = hangupEvent(app, record, { callerId, did, uniqueId, lastCall })
      await persistently(clock, () => outbox.add(event, id))
    })
    .catch(failed)
  const limit = new AbortController()
  const tooLong = delay(clock, announceLimitMs, limit.signal).catch(() => {})
  await Promise.race([announced, tooLong])
  limit.abort()
}

/** Tries again where the database is locked or full for a while. What it never takes is sent after the next start. */
async function persistently(clock: Clock, write: () => Promise<unknown>): Promise<void> {
  for (const waitMs of queueAgainMs) {
    try {
      await write()
      return
    } catch {
      await delay(clock, waitMs)
    }
  }
  await write()
}

/** HANGUP_CALL of a closed call, as it goes into the queue. */
export function hangupEvent(app: VoicenterAppSettings, record: CallRecord, facts: HangupFacts): NewEvent {
  const { contentType, body } = encodeRequest(app.format, 'HANGUP_CALL', printFarewell(farewellOf(app, record, facts)))
  return {
    id: hangupEventId(facts.uniqueId),
    tenant: record.tenant,
    kind: hangupEventKind,
    orderKey: record.id,
    url: urlWithoutSecrets(hangupUrl(app)),
    contentType,
    body,
    headers: { [appHeader]: encodeURIComponent(app.name) },
    maxAttempts: attempts,
  }
}

function farewellOf(app: VoicenterAppSettings, record: CallRecord, facts: HangupFacts): Farewell {
  const { callerId, did, uniqueId, lastCall } = facts
  const { startedAt } = record
  const status = lastCall?.status ?? statusWithoutCall(record)
  return {
    callerId,
    did,
    uniqueId,
    target: lastCall?.target ?? '',
    dialledAt: lastCall?.startedAt ?? startedAt,
    startedAt,
    endedAt: record.endedAt ?? startedAt,
    dialMs: lastCall?.dialMs ?? 0,
    status: status === 'ANSWER' ? app.answeredStatus : status,
  }
}

function statusWithoutCall(record: CallRecord): CallStatus {
  if (record.answeredAt !== null) return 'ANSWER'
  return record.endedBy === 'caller' ? 'CANCEL' : 'CONGESTION'
}

export function hangupUrl(app: VoicenterAppSettings): string {
  return app.hangupUrl ?? app.url
}

/** The name of the app that an event is of. */
export function appOfEvent(event: Pick<NewEvent, 'headers'>): string {
  return decodeURIComponent(event.headers?.[appHeader] ?? '')
}
