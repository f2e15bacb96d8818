import type { Clock } from '../base/clock.ts'
import type { IdFactory } from '../base/ids.ts'
import type { Calls } from '../call/calls.ts'
import type { Rooms } from '../call/rooms.ts'
import { BearerCheck } from '../http/bearer.ts'
import type { HttpServer } from '../http/server.ts'
import type { Directory } from '../routing/directory.ts'
import type { Store } from '../store/store.ts'
import { callRoutes } from './call-routes.ts'
import { type EventRoutesParts, eventRoutes } from './event-routes.ts'
import { type HealthParts, healthRoutes } from './health-routes.ts'
import { liveCallRoutes } from './live-call-routes.ts'
import type { LiveSettings } from './live-settings.ts'
import { type MailboxRoutesParts, mailboxRoutes } from './mailbox-routes.ts'
import { promoRoutes } from './promo-routes.ts'
import { publishedSchema } from './published-schema.ts'
import { recordingRoutes } from './recording-routes.ts'
import { type RetentionRunner, retentionRoutes } from './retention-routes.ts'
import { roomRoutes } from './room-routes.ts'
import { settingRoutes } from './setting-routes.ts'
import type { Registration, TrunkStatus } from './status.ts'
import { statusRoutes } from './status-routes.ts'

export interface AdminParts extends HealthParts, EventRoutesParts {
  readonly clock: Clock
  readonly token: string
  readonly ids: IdFactory
  readonly calls: Calls
  readonly rooms: Rooms
  readonly store: Store
  readonly directory: Directory
  readonly settings: LiveSettings
  readonly retention: RetentionRunner
  /** Absent: no mailboxes are served. */
  readonly voicemail?: MailboxRoutesParts
  readonly dataFolder: string
  registrations(): readonly Registration[]
  trunks(): readonly TrunkStatus[]
}

/** Mounts the admin API and what needs no token beside it. */
export async function mountAdmin(server: HttpServer, parts: AdminParts): Promise<void> {
  healthRoutes(server, parts)
  const bearer = new BearerCheck(parts.token, parts.clock)
  await server.register(
    async (scope) => {
      const api = scope as HttpServer
      // The document itself is no secret: it is the same for every server of this version.
      api.get('/openapi.json', { schema: { hide: true } }, async () => server.swagger())
      await api.register(async (inner) => {
        const guarded = inner as HttpServer
        guarded.addHook('onRequest', async (request) => bearer.check(request))
        guarded.addHook('onRoute', (route) => {
          route.schema = publishedSchema(route)
        })
        callRoutes(guarded, parts)
        liveCallRoutes(guarded, parts)
        roomRoutes(guarded, parts)
        recordingRoutes(guarded, parts)
        eventRoutes(guarded, parts)
        settingRoutes(guarded, parts)
        if (parts.voicemail) mailboxRoutes(guarded, parts.voicemail)
        promoRoutes(guarded, parts)
        statusRoutes(guarded, parts)
        retentionRoutes(guarded, parts)
      })
    },
    { prefix: '/api/v1' },
  )
}
