import type { SipRequest, Via } from '../message/index.ts'
import { withTopVia } from '../message/index.ts'
import { hostAddress, hostText, isSameAddress, withoutZone } from './address-text.ts'
import type { SocketAddress, TransportProtocol } from './types.ts'

/** RFC 3261 §19.1.2: where no port is written. */
export const defaultPorts: Readonly<Record<TransportProtocol, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 80,
  wss: 443,
}

/**
 * The topmost Via of a request that has come from `source`: `received` where sent-by says something else (RFC 3261
 * §18.2.1), both `received` and `rport` where the peer asked for its port (RFC 3581 §4). What the peer itself wrote into
 * these two is overwritten, or answers would go where it likes.
 * @returns the same object when nothing is to be changed.
 */
export function stampReceived(via: Via, source: SocketAddress): Via {
  const wantsPort = via.parameters.has('rport')
  const own = hostAddress(via.host)
  const isTrue = own !== null && isSameAddress(own, source.address)
  if (isTrue && !wantsPort && !via.parameters.has('received')) return via
  const parameters = new Map(via.parameters)
  if (isTrue && !wantsPort) parameters.delete('received')
  else parameters.set('received', withoutZone(source.address))
  if (wantsPort) parameters.set('rport', String(source.port))
  return { ...via, parameters }
}

/**
 * Where the response to a request that came from `source` goes when it does not go by a connection: RFC 3261 §18.2.2,
 * RFC 3581 §4. Always to the address that the request came from.
 *
 * A departure: `maddr` is not obeyed. It would let any request point our answers at a third address, and multicast,
 * which it was made for, is not spoken here.
 * @param via - the topmost Via of the response, as `stampReceived` left it.
 */
export function responseTarget(via: Via, source: SocketAddress, protocol: TransportProtocol): SocketAddress {
  const port = via.parameters.get('rport') ? source.port : (via.port ?? defaultPorts[protocol])
  return { address: source.address, port }
}

/**
 * A request of ours with its topmost Via filled in: RFC 3261 §18.1.1. `rport` only over UDP: on a connection it would
 * have the peer reopen a lost one to a port where nobody listens.
 */
export function withSentBy(request: SipRequest, protocol: TransportProtocol, sentBy: SocketAddress): SipRequest {
  const [top] = request.vias
  const parameters = new Map(top.parameters)
  if (protocol === 'udp') parameters.set('rport', null)
  else parameters.delete('rport')
  const via: Via = { transport: protocol.toUpperCase(), host: hostText(sentBy.address), port: sentBy.port, parameters }
  return withTopVia(request, via)
}
