import { NegotiationError, ParseError, SwitchhookError, toError } from './base/errors.ts'
import type { IdFactory } from './base/ids.ts'
import type { Logger } from './base/log.ts'
import type { Admission } from './call/admission.ts'
import type { Call, CallTarget } from './call/call.ts'
import type { Calls, Program } from './call/calls.ts'
import type { HangupCause } from './leg/hangup-cause.ts'
import type { LegParty } from './leg/leg.ts'
import { RefusedLeg } from './leg/refused-leg.ts'
import { SipLeg, type SipLegParts } from './leg/sip-leg.ts'
import type { ChosenProgram } from './program-catalogue.ts'
import type { Route } from './routing/route.ts'
import type { IncomingInvite } from './sip/dialog/types.ts'
import { toLegible } from './sip/message/escapes.ts'
import { isSipUri } from './sip/message/types.ts'

/** Who calls, as far as it is known. */
export interface Caller {
  readonly tenant: string | null
  readonly extension: string | null
}

export interface InboundCallsParts {
  readonly log: Logger
  readonly ids: IdFactory
  readonly calls: Calls
  readonly admission: Admission
  route(user: string, host: string, caller: Caller): Route
  /** The program for a route that has one; null for a route that leads nowhere yet, with the sentence that says why. */
  program(route: Route, dialled: string): ChosenProgram
  /** What a leg needs to reach this peer. */
  legParts(invite: IncomingInvite): SipLegParts
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
    if (calls.isDraining) {
      this.#parts.refused('draining')
      return invite.reject(503, { headers: [['Retry-After', '30']] })
    }
    const { uri } = invite.request
    const [user, host] = isSipUri(uri) ? [toLegible(uri.user ?? ''), uri.host] : ['', '']
    const route = this.#parts.route(user, host, caller)
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
    const { calls, ids } = this.#parts
    const party = partyOf(invite, caller)
    const { tenant } = place
    const chosen = this.#parts.program(route, place.dialled)
    const target: CallTarget = { tenant, to: route.to, app: chosen.app }
    try {
      const leg = new SipLeg(ids.leg(), invite, party, this.#parts.legParts(invite))
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
}

/** A program that refuses, so that a refused call has its record like any other. */
function refusal(cause: HangupCause, sentence: string, status?: number): Program {
  return async (call) => call.end({ by: 'server', cause, sentence }, status === undefined ? {} : { status })
}

function causeOf(error: Error): HangupCause {
  if (error instanceof NegotiationError || error instanceof ParseError) return 'not-acceptable'
  return error instanceof SwitchhookError && error.sipStatus === 503 ? 'congestion' : 'server-error'
}

function partyOf(invite: IncomingInvite, caller: Caller): LegParty {
  const { from, headers } = invite.request
  const { protocol, remote } = invite.flow
  const userAgent = headers.get('User-Agent')
  return {
    user: isSipUri(from.uri) && from.uri.user ? toLegible(from.uri.user) : 'anonymous',
    displayName: from.displayName === null ? null : toLegible(from.displayName),
    extension: caller.extension,
    address: `${protocol}:${remote.address.includes(':') ? `[${remote.address}]` : remote.address}:${remote.port}`,
    userAgent: userAgent === undefined ? null : toLegible(userAgent),
  }
}
