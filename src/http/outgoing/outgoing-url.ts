import { isIP } from 'node:net'
import type { AddressPolicy } from './address-policy.ts'

/** Longer ones are no addresses of receivers, and logs and databases keep them. */
const maxUrlLength = 4096
const maxShownLength = 200

/** Where a request goes, taken apart. */
export interface OutgoingTarget {
  readonly url: URL
  /** A name, or an IP literal without brackets. */
  readonly host: string
  readonly isLiteral: boolean
  readonly isTrusted: boolean
  /** As it may be shown. */
  readonly shown: string
}

export interface RefusedUrl {
  readonly code: 'outgoing.url-invalid' | 'outgoing.address-refused'
  readonly sentence: string
}

/**
 * Reads an address that a request is to go to. Whatever spelling an IP address has in it (`0x7f.1`, `2130706433`), the
 * WHATWG URL parser writes it out, and the socket is given what was checked.
 * @param base - the address that a relative reference is relative to.
 */
export function readTarget(
  text: string,
  isTrusted: boolean,
  policy: AddressPolicy,
  base?: string,
): OutgoingTarget | RefusedUrl {
  const isReadable = text.length <= maxUrlLength && URL.canParse(text, base)
  if (!isReadable) {
    const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text).replace(/\/\/[^/]*@/, '//…@')
    return invalid(`${shown.replace(/\?.*/, '?…"')} is no address that a request can go to.`)
  }
  const url = new URL(text, base)
  const shown = describeUrl(url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return invalid(`${shown} is neither an http nor an https address.`)
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') return invalid(`${shown} names no host.`)
  const isLiteral = isIP(host) !== 0
  if (!isTrusted && isLiteral && !policy.isAllowed(host)) {
    return { code: 'outgoing.address-refused', sentence: refusedSentence(shown, host) }
  }
  return { url, host, isLiteral, isTrusted, shown }
}

/** Why an address that arrived over an API is not asked. */
export function refusedSentence(shown: string, address: string): string {
  return `${shown} leads to ${address}, which is no public address; webhooks.allowPrivateAddresses can allow it.`
}

/** An address as it may be shown and logged: without credentials, fragment, and the values of its query. */
function describeUrl(url: URL): string {
  const names = [...new Set(url.searchParams.keys())].map((name) => `${name}=…`)
  const query = names.length === 0 ? '' : `?${names.join('&')}`
  const host = url.host === '' ? '' : `//${url.host}`
  const whole = `${url.protocol}${host}${url.pathname}${query}`.replaceAll(/\p{Cc}/gu, ' ')
  return whole.length > maxShownLength ? `${whole.slice(0, maxShownLength)}…` : whole
}

/** As `describeUrl`, of any text. */
export function describeUrlText(text: string): string {
  return URL.canParse(text) ? describeUrl(new URL(text)) : 'an address that cannot be read'
}

function invalid(sentence: string): RefusedUrl {
  return { code: 'outgoing.url-invalid', sentence }
}

/** What of an address may be kept beside an event: neither credentials nor query. Throws TypeError where it is none. */
export function urlWithoutSecrets(text: string): string {
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}
