import { toError } from '../../base/errors.ts'
import type { CallId } from '../../base/ids.ts'
import type { Logger } from '../../base/log.ts'
import type { JournalEvent } from '../../call/records.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import type { DeliveryProfile, DeliverySource } from '../../http/deliveries.ts'
import type { OutgoingAnswer } from '../../http/outgoing/types.ts'
import type { RetryPlan } from '../../http/retry-plan.ts'
import type { CallQueries } from '../../store/call-queries.ts'
import type { Outbox } from '../../store/outbox.ts'
import type { Announcement, OutboxEvent } from '../../store/outbox-types.ts'
import { decodeAnswer } from './codec.ts'
import { appOfEvent, hangupEvent, hangupEventId, hangupEventKind, hangupUrl } from './hangup.ts'
import { faultOfHangupAnswer } from './map.ts'
import { writtenNumber } from './session.ts'
import type { CallStatus } from './wire.ts'

/** Behind the first attempt; then it is given up and shown. */
const retry: RetryPlan = { waitsMs: [1000, 5000, 30_000, 120_000], firstMs: 1000, longestMs: 120_000 }

export interface HangupSourceParts {
  readonly outbox: Pick<Outbox, 'add' | 'announced' | 'withdraw'>
  readonly calls: Pick<CallQueries, 'get'>
  readonly log: Logger
  /** Wall-clock ms. */
  now(): number
  tenant(name: string): TenantSettings | null
  isTrusted(tenant: string, url: string): boolean
}

/** How HANGUP_CALL is sent, and what is owed of it by a server that was killed in the middle of calls. */
export class HangupSource implements DeliverySource {
  readonly #parts: HangupSourceParts

  constructor(parts: HangupSourceParts) {
    this.#parts = parts
  }

  profileOf(event: OutboxEvent): DeliveryProfile | null {
    if (event.kind !== hangupEventKind) return null
    const app = this.#app(event.tenant, appOfEvent(event))
    if (!app) return null
    const url = hangupUrl(app)
    return {
      url,
      isTrusted: this.#parts.isTrusted(event.tenant, url),
      headers: Object.fromEntries(app.headers),
      signingSecrets: app.secret === null ? [] : [app.secret],
      timeoutMs: app.timeoutMs,
      retry,
      findFault: (answer) => faultOf(app, answer),
    }
  }

  /** To be called when the calls that were interrupted are closed, before anything is delivered. Never rejects. */
  async recover(): Promise<void> {
    try {
      for await (const announced of this.#parts.outbox.announced(this.#parts.now() + 1)) {
        if (announced.kind === hangupEventKind) await this.#fulfil(announced)
      }
    } catch (thrown) {
      this.#parts.log.error({ err: toError(thrown) }, 'HANGUP_CALL of interrupted calls could not be queued')
    }
  }

  async #fulfil({ id, subject, tenant: name }: Announcement): Promise<void> {
    const { outbox, calls } = this.#parts
    const found = await calls.get(subject as CallId, name)
    const tenant = this.#parts.tenant(name)
    const begun = found?.journal.find(({ what }) => what === 'voicenterBegun')
    const app = this.#app(name, String(begun?.facts['app'] ?? found?.call.app ?? ''))
    if (!found || !tenant || !app) return await outbox.withdraw(id)
    const { call, journal } = found
    const facts = {
      callerId: String(begun?.facts['callerId'] ?? call.extension ?? writtenNumber(call.from, app, tenant)),
      did: writtenNumber(call.to, app, tenant),
      uniqueId: id.slice(hangupEventId('').length),
      lastCall: lastCallIn(journal),
    }
    await outbox.add(hangupEvent(app, call, facts), id)
  }

  #app(tenant: string, name: string): VoicenterAppSettings | null {
    const app = this.#parts.tenant(tenant)?.apps.get(name)
    return app?.kind === 'voicenter' ? app : null
  }
}

/** The last CALL, as far as the journal of a call that was cut off has it. */
function lastCallIn(journal: readonly JournalEvent[]) {
  const facts = journal.findLast(({ what }) => what === 'voicenterCall')?.facts
  if (!facts) return null
  return {
    target: String(facts['target']),
    startedAt: Number(facts['startedAt']),
    dialMs: Number(facts['dialMs']),
    status: String(facts['status']) as CallStatus,
  }
}

/** The published sample of this very answer is not well-formed, so what cannot be read is looked through for its STATUS. */
function faultOf({ format }: VoicenterAppSettings, answer: OutgoingAnswer): string | null {
  const decoded = decodeAnswer(format, answer.body, answer.headers.get('content-type'))
  if (decoded.kind === 'struct') return faultOfHangupAnswer(decoded)
  const text = new TextDecoder().decode(answer.body.subarray(0, 4096))
  return /\bSTATUS\b[^0-9]{0,60}\b0+\b/.test(text) ? null : decoded.sentence
}
