import { printHostPort } from '../config/addresses.ts'
import type { NameAddress, SipUri } from '../sip/message/types.ts'
import type { Peer } from './peer-addresses.ts'

const noParameters: ReadonlyMap<string, string | null> = new Map()

/** `sip:user@host`. @param host - a name or an IP literal, an IPv6 one without brackets or with them. */
export function sipUri(user: string | null, host: string, port: number | null = null): SipUri {
  const printed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return { scheme: 'sip', user, password: null, host: printed, port, parameters: noParameters, headers: [] }
}

export function nameAddress(displayName: string | null, uri: SipUri): NameAddress {
  return { displayName, uri, parameters: noParameters }
}

/** `udp:203.0.113.5:5060`, as records and logs write it. */
export function peerText({ protocol, remote }: Peer): string {
  return `${protocol}:${printHostPort(remote)}`
}
