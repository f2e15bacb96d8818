import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { platform } from 'node:os'
import { describe, expect, it } from 'vitest'
import { portOwner } from './port-owner.ts'

describe.skipIf(platform() !== 'linux')('portOwner', () => {
  it('names the process that has a UDP port', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    expect(await portOwner('udp', socket.address().port)).toMatch(new RegExp(`^.+ \\(process ${process.pid}\\)$`))
    socket.close()
  })

  it('names the process that listens on a TCP port, and nobody for one that is free', async () => {
    const server = createServer()
    server.listen(0, '::1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await portOwner('tcp', port)).toContain(`(process ${process.pid})`)
    server.close()
    await once(server, 'close')
    expect(await portOwner('tcp', port)).toBeNull()
  })
})
