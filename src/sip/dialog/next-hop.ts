import { printNameAddress } from '../message/name-address.ts'
import { noParameters } from '../message/parameters.ts'
import { requestUri } from '../message/refer-to.ts'
import { isSipUri, type NameAddress, type SipUri, type Uri } from '../message/types.ts'
import { hostAddress, isSameAddress } from '../transport/address-text.ts'
import type { Destination, Flow, TransportProtocol } from '../transport/types.ts'
import { isPrivateAddress } from './private-address.ts'

/** What a request of a dialog has in its request line and Route, and whom it goes to first. */
export interface Routing {
  readonly uri: Uri
  /** Values of Route, in order. */
  readonly routes: readonly string[]
  readonly nextHop: Uri
}

/** RFC 3261 §12.2.1.1: loose routing, strict routing where the first proxy does not know `lr`, or no routes. */
export function routeRequest(remoteTarget: Uri, routeSet: readonly NameAddress[]): Routing {
  const [first, ...others] = routeSet
  if (!first) return { uri: remoteTarget, routes: [], nextHop: remoteTarget }
  if (isSipUri(first.uri) && !first.uri.parameters.has('lr')) {
    const target: NameAddress = { displayName: null, uri: remoteTarget, parameters: noParameters }
    // "stripping any parameters that are not allowed in a Request-URI".
    return { uri: requestUri(first.uri), routes: [...others, target].map(printNameAddress), nextHop: first.uri }
  }
  return { uri: remoteTarget, routes: routeSet.map(printNameAddress), nextHop: first.uri }
}

/**
 * Values of Route for a request that opens a dialog: proxies that it is to go through first (RFC 3261 §8.1.2). Each gets
 * `lr`, said or not: a proxy that we are told to go through is no strict router of RFC 2543, which had no Route to obey.
 */
export function presetRoutes(proxies: readonly Uri[] = []): readonly string[] {
  return proxies.map((proxy) => {
    const uri = isSipUri(proxy) ? withLooseRouting(requestUri(proxy)) : proxy
    return printNameAddress({ displayName: null, uri, parameters: noParameters })
  })
}

function withLooseRouting(uri: SipUri): SipUri {
  return uri.parameters.has('lr') ? uri : { ...uri, parameters: new Map(uri.parameters).set('lr', null) }
}

/** What `Transport.sendRequest` is given. */
export interface RequestTarget {
  readonly flow?: Flow
  readonly destination?: Destination
}

/**
 * Where a request to a URI goes when the peer was last heard on a flow.
 *
 * - The URI names the very source: the flow.
 * - It names a host (no IP literal, `.invalid`), or an address that is private and not the source: the flow, for the peer
 *   is behind a NAT and knows no better. When the flow is a connection that was lost, it is reopened to the URI's address.
 * - It names the source's address with another port, and the flow is a connection: the flow while it is open.
 * - Else the address in the URI.
 */
export function chooseTarget(nextHop: Uri, flow: Flow | null): RequestTarget {
  const named = destinationOf(nextHop)
  if (!flow) return named ? { destination: named } : {}
  const source: Destination = { protocol: flow.protocol, remote: flow.remote }
  if (!named) return { flow, destination: source }
  const isSameHost = isSameAddress(named.remote.address, flow.remote.address)
  if (isSameHost && named.remote.port === flow.remote.port && named.protocol === flow.protocol) {
    return { flow, destination: named }
  }
  if (flow.isReliable && flow.isOpen && isSameHost) return { flow, destination: named }
  if (isPrivateAddress(named.remote.address)) return { flow, destination: flow.isReliable ? named : source }
  return { destination: named }
}

const protocols: Readonly<Record<string, TransportProtocol>> = {
  udp: 'udp',
  tcp: 'tcp',
  tls: 'tls',
  ws: 'ws',
  wss: 'wss',
}

/** The destination a URI names by itself (RFC 3263 §4.1, §4.2 without DNS); null where it holds no IP literal. */
export function destinationOf(uri: Uri): Destination | null {
  if (!isSipUri(uri)) return null
  const address = hostAddress(uri.parameters.get('maddr') ?? uri.host)
  if (address === null) return null
  const transport = uri.parameters.get('transport')?.toLowerCase()
  let protocol = transport === undefined ? 'udp' : protocols[transport]
  if (protocol === undefined) return null
  if (uri.scheme === 'sips') protocol = protocol === 'ws' || protocol === 'wss' ? 'wss' : 'tls'
  const isSecure = protocol === 'tls' || protocol === 'wss'
  return { protocol, remote: { address, port: uri.port ?? (isSecure ? 5061 : 5060) } }
}
