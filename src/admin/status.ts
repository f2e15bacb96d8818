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

/** A trunk as the API shows it. */
export interface TrunkStatus {
  readonly name: string
  readonly tenant: string
  /** `up`: calls go by it; `degraded`: by a part of its hosts, or not both ways; `down`: by none; `unknown`: not tried yet. */
  readonly state: 'up' | 'degraded' | 'down' | 'unknown'
  /** Since when it is in that state. ISO 8601. */
  readonly since: string
  /** Why, in one sentence. */
  readonly sentence: string
  /** Calls that are going by it now. */
  readonly calls: number
  /** When any of its hosts last answered. ISO 8601; null: not yet. */
  readonly lastAnswer: string | null
  /** ISO 8601; null: we are not registered there, or need not be. */
  readonly registeredUntil: string | null
  readonly hosts: readonly {
    /** `udp:192.0.2.1:5060`. */
    readonly address: string
    /** `closed`: calls go there; `open`: none do; `half-open`: one is let through, to see. */
    readonly state: 'closed' | 'open' | 'half-open'
    readonly since: string
    readonly lastAnswer: string | null
  }[]
}
