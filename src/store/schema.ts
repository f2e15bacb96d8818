import type {
  MailboxRow,
  VoicemailDepositRow,
  VoicemailMessageRow,
  VoicemailPromoRow,
  VoicemailTakerRow,
} from './schema-voicemail.ts'

/**
 * The tables as Kysely sees them. Only types that mean the same in both databases: text, whole numbers, double
 * precision for the two fractions, null. `from` and `to` are reserved words in SQL, hence `from_party`, `to_party`.
 */
export interface Tables {
  readonly calls: CallRow
  readonly legs: LegRow
  readonly extension_calls: ExtensionCallRow
  readonly recordings: RecordingRow
  readonly journal: JournalRow
  readonly bindings: BindingRow
  readonly documents: DocumentRow
  readonly meta: MetaRow
  readonly outbox: OutboxRow
  readonly outbox_attempts: OutboxAttemptRow
  readonly outbox_announced: AnnouncedRow
  readonly mailboxes: MailboxRow
  readonly voicemail_messages: VoicemailMessageRow
  readonly voicemail_deposits: VoicemailDepositRow
  readonly voicemail_promos: VoicemailPromoRow
  readonly voicemail_takers: VoicemailTakerRow
  readonly ledger: LedgerRow
  readonly schema_migrations: MigrationRow
}

export interface CallRow {
  readonly id: string
  readonly tenant: string
  readonly direction: string
  readonly from_party: string
  readonly from_name: string | null
  readonly to_party: string
  readonly extension: string | null
  readonly app: string | null
  readonly serial: number | null
  /** A JSON array of extensions; null for none. */
  readonly absent: string | null
  readonly answered_by: string | null
  readonly transferred_to: string | null
  readonly started_at: number
  readonly answered_at: number | null
  readonly ended_at: number | null
  readonly cause: string | null
  readonly sip_status: number | null
  readonly q850: number | null
  readonly ended_by: string | null
  readonly sentence: string | null
  /** Parties and name, folded by `foldText`: what the text filter looks in. */
  readonly search_text: string
}

export interface LegRow {
  readonly id: string
  readonly call_id: string
  readonly role: string
  readonly direction: string
  readonly label: string | null
  readonly dialled: string | null
  readonly extension: string | null
  readonly sip_call_id: string
  readonly peer: string
  readonly user_agent: string | null
  readonly codec: string | null
  readonly started_at: number
  readonly answered_at: number | null
  readonly ended_at: number | null
  readonly cause: string | null
  readonly packets_sent: number | null
  readonly packets_received: number | null
  readonly packets_lost: number | null
  readonly jitter_ms: number | null
}

/** One per call and extension that took part in it: see `call/extension-calls.ts`. Written when the call is closed. */
export interface ExtensionCallRow {
  readonly call_id: string
  readonly tenant: string
  readonly extension: string
  readonly started_at: number
  readonly serial: number | null
  readonly kind: string
  readonly outcome: string
  readonly other_party: string
  readonly talk_ms: number
}

export interface RecordingRow {
  readonly id: string
  readonly call_id: string
  readonly tenant: string
  readonly file: string
  readonly channels: number
  readonly state: string
  readonly started_at: number
  readonly duration_ms: number | null
  readonly file_bytes: number | null
  readonly problem: string | null
}

/** One batch of a call's journal. */
export interface JournalRow {
  readonly call_id: string
  readonly batch: number
  readonly event_count: number
  /** Wall-clock ms of its last event, for finding when a call that was cut off was last alive. */
  readonly last_at: number
  /** A JSON array of JournalEvent. */
  readonly events: string
}

export interface BindingRow {
  readonly tenant: string
  readonly extension: string
  readonly contact_text: string
  readonly sip_call_id: string
  readonly cseq: number
  readonly expires_at: number
  readonly q: number
  readonly user_agent: string | null
  readonly via_protocol: string
  readonly via_local: string
  readonly via_remote: string
  readonly instance: string | null
}

/** An entity of the admin API: extension, number, app, trunk … */
export interface DocumentRow {
  readonly tenant: string
  readonly kind: string
  readonly key: string
  readonly body: string
  readonly version: number
  readonly updated_at: number
}

/** One transaction that a customer of a published API knows by a reference. */
export interface LedgerRow {
  readonly ref: string
  readonly tenant: string
  readonly account: string
  readonly started_at: number
  readonly ended_at: number | null
  /** The request that began it, where that had a key of its own. */
  readonly request_key: string | null
  /** JSON, as its writer wants it. */
  readonly data: string
}

export interface MetaRow {
  readonly key: string
  readonly value: string
}

/** One event that is owed to a receiver outside, or was. */
export interface OutboxRow {
  readonly id: string
  /** Of events with one order key the lower goes first. */
  readonly seq: number
  readonly tenant: string
  readonly kind: string
  readonly order_key: string | null
  /** Scheme, host and port of the receiver: what is bounded together, so that a slow one delays nobody else. */
  readonly lane: string
  readonly aside: number
  readonly url: string
  readonly content_type: string
  /** A JSON object. */
  readonly headers: string
  readonly body: string
  readonly state: string
  /** Since it was added or sent again by hand. */
  readonly attempts: number
  readonly max_attempts: number
  readonly created_at: number
  readonly next_at: number
  readonly leased_until: number | null
  readonly finished_at: number | null
  readonly last_status: number | null
  readonly last_problem: string | null
}

export interface OutboxAttemptRow {
  readonly event_id: string
  readonly number: number
  readonly at: number
  readonly duration_ms: number
  readonly status: number | null
  readonly problem: string | null
  /** The first part of what was answered. */
  readonly answer: string | null
}

/** An event that will be owed, whose contents are not known yet. */
export interface AnnouncedRow {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  readonly subject: string
  readonly announced_at: number
}

export interface MigrationRow {
  readonly position: number
  readonly name: string
  readonly applied_at: number
}
