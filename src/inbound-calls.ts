import { NegotiationError, ParseError, SwitchhookError, toError } from './base/errors.ts'
import type { IdFactory } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { Admission } from './call/admission.ts'
import type { Call, CallTarget } from './call/call.ts'
import type { Calls, Program } from './call/calls.ts'
import type { Caller } from './caller-check.ts'
import type { HangupCause } from './leg/hangup-cause.ts'
import { InboundSipLeg } from './leg/inbound-leg.ts'
import { partyOfInvite } from './leg/inbound-party.ts'
import type { Leg } from './leg/leg.ts'
import { RefusedLeg } from './leg/refused-leg.ts'
import type { SipLegParts } from './leg/sip-leg.ts'
import type { ChosenProgram } from './program-catalogue.ts'
import type { Hops } from './reach/hops.ts'
import type { DiallingParty, Route } from './routing/route.ts'
import type { IncomingInvite, InviteUsage } from './sip/dialog/types.ts'
import { toLegible } from './sip/message/escapes.ts'
import { isSipUri } from './sip/message/types.ts'

export interface InboundCallsParts {
  readonly log: Logger
  readonly ids: IdFactory
  readonly calls: Calls
  readonly admission: Admission
  readonly hops: Hops
  route(user: string, host: string, by: DiallingParty): Route
  /** The program for a route that has one; null for a route that leads nowhere yet, with the sentence that says why. */
  program(route: Route, dialled: string): ChosenProgram
  /** What a leg needs to reach this peer. */
  legParts(invite: IncomingInvite): SipLegParts
  /** The leg behind a dialog; null where it has none any more. */
  legOf(usage: InviteUsage): Leg | null
  /** Whether a call that comes by a trunk is one of ours that was sent back. */
  isLoop(from: string, to: string): boolean
  /** Told of calls refused before they have a record. */
  refused(why: 'overload' | 'limit' | 'draining' | 'no-tenant'): void
}

/** Takes INVITEs whose sender is known: routes them, opens the call, and runs what is to run on it. */
export class InboundCalls {
  readonly #parts: InboundCallsParts

  constructor(parts: InboundCallsParts) {
    this.#parts = parts
  }

  take(invite: IncomingInvite, caller: Caller): void {
    const { calls, admission, log } = this.#parts
    if (invite.replaces) return this.#replace(invite, invite.replaces, caller)
    if (calls.isDraining) {
      this.#parts.refused('draining')
      return invite.reject(503, { headers: [['Retry-After', '30']] })
    }
    const { uri } = invite.request
    const [user, host] = isSipUri(uri) ? [toLegible(uri.user ?? ''), uri.host] : ['', '']
    const route = this.#parts.route(user, host, caller.by)
    if (route.tenant === null) {
      log.warn({ to: user }, 'a call was refused: no tenant is configured')
      this.#parts.refused('no-tenant')
      return invite.reject(404)
    }
    const admitted = admission.admit(route.tenant.name, route.tenant.limits)
    if (!admitted.isAdmitted) {
      log.warn({ tenant: route.tenant.name, sentence: admitted.sentence }, 'a call was refused')
      this.#parts.refused(admitted.why)
      return invite.reject(503, { headers: [['Retry-After', String(admitted.retryAfterSeconds)]] })
    }
    const call = this.#begin(invite, caller, route, { tenant: route.tenant.name, dialled: user })
    call.ended.then(admitted.release, admitted.release)
  }

  #begin(invite: IncomingInvite, caller: Caller, route: Route, place: { tenant: string; dialled: string }): Call {
    const { calls, ids, log } = this.#parts
    const party = partyOfInvite(invite, caller, (value) => {
      const { sipCallId } = invite.usage
      log.warn(
        { ...value, sipCallId, from: invite.flow.remote.address },
        'a value that cannot be read was taken for absent',
      )
    })
    const { tenant } = place
    const chosen = this.#parts.program(route, place.dialled)
    const target: CallTarget = { tenant, to: route.to, app: chosen.app }
    try {
      const leg = this.#legOfInvite(invite, caller)
      if (caller.by.kind === 'trunk' && this.#parts.isLoop(party.user, place.dialled)) {
        const sentence = 'The trunk sent back a call that had just been sent to it.'
        return calls.begin(leg, target, refusal('too-many-hops', sentence, 482))
      }
      if ('program' in chosen) return calls.begin(leg, target, chosen.program)
      return calls.begin(leg, target, refusal(chosen.cause, chosen.sentence))
    } catch (thrown) {
      // No media for this call: it is put on record all the same, with the sentence that says why.
      const error = toError(thrown)
      this.#parts.log.warn({ err: error, tenant, sipCallId: invite.usage.sipCallId }, 'a call was refused')
      const status = error instanceof SwitchhookError ? error.sipStatus : 500
      const leg = new RefusedLeg(ids.leg(), invite, party)
      return calls.begin(leg, target, refusal(causeOf(error), `The call was refused: ${error.message}`, status))
    }
  }

  #legOfInvite(invite: IncomingInvite, caller: Caller): InboundSipLeg {
    const { ids, hops } = this.#parts
    const leg = new InboundSipLeg(ids.leg(), invite, partyOfInvite(invite, caller), this.#parts.legParts(invite))
    hops.note(leg, invite.request.maxForwards)
    return leg
  }

  /** Somebody was sent here to take the place of a party (RFC 3891): an attended transfer that others have arranged. */
  #replace(invite: IncomingInvite, usage: InviteUsage, caller: Caller): void {
    const { calls, log } = this.#parts
    const old = this.#parts.legOf(usage)
    const call = old && calls.withLeg(old)
    if (!old || !call) return invite.reject(481)
    // Who knows a dialog's tags has seen it, or was told by a party; that this is one of the tenant's own is asked for besides.
    if (caller.by.kind === 'guest' || caller.by.tenant !== call.tenant) return invite.reject(403)
    try {
      const leg = this.#legOfInvite(invite, caller)
      if (!call.replaceLeg(old, leg) && leg.state === 'ringing') leg.end('normal', { status: 481 })
    } catch (thrown) {
      const error = toError(thrown)
      log.warn({ err: error, callId: call.id }, 'a party could not be replaced')
      invite.reject(error instanceof SwitchhookError ? error.sipStatus : 500)
    }
  }
}

/** A program that refuses, so that a refused call has its record like any other. */
function refusal(cause: HangupCause, sentence: string, status?: number): Program {
  return async (call) => call.end({ by: 'server', cause, sentence }, status === undefined ? {} : { status })
}

function causeOf(error: Error): HangupCause {
  if (error instanceof NegotiationError || error instanceof ParseError) return 'not-acceptable'
  return error instanceof SwitchhookError && error.sipStatus === 503 ? 'congestion' : 'server-error'
}
