import type { LocalTag, RemoteTag, SipCallId } from '../../base/ids.ts'
import type { Random } from '../../base/random.ts'
import { contactOf, recordRoutesOf, tagOf, withTag } from '../message/addresses.ts'
import { createRequest } from '../message/build.ts'
import type { NameAddress, SipMessage, SipRequest, SipResponse, Uri } from '../message/types.ts'
import type { Flow } from '../transport/types.ts'
import { readOr } from './lenient.ts'
import { chooseTarget, type RequestTarget, routeRequest } from './next-hop.ts'
import type { ExtraHeaders } from './types.ts'

export interface DialogRequestOptions {
  readonly headers: ExtraHeaders
  readonly body?: Uint8Array | string
  readonly contentType?: string
  /** For ACK, which repeats the INVITE's; a new one otherwise. */
  readonly cseq?: number
}

interface DialogParts {
  readonly sipCallId: SipCallId
  readonly local: NameAddress
  readonly remote: NameAddress
  readonly routeSet: readonly NameAddress[]
  readonly remoteTarget: Uri
  readonly localCseq: number
  readonly remoteCseq: number | null
  readonly flow: Flow | null
}

/** The state of one dialog, RFC 3261 §12: who, by which way, and at which number each side has arrived. */
export class Dialog {
  readonly sipCallId: SipCallId
  readonly localTag: LocalTag
  readonly remoteTag: RemoteTag
  readonly routeSet: readonly NameAddress[]
  readonly #local: NameAddress
  readonly #remote: NameAddress
  #remoteTarget: Uri
  #localCseq: number
  #remoteCseq: number | null
  /** The flow the peer last used. */
  #flow: Flow | null

  private constructor(parts: DialogParts) {
    this.sipCallId = parts.sipCallId
    this.localTag = (tagOf(parts.local) ?? '') as LocalTag
    this.remoteTag = (tagOf(parts.remote) ?? '') as RemoteTag
    this.routeSet = parts.routeSet
    this.#local = parts.local
    this.#remote = parts.remote
    this.#remoteTarget = parts.remoteTarget
    this.#localCseq = parts.localCseq
    this.#remoteCseq = parts.remoteCseq
    this.#flow = parts.flow
  }

  /** The UAS's dialog, §12.1.1. A peer of RFC 2543 may have sent no tag and no Contact. */
  static ofServer(invite: SipRequest, localTag: LocalTag, flow: Flow, random: Random): Dialog {
    return new Dialog({
      sipCallId: invite.sipCallId,
      local: withTag(invite.to, localTag),
      remote: invite.from,
      routeSet: recordRoutesOf(invite),
      remoteTarget: contactOf(invite)?.uri ?? invite.from.uri,
      // Anywhere below 2^31 (§8.1.1.5); small ones are easier to read in a trace.
      localCseq: random.uint32() % 10_000,
      remoteCseq: invite.cseq.number,
      flow,
    })
  }

  /**
   * The UAC's dialog, §12.1.2, from a response with a tag.
   * @param early - the early dialog it grew out of: sequence numbers go on from there.
   */
  static ofClient(invite: SipRequest, response: SipResponse, flow: Flow | null, early?: Dialog): Dialog {
    return new Dialog({
      sipCallId: invite.sipCallId,
      local: invite.from,
      remote: response.to,
      routeSet: recordRoutesOf(response).toReversed(),
      remoteTarget: contactOf(response)?.uri ?? invite.uri,
      localCseq: early?.localCseq ?? invite.cseq.number,
      remoteCseq: early?.remoteCseq ?? null,
      flow: flow ?? early?.flow ?? null,
    })
  }

  get flow(): Flow | null {
    return this.#flow
  }

  /** The number of the last request of ours. */
  get localCseq(): number {
    return this.#localCseq
  }

  /** The number of the last request of the peer's; null before the first. */
  get remoteCseq(): number | null {
    return this.#remoteCseq
  }

  /** §12.2.2. Returns false for a request that is out of order: 500. */
  acceptRequest(request: SipRequest, flow: Flow): boolean {
    const { number } = request.cseq
    if (this.#remoteCseq !== null && number < this.#remoteCseq) return false
    this.#remoteCseq = number
    this.#flow = flow
    return true
  }

  /** A response came by this flow. */
  heardFrom(flow: Flow | null): void {
    this.#flow = flow ?? this.#flow
  }

  /** A target refresh request, or a 2xx to one of ours, names a new remote target (§12.2.1.2, §12.2.2). */
  refreshTarget(message: SipMessage): void {
    this.#remoteTarget = readOr(null, () => contactOf(message))?.uri ?? this.#remoteTarget
  }

  /** Builds a request within the dialog (§12.2.1.1) and says where it goes. */
  createRequest(method: string, options: DialogRequestOptions): { request: SipRequest; target: RequestTarget } {
    const routing = routeRequest(this.#remoteTarget, this.routeSet)
    const cseq = options.cseq ?? ++this.#localCseq
    const request = createRequest({
      method,
      uri: routing.uri,
      from: this.#local,
      to: this.#remote,
      sipCallId: this.sipCallId,
      cseq,
      headers: [...routing.routes.map((route) => ['Route', route] as const), ...options.headers],
      ...(options.body ? { body: options.body } : {}),
      ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
    })
    return { request, target: chooseTarget(routing.nextHop, this.#flow) }
  }
}
