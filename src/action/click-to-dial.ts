import { LimitError, StateError } from '../base/errors.ts'
import type { Reacher } from '../call/reach.ts'
import type { CallRecord } from '../call/records.ts'
import { numberKey } from '../config/numbers.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { HangupCause } from '../leg/hangup-cause.ts'
import type { Flow } from './run-flow.ts'

export interface Click {
  readonly tenant: TenantSettings
  /** Whose telephone rings first. */
  readonly extension: string
  /** Whom it is then connected with, as people write numbers. */
  readonly phone: string
}

export type ClickOutcome =
  /** The telephone of the extension is being rung: nobody has answered yet. `call` as it was opened. */
  | { readonly outcome: 'accepted'; readonly call: Pick<CallRecord, 'id' | 'serial' | 'startedAt'> }
  | {
      readonly outcome: 'refused'
      readonly why: 'extension-unknown' | 'extension-away' | 'phone-invalid' | 'limit' | 'no-route'
      readonly sentence: string
    }

/** As `PlacedCalls` places calls. */
export interface ClickPlacing {
  place(
    request: {
      readonly tenant: string
      readonly to: string
      readonly from: string
      readonly extension: string
      readonly seconds: number
    },
    flow: Flow,
  ): Promise<{ readonly opened: CallRecord; readonly ended: Promise<CallRecord> }>
}

/** How long the telephone of the extension rings, and then the other's. */
const extensionRingSeconds = 30
const phoneRingSeconds = 60

/** Why a phone cannot be dialled, by what finding the way to it has said. */
const whyOfCause: Partial<Record<HangupCause, 'phone-invalid' | 'limit' | 'no-route'>> = {
  'number-unknown': 'phone-invalid',
  'number-incomplete': 'phone-invalid',
  forbidden: 'phone-invalid',
  'limit-exceeded': 'limit',
  'network-failure': 'no-route',
  'server-error': 'no-route',
  'too-many-hops': 'no-route',
}

/**
 * Click-to-dial: rings an extension and, once it answers, whom it wants to speak with. A click that comes again while the same call
 * is going on places no second one.
 */
export class ClickToDial {
  readonly #placing: ClickPlacing
  readonly #reacher: Reacher
  /** Calls that were asked for and are not over, by tenant, extension and number. */
  readonly #running = new Map<string, Promise<ClickOutcome>>()

  constructor(placing: ClickPlacing, reacher: Reacher) {
    this.#placing = placing
    this.#reacher = reacher
  }

  /** Comes back as soon as the extension is being rung. Rejects with StoreError and the like, never for an outcome. */
  dial(click: Click): Promise<ClickOutcome> {
    const { tenant, extension, phone } = click
    const key = JSON.stringify([tenant.name, extension, numberKey(phone, tenant.countryCode)])
    const running = this.#running.get(key)
    if (running) return running
    const forget = (): void => {
      this.#running.delete(key)
    }
    // Known before anything is awaited: two clicks may come in one packet.
    const begun = this.#begin(click, forget)
    this.#running.set(key, begun)
    begun.then(({ outcome }) => outcome === 'refused' && forget(), forget)
    return begun
  }

  async #begin(click: Click, whenOver: () => void): Promise<ClickOutcome> {
    const { tenant, extension, phone } = click
    if (!tenant.extensions.has(extension)) {
      return refused('extension-unknown', `Tenant ${tenant.name} has no extension ${extension}.`)
    }
    const refusal = await this.#refusal(click)
    if (refusal) return refused(refusal.why, refusal.sentence)
    const callerId = ownNumberOf(tenant, extension)
    const flow = connectFlow(phone, callerId)
    try {
      const placed = await this.#placing.place(
        { tenant: tenant.name, to: extension, from: phone, extension, seconds: extensionRingSeconds },
        flow,
      )
      placed.ended.then(whenOver, whenOver)
      return { outcome: 'accepted', call: placed.opened }
    } catch (thrown) {
      if (thrown instanceof LimitError || thrown instanceof StateError) return refused('limit', thrown.message)
      throw thrown
    }
  }

  /** Why it would come to nothing, as far as that can be known before anything rings. */
  async #refusal({ tenant, extension, phone }: Click): Promise<{
    readonly why: Extract<ClickOutcome, { outcome: 'refused' }>['why']
    readonly sentence: string
  } | null> {
    const [first, second] = await Promise.all([this.#reach(tenant, extension), this.#reach(tenant, phone)])
    if (second.kind === 'unreachable') {
      // Without any rule nothing goes out: that is not the number's fault.
      const isClosed = second.cause === 'forbidden' && tenant.outbound.length === 0
      const why = isClosed ? 'no-route' : whyOfCause[second.cause]
      if (why !== undefined) return { why, sentence: second.sentence }
    }
    return first.kind === 'unreachable' ? { why: 'extension-away', sentence: first.sentence } : null
  }

  #reach(tenant: TenantSettings, destination: string) {
    return this.#reacher.reach({
      tenant: tenant.name,
      destination,
      callerId: null,
      callerName: null,
      onBehalfOf: null,
      divertedFrom: null,
    })
  }
}

/** What runs once the extension has answered: one that has hung up by then is never dialled for. */
function connectFlow(phone: string, callerId: string | null): Flow {
  return async (call) => {
    call.recordByPolicy()
    await call.dial(phone, { seconds: phoneRingSeconds, ...(callerId === null ? {} : { callerId }) })
    await call.hangUp()
  }
}

/** The number under which an extension alone is called from outside, where it has one. */
function ownNumberOf(tenant: TenantSettings, extension: string): string | null {
  for (const { number, app } of tenant.numbers.values()) {
    const settings = tenant.apps.get(app)
    if (settings?.kind !== 'dial' || settings.targets.length !== 1) continue
    const [target] = settings.targets
    if (target?.kind === 'extension' && target.extension === extension) return number
  }
  return null
}

function refused(why: Extract<ClickOutcome, { outcome: 'refused' }>['why'], sentence: string): ClickOutcome {
  return { outcome: 'refused', why, sentence }
}
