import { MessageError } from './message-error.ts'
import { parseNameAddress, printNameAddress } from './name-address.ts'
import { parseReasonList, printReason, type ReasonValue } from './reason.ts'
import { isSipUri, type Uri } from './types.ts'

/** How a target came about, RFC 7044 §5: another user (`mp`), another address of the same (`rc`), or the same (`np`). */
export type HistoryMapping = 'mp' | 'rc' | 'np'

/** One value of History-Info, RFC 7044 §5: a target that the call was sent to. */
export interface HistoryEntry {
  /** Without its Reason and Privacy. */
  readonly uri: Uri
  readonly displayName: string | null
  /** `1`, `1.1`, `1.2.1` …: its place in the tree of targets. */
  readonly index: string
  /** Why the call left this target again. */
  readonly reason: ReasonValue | null
  /** Why the call was sent to this target: the `cause` of RFC 4458, a status such as 302, 408, 486. */
  readonly cause: number | null
  /** Out of which entry this one was made, by its index. */
  readonly mapping: { readonly kind: HistoryMapping; readonly from: string } | null
  /** Not to be shown beyond our own domain: RFC 7044 §10.1.1. */
  readonly isPrivate: boolean
}

const kinds: readonly HistoryMapping[] = ['mp', 'rc', 'np']

/** Levels of a call that was sent on again and again; Max-Forwards ends it sooner. */
const indexPattern = /^\d{1,5}(\.\d{1,5}){0,69}$/

/** @throws MessageError `sip-message.header`, `sip-message.uri`; also for an entry whose index is missing or none. */
export function parseHistoryEntry(value: string): HistoryEntry {
  const { uri, displayName, parameters } = parseNameAddress(value)
  const index = parameters.get('index') ?? ''
  if (!isIndex(index)) {
    throw new MessageError('sip-message.header', 'A History-Info without its index.', {
      facts: { header: 'History-Info' },
    })
  }
  const kind = kinds.find((name) => isIndex(parameters.get(name) ?? ''))
  const headers = isSipUri(uri) ? uri.headers : []
  const header = (wanted: string): string | undefined => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  const cause = Number(isSipUri(uri) ? uri.parameters.get('cause') : undefined)
  return {
    uri: plain(uri),
    displayName,
    index,
    reason: readReason(header('reason')),
    cause: Number.isInteger(cause) && cause >= 100 && cause <= 699 ? cause : null,
    mapping: kind === undefined ? null : { kind, from: parameters.get(kind) ?? '' },
    isPrivate: (header('privacy') ?? '').toLowerCase().includes('history'),
  }
}

export function printHistoryEntry(entry: HistoryEntry): string {
  const parameters = new Map<string, string | null>([['index', entry.index]])
  if (entry.mapping) parameters.set(entry.mapping.kind, entry.mapping.from)
  return printNameAddress({ displayName: entry.displayName, uri: withHistory(entry), parameters })
}

/**
 * The history of a call that we send on, RFC 7044 §10.2 and §10.3: the last target is told why the call left it, and the new
 * one is its child. Without any history the target that the call came with is its beginning, index 1.
 * @param step - `cause`: 302 unconditionally, 486 busy, 408 no answer, 404, 480 … (RFC 4458 §2).
 */
export function appendHistory(
  history: readonly HistoryEntry[],
  step: { readonly from: Uri; readonly to: Uri; readonly cause: number; readonly kind?: HistoryMapping },
): readonly HistoryEntry[] {
  const last = history.at(-1) ?? entryOf(step.from, '1')
  const left = { ...last, reason: last.reason ?? { protocol: 'SIP', cause: step.cause, text: '' } }
  const mapping = { kind: step.kind ?? 'mp', from: last.index }
  return [...history.slice(0, -1), left, { ...entryOf(step.to, `${last.index}.1`), cause: step.cause, mapping }]
}

function entryOf(uri: Uri, index: string): HistoryEntry {
  return { uri: plain(uri), displayName: null, index, reason: null, cause: null, mapping: null, isPrivate: false }
}

function isIndex(text: string): boolean {
  return indexPattern.test(text)
}

/** Only the first Reason is kept: each says the same in another numbering. */
function readReason(value: string | undefined): ReasonValue | null {
  if (value === undefined) return null
  try {
    return parseReasonList(value)[0] ?? null
  } catch {
    return null
  }
}

function plain(uri: Uri): Uri {
  if (!isSipUri(uri)) return uri
  const parameters = new Map(uri.parameters)
  parameters.delete('cause')
  return { ...uri, parameters, headers: uri.headers.filter(([name]) => !/^(reason|privacy)$/i.test(name)) }
}

/** Of other schemes only the bare URI can be told. */
function withHistory({ uri, reason, cause, isPrivate }: HistoryEntry): Uri {
  if (!isSipUri(uri)) return uri
  const parameters = new Map(uri.parameters)
  if (cause !== null) parameters.set('cause', String(cause))
  const headers = [...uri.headers]
  if (reason) headers.push(['Reason', printReason(reason)])
  if (isPrivate) headers.push(['Privacy', 'history'])
  return { ...uri, parameters, headers }
}
