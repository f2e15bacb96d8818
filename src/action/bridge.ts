import { StateError } from '../base/errors.ts'
import type { Call } from '../call/call.ts'
import type { Party } from '../call/party.ts'
import type { RecordingParts } from '../call/recording.ts'
import { assertAlone, type ConversationEnd, converse } from './conversation.ts'
import { loadLimit } from './dial.ts'
import { checkDial, type DialOptions } from './dial-options.ts'
import type { ResolvePrompts } from './peer.ts'

export type BridgeOptions = Pick<
  DialOptions,
  'limitSeconds' | 'limitWarningSeconds' | 'record' | 'recordName' | 'signal'
>

/** How two who were joined have parted. Whoever has not left is still there. `callee` is the other one. */
export type BridgeOutcome = ConversationEnd

/**
 * Joins the caller with somebody who is there already: a peer of this call, or the caller of another.
 * Throws StateError `action.already-joined`, `action.other-tenant`, ParseError `action.dial-invalid`.
 */
export async function bridge(
  call: Call,
  parts: RecordingParts,
  resolve: ResolvePrompts,
  other: { readonly party: Party; readonly call: Call },
  options: BridgeOptions,
): Promise<BridgeOutcome> {
  checkDial('-', options)
  assertAlone(call)
  assertAlone(other.call)
  if (other.call.tenant !== call.tenant) {
    throw new StateError('action.other-tenant', 'Calls of two tenants are never joined.', {
      facts: { callId: call.id, other: other.call.id },
    })
  }
  const limit = await loadLimit(options, resolve)
  if (other.party.isEnded) {
    const sentence = `${other.party.number} had gone before the two were joined.`
    return { outcome: 'failed', endedBy: 'callee', talkSeconds: 0, recordingId: null, sentence }
  }
  if (other.call !== call) other.call.answer()
  const end = await converse(call, parts, other.party, {
    limit,
    record: options.record ?? false,
    recordName: options.recordName,
    signal: options.signal,
  })
  // A peer of this very call that hung up is why the program ends it now.
  const isPeers = other.call === call && end.endedBy === 'callee'
  if (!call.isEnded) call.remember({ sentence: end.sentence, endedBy: isPeers ? 'callee' : null })
  return end
}
