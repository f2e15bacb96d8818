import { StateError } from '../../src/base/errors.ts'
import type { SipCallId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import type {
  ExtraHeaders,
  IncomingInvite,
  IncomingRefer,
  OfferOutcome,
  OutgoingInviteOptions,
  OutgoingInviteUser,
  UsageEnd,
} from '../../src/sip/dialog/types.ts'
import { UserAgent, type UserAgentOptions } from '../../src/sip/dialog/user-agent.ts'
import { tagOf, withTag } from '../../src/sip/message/addresses.ts'
import { createRequest, createResponse, type ResponseOptions } from '../../src/sip/message/build.ts'
import { parseNameAddress } from '../../src/sip/message/name-address.ts'
import { parseMessage } from '../../src/sip/message/parse.ts'
import { printMessage } from '../../src/sip/message/print.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message/types.ts'
import { parseUri } from '../../src/sip/message/uri.ts'
import {
  type ClientTransaction,
  type ClientTransactionUser,
  defaultTimers,
  type ServerTransaction,
  type ServerTransactionUser,
  type Transactions,
} from '../../src/sip/transaction/types.ts'
import type { Destination, Flow, SocketAddress, Transport, TransportProtocol } from '../../src/sip/transport/types.ts'
import { TestClock } from './test-clock.ts'

/** A flow between the server, 192.0.2.1:5060, and a peer. */
export function makeFlow(peer: Partial<SocketAddress> & { protocol?: TransportProtocol; isOpen?: boolean } = {}): Flow {
  const { protocol = 'udp', address = '192.0.2.9', port = 5060, isOpen = true } = peer
  return {
    id: `${protocol} ${address}:${port}`,
    protocol,
    isReliable: protocol !== 'udp',
    local: { address: '192.0.2.1', port: 5060 },
    remote: { address, port },
    isOpen,
  }
}

/** A transport that knows its address; nothing is sent by it. */
export const silentTransport: Transport = {
  sendRequest: () => Promise.reject(new Error('not connected')),
  sendResponse: () => Promise.reject(new Error('not connected')),
  prepareResponse: () => ({ send: () => Promise.reject(new Error('not connected')) }),
  localAddress: () => ({ address: '192.0.2.1', port: 5060 }),
  interfaceAddress: () => '192.0.2.1',
}

/** A request that came in, and what was answered. Refuses what the real machines refuse. */
export class ScriptedServerTransaction implements ServerTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  readonly responses: SipResponse[] = []
  user: ServerTransactionUser | null = null

  constructor(request: SipRequest, flow: Flow) {
    this.request = request
    this.flow = flow
  }

  get isTerminated(): boolean {
    return false
  }

  respond(response: SipResponse): void {
    const last = this.responses.at(-1)?.status ?? 0
    const isRepeatedSuccess = this.request.method === 'INVITE' && last < 300 && response.status < 300 && last >= 200
    if (last >= 200 && (!isRepeatedSuccess || response.status < 200)) {
      throw new StateError('defect.assertion', 'A final response was sent before.')
    }
    // Through the printer and the parser: what we send has to be legal.
    const bytes = printMessage(response)
    const read = parseMessage(bytes)
    if (read.kind === 'response') this.responses.push(read)
  }

  get last(): SipResponse {
    const last = this.responses.at(-1)
    if (!last) throw new Error(`${this.request.method} has not been answered`)
    return last
  }

  get statuses(): readonly number[] {
    return this.responses.map(({ status }) => status)
  }
}

/** A request that went out. The test plays the peer that answers it. */
export class SentRequest implements ClientTransaction {
  readonly request: SipRequest
  readonly target: { flow?: Flow; destination?: Destination }
  readonly user: ClientTransactionUser
  readonly flow: Flow
  /** The Reason of our CANCEL; null while none was sent. */
  cancelledWith: string | null = null

  constructor(request: SipRequest, target: SentRequest['target'], user: ClientTransactionUser) {
    const read = parseMessage(printMessage(request))
    if (read.kind !== 'request') throw new Error('not a request')
    this.request = read
    this.target = target
    this.user = user
    this.flow = target.flow ?? makeFlow({ ...target.destination?.remote })
  }

  cancel(reason = ''): void {
    this.cancelledWith = reason
  }

