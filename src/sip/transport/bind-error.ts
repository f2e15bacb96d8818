import { ConfigError, toError } from '../../base/errors.ts'
import { portOwner } from '../../base/port-owner.ts'
import { printAddress } from './address-text.ts'
import type { SocketAddress } from './types.ts'

/**
 * What to tell the operator when a socket could not be bound: ConfigError `transport.address-in-use` with the process
 * that has the port where it can be known, `transport.address-unknown` or `transport.bind-failed`.
 */
export async function bindError(protocol: 'udp' | 'tcp', local: SocketAddress, cause: unknown): Promise<ConfigError> {
  const name = `${protocol.toUpperCase()} ${printAddress(local)}`
  const facts = { protocol, address: local.address, port: local.port }
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'EADDRINUSE') {
    const owner = await portOwner(protocol, local.port)
    const sentence = `${name} is in use${owner === null ? ' by another program' : ` by ${owner}`}.`
    return new ConfigError('transport.address-in-use', sentence, { cause, facts: { ...facts, owner } })
  }
  if (code === 'EADDRNOTAVAIL') {
    return new ConfigError('transport.address-unknown', `${name}: this machine has no such address.`, { cause, facts })
  }
  return new ConfigError('transport.bind-failed', `${name} could not be bound: ${toError(cause).message}.`, {
    cause,
    facts,
  })
}
