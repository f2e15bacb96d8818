import type { Clock } from '../../base/clock.ts'
import type { Voicemail } from '../../store/voicemail.ts'
import type { Mailbox, Mailboxes } from './mailboxes.ts'
import type { MessageNews } from './news.ts'

/** What a run deleted in one mailbox, or would delete. */
export interface AgedMailbox {
  readonly tenant: string
  readonly owner: string
  readonly newDays: number | null
  readonly savedDays: number | null
  /** Messages that nobody has heard. */
  readonly unread: number
  readonly read: number
  /** Somebody is at it just now: its turn comes with the next run. */
  readonly isBusy: boolean
}

export interface RetentionParts {
  readonly store: Pick<Voicemail, 'aged' | 'markDeleted'>
  readonly mailboxes: Pick<Mailboxes, 'list' | 'alone'>
  readonly news: Pick<MessageNews, 'announce'>
  readonly clock: Clock
  /** Whether its owner may be hearing messages. */
  isBusy(mailbox: Mailbox): boolean
  changed(mailbox: Mailbox): void
}

const dayMs = 86_400_000
/** Deleted of one mailbox before others have their turn at it. */
const atOnce = 500

/**
 * Deletes messages that are older than their mailbox keeps them: as if by its owner, so that they can be had back for 24
 * hours. Leaves alone a mailbox to which somebody listens.
 */
export class MessageRetention {
  readonly #parts: RetentionParts
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  /** One run behind the other. Mailboxes in which nothing is too old are left out. Rejects with StoreError. */
  run(options: { readonly isDryRun: boolean }): Promise<readonly AgedMailbox[]> {
    const run = this.#running.catch(() => {}).then(() => this.#run(options.isDryRun))
    this.#running = run
    return run
  }

  async #run(isDryRun: boolean): Promise<readonly AgedMailbox[]> {
    const results: AgedMailbox[] = []
    for (const mailbox of await this.#parts.mailboxes.list()) {
      const { newDays, savedDays } = mailbox.retention
      if (newDays === null && savedDays === null) continue
      const { tenant, owner } = mailbox
      const isBusy = this.#parts.isBusy(mailbox)
      const isCountedOnly = isDryRun || isBusy
      const unread = newDays === null ? 0 : await this.#age(mailbox, { isRead: false, days: newDays }, isCountedOnly)
      const read = savedDays === null ? 0 : await this.#age(mailbox, { isRead: true, days: savedDays }, isCountedOnly)
      if (unread + read > 0) results.push({ tenant, owner, newDays, savedDays, unread, read, isBusy })
    }
    return results
  }

  async #age(mailbox: Mailbox, { isRead, days }: { isRead: boolean; days: number }, isCountedOnly: boolean) {
    const { store, mailboxes, clock, changed } = this.#parts
    const time = clock.wallTime() - days * dayMs
    if (isCountedOnly) return (await store.aged(mailbox, { isRead, time }, Number.MAX_SAFE_INTEGER)).length
    let gone = 0
    for (;;) {
      const deleted = await mailboxes.alone(mailbox, () => this.#delete(mailbox, { isRead, time }))
      gone += deleted
      if (deleted > 0) changed(mailbox)
      if (deleted < atOnce) return gone
    }
  }

  async #delete(mailbox: Mailbox, before: { isRead: boolean; time: number }): Promise<number> {
    const { store, news, clock } = this.#parts
    const rows = await store.aged(mailbox, before, atOnce)
    const now = clock.wallTime()
    await Promise.all(
      rows.map(async ({ id, tenant, owner, voice }) => {
        const told = news.announce('voicemail.deleted', mailbox, id, now)
        await store.markDeleted({ tenant, owner, voice }, now)
        told(true)
      }),
    )
    return rows.length
  }
}
