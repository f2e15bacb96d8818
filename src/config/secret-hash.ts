import { createHash, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import type { Random } from '../base/random.ts'

/** RFC 7914 §2; 16 MiB and some 40 ms per check, in Node's thread pool. */
const cost = { N: 16_384, r: 8, p: 1 }
const saltBytes = 16
const hashBytes = 32

/**
 * Hashes a secret that a person or partner chose, slowly, so that a stolen database does not give it away.
 * @returns `scrypt$N$r$p$salt$hash`, base64url.
 */
export async function hashSecret(secret: string, random: Random): Promise<string> {
  const salt = random.bytes(saltBytes)
  const hash = await slowHash(secret, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, toText(salt), toText(hash)].join('$')
}

/**
 * Hashes a token that we made with at least 128 random bits. Nobody can try all of those, so it may be quick: it is
 * checked on every request, and can be looked up by.
 * @returns `sha256$hash`, base64url.
 */
export function hashToken(token: string): string {
  return `sha256$${toText(sha256(token))}`
}

/** Whether a text is what `hashToken` gives: 32 bytes in base 64, and nothing that merely begins so. */
export function isTokenHash(text: string): boolean {
  return /^sha256\$[A-Za-z0-9_-]{43}$/.test(text)
}

/** Whether the secret is the one that was hashed, by either function, in constant time. False for what is no hash. */
export async function verifySecret(secret: string, stored: string): Promise<boolean> {
  const [kind, ...parts] = stored.split('$')
  if (kind === 'sha256') return isEqual(sha256(secret), fromText(parts[0]))
  if (kind !== 'scrypt' || parts.length !== 5) return false
  const [N, r, p] = parts.slice(0, 3).map(Number)
  // Only what we write ourselves: a forged row must not make us spend a minute or a gigabyte.
  if (N !== cost.N || r !== cost.r || p !== cost.p) return false
  return isEqual(await slowHash(secret, fromText(parts[3]), cost), fromText(parts[4]))
}

/** Whether two secrets are equal, in a time that tells nothing about where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function slowHash(secret: string, salt: Uint8Array, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret.normalize('NFC'), salt, hashBytes, options, (error, hash) => (error ? reject(error) : resolve(hash)))
  })
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

function fromText(text: string | undefined): Uint8Array {
  return Buffer.from(text ?? '', 'base64url')
}
