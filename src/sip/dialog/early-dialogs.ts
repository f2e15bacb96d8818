import { tagOf } from '../message/addresses.ts'
import type { SipRequest, SipResponse } from '../message/types.ts'
import { hasOption, parseRSeq, printRAck } from '../message/values.ts'
import type { Flow } from '../transport/types.ts'
import { Dialog } from './dialog.ts'
import { sendInDialog } from './dialog-request.ts'
import { readOr } from './lenient.ts'
import { sdpOf } from './sdp-of.ts'
import type { Usage } from './usage.ts'

interface EarlyDialog {
  readonly dialog: Dialog
  /** The RSeq of the last reliable response that was acknowledged; null before the first. */
  rseq: number | null
  /** The answer that came reliably. */
  answer?: Uint8Array
}

/** The RSeq of a reliable provisional response; null for one that is not reliable. */
function reliableNumber({ headers }: SipResponse): number | null {
  const value = headers.get('RSeq')
  return value !== undefined && hasOption(headers, 'Require', '100rel') ? parseRSeq(value) : null
}

/** One INVITE forked to more telephones than this is not followed further until one of them answers. */
const maxDialogs = 16

/** The dialogs that the provisional responses to one INVITE of ours have opened, by remote tag (RFC 3261 §13.2.2.4). */
export class EarlyDialogs {
  readonly #usage: Usage
  readonly #dialogs = new Map<string, EarlyDialog>()
  /** The last answer that came reliably, from whichever of them. */
  lastAnswer: Uint8Array | null = null

  constructor(usage: Usage) {
    this.#usage = usage
  }

  find(remoteTag: string | null): EarlyDialog | undefined {
    return this.#dialogs.get(remoteTag ?? '')
  }

  /** The fork has ended its dialog; its last responses may open it again, and do no harm. */
  drop(dialog: Dialog): void {
    this.#dialogs.delete(dialog.remoteTag)
  }

  /** The INVITE goes out anew: what it had opened is void. */
  clear(): void {
    this.#dialogs.clear()
    this.lastAnswer = null
  }

  /**
   * A response of 101 to 199. A reliable one is acknowledged, in its order (RFC 3262 §4).
   * @returns its dialog; null where it opens none; `repeated` for one that was heard already or came too early.
   */
  received(invite: SipRequest, response: SipResponse, flow: Flow | null): Dialog | null | 'repeated' {
    const tag = tagOf(response.to)
    if (tag === null) return null
    const early = this.#dialogs.get(tag) ?? this.#open(tag, invite, response, flow)
    if (!early) return null
    const rseq = readOr(null, () => reliableNumber(response))
    if (rseq === null) return early.dialog
    if (early.rseq !== null && rseq !== early.rseq + 1) return 'repeated'
    early.rseq = rseq
    const sdp = sdpOf(response)
    if (sdp && !early.answer) {
      early.answer = sdp
      this.lastAnswer = sdp
      this.#usage.exchange.take('receiveAnswer')
    }
    const rack = printRAck({ rseq, cseq: invite.cseq.number, method: 'INVITE' })
    const done = (): void => {}
    sendInDialog(this.#usage, early.dialog, 'PRACK', { headers: [['RAck', rack]] }, { final: done, failed: done })
    return early.dialog
  }

  /**
   * The dialog of a 2xx. It is made anew: route set and remote target are those of the 2xx (§13.2.2.4), only the numbers
   * go on from the early one.
   */
  confirm(invite: SipRequest, response: SipResponse, flow: Flow | null): Dialog {
    const early = this.#dialogs.get(tagOf(response.to) ?? '')
    return Dialog.ofClient(invite, response, flow, early?.dialog)
  }

  #open(tag: string, invite: SipRequest, response: SipResponse, flow: Flow | null): EarlyDialog | null {
    if (this.#dialogs.size >= maxDialogs) return null
    const early: EarlyDialog = { dialog: Dialog.ofClient(invite, response, flow), rseq: null }
    this.#dialogs.set(tag, early)
    return early
  }
}
