import { SystemClock } from '../base/clock.ts'
import { type Logger, silentLogger } from '../base/log.ts'
import { SystemRandom } from '../base/random.ts'
import { InlineMediaPlane } from '../media/plane/inline-plane.ts'
import type { Prompt } from '../media/prompt.ts'
import { PromptLibrary } from '../media/prompt-library.ts'
import { UserAgent } from '../sip/dialog/user-agent.ts'
import { TransactionLayer } from '../sip/transaction/transaction-layer.ts'
import { defaultTimers } from '../sip/transaction/types.ts'
import { SipTransport } from '../sip/transport/sip-transport.ts'
import type { SocketAddress, TransportProtocol } from '../sip/transport/types.ts'
import { openSpeech } from '../speech/open-speech.ts'
import type { Language } from '../speech/types.ts'
import { PhoneEar } from './phone-ear.ts'
import { type PhoneCallOptions, type PhoneNews, type PhoneResult, TestPhone } from './test-phone.ts'

/** RTP ports of a telephone that runs beside the server on the same machine: outside its usual range. */
const firstPort = 40_000
const lastPort = 44_999

export interface RunningPhone {
  readonly ear: PhoneEar
  call(options: PhoneCallOptions, tell?: (news: PhoneNews) => void): Promise<PhoneResult>
  /** What it is to say, loaded before it calls: a text, a file, or nothing. */
  speech(what: {
    readonly text: string | null
    readonly language: Language
    readonly file: string | null
  }): Promise<readonly Prompt[]>
  close(): Promise<void>
}

/** A telephone on real sockets of its own, to call one server. */
export async function startPhone(options: {
  readonly server: SocketAddress & { readonly protocol: TransportProtocol }
  readonly maxSeconds: number
  readonly log?: Logger
}): Promise<RunningPhone> {
  const { server, maxSeconds, log = silentLogger } = options
  const clock = new SystemClock()
  const random = new SystemRandom()
  const isIpv6 = server.address.includes(':')
  const isLocal = server.address === '::1' || server.address.startsWith('127.')
  const address = isLocal ? (isIpv6 ? '::1' : '127.0.0.1') : isIpv6 ? '::' : '0.0.0.0'
  const transport = new SipTransport({
    clock,
    random,
    log,
    listen: [
      { protocol: 'udp', address, port: 0 },
      { protocol: 'tcp', address, port: 0 },
    ],
    advertised: null,
    localNetworks: [],
  })
  const transactions = new TransactionLayer({ transport, clock, random, log, timers: defaultTimers })
  const userAgent = new UserAgent({
    transactions,
    transport,
    clock,
    random,
    log,
    timers: defaultTimers,
    serverName: 'Switchhook test phone',
    sessionTimers: null,
    user: {
      // It calls and is not called.
      inviteReceived: (invite) => invite.reject(480),
      requestReceived: () => false,
    },
  })
  transport.user = transactions
  transactions.user = userAgent
  await transport.start()
  const ear = new PhoneEar(maxSeconds)
  const mediaAddress = transport.interfaceAddress({ remote: server })
  const plane = await InlineMediaPlane.start({
    clock,
    random,
    log,
    addresses: [mediaAddress],
    firstPort,
    lastPort,
    portsAhead: 1,
    recordings: ear,
  })
  const phone = new TestPhone({ clock, random, log, userAgent, plane, ear, mediaAddress })
  const prompts = new PromptLibrary({ clock, log })
  return {
    ear,
    call: (call, tell) => phone.call(call, tell),
    speech: async ({ text, language, file }) => {
      if (file !== null) return [await prompts.load(file)]
      if (text === null) return []
      const speech = await openSpeech({
        engine: 'espeak-ng',
        clock,
        random,
        log,
        dataFolder: null,
        cacheBytes: 0,
        toPrompt: (id, pcm, rateHz) => prompts.fromPcm(id, pcm, rateHz),
      })
      try {
        return [await speech.speak({ text, language, voice: null })]
      } finally {
        await speech.close()
      }
    },
    close: async () => {
      await plane.close()
      await prompts.close()
      transactions.close()
      await transport.close()
    },
  }
}
