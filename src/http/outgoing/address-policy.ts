import { isIP } from 'node:net'
import { type Cidr, isInAnyCidr, parseCidr } from '../../config/addresses.ts'

/** Registered for special purposes (IANA, RFC 6890 and its successors): no receiver on the Internet has one. */
const privateV4: readonly Cidr[] = ranges(
  '0.0.0.0/8', // this network; reaches this machine on many systems
  '10.0.0.0/8', // RFC 1918
  '100.64.0.0/10', // RFC 6598, behind a provider's NAT
  '127.0.0.0/8', // this machine
  '169.254.0.0/16', // RFC 3927, link-local: metadata services of clouds
  '172.16.0.0/12', // RFC 1918
  '192.0.0.0/24', // RFC 6890
  '192.0.2.0/24', // RFC 5737, examples
  '192.88.99.0/24', // RFC 7526, relays of 6to4
  '192.168.0.0/16', // RFC 1918
  '198.18.0.0/15', // RFC 2544, benchmarks
  '198.51.100.0/24', // RFC 5737
  '203.0.113.0/24', // RFC 5737
  '224.0.0.0/4', // RFC 5771, multicast
  '240.0.0.0/4', // RFC 1112 §4, and broadcast
)

/** RFC 4291 §2.4: the only part of IPv6 that is given out. */
const globalV6: readonly Cidr[] = ranges('2000::/3')

/** Parts of it that are not, or that lead to an IPv4 address which cannot be seen. */
const privateV6: readonly Cidr[] = ranges(
  '2001::/23', // RFC 2928: Teredo, ORCHID, benchmarks
  '2001:db8::/32', // RFC 3849, examples
  '2002::/16', // RFC 7526: 6to4
  '3fff::/20', // RFC 9637, examples
)

/** RFC 6052 §2.1: the last four octets are an IPv4 address, which is where a packet ends. */
const nat64 = ranges('64:ff9b::/96')

/** Whether the operator lets requests to addresses that arrived over an API go there. */
export class AddressPolicy {
  readonly #allowed: boolean | readonly Cidr[]

  /** @param allowed - of private addresses: none, all, or those in the ranges. `webhooks.allowPrivateAddresses`. */
  constructor(allowed: boolean | readonly Cidr[]) {
    this.#allowed = allowed
  }

  /** @param address - an IP literal without brackets. What is none is refused. */
  isAllowed(address: string): boolean {
    const plain = innerAddress(address)
    if (plain === null) return false
    if (this.#allowed === true || !isPrivate(plain)) return true
    return this.#allowed !== false && isInAnyCidr(this.#allowed, plain)
  }
}

function isPrivate(address: string): boolean {
  if (isIP(address) === 4) return isInAnyCidr(privateV4, address)
  return !isInAnyCidr(globalV6, address) || isInAnyCidr(privateV6, address)
}

/** Without zone, and the IPv4 address of one that only wraps it (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`). */
function innerAddress(address: string): string | null {
  const bare = address.split('%')[0] ?? ''
  // An IPv4-mapped address (RFC 4291 §2.5.5.2) gives its four octets here.
  const octets = parseCidr(bare)?.octets
  if (!octets || bare.includes('/')) return null
  if (octets.length === 4) return octets.join('.')
  return isInAnyCidr(nat64, bare) ? octets.slice(12).join('.') : bare
}

function ranges(...texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== null)
}
