import { parseReplaces } from '../message/replaces.ts'
import type { SipRequest } from '../message/types.ts'
import { isTag } from './dialog-name.ts'
import type { DialogName } from './types.ts'
import type { Usage } from './usage.ts'
import type { UsageStore } from './usage-store.ts'

export type Replacement =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly usage: Usage }
  | { readonly kind: 'refused'; readonly status: 481 | 486 | 603 }

/** The usage whose dialog a peer of ours names: the to-tag is our local tag (RFC 3891 §3). */
export function findNamed(usages: UsageStore, name: DialogName): Usage | null {
  const usage = usages.find(name, name.toTag)
  if (!usage) return null
  const { remoteTag } = usage
  if (remoteTag !== null && isTag(name.fromTag, remoteTag)) return usage
  return usage.findDialog(name.fromTag) ? usage : null
}

/**
 * What the Replaces of a new INVITE comes to, RFC 3891 §3. Whether its sender may do so is left to who hears of the INVITE:
 * a name is as hard to guess as our tags are.
 * @throws MessageError for a Replaces that is none: 400.
 */
export function replacementOf(invite: SipRequest, usages: UsageStore): Replacement {
  const value = invite.headers.get('Replaces')
  if (value === undefined) return { kind: 'none' }
  const name = parseReplaces(value)
  const usage = findNamed(usages, name)
  if (!usage) return { kind: 'refused', status: 481 }
  if (usage.state === 'ended') return { kind: 'refused', status: 603 }
  if (usage.state === 'early') {
    // "an early dialog that was not initiated by this UA": a call that rings here is not to be picked up this way.
    return usage.isCaller ? { kind: 'found', usage } : { kind: 'refused', status: 481 }
  }
  return name.isEarlyOnly ? { kind: 'refused', status: 486 } : { kind: 'found', usage }
}
