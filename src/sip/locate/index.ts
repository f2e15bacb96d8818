export { CachingResolver, type CachingResolverOptions } from './caching-resolver.ts'
export { type LocatedProtocol, Locator, type LocatorOptions } from './locator.ts'
export { NodeDns, type NodeDnsOptions, type SystemLookup } from './node-dns.ts'
export type * from './types.ts'
