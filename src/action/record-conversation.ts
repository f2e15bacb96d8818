import { toError } from '../base/errors.ts'
import type { Call } from '../call/call.ts'
import type { Party } from '../call/party.ts'
import type { RecordingParts } from '../call/recording.ts'
import type { RecordingPolicy } from '../config/settings.ts'
import { KeySequences, watchKeys } from './key-sequences.ts'
import { monitor, monitorOf } from './monitor.ts'

export interface RecordingPolicies {
  /** What is to be done with a call of these parties. @param parties - extensions; null for one that is none. */
  recordingPolicyOf?(tenant: string, parties: readonly (string | null)[]): RecordingPolicy
}

/** What an extension presses during a call that may be recorded: begins the recording, pauses it, lets it go on. */
const recordingKeys = '*1'

/**
 * Records the whole call on two channels while the caller is joined with somebody, where that is the policy of either: `on` from
 * when they are joined, `on-demand` from when an extension presses `*1` (or an operator asks for it over the admin API). The same keys
 * pause what runs and let it go on.
 */
export function recordConversation(call: Call, parts: RecordingParts & RecordingPolicies): void {
  const begin = async (): Promise<void> => {
    const other = await whenJoined(call)
    if (!other) return
    const extensionOf = (party: Party): string | null => party.leg.party.extension
    const parties = [call.party, other]
    const policy = parts.recordingPolicyOf?.(call.tenant, parties.map(extensionOf)) ?? 'off'
    if (policy === 'off') return
    if (policy === 'on' && !monitorOf(call)) monitor(call, parts)
    const extensions = parties.filter((party) => extensionOf(party) !== null)
    const watches = extensions.map((party) =>
      watchKeys(party, new KeySequences([[recordingKeys, 'record']]), () => switchOver(call, parts)),
    )
    await call.bridge?.ended
    for (const watch of watches) watch.stop()
  }
  // A conversation is worth more than its recording.
  begin().catch((thrown) => noteFailure(call, thrown))
}

function switchOver(call: Call, parts: RecordingParts): void {
  const running = monitorOf(call)
  try {
    if (!running) monitor(call, parts)
    else if (running.isPaused) running.resume()
    else running.pause()
  } catch (thrown) {
    noteFailure(call, thrown)
  }
}

function noteFailure(call: Call, thrown: unknown): void {
  call.note('problem', 'recordingFailed', { problem: toError(thrown).message })
}

/** Whom the caller is joined with, once it is; null when the call is over first. */
function whenJoined(call: Call): Promise<Party | null> {
  return new Promise((resolve) => {
    const { party } = call
    const look = (): void => {
      const other = call.bridge?.has(call.party) ? call.bridge.other(call.party) : null
      if (!other && !call.isEnded) return
      unwatch()
      resolve(call.isEnded ? null : other)
    }
    // The party hears of it a moment before its call does.
    const later = (): void => queueMicrotask(look)
    const unlisten = party.on('placed', later)
    call.signal.addEventListener('abort', look, { once: true })
    const unwatch = (): void => {
      unlisten()
      call.signal.removeEventListener('abort', look)
    }
    look()
  })
}
