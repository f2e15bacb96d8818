/** RFC 3403 §4.1, as far as SIP reads it (RFC 3263 §4.1). */
export interface NaptrRecord {
  readonly order: number
  readonly preference: number
  /** `s` where the replacement is the name of SRV records. */
  readonly flags: string
  /** `SIP+D2U`, `SIP+D2T`, `SIPS+D2T` … */
  readonly service: string
  readonly replacement: string
}

/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** `.` or empty: the service is decidedly not to be had here. */
  readonly target: string
}

/** What each kind of question is answered with. Addresses are IP literals without brackets. */
export interface DnsRecords {
  readonly NAPTR: NaptrRecord
  readonly SRV: SrvRecord
  readonly A: string
  readonly AAAA: string
}

export type DnsType = keyof DnsRecords

export interface DnsAnswer<Type extends DnsType> {
  /** Empty: there is no such name, or it has no such records. */
  readonly records: readonly DnsRecords[Type][]
  /** How long it may be kept; null where the way it was found does not say. */
  readonly ttlSeconds: number | null
}

/** Asks: one question, one answer, nothing remembered. */
export interface DnsSource {
  /** Rejects with TransportError `locate.dns-failed` when no answer is to be had; that a name is unknown is an answer. */
  ask<Type extends DnsType>(type: Type, name: string): Promise<DnsAnswer<Type>>
}

/** Asks, and remembers for a while. What `Locator` is given. */
export interface Resolver {
  /** Empty: there is none. Rejects with TransportError `locate.dns-failed`, naming the host. */
  resolve<Type extends DnsType>(type: Type, name: string): Promise<readonly DnsRecords[Type][]>
}
