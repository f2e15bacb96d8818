import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { parseChallenge } from '../message/challenge.ts'
import { quote } from '../message/scanner.ts'
import { type Challenge, isSipUri, type SipRequest } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import { computeHa1, computeResponse, constantTimeEquals, type DigestAlgorithm, parseAlgorithm } from './digest.ts'
import { type FailureLimitOptions, FailureLimits } from './failure-limits.ts'
import { NonceFactory } from './nonce.ts'
import { NonceCounts } from './nonce-counts.ts'

/** Who asks: a user agent server (401) or a proxy (407). */
export type ChallengeForm = 'user' | 'proxy'

/** The clear password, or H(A1) per algorithm, each for the very realm and username that are being checked. */
export type Credential =
  | { readonly password: string }
  | { readonly ha1: Readonly<Partial<Record<DigestAlgorithm, string>>> }

/**
 * Finds what a username should prove. More than one where the realm cannot tell them apart (two tenants with the same
 * extension behind one address): the response tells which it is. Null or empty: unknown.
 */
export type CredentialLookup<C extends Credential> = (
  username: string,
) => C | readonly C[] | null | Promise<C | readonly C[] | null>

export type DigestVerdict<C extends Credential> =
  | { readonly outcome: 'accepted'; readonly username: string; readonly credential: C }
  | { readonly outcome: 'challenge'; readonly stale: boolean; readonly sentence: string }
  /** `status` is 400 for credentials that cannot be read, 403 over a limit of failures. */
  | { readonly outcome: 'refused'; readonly status: 400 | 403; readonly sentence: string }

export interface DigestServerOptions {
  readonly clock: Clock
  readonly random: Random
  /** What is asked for, the strongest first (RFC 8760 §2.4); an answer by another counts as none. SHA-256 and MD5 if absent. */
  readonly algorithms?: readonly DigestAlgorithm[]
  /** How long a nonce may be used; after it, `stale=true`. */
  readonly nonceLifeSeconds?: number
  /** How many nonces are counted at once; see NonceCounts. */
  readonly nonceCapacity?: number
  readonly failures?: FailureLimitOptions
}

const usualAlgorithms: readonly DigestAlgorithm[] = ['SHA-256', 'MD5']

const headerNames = {
  user: { challenge: 'WWW-Authenticate', credentials: 'Authorization', status: 401 },
  proxy: { challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization', status: 407 },
} as const

/** More credentials than this in one request are not looked at. */
const maxCredentials = 8

const dummyPassword = { password: 'nobody has this' }

/** The server's side of digest authentication: RFC 3261 §22, RFC 7616, RFC 8760. */
export class DigestServer {
  readonly #clock: Clock
  readonly #nonces: NonceFactory
  readonly #counts: NonceCounts
  readonly #failures: FailureLimits
  readonly #nonceLifeMs: number
  readonly #algorithms: readonly DigestAlgorithm[]

  constructor(options: DigestServerOptions) {
    const lifeSeconds = options.nonceLifeSeconds ?? 300
    this.#clock = options.clock
    this.#algorithms = options.algorithms ?? usualAlgorithms
    this.#nonceLifeMs = lifeSeconds * 1000
    this.#nonces = new NonceFactory({ clock: options.clock, random: options.random, lifeSeconds })
    this.#counts = new NonceCounts({ capacity: options.nonceCapacity ?? 50_000 })
    this.#failures = new FailureLimits(options.clock, options.failures)
  }

  /** The status that goes with a challenge of this form. */
  challengeStatus(form: ChallengeForm): 401 | 407 {
    return headerNames[form].status
  }

  /** The header fields of a 401 or 407: one challenge per algorithm, each with a nonce of its own. */
  challengeHeaders(
    realm: string,
    options: { readonly form?: ChallengeForm; readonly stale?: boolean } = {},
  ): readonly (readonly [name: string, value: string])[] {
    const name = headerNames[options.form ?? 'user'].challenge
    return this.#algorithms.map((algorithm) => {
      const nonce = this.#nonces.make(realm)
      const stale = options.stale ? ', stale=true' : ''
      return [name, `Digest realm=${quote(realm)}, qop="auth", nonce="${nonce}"${stale}, algorithm=${algorithm}`]
    })
  }

  /**
   * Checks the credentials of a request. `auth` and `auth-int` are both understood, though only `auth` is asked for;
   * a response without qop (RFC 2069) is good once per nonce.
   * @param source - where it came from: failures are counted by it.
   * @returns never rejects but when `lookup` does.
   */
  async verify<C extends Credential>(
    request: SipRequest,
    realm: string,
    lookup: CredentialLookup<C>,
    source: { readonly address: string; readonly form?: ChallengeForm },
  ): Promise<DigestVerdict<C>> {
    const read = readCredentials(request, realm, source.form ?? 'user', this.#algorithms)
    if ('outcome' in read) return read
    const user = `${read.username}@${realm}`
    const bound = this.#failures.exceeded(source.address, user)
    if (bound !== null) return refused(403, `Too many wrong passwords ${boundText[bound]}.`)

    const found = await lookup(read.username)
    const candidates: readonly C[] = found === null ? [] : isList(found) ? found : [found]
    let match: C | null = null
    for (const candidate of candidates) if (isAnsweredBy(read, realm, request, candidate)) match ??= candidate
    // An unknown user takes as long as a known one.
    if (candidates.length === 0) isAnsweredBy(read, realm, request, dummyPassword)
    if (match === null) {
      this.#failures.failed(source.address, user)
      return challenge(false, 'The username or the password is wrong.')
    }
    this.#failures.succeeded(source.address, user)

    // Only now: `stale=true` says that the password was right (RFC 7616 §3.3), and no guess uses up a count.
    const nonce = this.#nonces.check(read.nonce, realm)
    if (nonce.kind !== 'valid') return challenge(true, 'The nonce is too old.')
    this.#counts.forgetExpired(this.#clock.wallTime() - this.#nonceLifeMs)
    if (!this.#counts.use(read.nonce, nonce.issuedAt, read.count)) {
      return challenge(true, 'The nonce count was used before.')
    }
    return { outcome: 'accepted', username: read.username, credential: match }
  }
}

