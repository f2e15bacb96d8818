import { MessageError } from '../message/message-error.ts'
import { parseNameAddress, printNameAddress } from '../message/name-address.ts'
import { parseReferTo, printReferTo } from '../message/refer-to.ts'
import { readStatusFragment, sipFragmentType } from '../message/sip-fragment.ts'
import { isSipUri, type SipRequest } from '../message/types.ts'
import { parseContentType, parseTokenWithParameters } from '../message/values.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import { allowEvents } from './capabilities.ts'
import type { Dialog } from './dialog.ts'
import { sendInDialog } from './dialog-request.ts'
import { readOr } from './lenient.ts'
import { ReferClient } from './refer-client.ts'
import { ReferServer } from './refer-server.ts'
import type { ExtraHeaders, ReferOptions, ReferOutcome } from './types.ts'
import type { Usage } from './usage.ts'

/** The REFERs within one dialog, ours and the peer's: one of each at a time (RFC 3515). */
export class Referrals {
  readonly #usage: Usage
  #ours: ReferClient | null = null
  #theirs: ReferServer | null = null
  /** How many of the peer's were accepted: the NOTIFYs of all but the first have to say whose they are (RFC 3515 §2.4.6). */
  #received = 0

  constructor(usage: Usage) {
    this.#usage = usage
  }

  refer(options: ReferOptions, progress: (status: number) => void): Promise<ReferOutcome> {
    const usage = this.#usage
    const { dialog, state } = usage
    if (!dialog || state === 'ended') return Promise.resolve({ kind: 'ended' })
    if (state === 'early' || this.#ours) return Promise.resolve({ kind: 'refused', status: 491 })
    return new Promise((settled) => {
      const refer: ReferClient = new ReferClient(usage.context.clock, options.limitMs, {
        progress: (status) => usage.guard(() => progress(status)),
        settled,
        forget: () => {
          if (this.#ours === refer) this.#ours = null
        },
      })
      this.#ours = refer
      const headers: ExtraHeaders = [
        ...usage.targetHeaders(dialog.flow),
        ['Refer-To', printReferTo(options.target, options.replaces ?? null)],
        ...(options.referredBy ? [['Referred-By', printNameAddress(options.referredBy)] as const] : []),
      ]
      sendInDialog(
        usage,
        dialog,
        'REFER',
        { headers },
        {
          sent: (request) => refer.sent(request.cseq.number),
          final: ({ status }) => {
            if (status < 300) return
            refer.refused(status)
            // It knows nothing of the call; silence and any other refusal leave the call as it was.
            if (status === 481) usage.checkFatal('REFER', status)
          },
          failed: (error) => refer.refused(error.sipStatus),
        },
      )
    })
  }

  /** @throws MessageError when Refer-To is missing or damaged: 400. */
  serveRefer(dialog: Dialog, transaction: ServerTransaction): void {
    const usage = this.#usage
    const { request } = transaction
    const value = request.headers.get('Refer-To')
    if (value === undefined) throw new MessageError('sip-message.header-missing', 'A REFER without Refer-To.')
    const asked = parseReferTo(value)
    const { uri } = asked.target
    if (!isSipUri(uri) && uri.scheme !== 'tel') return void usage.respond(transaction, 416)
    if (asked.method.toUpperCase() !== 'INVITE') return void usage.respond(transaction, 603)
    if (usage.state === 'early' || this.#theirs?.isGoingOn) return void usage.respond(transaction, 491)
    dialog.refreshTarget(request)
    usage.notePeer(request)
    const event = this.#received === 0 ? 'refer' : `refer;id=${request.cseq.number}`
    this.#received++
    const refer: ReferServer = new ReferServer(usage, dialog, transaction, {
      asked,
      referredBy: referredBy(request),
      event,
      forget: () => {
        if (this.#theirs === refer) this.#theirs = null
      },
    })
    this.#theirs = refer
    const isTaken = usage.users.ask((user) => {
      if (!user.referReceived) return false
      user.referReceived(refer)
      return true
    })
    // Nobody there, or a throw: does nothing where it was decided before.
    if (!isTaken) refer.reject(isTaken === false ? 603 : 500)
  }

  /** RFC 3515 §2.4.4, RFC 6665 §4.1.3. */
  serveNotify(dialog: Dialog, transaction: ServerTransaction): void {
    const usage = this.#usage
    const { request } = transaction
    const event = request.headers.get('Event')
    const { token, parameters } = event === undefined ? noEvent : parseTokenWithParameters(event)
    if (token.toLowerCase() !== 'refer')
      return void usage.respond(transaction, 489, { headers: [allowEvents(usage.context)] })
    const refer = this.#ours
    if (!refer?.isOf(parameters.get('id'))) return void usage.respond(transaction, 481)
    if (!isFragment(request)) return void usage.respond(transaction, 415, { headers: [['Accept', sipFragmentType]] })
    dialog.refreshTarget(request)
    usage.respond(transaction, 200)
    refer.notified({ status: readStatusFragment(request.body), isTerminated: isTerminated(request) })
  }

  /** The dialog is gone, and with it, here, what was subscribed to in it (RFC 5057 §4.2 would let it live on). */
  close(): void {
    this.#ours?.ended()
    this.#theirs?.ended()
  }
}

const noEvent = { token: '', parameters: new Map<string, string | null>() }

/** One that cannot be read is as good as none: it only says who asks. */
function referredBy(request: SipRequest) {
  const value = request.headers.get('Referred-By')
  return value === undefined ? null : readOr(null, () => parseNameAddress(value))
}

function isFragment({ headers, body }: SipRequest): boolean {
  if (body.length === 0) return true
  const type = headers.get('Content-Type')
  // Kindness: a body without its type is what every NOTIFY of a REFER has.
  return type === undefined || parseContentType(type).type === sipFragmentType
}

/** Kindness: without a Subscription-State that can be read, the subscription goes on. */
function isTerminated({ headers }: SipRequest): boolean {
  const value = headers.get('Subscription-State')
  return value !== undefined && readOr('', () => parseTokenWithParameters(value).token).toLowerCase() === 'terminated'
}
