import type { IncomingRefer, ReferOutcome } from '../sip/dialog/types.ts'
import { toLegible } from '../sip/message/escapes.ts'
import { printNameAddress } from '../sip/message/name-address.ts'
import { printReplaces } from '../sip/message/replaces.ts'
import { isSipUri, type Uri } from '../sip/message/types.ts'
import { printUri } from '../sip/message/uri.ts'
import type { LegEnd, ReferEnd, TransferRequest } from './leg.ts'
import type { LegDirectory } from './leg-directory.ts'

/** A REFER of the peer in the words of `leg.ts`. Whatever its reader does, the wire sees one answer and one last word. */
export class PeerTransfer implements TransferRequest {
  readonly target: string
  readonly dialled: string
  readonly replaces: TransferRequest['replaces']
  readonly referredBy: string | null
  readonly #refer: IncomingRefer
  #state: 'asked' | 'accepted' | 'over' = 'asked'

  constructor(refer: IncomingRefer, directory: LegDirectory) {
    const { uri } = refer.target
    this.#refer = refer
    this.target = toLegible(printUri(uri))
    this.dialled = toLegible(userOf(uri))
    this.replaces = refer.replaces && {
      leg: directory.find(refer.replaces),
      header: printReplaces(refer.replaces),
    }
    this.referredBy = refer.referredBy && toLegible(printNameAddress(refer.referredBy))
  }

  accept(): void {
    if (this.#state !== 'asked') return
    this.#state = 'accepted'
    this.#refer.accept()
  }

  reject(status: number): void {
    if (this.#state !== 'asked') return
    this.#state = 'over'
    this.#refer.reject(status)
  }

  progress(status: number): void {
    if (this.#state !== 'accepted') return
    if (status >= 200) this.#state = 'over'
    this.#refer.notify(status)
  }
}

/** What would be dialled: the user part, or the number of a tel URI (RFC 3966) without its parameters. */
function userOf(uri: Uri): string {
  if (isSipUri(uri)) return uri.user ?? ''
  return uri.scheme === 'tel' ? (uri.opaque.split(';')[0] ?? '') : ''
}

/** @param endedBy - whose doing it was, where the leg has ended while the REFER was out. */
export function referEndOf(outcome: ReferOutcome, endedBy: LegEnd['by']): ReferEnd {
  switch (outcome.kind) {
    case 'done':
      if (outcome.status < 300) return { outcome: 'transferred' }
      return { outcome: 'failed', status: outcome.status }
    case 'refused':
      return { outcome: 'refused', status: outcome.status }
    case 'ended':
      // Some telephones hang up behind their 202 and say no more (Teams, old Cisco): they were connected.
      return { outcome: endedBy === 'remote' ? 'transferred' : 'ended' }
    case 'timeout':
      return { outcome: 'timeout' }
  }
}
