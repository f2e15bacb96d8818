import { printReplaces } from '../message/replaces.ts'
import type { DialogName, ExtraHeaders, InviteUsage } from './types.ts'

/** What stands for the tag that a peer of RFC 2543 never gave: RFC 3891 §3. */
const noTag = '0'

/**
 * How the peer names this dialog in a Replaces that it sends to us, or asks others to send to us: the to-tag is ours
 * (RFC 3891 §3). What `UserAgent.findUsage` looks for. Null while the peer's tag is unknown.
 */
export function nameWrittenByPeer(usage: InviteUsage, isEarlyOnly = false): DialogName | null {
  const { sipCallId, localTag, remoteTag } = usage
  return remoteTag === null ? null : { sipCallId, toTag: localTag, fromTag: remoteTag || noTag, isEarlyOnly }
}

/**
 * How we name this dialog in a Replaces that goes to its peer: in an INVITE of ours, or in the Refer-To that we give to
 * somebody who is to take our place (`ReferOptions.replaces`). The to-tag is the peer's. Null while that is unknown.
 */
export function nameWrittenByUs(usage: InviteUsage, isEarlyOnly = false): DialogName | null {
  const { sipCallId, localTag, remoteTag } = usage
  return remoteTag === null ? null : { sipCallId, toTag: remoteTag || noTag, fromTag: localTag, isEarlyOnly }
}

/** What makes an INVITE of ours take the place of a dialog of its receiver: RFC 3891 §4. */
export function replacesHeaders(name: DialogName): ExtraHeaders {
  return [
    ['Replaces', printReplaces(name)],
    ['Require', 'replaces'],
  ]
}

/** Whether a tag in a Replaces is that of the dialog: 0 means none as well (RFC 3891 §3). */
export function isTag(named: string, actual: string): boolean {
  return named === actual || (named === noTag && actual === '')
}
