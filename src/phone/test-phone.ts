import type { Clock } from '../base/clock.ts'
import { delay } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import { IdFactory } from '../base/ids.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { MediaAgreement, type OurOffer } from '../leg/media-agreement.ts'
import { endOfUsage } from '../leg/usage-end.ts'
import type { Digit, MediaEndpoint, MediaEndpointUser, MediaPlane } from '../media/plane/types.ts'
import type { Prompt } from '../media/prompt.ts'
import type { InviteUsage, OutgoingInviteUser, UsageEnd } from '../sip/dialog/types.ts'
import type { UserAgent } from '../sip/dialog/user-agent.ts'
import { noParameters, type SipUri } from '../sip/message/index.ts'
import type { SocketAddress, TransportProtocol } from '../sip/transport/types.ts'
import type { PhoneEar } from './phone-ear.ts'
import type { PressStep } from './press-script.ts'

/** How keys are pressed. */
export type PressCarrier = 'rfc4733' | 'info'

export interface PhoneCallOptions {
  readonly server: SocketAddress & { readonly protocol: TransportProtocol }
  /** Host of the URIs; the server's address if absent. */
  readonly domain?: string
  readonly number: string
  /** The extension it calls as; without one it is anonymous. */
  readonly identity?: { readonly extension: string; readonly password: string }
  readonly press?: readonly PressStep[]
  readonly pressCarrier?: PressCarrier
  /** What it says, one behind the other, once answered. */
  readonly speak?: readonly Prompt[]
  readonly maxSeconds: number
  readonly signal?: AbortSignal
}

/** What happens to a call, as it happens. */
export type PhoneNews =
  | { readonly kind: 'ringing'; readonly status: number }
  | { readonly kind: 'answered'; readonly afterMs: number }
  | { readonly kind: 'pressed'; readonly count: number }
  | { readonly kind: 'ended'; readonly result: PhoneResult }

export interface PhoneResult {
  readonly outcome: 'completed' | 'refused' | 'failed'
  readonly endedBy: 'server' | 'phone' | 'network'
  /** The final status of the INVITE; null when none came. */
  readonly sipStatus: number | null
  readonly ringMs: number
  readonly talkMs: number
  readonly packetsReceived: number
  readonly packetsLost: number
  /** One sentence. */
  readonly sentence: string
}

export interface TestPhoneParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly userAgent: UserAgent
  readonly plane: MediaPlane
  readonly ear: PhoneEar
  /** Where media is bound, and what SDP says. */
  readonly mediaAddress: string
}

/** A telephone for one call at a time. Make a new one for the next: its ear keeps what it heard. */
export class TestPhone {
  readonly #parts: TestPhoneParts

  constructor(parts: TestPhoneParts) {
    this.#parts = parts
  }

  /** Calls, does what it was told, and resolves when the call is over. Rejects only when no call could be placed at all. */
  async call(options: PhoneCallOptions, tell: (news: PhoneNews) => void = () => {}): Promise<PhoneResult> {
    const call = new PhoneCall(this.#parts, options, tell)
    const result = await call.run()
    tell({ kind: 'ended', result })
    return result
  }
}

class PhoneCall implements OutgoingInviteUser, MediaEndpointUser {
  readonly #parts: TestPhoneParts
  readonly #options: PhoneCallOptions
  readonly #tell: (news: PhoneNews) => void
  readonly #endpoint: MediaEndpoint
  readonly #agreement: MediaAgreement
  #offer: OurOffer | null = null
  readonly #startedMs: number
  readonly #over = new AbortController()
  readonly #ended: Promise<UsageEnd>
  #resolveEnded: (end: UsageEnd) => void = () => {}
  #usage: InviteUsage | null = null
  #answeredMs: number | null = null
  #status: number | null = null

