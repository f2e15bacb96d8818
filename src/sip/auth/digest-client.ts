import type { Random } from '../../base/random.ts'
import { parseChallengeList } from '../message/challenge.ts'
import { quote } from '../message/scanner.ts'
import type { Challenge, SipRequest, SipResponse } from '../message/types.ts'
import { printUri } from '../message/uri.ts'
import { computeHa1, computeResponse, type DigestAlgorithm, parseAlgorithm } from './digest.ts'

/** One realm that challenged us, and the nonce it gave. */
interface Answerable {
  readonly realm: string
  readonly header: 'Authorization' | 'Proxy-Authorization'
  readonly algorithm: DigestAlgorithm
  readonly isSession: boolean
  /** As it stood in the challenge; null where it was absent. */
  readonly algorithmText: string | null
  readonly nonce: string
  readonly opaque: string | null
  readonly qop: 'auth' | 'auth-int' | null
  readonly stale: boolean
  readonly cnonce: string
  readonly ha1: string
  count: number
}

type HeaderLines = readonly (readonly [name: string, value: string])[]

const forms = [
  { status: 401, challenge: 'WWW-Authenticate', credentials: 'Authorization' },
  { status: 407, challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization' },
] as const

/** RFC 8760 §2.4 leaves the order to the client's taste; strongest first. */
const preference: readonly DigestAlgorithm[] = ['SHA-256', 'SHA-512-256', 'MD5']

/** Realms remembered at once: a call passes few proxies. */
const maxRealms = 4

/** The client's side of digest authentication (RFC 3261 §22, RFC 7616, RFC 8760), for one account. */
export class DigestClient {
  readonly #username: string
  readonly #password: string
  readonly #random: Random
  readonly #known = new Map<string, Answerable>()

  constructor(options: { readonly username: string; readonly password: string; readonly random: Random }) {
    this.#username = options.username
    this.#password = options.password
    this.#random = options.random
  }

  /**
   * Takes up the challenge of a 401 or 407. Returns whether to repeat the request, with new `credentials`: not when the
   * challenge cannot be answered, nor when these credentials were refused already: no nonce is answered twice.
   * @param request - the one that was refused, as it was sent.
   * @param attempt - how often this request was repeated for a challenge before: 0 for the first. More than one repeat
   *   is allowed for `stale=true` and for a further realm only, and more than three never.
   */
  takeChallenge(request: SipRequest, response: SipResponse, attempt: number): boolean {
    if (attempt > 3) return false
    const fresh = this.#readChallenges(response)
    if (fresh.length === 0) return false
    for (const challenge of fresh) {
      const key = keyOf(challenge)
      const before = this.#known.get(key)
      const wasSent = before !== undefined && hasCredentials(request, before)
      if (wasSent && challenge.nonce === before.nonce) return false
      // The same account was just refused there, and not for its nonce. A nonce of an earlier request may have run out.
      if (wasSent && attempt > 0 && (!challenge.stale || before.stale)) return false
      this.#known.delete(key)
      this.#known.set(key, challenge)
    }
    while (this.#known.size > maxRealms) {
      const [oldest] = this.#known.keys()
      if (oldest !== undefined) this.#known.delete(oldest)
    }
    return true
  }

  /**
   * Credentials for a request to all who have challenged before, each with its next nonce count. Also for requests that
   * were not challenged yet (RFC 3261 §22.3 allows it, and it saves a round trip). Empty when nobody challenged.
   */
  credentials(request: Pick<SipRequest, 'method' | 'uri' | 'body'>): HeaderLines {
    return [...this.#known.values()].map((known) => [known.header, this.#print(known, request)])
  }

  #readChallenges(response: SipResponse): Answerable[] {
    const form = forms.find(({ status }) => status === response.status)
    if (!form) return []
    const best = new Map<string, Answerable>()
    for (const value of response.headers.getAll(form.challenge)) {
      for (const challenge of parseQuietly(value)) {
        const answerable = this.#read(challenge, form.credentials)
        if (answerable === null) continue
        const other = best.get(answerable.realm)
        if (other && preference.indexOf(other.algorithm) <= preference.indexOf(answerable.algorithm)) continue
        best.set(answerable.realm, answerable)
      }
    }
    return [...best.values()].slice(0, maxRealms)
  }

  #read({ scheme, parameters }: Challenge, header: Answerable['header']): Answerable | null {
    const realm = parameters.get('realm')
    const nonce = parameters.get('nonce')
    const algorithm = parseAlgorithm(parameters.get('algorithm'))
    if (scheme.toLowerCase() !== 'digest' || !algorithm || realm === null || realm === undefined || !nonce) return null
    const qops = parameters
      .get('qop')
      ?.toLowerCase()
      .split(',')
      .map((text) => text.trim())
    const qop =
      qops === undefined ? null : qops.includes('auth') ? 'auth' : qops.includes('auth-int') ? 'auth-int' : undefined
    if (qop === undefined) return null
    return {
      realm,
      header,
      ...algorithm,
      algorithmText: parameters.get('algorithm') ?? null,
      nonce,
      opaque: parameters.get('opaque') ?? null,
      qop,
      stale: parameters.get('stale')?.toLowerCase() === 'true',
      cnonce: this.#random.token(16),
      ha1: computeHa1(algorithm.algorithm, this.#username, realm, this.#password),
      count: 0,
    }
  }

  /** RFC 7616 §3.4 with the quoting of RFC 3261 §25.1: algorithm, qop and nc go without quotes. */
  #print(known: Answerable, request: Pick<SipRequest, 'method' | 'uri' | 'body'>): string {
    known.count++
    const nc = known.count.toString(16).padStart(8, '0')
    const uri = printUri(request.uri)
    const response = computeResponse({ ...known, nc, method: request.method, uri, body: request.body })
    const parts = [
      `username=${quote(this.#username)}`,
      `realm=${quote(known.realm)}`,
      `nonce=${quote(known.nonce)}`,
      `uri=${quote(uri)}`,
      `response="${response}"`,
    ]
    if (known.algorithmText !== null) parts.push(`algorithm=${known.algorithmText}`)
    if (known.qop !== null) parts.push(`cnonce="${known.cnonce}"`, `qop=${known.qop}`, `nc=${nc}`)
    if (known.opaque !== null) parts.push(`opaque=${quote(known.opaque)}`)
    return `Digest ${parts.join(', ')}`
  }
}

function keyOf(challenge: Answerable): string {
  return `${challenge.header} ${challenge.realm}`
}

function hasCredentials(request: SipRequest, known: Answerable): boolean {
  return request.headers.getAll(known.header).some((value) => value.includes(quote(known.nonce)))
}

function parseQuietly(value: string): readonly Challenge[] {
  try {
    return parseChallengeList(value)
  } catch {
    return []
  }
}
