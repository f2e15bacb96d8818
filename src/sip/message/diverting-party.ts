import type { HistoryEntry } from './history-info.ts'
import type { Identity } from './identity.ts'
import type { Uri } from './types.ts'

/**
 * Who has sent a call on to us, the likeliest first: ADR 0023. A History-Info entry with the cause of RFC 4458 says that the call
 * was diverted, and from whom; then comes Diversion, whose first value is the latest (RFC 5806 §4); then a target that was
 * another user's (`mp`) without a word why, which may be the translation of a number as well as a diversion.
 */
export function divertingParties({ history, diversions }: Pick<Identity, 'history' | 'diversions'>): readonly Uri[] {
  const [latest] = diversions
  const found = [divertedFrom(history, hasCause), latest?.address.uri, divertedFrom(history, isOtherUser)]
  return found.filter((uri) => uri !== undefined)
}

type Sign = (entry: HistoryEntry, from: HistoryEntry) => boolean

/** RFC 4458 §2: this target was chosen because the one before could not, or would not, take the call. */
const hasCause: Sign = ({ cause }) => cause !== null

/** RFC 7044 §5, or, of servers of RFC 4244, which knew no `mp`: the target before it has answered with a refusal. */
const isOtherUser: Sign = ({ mapping }, from) => mapping?.kind === 'mp' || (mapping === null && from.reason !== null)

/**
 * From the target that is us back to the first that bears the sign: whose it was before. `rc` and `np` in between are other
 * addresses of the same user (RFC 7044 §5), and are passed over.
 */
function divertedFrom(history: readonly HistoryEntry[], isSign: Sign): Uri | undefined {
  const inOrder = [...history].sort((one, other) => compareIndexes(one.index, other.index))
  let entry = inOrder.at(-1)
  // Each step leads to a smaller index, so this ends.
  while (entry) {
    const from = originOf(entry, inOrder)
    if (!from) return undefined
    if (isSign(entry, from)) return from.uri
    entry = from
  }
  return undefined
}

/** Out of which entry one was made: the one it names, else its parent in the tree, else the one before it. */
function originOf(entry: HistoryEntry, inOrder: readonly HistoryEntry[]): HistoryEntry | undefined {
  const named = entry.mapping?.from ?? entry.index.replace(/\.?\d+$/, '')
  const earlier = inOrder.filter(({ index }) => compareIndexes(index, entry.index) < 0)
  return earlier.findLast(({ index }) => index === named) ?? earlier.at(-1)
}

/** `1.2` before `1.10`, and a parent before its children. */
function compareIndexes(one: string, other: string): number {
  const [a, b] = [one, other].map((index) => index.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? -1) - (b[i] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}