  constructor(parts: TestPhoneParts, options: PhoneCallOptions, tell: (news: PhoneNews) => void) {
    this.#parts = parts
    this.#options = options
    this.#tell = tell
    this.#startedMs = parts.clock.now()
    this.#endpoint = parts.plane.open({ user: this, localAddress: parts.mediaAddress, timeoutMs: null })
    this.#agreement = new MediaAgreement({
      address: parts.mediaAddress,
      port: this.#endpoint.localPort,
      sessionId: parts.random.uint32(),
    })
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  async run(): Promise<PhoneResult> {
    const { clock, random, userAgent } = this.#parts
    const { server, number, identity, maxSeconds, signal } = this.#options
    const hangUp = (): void => this.#usage?.end()
    const cancelLimit = clock.after(maxSeconds * 1000, hangUp)
    signal?.addEventListener('abort', hangUp, { once: true })
    const host = this.#options.domain ?? (server.address.includes(':') ? `[${server.address}]` : server.address)
    const target = sipUri(number, host, this.#options.domain === undefined ? server.port : null, server.protocol)
    const from = sipUri(identity?.extension ?? 'anonymous', host, null, 'udp')
    this.#usage = userAgent.invite(
      {
        uri: target,
        from: { displayName: null, uri: from, parameters: noParameters },
        to: { displayName: null, uri: sipUri(number, host, null, 'udp'), parameters: noParameters },
        target: { destination: { protocol: server.protocol, remote: { address: server.address, port: server.port } } },
        sdp: this.offerWanted(),
        ...(identity ? { credentials: { username: identity.extension, password: identity.password } } : {}),
      },
      this,
    )
    // Heard from the first packet on, early media included.
    const recording = this.#endpoint.record({
      recordingId: new IdFactory(clock, random).recording(),
      file: 'heard',
      channels: 'received',
      maxDurationMs: (maxSeconds + 60) * 1000,
      silenceMs: null,
    })
    const end = await this.#ended
    cancelLimit()
    signal?.removeEventListener('abort', hangUp)
    recording.stop()
    await recording.ended
    const stats = await this.#endpoint.close()
    return this.#result(end, stats)
  }

  // OutgoingInviteUser

  provisionalReceived(status: number, sdp: Uint8Array | null): void {
    this.#tell({ kind: 'ringing', status })
    if (sdp) this.#connect(sdp)
  }

  accepted(sdp: Uint8Array | null): void {
    this.#status = 200
    this.#answeredMs = this.#parts.clock.now()
    this.#tell({ kind: 'answered', afterMs: this.#answeredMs - this.#startedMs })
    if (sdp && !this.#connect(sdp)) return this.#usage?.end()
    this.#act().catch((thrown) => this.#parts.log.error({ err: toError(thrown) }, 'the test phone stumbled'))
  }

  answerReceived(sdp: Uint8Array): boolean {
    return this.#connect(sdp)
  }

  offerReceived(sdp: Uint8Array): Uint8Array | null {
    try {
      const answer = this.#agreement.answer(sdp)
      if (this.#agreement.current) this.#endpoint.connect(this.#agreement.current)
      return answer
    } catch (thrown) {
      this.#parts.log.warn({ err: toError(thrown) }, 'an offer was refused')
      return null
    }
  }

  offerWanted(): Uint8Array {
    this.#offer = this.#agreement.offer()
    return this.#offer.sdp
  }

  confirmed(): void {}

  infoReceived(): number {
    return 415
  }

  ended(end: UsageEnd): void {
    if (end.by === 'peer-refused') this.#status = end.status
    this.#over.abort()
    this.#resolveEnded(end)
  }

  // MediaEndpointUser

  digitReceived(): void {}
  mediaLatched(): void {}
  mediaTimedOut(): void {}

  mediaFailed(sentence: string): void {
    this.#parts.log.error({}, sentence)
    this.#usage?.end()
  }

  #connect(sdp: Uint8Array): boolean {
    // A 200 may carry again what a 183 said.
    if (this.#agreement.current) return true
    try {
      this.#offer?.accept(sdp)
    } catch (thrown) {
      this.#parts.log.warn({ err: toError(thrown) }, 'the answer cannot be used')
      return false
    }
    if (this.#agreement.current) this.#endpoint.connect(this.#agreement.current)
    return true
  }

  /** Speaks and presses at the same time, as people do. */
  async #act(): Promise<void> {
    const { speak = [], press = [] } = this.#options
    if (speak.length > 0) {
      await this.#parts.ear.promptEnd(this.#over.signal)
      if (!this.#over.signal.aborted) await this.#endpoint.play(speak).ended
    }
    for (const step of press) {
      if (this.#over.signal.aborted) return
      if (step.kind === 'wait') await this.#parts.ear.promptEnd(this.#over.signal)
      else await this.#press(step.digits)
    }
  }

  async #press(digits: readonly Digit[]): Promise<void> {
    this.#tell({ kind: 'pressed', count: digits.length })
    if (this.#options.pressCarrier !== 'info') {
      await this.#endpoint.sendDigits(digits).ended
      return
    }
    for (const digit of digits) {
      const body = new TextEncoder().encode(`Signal=${digit}\r\nDuration=160\r\n`)
      await this.#usage?.info('application/dtmf-relay', body)
      await delay(this.#parts.clock, 100, this.#over.signal).catch(() => {})
    }
  }

  #result(end: UsageEnd, stats: { packetsReceived: number; packetsLost: number }): PhoneResult {
    const { clock } = this.#parts
    const leg = endOfUsage(end)
    const answeredMs = this.#answeredMs
    const endedBy = end.by === 'network' ? 'network' : end.by === 'local' ? 'phone' : 'server'
    return {
      outcome: answeredMs !== null ? 'completed' : end.by === 'peer-refused' ? 'refused' : 'failed',
      endedBy,
      sipStatus: this.#status,
      ringMs: (answeredMs ?? clock.now()) - this.#startedMs,
      talkMs: answeredMs === null ? 0 : clock.now() - answeredMs,
      packetsReceived: stats.packetsReceived,
      packetsLost: stats.packetsLost,
      sentence: leg.sentence ?? sentenceOf(end, answeredMs !== null),
    }
  }
}

function sentenceOf(end: UsageEnd, wasAnswered: boolean): string {
  if (end.by === 'peer-refused') return `The server refused the call: ${end.status} ${end.response.reason}.`
  if (end.by === 'remote') return 'The server hung up.'
  return wasAnswered ? 'The phone hung up.' : 'The phone gave up before the call was answered.'
}

function sipUri(user: string, host: string, port: number | null, protocol: TransportProtocol): SipUri {
  const parameters = protocol === 'udp' ? noParameters : new Map([['transport', protocol]])
  return { scheme: 'sip', user, password: null, host, port, parameters, headers: [] }
}