  reply(status: number, options: ResponseOptions = {}): void {
    this.user.responseReceived(createResponse(this.request, status, options))
  }
}

export class ScriptedTransactions implements Transactions {
  readonly sent: SentRequest[] = []
  readonly acks: { readonly ack: SipRequest; readonly target: SentRequest['target'] }[] = []
  readonly counts = { client: 0, server: 0 }

  request(request: SipRequest, target: SentRequest['target'], user: ClientTransactionUser): SentRequest {
    const sent = new SentRequest(request, target, user)
    this.sent.push(sent)
    return sent
  }

  sendAck(ack: SipRequest, target: SentRequest['target']): void {
    this.acks.push({ ack, target })
  }

  /** The requests sent, by method. */
  get methods(): readonly string[] {
    return this.sent.map(({ request }) => request.method)
  }

  /** The last request sent, which has to be of this method. */
  last(method: string): SentRequest {
    const last = this.sent.at(-1)
    if (last?.request.method !== method) throw new Error(`the last request is ${last?.request.method}, not ${method}`)
    return last
  }
}

const encoder = new TextEncoder()

/** Any bytes do for a description: nothing below the leg reads them. */
export function sdp(name: string): Uint8Array {
  return encoder.encode(`v=0 ${name}`)
}

export function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes)
}

/** Writes down what it is told; answers offers with `answer to …` unless told otherwise. */
export class RecordingUser implements OutgoingInviteUser {
  readonly heard: string[] = []
  readonly seen: string[] = []
  end: UsageEnd | null = null
  answer: (offer: Uint8Array) => Uint8Array | null = (offer) => sdp(`answer to ${text(offer)}`)
  isAnswerUsable = true
  infoStatus = 200
  responsesSeen = 0
  readonly refers: IncomingRefer[] = []
  onRefer: (refer: IncomingRefer) => void = () => {}

  offerReceived(offer: Uint8Array): Uint8Array | null {
    this.heard.push(`offer ${text(offer)}`)
    return this.answer(offer)
  }

  offerWanted(): Uint8Array {
    this.heard.push('offerWanted')
    return sdp('our fresh offer')
  }

  answerReceived(answer: Uint8Array): boolean {
    this.heard.push(`answer ${text(answer)}`)
    return this.isAnswerUsable
  }

  confirmed(): void {
    this.heard.push('confirmed')
  }

  infoReceived(contentType: string | null, body: Uint8Array): number {
    this.heard.push(`info ${contentType} ${text(body)}`)
    return this.infoStatus
  }

  referReceived(refer: IncomingRefer): void {
    this.refers.push(refer)
    this.onRefer(refer)
  }

  ended(end: UsageEnd): void {
    if (this.end) throw new Error('ended twice')
    this.end = end
    this.heard.push(`ended ${end.by}`)
  }

  messageSeen(direction: string, summary: { readonly text: string }): void {
    this.seen.push(`${direction === 'incoming' ? '->' : '<-'} ${summary.text}`)
  }

  responseSeen(): void {
    this.responsesSeen++
  }

  provisionalReceived(status: number, description: Uint8Array | null): void {
    this.heard.push(description ? `${status} ${text(description)}` : String(status))
  }

  accepted(description: Uint8Array | null): void {
    this.heard.push(`accepted ${text(description)}`)
  }
}

/** The other end of one dialog with a user agent: builds its requests with the right tags and numbers. */
export interface RequestParts {
  readonly headers?: ExtraHeaders
  readonly body?: Uint8Array
  readonly contentType?: string
  readonly cseq?: number
  readonly fromTag?: string
  readonly toTag?: string | null
  readonly uri?: string
  readonly flow?: Flow
  readonly sipCallId?: string
}

/** One user agent whose transactions, clock and peer are played by the test. */
export class ScriptedSip {
  readonly clock = new TestClock()
  readonly transactions = new ScriptedTransactions()
  readonly user = new RecordingUser()
  readonly flow = makeFlow()
  readonly agent: UserAgent
  readonly invites: IncomingInvite[] = []
  readonly others: ServerTransaction[] = []
  /** What to do with a new INVITE; by default the recording user is attached and nothing is answered. */
  onInvite: (invite: IncomingInvite) => void = (invite) => invite.attach(this.user)
  /** Our tag, once a response has shown it. */
  ourTag: string | null = null
  #cseq = 100