const boundText = {
  address: 'came from this address',
  user: 'were tried for this user',
  pair: 'were tried for this user from this address',
} as const

interface ReadCredentials {
  readonly username: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly isSession: boolean
  readonly qop: 'auth' | 'auth-int' | null
  readonly nc: string
  readonly count: number
  readonly cnonce: string
}

type Unread = Exclude<DigestVerdict<never>, { readonly outcome: 'accepted' }>

/** The strongest Digest credentials for the realm, checked for form, or what to answer where there are none. */
function readCredentials(
  request: SipRequest,
  realm: string,
  form: ChallengeForm,
  offered: readonly DigestAlgorithm[],
): ReadCredentials | Unread {
  let best: ReadCredentials | null = null
  for (const value of request.headers.getAll(headerNames[form].credentials).slice(0, maxCredentials)) {
    const parsed = parseQuietly(value)
    if (parsed === null) return refused(400, 'The credentials cannot be read.')
    if (parsed.scheme.toLowerCase() !== 'digest' || parsed.parameters.get('realm') !== realm) continue
    const algorithm = parseAlgorithm(parsed.parameters.get('algorithm'))
    // An algorithm that was not asked for is no answer to our challenge: it is asked again.
    if (algorithm === null || algorithm.isSession || !offered.includes(algorithm.algorithm)) continue
    const fields = readFields(parsed)
    if (fields === null) return refused(400, 'The credentials lack a parameter or have an illegal one.')
    if (!isSameResource(fields.uri, request)) {
      return refused(400, 'The uri of the credentials is not that of the request.')
    }
    if (best === null || offered.indexOf(algorithm.algorithm) < offered.indexOf(best.algorithm)) {
      best = { ...fields, ...algorithm }
    }
  }
  return best ?? challenge(false, 'No credentials for this realm were sent.')
}

function readFields({ parameters }: Challenge): Omit<ReadCredentials, 'algorithm' | 'isSession'> | null {
  const username = parameters.get('username')
  const nonce = parameters.get('nonce')
  const uri = parameters.get('uri')
  const response = parameters.get('response')
  if (!username || !nonce || !uri || !response) return null
  const qop = parameters.get('qop')?.toLowerCase() ?? null
  if (qop === null) return { username, nonce, uri, response, qop, nc: '', count: 1, cnonce: '' }
  const nc = parameters.get('nc')
  const cnonce = parameters.get('cnonce')
  if ((qop !== 'auth' && qop !== 'auth-int') || !cnonce || !nc || !/^[0-9a-f]{8}$/i.test(nc)) return null
  const count = Number.parseInt(nc, 16)
  return count === 0 ? null : { username, nonce, uri, response, qop, nc, count, cnonce }
}

/**
 * RFC 7616 §3.4.6: the digest's uri must name the resource of the request line. RFC 3261 §22.4 takes a difference for no
 * failure in itself, "due to forwarding at some proxy". Kindness: only the host must be the same. Proxies rewrite numbers
 * and ports, telephones leave out or add `;transport=`, and sipp signs the bare host.
 */
function isSameResource(text: string, request: SipRequest): boolean {
  let uri: ReturnType<typeof parseUri>
  try {
    uri = parseUri(text)
  } catch {
    return false
  }
  if (!isSipUri(uri) || !isSipUri(request.uri)) return false
  return uri.host === request.uri.host
}

function isAnsweredBy(read: ReadCredentials, realm: string, request: SipRequest, credential: Credential): boolean {
  const ha1 =
    'password' in credential
      ? computeHa1(read.algorithm, read.username, realm, credential.password)
      : credential.ha1[read.algorithm]
  if (ha1 === undefined) return false
  const expected = computeResponse({ ...read, ha1, method: request.method, body: request.body })
  return constantTimeEquals(expected, read.response.toLowerCase())
}

function parseQuietly(value: string): Challenge | null {
  try {
    return parseChallenge(value)
  } catch {
    return null
  }
}

function isList<C>(found: C | readonly C[]): found is readonly C[] {
  return Array.isArray(found)
}

function challenge(stale: boolean, sentence: string): Unread {
  return { outcome: 'challenge', stale, sentence }
}

function refused(status: 400 | 403, sentence: string): Unread {
  return { outcome: 'refused', status, sentence }
}
