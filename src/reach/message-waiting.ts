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
import type { Transactions } from '../sip/transaction/types.ts'
import type { Transport } from '../sip/transport/types.ts'
import { nameAddress, sipUri } from './addresses.ts'

/** Messages of one mailbox. */
export interface WaitingMessages {
  readonly unread: number
  readonly read: number
}

export interface MessageWaitingParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly directory: Directory
  readonly registrar: Pick<Registrar, 'lookup' | 'events'>
  readonly transactions: Pick<Transactions, 'request'>
  readonly transport: Pick<Transport, 'localAddress'>
  readonly serverName: string
  /** Of an extension's mailbox. May reject. */
  count(tenant: string, extension: string): Promise<WaitingMessages>
}

/** Changes within this time are told as one: a call that deletes five messages switches a lamp once. */
const gatherMs = 250

/**
 * Tells the telephones of an extension how many messages wait for it: a NOTIFY of message-summary (RFC 3842), when that changes
 * and when a telephone registers. It comes unasked, which RFC 6665 does not know and most telephones take; SUBSCRIBE is not served.
 */
export class MessageWaiting {
  readonly #parts: MessageWaitingParts
  readonly #waiting = new Map<string, Cancel>()
  #isClosed = false

  constructor(parts: MessageWaitingParts) {
    this.#parts = parts
    parts.registrar.events.on('registered', ({ binding, isNew }) => {
      if (isNew) this.changed(binding.aor.tenant, binding.aor.extension)
    })
  }

  /** What is in a mailbox has changed. Does nothing for one that belongs to no extension. */
  changed(tenant: string, extension: string): void {
    const key = `${tenant} ${extension}`
    const hasMailbox = (this.#parts.directory.findExtension(tenant, extension)?.mailbox ?? null) !== null
    if (this.#isClosed || !hasMailbox || this.#waiting.has(key)) return
    const cancel = this.#parts.clock.after(gatherMs, () => {
      this.#waiting.delete(key)
      this.#tell(tenant, extension).catch((thrown) => {
        this.#parts.log.warn({ tenant, extension, err: toError(thrown) }, 'message-waiting could not be told')
      })
    })
    this.#waiting.set(key, cancel)
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#waiting.values()) cancel()
    this.#waiting.clear()
  }

  async #tell(tenant: string, extension: string): Promise<void> {
    const { registrar, transactions, directory, log } = this.#parts
    const settings = directory.tenant(tenant)
    const contacts = registrar.lookup({ tenant, extension })
    if (settings === null || contacts.length === 0) return
    const messages = await this.#parts.count(tenant, extension)
    if (this.#isClosed) return
    for (const contact of contacts) {
      const request = this.#notify(settings, extension, contact, messages)
      transactions.request(request, contact.target, {
        responseReceived: ({ status }) => {
          if (status >= 300) log.debug({ tenant, extension, status }, 'a telephone takes no message-waiting')
        },
        failed: (error) => log.debug({ tenant, extension, err: error }, 'message-waiting did not reach a telephone'),
      })
    }
  }

  #notify(
    tenant: TenantSettings,
    extension: string,
    { binding, target }: RegisteredContact,
    { unread, read }: WaitingMessages,
  ): SipRequest {
    const { random, transport, serverName } = this.#parts
    const peer = target.flow ?? target.destination ?? null
    const local = peer === null ? null : transport.localAddress(peer)
    const account = sipUri(extension, tenant.domain ?? local?.address ?? 'localhost')
    const address = nameAddress(null, account)
    const contact = local === null ? account : sipUri(extension, local.address, local.port)
    const accountText = printNameAddress(address).replace(/^<|>$/g, '')
    return createRequest({
      method: 'NOTIFY',
      uri: binding.contact,
      from: withTag(address, newTag(random)),
      to: address,
      sipCallId: random.token(26) as SipCallId,
      cseq: 1,
      headers: [
        ['Contact', printNameAddress(nameAddress(null, contact))],
        ['Event', 'message-summary'],
        ['Subscription-State', 'active'],
        ['User-Agent', serverName],
      ],
      contentType: 'application/simple-message-summary',
      // RFC 3842 §3.5 and §5.2: new and old.
      body: [
        `Messages-Waiting: ${unread > 0 ? 'yes' : 'no'}`,
        `Message-Account: ${accountText}`,
        `Voice-Message: ${unread}/${read}`,
        '',
      ].join('\r\n'),
    })
  }
}
