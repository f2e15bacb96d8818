import type { Cancel, Clock } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { SipCallId } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { TenantSettings } from '../config/settings.ts'
import type { Directory } from '../routing/directory.ts'
import { newTag } from '../sip/dialog/context.ts'
import { withTag } from '../sip/message/addresses.ts'
import { createRequest, printNameAddress, type SipRequest } from '../sip/message/index.ts'
import type { RegisteredContact, Registrar } from '../sip/registrar/registrar.ts'
import type { AddressOfRecord } from '../sip/registrar/types.ts'
import type { Notifier } from '../sip/subscription/notifier.ts'
import type { Transactions } from '../sip/transaction/types.ts'
import { hostText } from '../sip/transport/address-text.ts'
import type { Destination, Flow, Transport } from '../sip/transport/types.ts'
import { nameAddress, sipUri } from './addresses.ts'
import {
  type MessageSummary,
  messageSummaryEvent,
  messageSummaryType,
  type WaitingMessages,
} from './message-summary.ts'

export interface MessageWaitingParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly directory: Directory
  readonly registrar: Pick<Registrar, 'lookup' | 'events'>
  readonly transactions: Pick<Transactions, 'request'>
  readonly transport: Pick<Transport, 'localAddress'>
  readonly serverName: string
  readonly summary: MessageSummary
  readonly notifier: Pick<Notifier, 'changed' | 'isSubscribed'>
}

/** Changes within this time are told as one: a call that deletes five messages switches a lamp once. */
const gatherMs = 250
/** A telephone that has just registered has so long to subscribe, before it is told without having asked. */
const newcomerMs = 2000

/**
 * Tells the telephones of an extension how many messages wait for it, when that changes. Those that have subscribed
 * (`sip/subscription`) hear it there; the others by a NOTIFY of message-summary (RFC 3842) that comes unasked, which RFC 6665
 * does not know and most telephones take, and also when they have registered. No telephone is told twice.
 */
export class MessageWaiting {
  readonly #parts: MessageWaitingParts
  readonly #waiting = new Map<string, Cancel>()
  #isClosed = false

  constructor(parts: MessageWaitingParts) {
    this.#parts = parts
    parts.registrar.events.on('registered', ({ binding, isNew }) => {
      const { aor, contactText } = binding
      if (!isNew || !parts.summary.hasMailbox(aor)) return
      this.#once(`${aor.tenant} ${aor.extension} ${contactText}`, newcomerMs, aor, () =>
        this.#tell(aor, (contact) => contact.binding.contactText === contactText),
      )
    })
  }

  /** What is in a mailbox has changed. Does nothing for one that belongs to no extension. */
  changed(tenant: string, extension: string): void {
    const aor = { tenant, extension }
    this.#once(`${tenant} ${extension}`, gatherMs, aor, async () => {
      this.#parts.notifier.changed(aor, messageSummaryEvent)
      if (this.#parts.summary.hasMailbox(aor)) await this.#tell(aor, () => true)
    })
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#waiting.values()) cancel()
    this.#waiting.clear()
  }

  #once(key: string, ms: number, aor: AddressOfRecord, tell: () => Promise<void>): void {
    if (this.#isClosed || this.#waiting.has(key)) return
    const cancel = this.#parts.clock.after(ms, () => {
      this.#waiting.delete(key)
      tell().catch((thrown) => {
        this.#parts.log.warn({ ...aor, err: toError(thrown) }, 'message-waiting could not be told')
      })
    })
    this.#waiting.set(key, cancel)
  }

  /** Those who have not asked. */
  async #tell(aor: AddressOfRecord, isMeant: (contact: RegisteredContact) => boolean): Promise<void> {
    const { registrar, notifier, directory, summary } = this.#parts
    const tenant = directory.tenant(aor.tenant)
    const contacts = registrar.lookup(aor).filter((contact) => {
      return (
        isMeant(contact) && !notifier.isSubscribed(aor, messageSummaryEvent, contact.binding.contact, peerOf(contact))
      )
    })
    if (tenant === null || contacts.length === 0) return
    const messages = await summary.waiting(aor)
    if (this.#isClosed) return
    for (const contact of contacts) this.#send(tenant, aor, contact, messages)
  }

  #send(tenant: TenantSettings, aor: AddressOfRecord, contact: RegisteredContact, messages: WaitingMessages): void {
    const { transactions, log, transport, summary } = this.#parts
    const peer = peerOf(contact)
    const local = peer === null ? null : transport.localAddress(peer)
    const body = summary.body(aor, messages, local === null ? 'localhost' : hostText(local.address))
    const request = this.#notify(tenant, aor.extension, contact, local, body)
    transactions.request(request, contact.target, {
      responseReceived: ({ status }) => {
        if (status >= 300) log.debug({ ...aor, status }, 'a telephone takes no message-waiting')
      },
      failed: (error) => log.debug({ ...aor, err: error }, 'message-waiting did not reach a telephone'),
    })
  }

  #notify(
    tenant: TenantSettings,
    extension: string,
    { binding }: RegisteredContact,
    local: { readonly address: string; readonly port: number } | null,
    body: string,
  ): SipRequest {
    const { random, serverName } = this.#parts
    const account = sipUri(extension, tenant.domain ?? local?.address ?? 'localhost')
    const address = nameAddress(null, account)
    const contact = local === null ? account : sipUri(extension, local.address, local.port)
    return createRequest({
      method: 'NOTIFY',
      uri: binding.contact,
      from: withTag(address, newTag(random)),
      to: address,
      sipCallId: random.token(26) as SipCallId,
      cseq: 1,
      headers: [
        ['Contact', printNameAddress(nameAddress(null, contact))],
        ['Event', messageSummaryEvent],
        ['Subscription-State', 'active'],
        ['User-Agent', serverName],
      ],
      contentType: messageSummaryType,
      body,
    })
  }
}

function peerOf({ target }: RegisteredContact): Flow | Destination | null {
  return target.flow ?? target.destination ?? null
}
