import { SwitchhookError, toError } from '../../base/errors.ts'
import { tagOf } from '../message/addresses.ts'
import { createResponse } from '../message/build.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import type { ServerTransaction, TransactionUser } from '../transaction/types.ts'
import type { Flow } from '../transport/types.ts'
import {
  allow,
  allowEvents,
  dialogMethods,
  knownMethods,
  onlyInDialog,
  optionsResponse,
  supportedOptions,
} from './capabilities.ts'
import { firstRefusal } from './checks.ts'
import { type DialogContext, newTag } from './context.ts'
import { serveInDialog } from './in-dialog-requests.ts'
import { InviteClient } from './invite-client.ts'
import { InviteServer } from './invite-server.ts'
import { findNamed, replacementOf } from './replacement.ts'
import { sdpOf } from './sdp-of.ts'
import type {
  DialogName,
  ExtraHeaders,
  InviteUsage,
  OutgoingInviteOptions,
  OutgoingInviteUser,
  UserAgentUser,
} from './types.ts'
import { UsageStore } from './usage-store.ts'

export interface UserAgentOptions
  extends Omit<DialogContext, 'usages' | 'infoTypes' | 'reliableProvisional' | 'otherEvents'> {
  readonly user: UserAgentUser
  /** `required-only` where nothing is said: some telephones announce 100rel and mishandle it. */
  readonly reliableProvisional?: DialogContext['reliableProvisional']
  readonly infoTypes?: readonly string[]
  /** INVITE usages alive at once; beyond it an INVITE gets 503. */
  readonly maxUsages?: number
  /** Methods `user` serves outside dialogs besides OPTIONS, for Allow. SUBSCRIBE also within dialogs that are not ours. */
  readonly otherMethods?: readonly string[]
  /** Event packages `user` has subscriptions of, for Allow-Events. */
  readonly otherEvents?: readonly string[]
}

/** The dialog layer: takes requests from the transaction layer, finds their dialog, and tells the user of new calls. */
export class UserAgent implements TransactionUser {
  readonly #context: DialogContext
  readonly #user: UserAgentUser
  readonly #otherMethods: readonly string[]

