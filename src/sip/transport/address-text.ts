import { isIP } from 'node:net'
import type { SocketAddress } from './types.ts'

const mappedPrefix = '::ffff:'

/** An address as a flow names it: peers of a dual-stack socket by their own IPv4 address, not the mapped one. */
export function plainAddress(address: string): string {
  return address.startsWith(mappedPrefix) && address.includes('.') ? address.slice(mappedPrefix.length) : address
}

/** The way back of `plainAddress`: as an IPv6 socket must be given it. */
export function addressForFamily(address: string, family: 4 | 6): string {
  return family === 6 && !address.includes(':') ? mappedPrefix + address : address
}

/** 4, 6; 0 for what is no IP literal. */
export function familyOf(address: string): 0 | 4 | 6 {
  return isIP(address) as 0 | 4 | 6
}

/** An address as `sent-by`, `received` and URIs carry it before brackets: without the zone, which means nothing elsewhere. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%')
  return at < 0 ? address : address.slice(0, at)
}

/** A host as messages write it: IPv6 in brackets. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${withoutZone(address)}]` : address
}

/** The IP literal in a host of a message; null for a name. */
export function hostAddress(host: string): string | null {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return isIP(bare) === 0 ? null : bare
}

/** Whether two IP literals are the same address, however they are written. */
export function isSameAddress(a: string, b: string): boolean {
  return a === b || (a.includes(':') && b.includes(':') && canonicalV6(a) === canonicalV6(b))
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
export function printAddress({ address, port }: SocketAddress): string {
  return `${hostText(address)}:${port}`
}

/** The one way RFC 5952 writes it; the URL parser of the platform knows it. */
function canonicalV6(address: string): string {
  const bare = withoutZone(address)
  return isIP(bare) === 6 ? new URL(`http://[${bare}]`).hostname : bare
}
