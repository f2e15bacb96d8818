import type { FlowCallContext, FlowCallParts } from './action/flow-call.ts'
import { type Flow, flowProgram, usualIdleLimitMs } from './action/run-flow.ts'
import { LimitError, NotFoundError, StateError } from './base/errors.ts'
import type { CallId, IdFactory } from './base/ids.ts'
import type { Admission } from './call/admission.ts'
import type { Calls } from './call/calls.ts'
import type { Reach, Reacher } from './call/reach.ts'
import type { CallRecord } from './call/records.ts'
import type { TenantSettings } from './config/settings.ts'
import { ForkLeg } from './leg/fork-leg.ts'
import type { OutboundLeg } from './leg/leg.ts'
import { UnreachedLeg } from './leg/unreached-leg.ts'
import type { Directory } from './routing/directory.ts'

export interface CallRequest {
  /** Needed only where there are several tenants. */
  readonly tenant?: string
  /** An extension, a number, an address. */
  readonly to: string
  /** The number to show; what the rules of the tenant give if absent. */
  readonly from?: string
  /** The name to show. */
  readonly fromName?: string
  /** The extension on whose behalf it is placed: the record then counts as a call of that extension. */
  readonly extension?: string
  /** How long it rings. 30 if absent. */
  readonly seconds?: number
  /** Which app places it, for the record. */
  readonly app?: string
  /** How long its flow may do nothing before it is taken for hung; a minute if absent. */
  readonly idleLimitMs?: number
}

/** A call of ours on its way. */
export interface PlacedCall {
  readonly id: CallId
  /** Its record as it was opened. */
  readonly opened: CallRecord
  /** False: it came to its end without an answer; `ended` says why. */
  readonly answered: Promise<boolean>
  /** Its record, once it is closed. */
  readonly ended: Promise<CallRecord>
  hangUp(): void
}

const usualRingSeconds = 30

export interface PlacedCallsParts {
  readonly calls: Calls
  readonly ids: IdFactory
  readonly directory: Directory
  readonly admission: Admission
  readonly reacher: Reacher
  readonly flowParts: FlowCallParts
}

/** Calls that a program of ours places: each with a record of its own, like those that come in. */
export class PlacedCalls {
  readonly #parts: PlacedCallsParts

  constructor(parts: PlacedCallsParts) {
    this.#parts = parts
  }

  /**
   * Rings, and runs the flow once somebody has answered. Who cannot be reached is no error but an outcome: the record says why.
   * Rejects with NotFoundError `tenant.unknown`, LimitError `call.refused`, StateError `call.draining`.
   */
  async place(request: CallRequest, flow: Flow): Promise<PlacedCall> {
    const { calls, admission, reacher } = this.#parts
    const tenant = this.#tenant(request.tenant)
    if (calls.isDraining) throw new StateError('call.draining', 'Switchhook is being stopped and places no more calls.')
    const admitted = admission.admit(tenant.name, tenant.limits)
    if (!admitted.isAdmitted) throw new LimitError('call.refused', admitted.sentence)
    try {
      const reach = await reacher.reach({
        tenant: tenant.name,
        destination: request.to,
        callerId: request.from ?? null,
        callerName: request.fromName ?? null,
        onBehalfOf: null,
        divertedFrom: null,
      })
      const leg = this.#legFor(reach, request.to)
      const context: FlowCallContext = { language: tenant.language, timeZone: tenant.timeZone }
      const name = `The flow of the call to ${request.to}`
      const { idleLimitMs = usualIdleLimitMs } = request
      const program = flowProgram(flow, this.#parts.flowParts, { ...context, name, idleLimitMs })
      const from = { user: request.from ?? 'switchhook', name: request.fromName ?? null }
      const target = {
        tenant: tenant.name,
        to: request.to,
        app: request.app ?? null,
        from,
        ...(request.extension === undefined ? {} : { extension: request.extension }),
        ringLimitMs: (request.seconds ?? usualRingSeconds) * 1000,
        ...(reach.kind === 'reachable' ? { label: reach.devices.map(({ label }) => label).join(', ') } : {}),
      }
      const call = calls.begin(leg, target, async (placed) => {
        if (await placed.answered) await program(placed)
      })
      call.ended.then(admitted.release, admitted.release)
      return {
        id: call.id,
        opened: call.record(),
        answered: call.answered,
        ended: call.ended,
        hangUp: () => call.end({ by: 'program', cause: 'normal', sentence: null }),
      }
    } catch (thrown) {
      admitted.release()
      throw thrown
    }
  }

  #legFor(reach: Reach, to: string): OutboundLeg {
    if (reach.kind === 'unreachable') {
      const party = { user: to, displayName: null, extension: null, address: '', userAgent: null }
      return new UnreachedLeg(this.#parts.ids.leg(), 'callee', party, reach)
    }
    const [first, second, ...others] = reach.devices.map((device) => device.makeLeg('callee'))
    return second ? new ForkLeg([first as OutboundLeg, second, ...others]) : (first as OutboundLeg)
  }

  #tenant(name: string | undefined): TenantSettings {
    const { directory } = this.#parts
    const all = [...directory.tenants.values()]
    const found = name === undefined ? (all.length === 1 ? all[0] : undefined) : directory.tenant(name)
    if (found) return found
    const sentence =
      name === undefined
        ? `Which tenant places the call is to be said: there are ${all.length}.`
        : `There is no tenant ${name}.`
    throw new NotFoundError('tenant.unknown', sentence)
  }
}
