/**
 * The tables as Kysely sees them. Only types that mean the same in both databases: text, whole numbers, double
 * precision for the two fractions, null. `from` and `to` are reserved words in SQL, hence `from_party`, `to_party`.
 */
export interface Tables {
  readonly calls: CallRow
  readonly legs: LegRow
  readonly recordings: RecordingRow
  readonly journal: JournalRow
  readonly bindings: BindingRow
  readonly documents: DocumentRow
  readonly meta: MetaRow
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

export interface MetaRow {
  readonly key: string
  readonly value: string
}

export interface MigrationRow {
  readonly position: number
  readonly name: string
  readonly applied_at: number
}
