import { toError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { DeliveryProfile, DeliverySource } from '../../http/deliveries.ts'
import type { NewEvent, OutboxEvent } from '../../store/outbox-types.ts'
import type { Application } from './applications.ts'
import type { NotifyTarget } from './blocks.ts'
import { signNotification, writeNotification } from './codec.ts'
import { type BlockResult, type NotificationFields, signatureHeader } from './wire.ts'

/** Whose host is a stranger's, and whose the operator chose. */
const kinds = { stranger: 'hoiio.notify', own: 'hoiio.notify-own' } as const
/** The field of a notification that holds what was keyed. */
const keyed: keyof BlockResult = 'digits'
const keyedInForm = new RegExp(`(^|&)${keyed}=[^&]*`, 'g')
const contentType = 'application/x-www-form-urlencoded'
/** Of one attempt. The next notification of the same session waits so long at most. */
const timeoutMs = 10_000

/** Where notifications are kept until they are sent. */
export interface NotificationOutbox {
  add(event: NewEvent): Promise<boolean>
}

/** Puts notifications into the outbox, in order within a session; and says how they are sent. */
export class Notifications implements DeliverySource {
  readonly #outbox: NotificationOutbox
  readonly #random: Random
  readonly #log: Logger

  constructor(parts: { outbox: NotificationOutbox; random: Random; log: Logger }) {
    this.#outbox = parts.outbox
    this.#random = parts.random
    this.#log = parts.log
  }

  /** @param reference - the session or transaction within which the order is kept. Does not wait for anything. */
  send(
    { tenant, settings }: Application,
    reference: string,
    target: NotifyTarget,
    fields: Readonly<Record<string, string | undefined>>,
  ): void {
    const body = writeNotification(target.url, fields)
    const event: NewEvent = {
      id: `hoiio:${reference}:${lastName(fields) ?? this.#random.token(12)}`,
      tenant: tenant.name,
      kind: target.isOwn ? kinds.own : kinds.stranger,
      orderKey: `hoiio:${reference}`,
      url: target.url,
      contentType,
      body,
      headers: { [signatureHeader]: signNotification(body, settings.accessToken) },
      maxAttempts: settings.notifyAttempts,
    }
    this.#outbox.add(event).catch((thrown: unknown) => {
      this.#log.error({ reference, tenant: tenant.name, err: toError(thrown) }, 'a notification could not be kept')
    })
  }

  profileOf(event: OutboxEvent): DeliveryProfile | null {
    if (event.kind !== kinds.own && event.kind !== kinds.stranger) return null
    return { isTrusted: event.kind === kinds.own, timeoutMs }
  }

  /** What a caller keyed may be a PIN: it is sent, and shown to nobody else. */
  show(event: OutboxEvent): string | null {
    if (event.kind !== kinds.own && event.kind !== kinds.stranger) return null
    return event.body.replace(keyedInForm, `$1${keyed}=…`)
  }
}

/**
 * The end is told once, also where a server was killed between telling it and noting that it was told. Null: it goes on. A
 * voice call has no session and one notification.
 */
function lastName(fields: Readonly<Partial<Record<keyof NotificationFields, string | undefined>>>): string | null {
  const { session, txn_ref: reference, call_state: state, monitor_url: monitor } = fields
  const isLast = session === undefined ? reference !== undefined : state === 'ended'
  if (!isLast) return null
  return monitor === undefined ? 'ended' : 'ended-monitor'
}
