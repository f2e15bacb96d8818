import type { Cancel, Clock } from '../base/clock.ts'

export interface TenantLimits {
  readonly concurrentCalls: number | null
  readonly callsPerSecond: number | null
}

export type Admitted = { readonly isAdmitted: true; release(): void }
export type Refused = {
  readonly isAdmitted: false
  readonly why: 'overload' | 'limit'
  readonly retryAfterSeconds: number
  readonly sentence: string
}

interface Usage {
  calls: number
  /** Token bucket of one second's depth. */
  tokens: number
  filledMs: number
}

/** How often the main thread's lateness is measured, and how late it may be twice in a row before calls are refused. */
const probeMs = 25
const latenessLimitMs = 60

/**
 * Decides whether one more call may come in: the tenant's own limits, and how far behind the main thread is. Refusing
 * early with 503 keeps the calls that are up sounding right; accepting all is how servers collapse.
 */
export class Admission {
  readonly #clock: Clock
  readonly #usage = new Map<string, Usage>()
  #lateness: readonly [previousMs: number, lastMs: number] = [0, 0]
  #cancelProbe: Cancel = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
    this.#probe()
  }

  /** How late the main thread was at the last two probes, the better of both. Milliseconds. */
  get latenessMs(): number {
    return Math.min(...this.#lateness)
  }

  admit(tenant: string, limits: TenantLimits): Admitted | Refused {
    if (this.latenessMs > latenessLimitMs) {
      const sentence = `Switchhook is overloaded (its main thread is ${Math.round(this.latenessMs)} ms behind).`
      return { isAdmitted: false, why: 'overload', retryAfterSeconds: 2, sentence }
    }
    const usage = this.#usageOf(tenant)
    if (limits.concurrentCalls !== null && usage.calls >= limits.concurrentCalls) {
      const sentence = `Tenant ${tenant} has its ${limits.concurrentCalls} concurrent calls already.`
      return { isAdmitted: false, why: 'limit', retryAfterSeconds: 10, sentence }
    }
    if (limits.callsPerSecond !== null && !this.#takeToken(usage, limits.callsPerSecond)) {
      const sentence = `Tenant ${tenant} places more than its ${limits.callsPerSecond} calls per second.`
      return { isAdmitted: false, why: 'limit', retryAfterSeconds: 1, sentence }
    }
    usage.calls++
    let isReleased = false
    const release = (): void => {
      if (isReleased) return
      isReleased = true
      usage.calls--
    }
    return { isAdmitted: true, release }
  }

  close(): void {
    this.#cancelProbe()
  }

  #usageOf(tenant: string): Usage {
    let usage = this.#usage.get(tenant)
    if (!usage) {
      usage = { calls: 0, tokens: Number.POSITIVE_INFINITY, filledMs: this.#clock.now() }
      this.#usage.set(tenant, usage)
    }
    return usage
  }

  #takeToken(usage: Usage, perSecond: number): boolean {
    const now = this.#clock.now()
    const filled = usage.tokens + ((now - usage.filledMs) / 1000) * perSecond
    usage.tokens = Math.min(Math.max(1, perSecond), filled)
    usage.filledMs = now
    if (usage.tokens < 1) return false
    usage.tokens--
    return true
  }

  #probe(): void {
    const dueMs = this.#clock.now() + probeMs
    this.#cancelProbe = this.#clock.after(probeMs, () => {
      this.#lateness = [this.#lateness[1], Math.max(0, this.#clock.now() - dueMs)]
      this.#probe()
    })
  }
}
