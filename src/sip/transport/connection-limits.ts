/** Bounds on connections. Counts are per listening socket. */
export interface ConnectionLimits {
  /** Accepted and alive at once. A descriptor and about 10 KiB each. */
  readonly accepted: number
  /** Accepted from one address: an office of telephones behind one router fits. */
  readonly perAddress: number
  /** Accepted, without one whole message so far. Beyond it the oldest of them is closed: who means to speak does so at once. */
  readonly silent: number
  /** Opened by us. */
  readonly opened: number
  /** For the first whole message, and for the rest of any that has begun. */
  readonly messageMs: number
  /** Without a byte from the peer. Longer than the hour for which telephones usually register, or they could not be called. */
  readonly idleMs: number
  readonly connectMs: number
  /** Bytes the peer has not read yet; the largest message many times over. */
  readonly unsentBytes: number
}

export const defaultConnectionLimits: ConnectionLimits = {
  accepted: 8192,
  perAddress: 512,
  silent: 1024,
  opened: 4096,
  messageMs: 10_000,
  idleMs: 3_900_000,
  connectMs: 3000,
  unsentBytes: 1024 * 1024,
}
