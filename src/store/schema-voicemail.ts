/** The tables of voicemail as Kysely sees them. A truth value is 1 or 0. */
export interface MailboxRow {
  readonly tenant: string
  /** An extension, or the key form of a number. */
  readonly owner: string
  /** 1: it exists by this row; 0: the row holds what the owner of a configured mailbox has changed. */
  readonly is_own: number
  readonly created_at: number
  // Null in these six: as configured, else the usual.
  readonly language: string | null
  readonly max_messages: number | null
  readonly record_status: string | null
  /** Seconds. */
  readonly max_idle: number | null
  /** Seconds. */
  readonly max_record: number | null
  readonly pin_hash: string | null
  /** Wrong PINs in a row. */
  readonly pin_failures: number
  readonly locked_until: number | null
  readonly greeting_voice: string | null
  readonly greeting_active: number
  readonly promo_x: number
  readonly promo_y: number
  /** Callers who left no message. */
  readonly missed: number
  // Null in these three too: as configured.
  /** `MailboxMail` as JSON; `null` as JSON: to nobody. */
  readonly email: string | null
  readonly new_days: number | null
  readonly saved_days: number | null
}

export interface VoicemailMessageRow {
  readonly id: string
  readonly tenant: string
  readonly owner: string
  /** Name in the media store. */
  readonly voice: string
  readonly caller: string
  readonly received_at: number
  readonly duration_seconds: number
  readonly is_read: number
  readonly deleted_at: number | null
  /** The mailbox whose owner passed it on. */
  readonly forwarded_by: string | null
  /** Since when it has been heard; null: it is new, or was heard before this was kept. */
  readonly read_at: number | null
}

/** A caller was let in to record, and the service has not been told yet what came of it. */
export interface VoicemailDepositRow {
  readonly call_id: string
  readonly tenant: string
  /** `local`, `tcp://…`, `https://…`. */
  readonly service: string
  readonly caller: string
  readonly owner: string
  /** The number by which voicemail was reached. */
  readonly access: string
  readonly voice: string
  readonly started_at: number
  /** Null while it is being recorded. */
  readonly duration_seconds: number | null
}

export interface VoicemailPromoRow {
  readonly tenant: string
  /** `x`, `y`. */
  readonly promo: string
  readonly is_on: number
  readonly voice: string
  /** Of the text message. */
  readonly message: string
  readonly active_from: number | null
  readonly active_until: number | null
}

export interface VoicemailTakerRow {
  readonly tenant: string
  readonly promo: string
  readonly number: string
  readonly is_taker: number
  readonly decided_at: number
}