  constructor(options: UserAgentOptions) {
    const { user, infoTypes, maxUsages, otherMethods, otherEvents, reliableProvisional, ...shared } = options
    this.#user = user
    this.#otherMethods = otherMethods ?? ['REGISTER']
    this.#context = {
      ...shared,
      reliableProvisional: reliableProvisional ?? 'required-only',
      infoTypes: infoTypes ?? ['application/dtmf-relay', 'application/dtmf'],
      otherEvents: otherEvents ?? [],
      usages: new UsageStore(maxUsages ?? 20_000),
    }
  }

  /** INVITE usages alive, those included whose BYE is not answered yet. For metrics and tests. */
  get usageCount(): number {
    return this.#context.usages.size
  }

  /** Places a call. The INVITE is sent at once; `user` hears of all that follows. */
  invite(options: OutgoingInviteOptions, user: OutgoingInviteUser): InviteUsage {
    return new InviteClient(this.#context, options, user).usage
  }

  /**
   * The usage of ours that a Replaces names, in an INVITE or in the Refer-To of a REFER; null when it is nobody's, or of
   * another server. Also one that has ended and waits for the answer to its BYE: ask its `state`.
   */
  findUsage(name: DialogName): InviteUsage | null {
    return findNamed(this.#context.usages, name)
  }

  /** Answers OPTIONS outside a dialog with what we can do, RFC 3261 §11.2. */
  answerOptions(transaction: ServerTransaction): void {
    transaction.respond(optionsResponse(transaction.request, this.#context, this.#otherMethods))
  }

  requestReceived(transaction: ServerTransaction): void {
    try {
      this.#serve(transaction)
    } catch (thrown) {
      const error = toError(thrown)
      const status = error instanceof SwitchhookError ? error.sipStatus : 500
      const { log } = this.#context
      if (status >= 500) log.error({ err: error }, 'a request could not be served')
      else log.debug({ err: error }, 'a request was refused')
      this.#refuse(transaction, status)
    }
  }

  ackReceived(ack: SipRequest, flow: Flow): void {
    const localTag = tagOf(ack.to)
    const usage = localTag === null ? null : this.#context.usages.find(ack, localTag)
    if (!usage?.dialog || usage.dialog.remoteTag !== (tagOf(ack.from) ?? '')) return
    usage.seen('incoming', ack)
    usage.dialog.heardFrom(flow)
    usage.guard(() => usage.acks.ackReceived(ack.cseq.number, sdpOf(ack)))
  }

  strayResponseReceived(response: SipResponse): void {
    const localTag = tagOf(response.from)
    const usage = localTag === null ? null : this.#context.usages.find(response, localTag)
    usage?.guard(() => usage.strayResponseReceived(response))
  }

  /** Dialogs outlive a connection: their next request reopens it, or goes to the Contact. */
  flowClosed(flow: Flow): void {
    this.#user.flowClosed?.(flow)
  }

  #serve(transaction: ServerTransaction): void {
    const { request } = transaction
    const { method } = request
    if (!knownMethods.has(method)) return this.#refuseMethod(transaction)
    const localTag = tagOf(request.to)
    if (localTag !== null && !this.#isOfSubscription(request, localTag))
      return this.#serveInDialog(transaction, localTag)
    if (onlyInDialog.has(method)) return this.#refuse(transaction, 481)
    const settings = { supported: supportedOptions(this.#context), sessionTimers: this.#context.sessionTimers }
    const refusal = firstRefusal(request, settings)
    if (refusal) return this.#refuse(transaction, refusal.status, refusal.headers)
    if (method === 'INVITE') return this.#serveInvite(transaction)
    if (!this.#user.requestReceived(transaction)) this.#refuseUnserved(transaction)
  }

  /** A SUBSCRIBE within a dialog that no INVITE has opened is for whoever keeps subscriptions, if anybody does. */
  #isOfSubscription(request: SipRequest, localTag: string): boolean {
    if (request.method !== 'SUBSCRIBE' || !this.#otherMethods.includes('SUBSCRIBE')) return false
    return this.#context.usages.find(request, localTag) === null
  }

  #serveInDialog(transaction: ServerTransaction, localTag: string): void {
    const { request } = transaction
    const usage = this.#context.usages.find(request, localTag)
    // RFC 3261 §12.2.2: both tags and the Call-ID, or it is somebody else's request.
    const dialog = usage?.findDialog(tagOf(request.from) ?? '')
    if (!usage || !dialog) return this.#refuse(transaction, 481)
    serveInDialog(usage, dialog, transaction)
  }

  #serveInvite(transaction: ServerTransaction): void {
    if (this.#context.usages.isFull) return this.#refuse(transaction, 503, [['Retry-After', '10']])
    const replacement = replacementOf(transaction.request, this.#context.usages)
    if (replacement.kind === 'refused') return this.#refuse(transaction, replacement.status)
    const replaces = replacement.kind === 'found' ? replacement.usage : null
    const invite = new InviteServer(this.#context, transaction, replaces)
    try {
      this.#user.inviteReceived(invite, transaction)
    } catch (thrown) {
      this.#context.log.error({ err: toError(thrown) }, 'an INVITE could not be served')
      invite.usage.end({ refusal: 500 })
    }
  }

  /** What Allow names but nobody serves without a dialog. */
  #refuseUnserved(transaction: ServerTransaction): void {
    const { method, headers } = transaction.request
    // RFC 3515 §2.4.2: we place no calls for people who are in none with us.
    if (method === 'REFER') return this.#refuse(transaction, 603)
    if (method !== 'NOTIFY') return this.#refuseMethod(transaction)
    // RFC 6665 §4.1.3: nobody subscribed to that; to the others nobody can.
    const isKnown = /^refer\s*(;|$)/i.test(headers.get('Event') ?? '')
    this.#refuse(transaction, isKnown ? 481 : 489, isKnown ? [] : [allowEvents(this.#context)])
  }

  #refuseMethod(transaction: ServerTransaction): void {
    const methods = [...dialogMethods, ...this.#otherMethods].join(', ')
    this.#refuse(transaction, 405, [[allow[0], methods]])
  }

  #refuse(transaction: ServerTransaction, status: number, headers: ExtraHeaders = []): void {
    const { random, serverName, log } = this.#context
    try {
      transaction.respond(
        createResponse(transaction.request, status, {
          toTag: newTag(random),
          headers: [...headers, ['Server', serverName]],
        }),
      )
    } catch (thrown) {
      log.debug({ err: toError(thrown) }, 'a refusal could not be sent')
    }
  }
}
