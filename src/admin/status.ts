/** A registered telephone as the API shows it. */
export interface Registration {
  readonly tenant: string
  readonly extension: string
  readonly contact: string
  readonly address: string
  readonly userAgent: string | null
  /** ISO 8601. */
  readonly expiresAt: string
}

/** One part that must work for calls to be served. */
export interface PartStatus {
  readonly name: string
  readonly isReady: boolean
  /** Why not, or what it is; one sentence. */
  readonly sentence: string
}
