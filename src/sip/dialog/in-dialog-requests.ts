import type { ServerTransaction } from '../transaction/types.ts'
import { allow, optionsResponse, supportedOptions } from './capabilities.ts'
import { firstRefusal } from './checks.ts'
import { retryAfter } from './context.ts'
import type { Dialog } from './dialog.ts'
import { serveReInvite, serveUpdate } from './peer-offers.ts'
import { reasonsOf } from './reasons.ts'
import type { Usage } from './usage.ts'

type Serve = (usage: Usage, dialog: Dialog, transaction: ServerTransaction) => void

const methods: Readonly<Record<string, Serve>> = {
  BYE: serveBye,
  INFO: serveInfo,
  INVITE: serveReInvite,
  NOTIFY: (usage, dialog, transaction) => usage.referrals.serveNotify(dialog, transaction),
  OPTIONS: serveOptions,
  PRACK: servePrack,
  REFER: (usage, dialog, transaction) => usage.referrals.serveRefer(dialog, transaction),
  UPDATE: serveUpdate,
}

/** In the dialog of a fork that is not the one heard now: what would change the session has another meaning there. */
const methodsOfForks: Readonly<Record<string, Serve>> = {
  ...methods,
  BYE: serveByeOfFork,
  UPDATE: serveUpdateOfFork,
}

/**
 * A request of the peer within the dialog (RFC 3261 §12.2.2). Its tags have been checked.
 * @throws MessageError for an illegal body or header field; the caller answers 400.
 */
export function serveInDialog(usage: Usage, dialog: Dialog, transaction: ServerTransaction): void {
  const { request, flow } = transaction
  const { context } = usage
  usage.seen('incoming', request)
  const serve = (dialog === usage.dialog ? methods : methodsOfForks)[request.method]
  if (!serve) return void usage.respond(transaction, 405, { headers: [allow] })
  // A BYE that crossed ours is right to be answered; everything else comes too late.
  if (usage.state === 'ended' && request.method !== 'BYE') return void usage.respond(transaction, 481)
  if (!dialog.acceptRequest(request, flow)) return void usage.respond(transaction, 500, { reason: 'CSeq Out of Order' })
  const refusal = firstRefusal(request, { supported: supportedOptions(context), sessionTimers: context.sessionTimers })
  if (refusal) return void usage.respond(transaction, refusal.status, { headers: refusal.headers })
  serve(usage, dialog, transaction)
}

/** §15.1.2. A caller may send BYE before our answer too: then its INVITE gets 487. */
function serveBye(usage: Usage, _dialog: Dialog, transaction: ServerTransaction): void {
  usage.respond(transaction, 200)
  const reasons = reasonsOf(transaction.request)
  if (usage.opening) return usage.opening.byeReceived(reasons)
  usage.finish({ by: 'remote', how: 'bye', reasons })
  usage.release()
}

/** One of several telephones that ring has had enough: the others ring on. */
function serveByeOfFork(usage: Usage, dialog: Dialog, transaction: ServerTransaction): void {
  usage.respond(transaction, 200)
  usage.opening?.forkEnded?.(dialog)
}

/** The media of a fork is ours to agree on when it is the one that is heard, or that answers. */
function serveUpdateOfFork(usage: Usage, dialog: Dialog, transaction: ServerTransaction): void {
  const { request, flow } = transaction
  if (request.body.length > 0) {
    return void usage.respond(transaction, 500, { headers: [retryAfter(usage.context.random)] })
  }
  dialog.refreshTarget(request)
  usage.respond(transaction, 200, { headers: usage.targetHeaders(flow) })
}

/** RFC 6086 §6.2 (legacy use: no Info-Package). */
function serveInfo(usage: Usage, _dialog: Dialog, transaction: ServerTransaction): void {
  const { headers, body } = transaction.request
  const status = usage.users.ask((user) => user.infoReceived(headers.get('Content-Type') ?? null, body)) ?? 500
  const isAccept = status === 415 ? [['Accept', usage.context.infoTypes.join(', ')] as const] : []
  usage.respond(transaction, status >= 200 && status <= 699 ? status : 500, { headers: isAccept })
}

/** §11.2 within a dialog. */
function serveOptions(usage: Usage, _dialog: Dialog, transaction: ServerTransaction): void {
  const response = optionsResponse(transaction.request, usage.context)
  usage.seen('outgoing', response)
  usage.guard(() => transaction.respond(response))
}

/** RFC 3262 §3: without a provisional response that waits for it, 481. */
function servePrack(usage: Usage, _dialog: Dialog, transaction: ServerTransaction): void {
  if (usage.opening) return usage.opening.prackReceived(transaction)
  usage.respond(transaction, 481)
}
