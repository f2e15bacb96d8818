import type { TimeoutError, TransportError } from '../../src/base/errors.ts'
import type { SipCallId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import {
  createRequest,
  createResponse,
  parseNameAddress,
  parseUri,
  parseVia,
  type ResponseOptions,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  withTopVia,
} from '../../src/sip/message/index.ts'
import {
  type ClientTransactionUser,
  type ServerTransaction,
  TransactionLayer,
  type TransactionUser,
} from '../../src/sip/transaction/index.ts'
import type { Destination, Flow, TransportProtocol, TransportUser } from '../../src/sip/transport/index.ts'
import { TestClock } from './test-clock.ts'
import { VirtualNetwork, type VirtualTransport } from './transport-pair.ts'

export interface RequestParts {
  readonly sipCallId?: string
  readonly cseq?: number
  readonly fromTag?: string
  readonly toTag?: string
  /** Put in by the transaction layer where there is one. */
  readonly branch?: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

/** A request as a telephone would send it. */
export function sipRequest(method: string, parts: RequestParts = {}): SipRequest {
  const request = createRequest({
    method,
    uri: parseUri('sip:1000@192.0.2.2'),
    from: parseNameAddress(`<sip:101@192.0.2.1>;tag=${parts.fromTag ?? 'from1'}`),
    to: parseNameAddress(`<sip:1000@192.0.2.2>${parts.toTag === undefined ? '' : `;tag=${parts.toTag}`}`),
    sipCallId: (parts.sipCallId ?? 'call1@192.0.2.1') as SipCallId,
    cseq: parts.cseq ?? 1,
    headers: parts.headers ?? [],
    ...(parts.body === undefined ? {} : { body: parts.body, contentType: 'application/sdp' }),
  })
  if (parts.branch === undefined) return request
  return withTopVia(request, parseVia(`SIP/2.0/UDP placeholder.invalid;branch=${parts.branch}`))
}

/** The other side of a transaction without any of its own: what comes is kept, what goes is as the test says. */
export class RawPeer implements TransportUser {
  readonly transport: VirtualTransport
  readonly received: SipMessage[] = []
  readonly #flows = new Map<SipMessage, Flow>()

  constructor(transport: VirtualTransport) {
    this.transport = transport
    transport.user = this
  }

  get requests(): SipRequest[] {
    return this.received.filter((message) => message.kind === 'request')
  }

  get statuses(): number[] {
    return this.received.flatMap((message) => (message.kind === 'response' ? [message.status] : []))
  }

  /** The last that came of that method. */
  last(method: string): SipRequest {
    const found = this.requests.findLast((request) => request.method === method)
    if (found === undefined) throw new Error(`No ${method} has come.`)
    return found
  }

  /** Answers a request, by default the last INVITE. */
  async reply(status: number, options: ResponseOptions & { to?: SipRequest } = {}): Promise<void> {
    const { to = this.last('INVITE'), ...rest } = options
    const flow = this.#flows.get(to)
    if (flow === undefined) throw new Error('That request did not come here.')
    await this.transport.sendResponse(createResponse(to, status, { toTag: 'to1', ...rest }), flow)
  }

  async send(request: SipRequest, remote: VirtualTransport, protocol: TransportProtocol = 'udp'): Promise<void> {
    await this.transport.sendRequest(request, { destination: { protocol, remote: remote.local } })
  }

  messageReceived(message: SipMessage, flow: Flow): void {
    this.received.push(message)
    this.#flows.set(message, flow)
  }

  garbageReceived(): void {}

  flowClosed(): void {}
}

/** Keeps what a client transaction tells. */
export class ClientUser implements ClientTransactionUser {
  readonly responses: SipResponse[] = []
  readonly errors: (TimeoutError | TransportError)[] = []

  get statuses(): number[] {
    return this.responses.map(({ status }) => status)
  }

  responseReceived(response: SipResponse): void {
    this.responses.push(response)
  }

  failed(error: TimeoutError | TransportError): void {
    this.errors.push(error)
  }
}

/** Keeps what the layer passes up; `onRequest` may answer. */
export class LayerUser implements TransactionUser {
  readonly transactions: ServerTransaction[] = []
  readonly acks: SipRequest[] = []
  readonly strays: SipResponse[] = []
  readonly closedFlows: Flow[] = []
  onRequest: (transaction: ServerTransaction) => void = () => {}

  get methods(): string[] {
    return this.transactions.map(({ request }) => request.method)
  }

  /** The transaction of the n-th request, from 0. */
  at(index: number): ServerTransaction {
    const found = this.transactions.at(index)
    if (found === undefined) throw new Error(`There is no request ${index}.`)
    return found
  }

  requestReceived(transaction: ServerTransaction): void {
    this.transactions.push(transaction)
    this.onRequest(transaction)
  }

  ackReceived(ack: SipRequest): void {
    this.acks.push(ack)
  }

  strayResponseReceived(response: SipResponse): void {
    this.strays.push(response)
  }

  flowClosed(flow: Flow): void {
    this.closedFlows.push(flow)
  }
}

export interface LayerAndPeer {
  readonly clock: TestClock
  readonly network: VirtualNetwork
  readonly layer: TransactionLayer
  readonly layerUser: LayerUser
  readonly layerTransport: VirtualTransport
  readonly peer: RawPeer
  /** Where the peer is. */
  readonly destination: Destination
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>
}

/** A transaction layer at 192.0.2.1, and at 192.0.2.2 a peer that does what the test says. */
export function layerAndPeer(
  protocol: 'udp' | 'tcp' = 'udp',
  limits?: ConstructorParameters<typeof TransactionLayer>[0]['limits'],
): LayerAndPeer {
  const clock = new TestClock()
  const network = new VirtualNetwork(clock)
  const layerTransport = network.transport('192.0.2.1')
  const peer = new RawPeer(network.transport('192.0.2.2'))
  const options = { clock, log: silentLogger, random: new SeededRandom(1), transport: layerTransport }
  const layer = new TransactionLayer(limits === undefined ? options : { ...options, limits })
  const layerUser = new LayerUser()
  layer.user = layerUser
  layerTransport.user = layer
  return {
    clock,
    network,
    layer,
    layerUser,
    layerTransport,
    peer,
    destination: { protocol, remote: peer.transport.local },
    pass: (ms) => clock.advanceAsync(ms),
  }
}
