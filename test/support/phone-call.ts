import { startPhone } from '../../src/phone/start-phone.ts'
import type { PhoneCallOptions, PhoneResult } from '../../src/phone/test-phone.ts'

export interface PhoneCall {
  readonly result: PhoneResult
  /** What the telephone heard, 8 kHz. */
  readonly pcm: Int16Array
}

/** Where the server listens, and what is said to it. */
export interface PhoneCallRequest extends Omit<PhoneCallOptions, 'server' | 'maxSeconds'> {
  readonly sipPort: number
  readonly address?: string
  readonly protocol?: 'udp' | 'tcp'
  /** 20 if absent. */
  readonly maxSeconds?: number
}

/** A server that is behind says so for as long as it is; it is asked again so often. */
const redialMs = 500

/**
 * Calls with a telephone of its own. A server whose machine is busy with other tests turns calls away with 503, as it should:
 * then the telephone dials again, as people do, and the test's own time-out bounds it.
 */
export async function callByPhone(request: PhoneCallRequest): Promise<PhoneCall> {
  const { sipPort, address = '127.0.0.1', protocol = 'udp', maxSeconds = 20, ...options } = request
  const server = { address, port: sipPort, protocol }
  for (;;) {
    const phone = await startPhone({ server, maxSeconds })
    try {
      const result = await phone.call({ ...options, server, maxSeconds })
      if (result.sipStatus !== 503) return { result, pcm: phone.ear.heard() }
    } finally {
      await phone.close()
    }
    await new Promise((resolve) => setTimeout(resolve, redialMs))
  }
}
