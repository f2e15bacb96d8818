import { findBodyPart } from '../message/multipart.ts'
import type { ServerTransaction } from '../transaction/types.ts'
import { retryAfter } from './context.ts'
import type { Dialog } from './dialog.ts'
import { answerSession } from './session-expires.ts'
import type { ExtraHeaders } from './types.ts'
import type { Usage } from './usage.ts'

/** 2xx to re-INVITEs that may wait for their ACK at once: a peer that never acknowledges gets no further. */
const maxUnacknowledged = 4

const ackMissing = 'The ACK for our answer to a re-INVITE never came, so Switchhook hung up.'

/** UPDATE, RFC 3311 §5.2: an offer to change the session, or only a refresh of target and timer (RFC 4028 §7.4). */
export function serveUpdate(usage: Usage, dialog: Dialog, transaction: ServerTransaction): void {
  const { request } = transaction
  const { random } = usage.context
  const offer = findBodyPart(request, 'application/sdp')
  let answer: Uint8Array | null = null
  if (offer) {
    if (usage.exchange.phase === 'localOffer') return void usage.respond(transaction, 491)
    if (usage.exchange.phase === 'remoteOffer') {
      return void usage.respond(transaction, 500, { headers: [retryAfter(random)] })
    }
    const result = usage.answerOffer(offer)
    if (typeof result === 'number') return void usage.respond(transaction, result)
    answer = result
  }
  const headers = refresh(usage, dialog, transaction)
  usage.respond(transaction, 200, { headers, ...(answer ? { body: answer, contentType: 'application/sdp' } : {}) })
  usage.offers.pump()
}

/** re-INVITE, RFC 3261 §14.2: with an offer, or without one, when ours goes in the 200 and the answer comes in the ACK. */
export function serveReInvite(usage: Usage, dialog: Dialog, transaction: ServerTransaction): void {
  const { request } = transaction
  const { exchange, opening, offers, acks, context } = usage
  const tooEarly = (): void => void usage.respond(transaction, 500, { headers: [retryAfter(context.random)] })
  // Our own INVITE is under way, or an offer of ours that an answer has yet to come to: glare.
  if (offers.isInviting || exchange.phase === 'localOffer' || (opening && usage.isCaller)) {
    return void usage.respond(transaction, 491)
  }
  // The first INVITE has no final response yet.
  if ((opening && !opening.isAnswered) || exchange.phase === 'remoteOffer') return tooEarly()
  if (acks.count >= maxUnacknowledged) return tooEarly()

  const offer = findBodyPart(request, 'application/sdp')
  let body: Uint8Array
  if (offer) {
    const result = usage.answerOffer(offer)
    if (typeof result === 'number') return void usage.respond(transaction, result)
    body = result
  } else {
    const fresh = usage.users.ask((user) => user.offerWanted())
    if (!fresh || fresh.length === 0) return void usage.respond(transaction, 500)
    exchange.take('sendOffer')
    usage.localSdp = fresh
    body = fresh
  }
  const headers = refresh(usage, dialog, transaction)
  const response = usage.respond(transaction, 200, { headers, body, contentType: 'application/sdp' })
  acks.start(request.cseq.number, {
    resend: () => usage.guard(() => transaction.respond(response)),
    acknowledged: (sdp) => {
      if (!offer && !usage.takeAnswer(sdp)) return usage.end()
      usage.offers.pump()
    },
    missing: () => usage.guard(() => usage.breakDown('ack-missing', ackMissing)),
  })
}

/**
 * What every INVITE and UPDATE of the peer renews once it is granted: the remote target (RFC 3261 §12.2.2) and, as soon as
 * there is a session, its timer (RFC 4028 §9). Returns the header fields of the 200.
 */
function refresh(usage: Usage, dialog: Dialog, { request, flow }: ServerTransaction): ExtraHeaders {
  const { sessionTimers } = usage.context
  dialog.refreshTarget(request)
  usage.notePeer(request)
  const headers = usage.targetHeaders(flow)
  if (sessionTimers === null || usage.state === 'early') return headers
  const session = answerSession(request, sessionTimers)
  usage.sessionTimer.agreed(session.interval)
  return [...headers, ...session.headers]
}
