import type { NamedRecordings } from '../../action/prompts.ts'
import type { Flow } from '../../action/run-flow.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { AppSettings, TenantSettings } from '../../config/settings.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { Outbox } from '../../store/outbox.ts'

/** What the dialect is built on, besides the verbs of a call. */
export interface VoicenterParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly http: Pick<OutgoingHttp, 'request'>
  readonly outbox: Pick<Outbox, 'add' | 'announce' | 'withdraw'>
  readonly recordings: NamedRecordings
  /** Whether an address stands in the operator's own file. One that came over the admin API may not lead into private networks. */
  isTrusted(tenant: string, url: string): boolean
  /** What an app of the tenant does with a call; null where its kind is not served. */
  flowOf(app: AppSettings, tenant: TenantSettings): Flow | null
  /** A call to an extension of the tenant. */
  flowOfExtension(extension: string, tenant: TenantSettings): Flow
}
