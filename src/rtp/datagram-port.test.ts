import { describe, expect, it } from 'vitest'
import { bindDatagramPort, type DatagramPort } from './datagram-port.ts'

/** The next datagram of a port. */
function next(port: DatagramPort): Promise<{ text: string; address: string; port: number }> {
  return new Promise((resolve) =>
    port.onMessage((bytes, address, from) => resolve({ text: Buffer.from(bytes).toString(), address, port: from })),
  )
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('bindDatagramPort', () => {
  it.each(['127.0.0.1', '::1'])('sends a part and a whole of a buffer over %s', async (address) => {
    const one = await bindDatagramPort({ address, port: 0 })
    const other = await bindDatagramPort({ address, port: 0 })
    const part = next(other)
    one.send(text('--hello--'), 2, 5, other.port, address)
    expect(await part).toEqual({ text: 'hello', address, port: one.port })
    const whole = next(other)
    one.send(text('whole'), 0, 5, other.port, address)
    expect((await whole).text).toBe('whole')
    one.close()
    other.close()
    one.close()
  })

  it('lets the same buffer be filled again right after sending', async () => {
    const one = await bindDatagramPort({ address: '127.0.0.1', port: 0 })
    const other = await bindDatagramPort({ address: '127.0.0.1', port: 0 })
    const heard: number[] = []
    const all = new Promise<void>((resolve) =>
      other.onMessage((bytes) => {
        heard.push(bytes.at(0) ?? -1)
        if (heard.length === 100) resolve()
      }),
    )
    const bytes = new Uint8Array(172)
    for (let i = 0; i < 100; i++) {
      bytes[0] = i
      one.send(bytes, 0, bytes.length, other.port, '127.0.0.1')
    }
    await all
    expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i))
    one.close()
    other.close()
  })

  it('refuses a port that is taken, and names it', async () => {
    const one = await bindDatagramPort({ address: '127.0.0.1', port: 0 })
    await expect(bindDatagramPort({ address: '127.0.0.1', port: one.port })).rejects.toMatchObject({
      code: 'rtp.bind-failed',
      facts: { address: '127.0.0.1', port: one.port, reason: 'EADDRINUSE' },
    })
    one.close()
  })

  it('refuses an address that is not of this machine, and one that is no address', async () => {
    await expect(bindDatagramPort({ address: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'rtp.bind-failed' })
    await expect(bindDatagramPort({ address: 'localhost', port: 0 })).rejects.toMatchObject({
      code: 'rtp.bind-failed',
      facts: { reason: 'ENOTFOUND' },
    })
  })

  it('counts what cannot be sent and throws nothing, closed or open', async () => {
    const one = await bindDatagramPort({ address: '127.0.0.1', port: 0 })
    one.send(new Uint8Array(4), 0, 4, 0, '127.0.0.1')
    one.send(new Uint8Array(4), 0, 4, 70_000, '127.0.0.1')
    one.send(new Uint8Array(4), 0, 4, 9, 'not-an-address')
    one.send(new Uint8Array(4), 0, 4, 9, '::1')
    one.send(new Uint8Array(4), 2, 40, 9, '127.0.0.1')
    // A datagram that does arrive shows that the errors before it have been told.
    const echo = next(one)
    one.send(text('x'), 0, 1, one.port, '127.0.0.1')
    await echo
    expect(one.sendErrors).toBe(5)
    one.close()
    one.send(new Uint8Array(4), 0, 4, 9, '127.0.0.1')
  })
})