  constructor(options: Partial<UserAgentOptions> = {}) {
    this.agent = new UserAgent({
      transactions: this.transactions,
      transport: silentTransport,
      clock: this.clock,
      random: new SeededRandom(1),
      log: silentLogger,
      timers: defaultTimers,
      serverName: 'Switchhook test',
      sessionTimers: null,
      user: {
        inviteReceived: (invite) => {
          this.invites.push(invite)
          this.onInvite(invite)
        },
        requestReceived: (transaction) => {
          this.others.push(transaction)
          return transaction.request.method === 'REGISTER'
        },
      },
      ...options,
    })
  }

  get invite(): IncomingInvite {
    const invite = this.invites.at(-1)
    if (!invite) throw new Error('no INVITE was passed on')
    return invite
  }

  /** The peer sends a request. Without `toTag` the one we gave, once there is one. */
  receive(method: string, parts: RequestParts = {}): ScriptedServerTransaction {
    const request = this.build(method, parts)
    const transaction = new ScriptedServerTransaction(request, parts.flow ?? this.flow)
    this.agent.requestReceived(transaction)
    const tag = transaction.responses.filter(({ status }) => status < 300).map(({ to }) => tagOf(to))[0]
    if (method === 'INVITE') this.ourTag ??= tag ?? null
    return transaction
  }

  /** The peer's INVITE with an offer. */
  call(parts: RequestParts = {}): ScriptedServerTransaction {
    return this.receive('INVITE', { body: sdp('their offer'), ...parts })
  }

  /** The peer acknowledges a 2xx to this INVITE. */
  ack(invite: ScriptedServerTransaction, parts: RequestParts = {}): void {
    const toTag = tagOf(invite.last.to)
    this.agent.ackReceived(
      this.build('ACK', { cseq: invite.request.cseq.number, toTag, ...parts }),
      parts.flow ?? this.flow,
    )
  }

  /** Learns our tag from what was answered since. */
  learn(transaction: ScriptedServerTransaction): void {
    this.ourTag = tagOf(transaction.last.to)
  }

  build(method: string, parts: RequestParts = {}): SipRequest {
    const toTag = parts.toTag === undefined ? this.ourTag : parts.toTag
    const isDescribed = parts.body !== undefined
    const request = createRequest({
      method,
      uri: parseUri(parts.uri ?? 'sip:1000@192.0.2.1'),
      from: parseNameAddress(`<sip:101@example.net>;tag=${parts.fromTag ?? 'theirs'}`),
      to: withTag(parseNameAddress('<sip:1000@example.net>'), toTag),
      sipCallId: (parts.sipCallId ?? 'call@example.net') as SipCallId,
      cseq: parts.cseq ?? this.#cseq++,
      headers: [
        ...(parts.headers?.some(([name]) => name === 'Contact') ? [] : [['Contact', '<sip:101@192.0.2.9>'] as const]),
        ...(parts.headers ?? []),
      ],
      ...(parts.body ? { body: parts.body } : {}),
      ...(isDescribed ? { contentType: parts.contentType ?? 'application/sdp' } : {}),
    })
    const read = parseMessage(printMessage(request))
    if (read.kind !== 'request') throw new Error('not a request')
    return read
  }

  /** An answered, acknowledged incoming call. */
  established(parts: RequestParts = {}): ScriptedServerTransaction {
    const invite = this.call(parts)
    this.invite.accept({ sdp: sdp('our answer') })
    this.learn(invite)
    this.ack(invite)
    return invite
  }

  /** Places a call to 192.0.2.9. */
  place(options: Partial<OutgoingInviteOptions> = {}, user: OutgoingInviteUser = this.user) {
    return this.agent.invite(
      {
        uri: parseUri('sip:101@192.0.2.9'),
        from: parseNameAddress('<sip:1000@example.net>'),
        to: parseNameAddress('<sip:101@example.net>'),
        target: { flow: this.flow },
        sdp: sdp('our offer'),
        ...options,
      },
      user,
    )
  }
}

/** The value of a promise that is settled already, or `pending`. */
export async function settled<Outcome = OfferOutcome>(promise: Promise<Outcome>): Promise<Outcome | 'pending'> {
  return Promise.race([promise, new Promise<'pending'>((resolve) => setImmediate(() => resolve('pending')))])
}
