import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** How many ports each peer gets: SIP, control, and media in pairs. */
export const portsOfPeer = 20

/**
 * Ports for the peers of one test file: each peer has its own, so that a late packet of one is not another's. Give every
 * file a range of its own between the media ports of the server (to 29999) and those that Linux gives out (from 32768).
 */
export class PeerPorts {
  #next: number

  constructor(first: number) {
    this.#next = first
  }

  /** The first of `portsOfPeer` ports in a row that nobody uses on 127.0.0.1; it is even. */
  async take(): Promise<number> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const first = this.#next
      this.#next += portsOfPeer
      const ports = Array.from({ length: portsOfPeer }, (_, i) => first + i)
      const free = await Promise.all(ports.map(isFree))
      if (free.every(Boolean)) return first
    }
    throw new Error(`no ${portsOfPeer} ports in a row are free below ${this.#next}`)
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const hasTcp = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!hasTcp) return false
  const socket = createSocket('udp4')
  const hasUdp = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => resolve(true))
  })
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return hasUdp
}
