import type { Directory } from '../routing/directory.ts'
import { printNameAddress } from '../sip/message/index.ts'
import type { AddressOfRecord } from '../sip/registrar/types.ts'
import type { EventPackage, SubscriptionExpiry } from '../sip/subscription/types.ts'
import { nameAddress, sipUri } from './addresses.ts'

/** Messages of one mailbox. */
export interface WaitingMessages {
  readonly unread: number
  readonly read: number
}

export interface MessageSummaryParts {
  readonly directory: Directory
  /** Of an extension's mailbox. May reject. */
  count(tenant: string, extension: string): Promise<WaitingMessages>
}

/** Event and Content-Type of RFC 3842. */
export const messageSummaryEvent = 'message-summary'
export const messageSummaryType = 'application/simple-message-summary'

/** As registrations, which telephones refresh along with them. RFC 3842 §3.4 leaves it to us. */
const expiry: SubscriptionExpiry = { defaultSeconds: 3600, minSeconds: 60, maxSeconds: 7200 }

/** The event package of mailboxes, RFC 3842: an extension is told how many messages wait in its own. */
export class MessageSummary implements EventPackage {
  readonly name = messageSummaryEvent
  readonly contentType = messageSummaryType
  readonly expiry = expiry
  readonly #parts: MessageSummaryParts

  constructor(parts: MessageSummaryParts) {
    this.#parts = parts
  }

  hasMailbox({ tenant, extension }: AddressOfRecord): boolean {
    return (this.#parts.directory.findExtension(tenant, extension)?.mailbox ?? null) !== null
  }

  /** Its own number, none, or the number by which it fetches its messages: telephones subscribe to either. */
  admit(aor: AddressOfRecord, resource: string | null): 'watch' | 403 | 404 {
    const isOwn = resource === null || resource === aor.extension || this.#isAccessNumber(aor, resource)
    if (isOwn) return this.hasMailbox(aor) ? 'watch' : 404
    return this.#parts.directory.findExtension(aor.tenant, resource) === null ? 404 : 403
  }

  async state(aor: AddressOfRecord, localHost: string): Promise<string> {
    return this.body(aor, await this.waiting(aor), localHost)
  }

  /** Rejects as the store does. */
  waiting({ tenant, extension }: AddressOfRecord): Promise<WaitingMessages> {
    return this.#parts.count(tenant, extension)
  }

  body(aor: AddressOfRecord, { unread, read }: WaitingMessages, localHost: string): string {
    const host = this.#parts.directory.tenant(aor.tenant)?.domain ?? localHost
    const account = printNameAddress(nameAddress(null, sipUri(aor.extension, host)))
    // RFC 3842 §3.5 and §5.2: new and old.
    const lines = [
      `Messages-Waiting: ${unread > 0 ? 'yes' : 'no'}`,
      `Message-Account: ${account.slice(1, -1)}`,
      `Voice-Message: ${unread}/${read}`,
    ]
    return `${lines.join('\r\n')}\r\n`
  }

  #isAccessNumber({ tenant, extension }: AddressOfRecord, resource: string): boolean {
    const found = this.#parts.directory.findNumber(resource)
    if (found === null || found.tenant.name !== tenant || found.app.kind !== 'voicemail') return false
    const { flow, mailbox } = found.app
    return flow === 'retrieve' && (mailbox === null || mailbox === extension)
  }
}
