import { toError } from '../../base/errors.ts'
import { type Diversion, parseDiversion, printDiversion } from './diversion.ts'
import type { Headers } from './headers.ts'
import { type HistoryEntry, parseHistoryEntry, printHistoryEntry } from './history-info.ts'
import { parseNameAddress, printNameAddress } from './name-address.ts'
import { noParameters } from './parameters.ts'
import { splitList } from './split-list.ts'
import { isSipUri, type NameAddress } from './types.ts'

/** RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1. */
export const privacyValues = ['header', 'session', 'user', 'none', 'critical', 'id', 'history'] as const
export type Privacy = (typeof privacyValues)[number]

/** Who calls, who vouches for it, who is to know it, and who sent the call on. */
export interface Identity {
  /** P-Asserted-Identity: at most one SIP or SIPS and one tel URI (RFC 3325 §9.1). Worth as much as whoever sent it. */
  readonly asserted: readonly NameAddress[]
  readonly privacy: ReadonlySet<Privacy>
  /** The latest first, as they stand (RFC 5806 §4). */
  readonly diversions: readonly Diversion[]
  /** The oldest first, as they stand (RFC 7044 §9.1). */
  readonly history: readonly HistoryEntry[]
  /** RFC 3892; null: none. */
  readonly referredBy: NameAddress | null
}

export const noIdentity: Identity = {
  asserted: [],
  privacy: new Set(),
  diversions: [],
  history: [],
  referredBy: null,
}

/** The From of a caller who wants to stay unknown: RFC 3323 §4.1.1.3. */
export const anonymousAddress: NameAddress = {
  displayName: 'Anonymous',
  uri: {
    scheme: 'sip',
    user: 'anonymous',
    password: null,
    host: 'anonymous.invalid',
    port: null,
    parameters: noParameters,
    headers: [],
  },
  parameters: noParameters,
}

/** Values of each header field that are read: more are a flood, or a loop. */
const maxValues = 32

/** A value that was left out, and why. */
export interface DamagedValue {
  readonly header: string
  readonly sentence: string
}

/**
 * Reads what a message says. A value that is damaged is left out and costs neither the others nor the call.
 * @param damaged - told of each of those.
 */
export function readIdentity(headers: Headers, damaged: (value: DamagedValue) => void = () => {}): Identity {
  const all = <Value>(name: string, parse: (value: string) => Value): Value[] => readAll(headers, name, parse, damaged)
  return {
    asserted: onePerScheme(all('P-Asserted-Identity', parseNameAddress)),
    privacy: readPrivacy(headers),
    diversions: all('Diversion', parseDiversion),
    history: all('History-Info', parseHistoryEntry),
    referredBy: all('Referred-By', parseNameAddress)[0] ?? null,
  }
}

/** Writes it: one line for each value, nothing for what is absent. Who is to see it is for the caller to decide. */
export function identityHeaders(identity: Identity): readonly (readonly [name: string, value: string])[] {
  const { asserted, privacy, diversions, history, referredBy } = identity
  return [
    ...onePerScheme(asserted).map((address) => ['P-Asserted-Identity', printNameAddress(address)] as const),
    ...(privacy.size === 0 ? [] : [['Privacy', [...privacy].join(';')] as const]),
    ...diversions.map((diversion) => ['Diversion', printDiversion(diversion)] as const),
    ...history.map((entry) => ['History-Info', printHistoryEntry(entry)] as const),
    ...(referredBy ? [['Referred-By', printNameAddress(referredBy)] as const] : []),
  ]
}

/** Whether those outside the trust domain are not to learn who calls: RFC 3325 §7, RFC 3323 §5. `none` says the contrary of all else. */
export function wantsAnonymity({ privacy }: Identity): boolean {
  return !privacy.has('none') && (privacy.has('id') || privacy.has('user') || privacy.has('header'))
}

function readAll<Value>(
  headers: Headers,
  header: string,
  parse: (value: string) => Value,
  damaged: (value: DamagedValue) => void,
): Value[] {
  const found: Value[] = []
  const tolerant = <Read>(read: () => Read): Read | undefined => {
    try {
      return read()
    } catch (thrown) {
      damaged({ header, sentence: toError(thrown).message })
      return undefined
    }
  }
  let seen = 0
  for (const line of headers.getAll(header)) {
    for (const value of tolerant(() => splitList(line)) ?? []) {
      if (seen++ >= maxValues) return found
      const read = tolerant(() => parse(value))
      if (read !== undefined) found.push(read)
    }
  }
  return found
}

/** Semicolons, RFC 3323 §4.2; kindness: commas and blanks too. */
function readPrivacy(headers: Headers): ReadonlySet<Privacy> {
  const words = new Set(headers.getAll('Privacy').flatMap((line) => line.toLowerCase().split(/[;,\s]+/)))
  return new Set(privacyValues.filter((value) => words.has(value)))
}

function onePerScheme(addresses: readonly NameAddress[]): readonly NameAddress[] {
  const sip = addresses.find(({ uri }) => isSipUri(uri))
  const tel = addresses.find(({ uri }) => uri.scheme === 'tel')
  return addresses.filter((address) => address === sip || address === tel)
}
