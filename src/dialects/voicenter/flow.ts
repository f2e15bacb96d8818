import type { FlowCall } from '../../action/flow-call.ts'
import type { Flow } from '../../action/run-flow.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import { Dialogue } from './dialogue.ts'
import { oweHangup } from './hangup.ts'
import type { VoicenterParts } from './parts.ts'
import { Session } from './session.ts'

/** A call that goes from one handler to another by a layer keeps its id, and only the first is told of its end. */
const sessions = new WeakMap<FlowCall, Session>()

/** The flow of an app of this dialect: its handler is asked what to do until the call ends or goes elsewhere. */
export function voicenterFlow(app: VoicenterAppSettings, tenant: TenantSettings, parts: VoicenterParts): Flow {
  return async (call) => {
    let session = sessions.get(call)
    if (!session) {
      session = new Session(call, app, tenant, parts.random)
      sessions.set(call, session)
      call.note('voicenterBegun', { ivrUniqueId: session.uniqueId, app: app.name, callerId: session.callerId })
      await oweHangup(call, app, tenant, session, parts)
    }
    await new Dialogue(call, app, tenant, session, parts).run()
  }
}
