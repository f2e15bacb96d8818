import { isIP, isIPv4 } from 'node:net'

/** What a socket listens on. `address` is an IP literal without brackets. TLS and WebSocket join later. */
export interface ListenAddress {
  readonly protocol: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
}

export interface HostPort {
  /** An IP literal without brackets. */
  readonly address: string
  readonly port: number
}

/** A range of addresses, plain data so that it can be handed to a worker. */
export interface Cidr {
  /** As written, with its prefix. */
  readonly text: string
  readonly family: 4 | 6
  /** 4 or 16 octets, those behind the prefix zero. */
  readonly octets: readonly number[]
  readonly prefixBits: number
}

const octetsInV4 = 4
const octetsInV6 = 16

/**
 * The octets of an IP literal; an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) gives its four, so that a dual-stack
 * socket's peers are known by their own address. Null for anything else; zone ids (`fe80::1%eth0`) are ignored.
 */
function addressOctets(address: string): readonly number[] | null {
  const bare = address.split('%')[0] ?? ''
  if (isIPv4(bare)) return bare.split('.').map(Number)
  if (isIP(bare) !== 6) return null
  const octets = expandV6(bare)
  const isMapped = octets.slice(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255
  return isMapped ? octets.slice(12) : octets
}

/** `192.0.2.0/24`, `2001:db8::/32`, or a single address. Null when it is none. */
export function parseCidr(text: string): Cidr | null {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const octets = addressOctets(address)
  if (!octets || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return null
  const bits = octets.length * 8
  const prefixBits = prefix === undefined ? bits : Number(prefix)
  if (prefixBits > bits) return null
  return {
    text: `${address}/${prefixBits}`,
    family: octets.length === octetsInV4 ? 4 : 6,
    octets: octets.map((octet, i) => octet & maskOctet(prefixBits - i * 8)),
    prefixBits,
  }
}

/** Whether the address (an IP literal) lies in the range. What is no IP literal lies in none. */
export function isInCidr(cidr: Cidr, address: string): boolean {
  const octets = addressOctets(address)
  if (!octets || octets.length !== cidr.octets.length) return false
  return octets.every((octet, i) => (octet & maskOctet(cidr.prefixBits - i * 8)) === cidr.octets[i])
}

/** Whether the address lies in one of the ranges. */
export function isInAnyCidr(cidrs: readonly Cidr[], address: string): boolean {
  return cidrs.some((cidr) => isInCidr(cidr, address))
}

/** Whether the address is this machine talking to itself: 127.0.0.0/8 or ::1. */
export function isLoopback(address: string): boolean {
  const octets = addressOctets(address)
  if (!octets) return false
  return octets.length === octetsInV4 ? octets[0] === 127 : octets.every((octet, i) => octet === (i === 15 ? 1 : 0))
}

/** Whether the address means every interface: 0.0.0.0 or ::. */
export function isWildcard(address: string): boolean {
  return addressOctets(address)?.every((octet) => octet === 0) ?? false
}

/** `127.0.0.1:8080`, `[::1]:8080`. Port 0 asks the system for a free one. Null when it is neither. */
export function parseHostPort(text: string): HostPort | null {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim())
  const address = found?.[1] ?? found?.[2]
  const port = Number(found?.[3])
  if (address === undefined || port > 65535) return null
  if (isIP(address) !== (found?.[1] === undefined ? 4 : 6)) return null
  return { address, port }
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
export function printHostPort({ address, port }: HostPort): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function maskOctet(bitsLeft: number): number {
  if (bitsLeft >= 8) return 255
  return bitsLeft <= 0 ? 0 : (255 << (8 - bitsLeft)) & 255
}

/** Of a literal that `isIP` has accepted. */
function expandV6(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const left = groupsToOctets(head)
  if (tail === undefined) return left
  const right = groupsToOctets(tail)
  return [...left, ...Array.from({ length: octetsInV6 - left.length - right.length }, () => 0), ...right]
}

function groupsToOctets(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
