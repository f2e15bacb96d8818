import { isSipUri, type SipUri, type Uri } from './types.ts'
import { printUri } from './uri.ts'

/** Parameters that make URIs differ when only one has them, with no default equal to their absence: §19.1.4. */
const decisive = ['user', 'ttl', 'method', 'maddr', 'transport'] as const

/**
 * Whether two URIs are equivalent, RFC 3261 §19.1.4: user and password by case, all else without; a port that is written
 * differs from one that is left out; a parameter both have must match; user, ttl, method, maddr and transport must
 * be in both or in neither; headers must all match, in any order.
 * (A character and its %-escape are the same here also for reserved characters: both were unescaped by the parser.)
 */
export function uriEquals(a: Uri, b: Uri): boolean {
  if (!isSipUri(a) || !isSipUri(b)) return printUri(a) === printUri(b)
  return (
    a.scheme === b.scheme &&
    a.user === b.user &&
    a.password === b.password &&
    a.host === b.host &&
    a.port === b.port &&
    parametersMatch(a, b) &&
    headersText(a) === headersText(b)
  )
}

function parametersMatch(a: SipUri, b: SipUri): boolean {
  for (const name of decisive) if (a.parameters.has(name) !== b.parameters.has(name)) return false
  for (const [name, value] of a.parameters) {
    const other = b.parameters.get(name)
    if (other !== undefined && (other ?? '').toLowerCase() !== (value ?? '').toLowerCase()) return false
  }
  return true
}

function headersText(uri: SipUri): string {
  if (uri.headers.length === 0) return ''
  return uri.headers
    .map(([name, value]) => `${name.toLowerCase()}=${value}`)
    .sort()
    .join('&')
}

/**
 * A string for maps: equivalent URIs have equal keys. Not the other way round where parameters other than the five of
 * §19.1.4 differ, so check a hit with `uriEquals`.
 */
export function uriKey(uri: Uri): string {
  if (!isSipUri(uri)) return printUri(uri)
  const parameters = new Map<string, string | null>()
  for (const name of decisive) {
    const value = uri.parameters.get(name)
    if (value !== undefined) parameters.set(name, value === null ? null : value.toLowerCase())
  }
  const headers = uri.headers.length === 0 ? '' : `?${headersText(uri)}`
  return printUri({ ...uri, parameters, headers: [] }) + headers
}
