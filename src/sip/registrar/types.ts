import type { SipUri } from '../message/types.ts'
import type { Flow } from '../transport/types.ts'

/** An address of record: an extension of a tenant. */
export interface AddressOfRecord {
  readonly tenant: string
  readonly extension: string
}

/** RFC 3261 §10.3: one telephone of an extension. */
export interface Binding {
  readonly aor: AddressOfRecord
  readonly contact: SipUri
  /** The contact as it is compared and stored. */
  readonly contactText: string
  readonly sipCallId: string
  readonly cseq: number
  /** Wall time in ms when it ends. */
  readonly expiresAt: number
  /** 0 to 1. */
  readonly q: number
  readonly userAgent: string | null
  /** The flow it came by: protocol, our and its address. Survives a restart as text; a connection does not. */
  readonly via: { readonly protocol: Flow['protocol']; readonly local: string; readonly remote: string }
  /** RFC 5626 instance, null where absent. */
  readonly instance: string | null
}

/** A binding as it is kept: its contact as text, from which the registrar reads the URI again. */
export type StoredBinding = Omit<Binding, 'contact'>

/** Keeps bindings over restarts. The registrar holds them in memory too; this is written behind it, loaded once. */
export interface BindingStore {
  load(): Promise<readonly StoredBinding[]>
  /** Resolves when it is durable. */
  put(binding: StoredBinding): Promise<void>
  remove(aor: AddressOfRecord, contactText: string): Promise<void>
}
