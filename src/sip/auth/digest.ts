import { createHash, timingSafeEqual } from 'node:crypto'

/** RFC 8760 §2.1, strongest first. A `-sess` variant is the same hash with a session key (RFC 7616 §3.4.2). */
export type DigestAlgorithm = 'SHA-256' | 'SHA-512-256' | 'MD5'

const hashNames: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
  MD5: 'md5',
}

/** The value of an `algorithm` parameter, taken apart; absent means MD5 (RFC 7616 §3.3). Null for one we do not know. */
export function parseAlgorithm(
  value: string | null | undefined,
): { readonly algorithm: DigestAlgorithm; readonly isSession: boolean } | null {
  const text = (value ?? 'MD5').toUpperCase()
  const isSession = text.endsWith('-SESS')
  const name = isSession ? text.slice(0, -'-SESS'.length) : text
  return name === 'MD5' || name === 'SHA-256' || name === 'SHA-512-256' ? { algorithm: name, isSession } : null
}

/** H(...) of RFC 7616 §3.3: lower-case hexadecimal. */
function hashHex(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return createHash(hashNames[algorithm]).update(data).digest('hex')
}

/** H(A1) without a session, RFC 7616 §3.4.2: what may be stored in the place of a password. */
export function computeHa1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hashHex(algorithm, `${username}:${realm}:${password}`)
}

export interface ResponseInput {
  readonly algorithm: DigestAlgorithm
  readonly isSession: boolean
  readonly ha1: string
  readonly nonce: string
  /** Null for the form of RFC 2069, which has neither qop nor nc nor cnonce. */
  readonly qop: 'auth' | 'auth-int' | null
  /** Eight hexadecimal digits. */
  readonly nc: string
  readonly cnonce: string
  readonly method: string
  readonly uri: string
  /** Hashed for `auth-int` only. */
  readonly body: Uint8Array
}

/** The `response` of RFC 7616 §3.4.1. */
export function computeResponse(input: ResponseInput): string {
  const { algorithm, nonce, qop, cnonce } = input
  const ha1 = input.isSession ? hashHex(algorithm, `${input.ha1}:${nonce}:${cnonce}`) : input.ha1
  const a2 = `${input.method}:${input.uri}`
  const ha2 = hashHex(algorithm, qop === 'auth-int' ? `${a2}:${hashHex(algorithm, input.body)}` : a2)
  return hashHex(
    algorithm,
    qop === null ? `${ha1}:${nonce}:${ha2}` : `${ha1}:${nonce}:${input.nc}:${cnonce}:${qop}:${ha2}`,
  )
}

/** Whether two texts are equal, in a time that tells nothing about where they differ. Their lengths are no secret. */
export function constantTimeEquals(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8')
  const right = Buffer.from(b, 'utf8')
  return left.length === right.length && timingSafeEqual(left, right)
}
