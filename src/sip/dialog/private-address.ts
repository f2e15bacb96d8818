import { BlockList, isIP } from 'node:net'

/** Addresses that mean another host, or none, behind the next router. */
const notGlobal = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8], // "this network", RFC 1122 §3.2.1.3
  ['10.0.0.0', 8], // RFC 1918
  ['100.64.0.0', 10], // carrier-grade NAT, RFC 6598
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, RFC 3927
  ['172.16.0.0', 12], // RFC 1918
  ['192.168.0.0', 16], // RFC 1918
] as const) {
  notGlobal.addSubnet(net, prefix, 'ipv4')
}
for (const [net, prefix] of [
  ['::', 128], // unspecified
  ['::1', 128], // loopback
  ['fc00::', 7], // unique local, RFC 4193
  ['fe80::', 10], // link-local, RFC 4291
] as const) {
  notGlobal.addSubnet(net, prefix, 'ipv6')
}

/** Whether an IP literal (without brackets) has a meaning only within its own network. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && notGlobal.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
