import type { Clock } from '../../base/clock.ts'
import { NotFoundError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { numberKey } from '../../config/numbers.ts'
import { hashSecret, isSameSecret, verifySecret } from '../../config/secret-hash.ts'
import type { TenantSettings } from '../../config/settings.ts'
import type { MailboxMailSettings, MailboxSettings, MessageRetention } from '../../config/settings-voicemail.ts'
import type { Directory } from '../../routing/directory.ts'
import type { MailboxRow, Voicemail } from '../../store/voicemail.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { WireLanguage } from './wire.ts'

/** A mailbox with everything decided: what its owner chose, else what is configured, else the usual. */
export interface Mailbox {
  readonly tenant: string
  /** The extension, or the key form of the number: what it is kept under. */
  readonly owner: string
  readonly isConfigured: boolean
  readonly language: WireLanguage
  readonly maxMessages: number
  readonly isRecordOn: boolean
  readonly maxIdleSeconds: number
  readonly maxRecordSeconds: number
  readonly hasPin: boolean
  readonly greeting: { readonly voice: string; readonly isActive: boolean } | null
  readonly promos: { readonly x: boolean; readonly y: boolean }
  readonly missed: number
  /** Where its messages are sent to; null: nowhere. */
  readonly email: MailboxMailSettings | null
  /** By what age they are deleted. */
  readonly retention: MessageRetention
}

export type MailboxChange = Partial<Omit<MailboxRow, 'tenant' | 'owner' | 'created_at'>>

/** The picture of the original flow ends a message after so much silence; its table has the same value. */
const usualMaxIdleSeconds = 2
const unlimited: MessageRetention = { newDays: null, savedDays: null }
const usualSettings: MailboxSettings = {
  language: 'en',
  max: 20,
  record: 60,
  pin: null,
  email: null,
  retention: unlimited,
}
const pinAttempts = 3
const lockMs = 30 * 60_000

export interface MailboxParts {
  readonly store: Voicemail
  readonly directory: Directory
  readonly clock: Clock
  readonly random: Random
}

/** Finds and changes mailboxes. Those of extensions are configured; others, of subscribers elsewhere, have a row of their own. */
export class Mailboxes {
  readonly #parts: MailboxParts
  readonly #queue = new KeyedQueue()

  constructor(parts: MailboxParts) {
    this.#parts = parts
  }

  /** @param readings - ways to read the owner's number, the likeliest first. */
  async find(tenant: string, readings: readonly string[]): Promise<Mailbox | null> {
    const settings = this.#parts.directory.tenant(tenant)
    if (settings === null) return null
    for (const owner of ownersOf(settings, readings)) {
      const mailbox = await this.get(tenant, owner)
      if (mailbox) return mailbox
    }
    return null
  }

  /** By the very owner it is kept under. */
  async get(tenant: string, owner: string): Promise<Mailbox | null> {
    const configured = this.#configured(tenant, owner)
    const row = await this.#parts.store.mailbox(tenant, owner)
    if (configured === null && row?.is_own !== 1) return null
    return toMailbox(tenant, owner, configured, row, this.#usual(tenant))
  }

  /** All of a tenant, or of all tenants. */
  async list(tenant?: string): Promise<readonly Mailbox[]> {
    const rows = new Map((await this.#parts.store.mailboxes(tenant)).map((row) => [`${row.tenant} ${row.owner}`, row]))
    const found: Mailbox[] = []
    for (const { name, extensions } of this.#parts.directory.tenants.values()) {
      if (tenant !== undefined && name !== tenant) continue
      for (const { extension, mailbox } of extensions.values()) {
        const row = rows.get(`${name} ${extension}`) ?? null
        if (mailbox) found.push(toMailbox(name, extension, mailbox, row, this.#usual(name)))
        if (mailbox) rows.delete(`${name} ${extension}`)
      }
    }
    for (const row of rows.values()) {
      if (row.is_own === 1) found.push(toMailbox(row.tenant, row.owner, null, row, this.#usual(row.tenant)))
    }
    return found
  }

  /**
   * Makes a mailbox of its own, for a number that is no extension with one; or changes it.
   * @returns under which owner it is kept. Rejects with NotFoundError `tenant.unknown`.
   */
  async create(tenant: string, owner: string, change: MailboxChange = {}): Promise<string> {
    const settings = this.#parts.directory.tenant(tenant)
    if (settings === null) throw new NotFoundError('tenant.unknown', `There is no tenant ${tenant}.`)
    const isExtension = settings.extensions.has(owner)
    const key = isExtension ? owner : numberKey(owner, settings.countryCode)
    const isOwn = this.#configured(tenant, key) === null
    await this.change({ tenant, owner: key }, { ...change, ...(isOwn ? { is_own: 1 } : {}) })
    return key
  }

  /** Runs alone for this mailbox, so that counting and adding are one step. */
  alone<Result>({ tenant, owner }: Pick<Mailbox, 'tenant' | 'owner'>, work: () => Promise<Result>): Promise<Result> {
    return this.#queue.run(`${tenant} ${owner}`, work)
  }

  change(mailbox: Pick<Mailbox, 'tenant' | 'owner'>, change: MailboxChange | ((row: MailboxRow) => MailboxChange)) {
    return this.alone(mailbox, async () => {
      const row = await this.#row(mailbox)
      await this.#parts.store.putMailbox({ ...row, ...(typeof change === 'function' ? change(row) : change) })
    })
  }

  /**
   * Whether the PIN is right. Three wrong ones in a row lock the mailbox for half an hour, whoever asks, also over a restart.
   * Without a PIN nobody is let in by one.
   */
  checkPin(mailbox: Mailbox, pin: string): Promise<'right' | 'wrong' | 'locked'> {
    const { store, clock } = this.#parts
    return this.alone(mailbox, async () => {
      const row = await this.#row(mailbox)
      const isLocked = row.locked_until !== null && row.locked_until > clock.wallTime()
      if (isLocked) return 'locked'
      const configured = this.#configured(mailbox.tenant, mailbox.owner)?.pin ?? null
      const isRight =
        row.pin_hash !== null
          ? await verifySecret(pin, row.pin_hash)
          : configured !== null && isSameSecret(pin, configured)
      const failures = isRight ? 0 : row.pin_failures + 1
      const isLockedNow = failures >= pinAttempts
      if (failures !== row.pin_failures || row.locked_until !== null) {
        const locked = isLockedNow ? clock.wallTime() + lockMs : null
        await store.putMailbox({ ...row, pin_failures: isLockedNow ? 0 : failures, locked_until: locked })
      }
      if (isRight) return 'right'
      return isLockedNow ? 'locked' : 'wrong'
    })
  }

  async setPin(mailbox: Pick<Mailbox, 'tenant' | 'owner'>, pin: string): Promise<void> {
    const hash = await hashSecret(pin, this.#parts.random)
    await this.change(mailbox, { pin_hash: hash, pin_failures: 0, locked_until: null })
  }

  #configured(tenant: string, owner: string): MailboxSettings | null {
    return this.#parts.directory.findExtension(tenant, owner)?.mailbox ?? null
  }

  #usual(tenant: string): Usual {
    const settings = this.#parts.directory.tenant(tenant)
    return {
      language: settings?.language === 'id' ? 'id' : 'en',
      retention: settings?.messageRetention ?? unlimited,
    }
  }

  async #row({ tenant, owner }: Pick<Mailbox, 'tenant' | 'owner'>): Promise<MailboxRow> {
    return (await this.#parts.store.mailbox(tenant, owner)) ?? emptyRow(tenant, owner, this.#parts.clock.wallTime())
  }
}

/**
 * Under what a number's mailbox may be kept: the extension itself, the number, and the extension that alone rings for it.
 */
function ownersOf(tenant: TenantSettings, readings: readonly string[]): readonly string[] {
  const owners: string[] = []
  for (const reading of readings) {
    const key = numberKey(reading, tenant.countryCode)
    owners.push(reading, key)
    // 62818…, too short for `numberKey` to take the beginning for a country code.
    if (tenant.countryCode !== null && /^\d+$/.test(key) && key.startsWith(tenant.countryCode)) owners.push(`+${key}`)
    const number = tenant.numbers.get(key)
    const app = number && tenant.apps.get(number.app)
    if (app?.kind === 'dial' && app.targets.length === 1) {
      const [target] = app.targets
      if (target?.kind === 'extension') owners.push(target.extension)
    }
    if (app?.kind === 'voicemail' && app.mailbox !== null) owners.push(app.mailbox)
  }
  return [...new Set(owners)]
}

/** What a tenant has for mailboxes that say nothing of their own. */
interface Usual {
  readonly language: 'en' | 'id'
  readonly retention: MessageRetention
}

function toMailbox(
  tenant: string,
  owner: string,
  configured: MailboxSettings | null,
  row: MailboxRow | null,
  usual: Usual,
): Mailbox {
  const settings = configured ?? { ...usualSettings, language: usual.language }
  const language = row?.language ?? settings.language
  const { newDays, savedDays } = settings.retention
  return {
    tenant,
    owner,
    isConfigured: configured !== null,
    language: language === 'id' ? 'ina' : 'eng',
    maxMessages: row?.max_messages ?? settings.max,
    isRecordOn: row?.record_status !== 'off',
    maxIdleSeconds: row?.max_idle ?? usualMaxIdleSeconds,
    maxRecordSeconds: row?.max_record ?? settings.record,
    hasPin: (row?.pin_hash ?? settings.pin) !== null,
    greeting: row?.greeting_voice ? { voice: row.greeting_voice, isActive: row.greeting_active === 1 } : null,
    promos: { x: row?.promo_x !== 0, y: row?.promo_y !== 0 },
    missed: row?.missed ?? 0,
    email: row?.email ? emailOf(row.email) : settings.email,
    retention: {
      newDays: row?.new_days ?? newDays ?? usual.retention.newDays,
      savedDays: row?.saved_days ?? savedDays ?? usual.retention.savedDays,
    },
  }
}

/** Written by the admin API, which has checked it. */
function emailOf(json: string): MailboxMailSettings | null {
  return JSON.parse(json) as MailboxMailSettings | null
}

function emptyRow(tenant: string, owner: string, now: number): MailboxRow {
  return {
    tenant,
    owner,
    is_own: 0,
    created_at: now,
    language: null,
    max_messages: null,
    record_status: null,
    max_idle: null,
    max_record: null,
    pin_hash: null,
    pin_failures: 0,
    locked_until: null,
    greeting_voice: null,
    greeting_active: 0,
    promo_x: 1,
    promo_y: 1,
    missed: 0,
    email: null,
    new_days: null,
    saved_days: null,
  }
}
