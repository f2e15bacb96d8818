import { ClickToDial } from './action/click-to-dial.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/log.ts'
import type { Calls } from './call/calls.ts'
import type { Reacher } from './call/reach.ts'
import type { Settings } from './config/settings.ts'
import { RecordingLinks } from './dialects/voip24h/links.ts'
import { mountVoip24h } from './dialects/voip24h/routes.ts'
import type { HttpServer } from './http/server.ts'
import type { PlacedCalls } from './placed-calls.ts'
import type { Directory } from './routing/directory.ts'
import type { Store } from './store/store.ts'

/** Joins the Voip24h partner API with the calls, the records and the recordings of this server. */
export async function mountPartnerApi(
  http: HttpServer,
  parts: {
    readonly settings: Settings
    readonly store: Store
    readonly directory: Directory
    readonly clock: Clock
    readonly log: Logger
    /** Seals links to recordings. */
    readonly linkKey: string
    readonly calls: Calls
    readonly placed: PlacedCalls
    readonly reacher: Reacher
  },
): Promise<void> {
  const { settings, store, directory, clock, log, linkKey, calls, placed, reacher } = parts
  const clicks = new ClickToDial(placed, reacher)
  await mountVoip24h(http, {
    clock,
    log,
    directory,
    // Other dialects have links of their own under the same secret: the prefix keeps them apart.
    links: new RecordingLinks({ key: `voip24h:${linkKey}`, publicUrl: () => settings.http.publicUrl, clock }),
    calls: store.calls,
    extensionCalls: store.extensionCalls,
    recordings: store.recordings,
    dataFolder: settings.data,
    live: (id) => {
      const call = calls.find(id)
      return call && { call: call.record(), legs: call.parties().map((party) => party.row()) }
    },
    dial: (click) => clicks.dial(click),
  })
}
