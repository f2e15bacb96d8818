import type { LegId, RecordingId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { InboundSipLeg } from '../../src/leg/inbound-leg.ts'
import type { Leg, LegEnd, LegFacts, LegParty, LegUser, TransferRequest } from '../../src/leg/leg.ts'
import { LegDirectory } from '../../src/leg/leg-directory.ts'
import { OutboundSipLeg } from '../../src/leg/outbound-leg.ts'
import type { SipLegParts } from '../../src/leg/sip-leg.ts'
import { type NextWay, type Way, type WayResult, waysInOrder } from '../../src/leg/way.ts'
import { InlineMediaPlane } from '../../src/media/plane/inline-plane.ts'
import type { DetectedDigit, MediaEndpointUser } from '../../src/media/plane/types.ts'
import type { ExtraHeaders } from '../../src/sip/dialog/types.ts'
import { tagOf } from '../../src/sip/message/addresses.ts'
import { parseNameAddress } from '../../src/sip/message/name-address.ts'
import { parseUri } from '../../src/sip/message/uri.ts'
import { MemoryRecordings, ourAddress, peerAddress } from './media-harness.ts'
import { type RequestParts, type ScriptedServerTransaction, ScriptedSip, type SentRequest } from './scripted-sip.ts'
import { settle } from './test-clock.ts'
import { VirtualNetwork } from './virtual-network.ts'

/** A telephone's description of itself. */
export function peerSdp(
  options: { port?: number; address?: string; direction?: string; formats?: string; events?: boolean } = {},
): Uint8Array {
  const { port = 4000, address = peerAddress, direction, formats = '0 8', events = true } = options
  const lines = [
    'v=0',
    `o=phone 1 1 IN IP4 ${peerAddress}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${formats}${events ? ' 101' : ''}`,
    ...(events ? ['a=rtpmap:101 telephone-event/8000'] : []),
    ...(direction === undefined ? [] : [`a=${direction}`]),
  ]
  return new TextEncoder().encode(`${lines.join('\r\n')}\r\n`)
}

/** A description that nothing can be done with. */
export const uselessSdp = peerSdp({ formats: '9', events: false })

/** Writes down what a leg tells. */
export class NotingLegUser implements LegUser {
  readonly lines: string[] = []
  readonly notes: { readonly what: string; readonly facts: LegFacts }[] = []
  readonly transfers: TransferRequest[] = []
  end: LegEnd | null = null

  legProgressed(status: number, hasEarlyMedia: boolean): void {
    this.lines.push(`progressed ${status}${hasEarlyMedia ? ' with media' : ''}`)
  }

  legAnswered(): void {
    this.lines.push('answered')
  }

  legHeld(isHeld: boolean): void {
    this.lines.push(isHeld ? 'held' : 'taken back')
  }

  transferRequested(request: TransferRequest): void {
    this.transfers.push(request)
    this.lines.push(`transfer ${request.target}`)
  }

  digitReceived(digit: DetectedDigit): void {
    this.lines.push(`digit ${digit.digit} ${digit.carrier}`)
  }

  legEnded(end: LegEnd): void {
    if (this.end) throw new Error('a leg ended twice')
    this.end = end
    this.lines.push(`ended ${end.by} ${end.cause}`)
  }

  legNoted(_kind: string, what: string, facts: LegFacts): void {
    this.notes.push({ what, facts })
  }

  noted(what: string): readonly LegFacts[] {
    return this.notes.filter((note) => note.what === what).map(({ facts }) => facts)
  }
}

/** An INVITE of the peer, by default with a good offer; `body: null` is one without. */
export interface InboundParts extends Omit<RequestParts, 'body'> {
  readonly body?: Uint8Array | null
  readonly user?: LegUser
}

/** What a way was told. */
export interface TestWay extends Way {
  readonly told: (WayResult | 'released')[]
}

const party: LegParty = {
  user: '137',
  displayName: null,
  extension: null,
  address: 'udp:192.0.2.9:5060',
  userAgent: null,
}

/** SIP legs of both directions in virtual time: the dialog layer and the media plane are real, the wire is the test's. */
export class LegHarness {
  readonly sip = new ScriptedSip()
  readonly user = new NotingLegUser()
  readonly directory = new LegDirectory()
  readonly recordings: MemoryRecordings
  readonly network: VirtualNetwork
  readonly plane: InlineMediaPlane
  readonly ports: number
  readonly #endpointUsers: MediaEndpointUser[] = []
  #legs = 0

  static async start(): Promise<LegHarness> {
    const sip = new ScriptedSip()
    const network = new VirtualNetwork(sip.clock, new SeededRandom(1))
    const recordings = new MemoryRecordings()
    const plane = await InlineMediaPlane.start({
      clock: sip.clock,
      random: new SeededRandom(2),
      log: silentLogger,
      addresses: [ourAddress, '192.0.2.2'],
      firstPort: 20_000,
      lastPort: 20_099,
      portsAhead: 4,
      bind: network.bindLater,
      recordings,
    })
    return new LegHarness(sip, network, plane, recordings)
  }

  private constructor(
    sip: ScriptedSip,
    network: VirtualNetwork,
    plane: InlineMediaPlane,
    recordings: MemoryRecordings,
  ) {
    this.sip = sip
    this.network = network
    this.plane = plane
    this.recordings = recordings
    this.ports = network.boundPorts
  }

  /** The worker of every endpoint that is open ends, as far as legs can tell. */
  loseMediaWorker(sentence: string): void {
    for (const user of this.#endpointUsers.splice(0)) user.mediaFailed(sentence)
  }

  get parts(): SipLegParts {
    return {
      clock: this.sip.clock,
      log: silentLogger,
      plane: {
        open: (options) => {
          this.#endpointUsers.push(options.user)
          return this.plane.open(options)
        },
      },
      media: { bindAddress: ourAddress, advertisedAddress: ourAddress },
      mediaTimeoutMs: 30_000,
      directory: this.directory,
    }
  }

  /** The peer calls; the leg is attached to the user and nothing is answered yet. */
  inbound(parts: InboundParts = {}): {
    leg: InboundSipLeg
    invite: ScriptedServerTransaction
  } {
    const { user = this.user, body = peerSdp(), ...request } = parts
    let leg: InboundSipLeg | null = null
    this.sip.onInvite = (invite) => {
      leg = new InboundSipLeg(this.#nextId(), invite, party, this.parts)
      leg.attach(user)
    }
    const invite = this.sip.receive('INVITE', { ...request, ...(body ? { body } : {}) })
    if (!leg) throw new Error('no leg was made')
    return { leg, invite }
  }

  /** The peer calls, is answered and acknowledges. */
  established(parts: InboundParts = {}): {
    leg: InboundSipLeg
    invite: ScriptedServerTransaction
  } {
    const made = this.inbound(parts)
    made.leg.answer()
    this.sip.learn(made.invite)
    this.sip.ack(made.invite)
    return made
  }

  way(changes: Partial<Way> = {}): TestWay {
    const told: (WayResult | 'released')[] = []
    return {
      label: 'way',
      uri: parseUri('sip:137@192.0.2.9'),
      target: { flow: this.sip.flow },
      from: parseNameAddress('<sip:101@example.net>'),
      to: parseNameAddress('<sip:137@example.net>'),
      headers: [],
      maxForwards: 69,
      report: (result) => told.push(result),
      released: () => told.push('released'),
      ...changes,
      told,
    }
  }

  /** A leg of ours, idle, attached to the user. */
  outbound(
    ways: readonly Way[] | NextWay = [this.way()],
    options: { near?: Leg; user?: LegUser } = {},
  ): OutboundSipLeg {
    const leg = new OutboundSipLeg(this.#nextId(), 'callee', party, {
      ...this.parts,
      invite: (invite, user) => this.sip.agent.invite(invite, user),
      ways: typeof ways === 'function' ? ways : waysInOrder(ways),
      near: options.near ?? null,
    })
    leg.attach(options.user ?? this.user)
    return leg
  }

  /** Starts it, and lets it find its first way. */
  async started(
    ways?: readonly Way[] | NextWay,
    options: { near?: Leg; user?: LegUser } = {},
  ): Promise<{ leg: OutboundSipLeg; invite: SentRequest }> {
    const leg = this.outbound(ways, options)
    leg.start()
    await settle()
    return { leg, invite: this.sip.transactions.last('INVITE') }
  }

  /** An outbound leg that was answered. */
  async talking(
    ways?: readonly Way[] | NextWay,
    options: { near?: Leg; user?: LegUser } = {},
  ): Promise<{ leg: OutboundSipLeg; invite: SentRequest }> {
    const made = await this.started(ways, options)
    answer(made.invite)
    this.sip.ourTag = tagOf(made.invite.request.from)
    return made
  }

  /** A request of the party that an outbound leg reached. */
  fromCallee(invite: SentRequest, method: string, parts: Parameters<ScriptedSip['receive']>[1] = {}) {
    return this.sip.receive(method, {
      sipCallId: invite.request.sipCallId,
      fromTag: 'callee',
      toTag: tagOf(invite.request.from),
      ...parts,
    })
  }

  recordOptions(id = 'rec_1') {
    return {
      recordingId: id as RecordingId,
      file: '/r.wav',
      channels: 'received',
      maxDurationMs: 60_000,
      silenceMs: null,
    } as const
  }

  async pass(ms: number): Promise<void> {
    await this.sip.clock.advanceAsync(ms)
  }

  /** For legs that nobody listens to. */
  readonly silentUser: LegUser = {
    legProgressed: () => {},
    legAnswered: () => {},
    legHeld: () => {},
    transferRequested: () => {},
    digitReceived: () => {},
    legEnded: () => {},
    legNoted: () => {},
  }

  /** Our RTP port, as an INVITE of ours tells it. */
  sdpPort(invite: { readonly request: { readonly body: Uint8Array } }): number {
    const text = new TextDecoder().decode(invite.request.body)
    return Number(/m=audio (\d+)/.exec(text)?.[1])
  }

  /** What is left over: dialogs, endpoints, legs that a Replaces would find. All zero after each ending. */
  get left(): { readonly usages: number; readonly endpoints: number; readonly legs: number } {
    return {
      usages: this.sip.agent.usageCount,
      endpoints: this.plane.counts.endpoints,
      legs: this.directory.size,
    }
  }

  async close(): Promise<void> {
    await this.plane.close()
  }

  #nextId(): LegId {
    return `leg_${++this.#legs}` as LegId
  }
}

export const nothingLeft = { usages: 0, endpoints: 0, legs: 0 }

const contact: ExtraHeaders = [['Contact', '<sip:137@192.0.2.9>']]

/** The callee answers an INVITE of ours, and whatever BYE or CANCEL comes is left to the test. */
export function answer(invite: SentRequest, options: { sdp?: Uint8Array | null; tag?: string } = {}): void {
  const { sdp = peerSdp(), tag = 'callee' } = options
  invite.reply(200, {
    toTag: tag,
    headers: contact,
    ...(sdp ? { body: sdp, contentType: 'application/sdp' } : {}),
  })
}

export function progress(invite: SentRequest, status: number, options: { sdp?: Uint8Array; tag?: string } = {}): void {
  const { sdp, tag = 'callee' } = options
  invite.reply(status, { toTag: tag, headers: contact, ...(sdp ? { body: sdp, contentType: 'application/sdp' } : {}) })
}
