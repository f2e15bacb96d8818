import { chooseTarget, destinationOf, type RequestTarget } from '../dialog/next-hop.ts'
import { isPrivateAddress } from '../dialog/private-address.ts'
import { hostAddress, isSameAddress } from '../transport/address-text.ts'
import type { Destination, Flow } from '../transport/types.ts'
import type { LiveBinding } from './bindings.ts'
import type { Binding } from './types.ts'

/** Where a request to a registered telephone goes: the rule of `chooseTarget`, also when a restart has lost the flow. */
export function targetOf({ binding, flow }: LiveBinding): RequestTarget {
  if (flow) return chooseTarget(binding.contact, flow)
  const named = destinationOf(binding.contact)
  const source = sourceOf(binding)
  if (!named) return source ? { destination: source } : {}
  // A UDP mapping of a NAT may have survived us; a connection has not, and is opened to the Contact.
  const isBehindNat = binding.via.protocol === 'udp' && isPrivateAddress(named.remote.address)
  return { destination: isBehindNat && source ? source : named }
}

/** For logs: that the telephone says it is elsewhere than it was heard from. Null where both agree. */
export function contactNote({ contact, via }: Binding, flow: Flow): string | null {
  const address = hostAddress(contact.host)
  const port = contact.port ?? 5060
  const isSame = address !== null && isSameAddress(address, flow.remote.address) && port === flow.remote.port
  if (isSame) return null
  return `The Contact says ${contact.host}:${port}, but the telephone was heard from ${via.remote}.`
}

function sourceOf({ via }: Binding): Destination | null {
  const colon = via.remote.lastIndexOf(':')
  const address = colon < 0 ? null : hostAddress(via.remote.slice(0, colon))
  const port = Number(via.remote.slice(colon + 1))
  if (address === null || !Number.isInteger(port) || port < 1 || port > 65_535) return null
  return { protocol: via.protocol, remote: { address, port } }
}
