import type { SipCallId } from '../../src/base/ids.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { CallerCheck } from '../../src/caller-check.ts'
import type { TenantSettings } from '../../src/config/settings.ts'
import { MessageSummary, type WaitingMessages } from '../../src/reach/message-summary.ts'
import { Directory } from '../../src/routing/directory.ts'
import { DigestClient } from '../../src/sip/auth/digest-client.ts'
import { DigestServer } from '../../src/sip/auth/digest-server.ts'
import { UserAgent } from '../../src/sip/dialog/user-agent.ts'
import { tagOf, withTag } from '../../src/sip/message/addresses.ts'
import { createRequest, createResponse } from '../../src/sip/message/build.ts'
import { parseNameAddress } from '../../src/sip/message/name-address.ts'
import type { SipRequest, SipResponse } from '../../src/sip/message/types.ts'
import { parseUri } from '../../src/sip/message/uri.ts'
import { Notifier, type NotifierOptions } from '../../src/sip/subscription/notifier.ts'
import { TransactionLayer } from '../../src/sip/transaction/transaction-layer.ts'
import { defaultTimers } from '../../src/sip/transaction/types.ts'
import { TestClock } from './test-clock.ts'
import { VirtualNetwork, type VirtualTransport } from './transport-pair.ts'
import { voicemailTenant } from './voicemail-stage.ts'

const server = '192.0.2.1'

export interface SubscribeOptions {
  readonly uri?: string
  readonly username?: string
  readonly password?: string
  /** In place of `message-summary`; null: none. */
  readonly event?: string | null
  readonly expires?: string | null
  readonly headers?: readonly (readonly [string, string])[]
  readonly contact?: string | null
  readonly sipCallId?: string
  readonly fromTag?: string
  readonly protocol?: 'udp' | 'tcp'
  /** In place of the next number. */
  readonly cseq?: number
}

/** What a NOTIFY said. */
export interface Told {
  readonly state: string
  readonly event: string
  readonly body: string
  readonly sipCallId: string
  readonly cseq: number
  readonly request: SipRequest
}

/** A server with the notifier of mailboxes, all of its SIP stack real, on a virtual network. */
export class SubscriberStage {
  readonly clock = new TestClock()
  readonly network = new VirtualNetwork(this.clock, { latencyMs: 5 })
  readonly notifier: Notifier
  readonly agent: UserAgent
  readonly layer: TransactionLayer
  readonly directory: Directory
  readonly waiting = new Map<string, WaitingMessages>()
  /** How often the store was asked. */
  counted = 0
  count: (tenant: string, extension: string) => Promise<WaitingMessages> = async (tenant, extension) =>
    this.waiting.get(`${tenant} ${extension}`) ?? { unread: 0, read: 0 }
  readonly #phones: SubscribingPhone[] = []

  constructor(options: Partial<NotifierOptions> = {}, tenants: readonly TenantSettings[] = usualTenants()) {
    const { clock } = this
    const random = new SeededRandom(2)
    const log = silentLogger
    this.directory = new Directory(new Map(tenants.map((one) => [one.name, one])))
    const transport = this.network.transport(server)
    this.layer = new TransactionLayer({ transport, clock, random, log, timers: defaultTimers })
    const digest = new DigestServer({ clock, random })
    const subscribers = new CallerCheck({
      directory: this.directory,
      digest,
      anonymous: 'any',
      trunkOf: () => null,
      trunkAccounts: () => [],
      inside: { isOwn: () => false, find: () => null },
    })
    const summary = new MessageSummary({
      directory: this.directory,
      count: (tenant, extension) => {
        this.counted++
        return this.count(tenant, extension)
      },
    })
    this.notifier = new Notifier({
      clock,
      random,
      log,
      digest,
      subscribers,
      transactions: this.layer,
      transport,
      packages: [summary],
      serverName: 'Switchhook test',
      ...options,
    })
    this.agent = new UserAgent({
      transactions: this.layer,
      transport,
      clock,
      random,
      log,
      timers: defaultTimers,
      serverName: 'Switchhook test',
      sessionTimers: null,
      otherMethods: ['REGISTER', 'SUBSCRIBE'],
      otherEvents: ['message-summary'],
      user: {
        inviteReceived: (invite) => invite.reject(480),
        requestReceived: (transaction) => {
          const { method } = transaction.request
          if (method === 'SUBSCRIBE') this.notifier.requestReceived(transaction)
          if (method === 'OPTIONS') this.agent.answerOptions(transaction)
          return method === 'SUBSCRIBE' || method === 'OPTIONS'
        },
      },
    })
    transport.user = this.layer
    this.layer.user = this.agent
  }

  phone(address = '192.0.2.9', extension = '101'): SubscribingPhone {
    const phone = new SubscribingPhone(this, address, extension, this.#phones.length + 10)
    this.#phones.push(phone)
    return phone
  }

  wait(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms)
  }

  set(extension: string, unread: number, read = 0): void {
    this.waiting.set(`acme ${extension}`, { unread, read })
    this.notifier.changed({ tenant: 'acme', extension }, 'message-summary')
  }

  /** Every timer of every stack runs out: nothing may be left. */
  async end(): Promise<void> {
    const closing = this.notifier.close()
    await this.wait(100_000)
    await closing
    for (const phone of this.#phones) phone.close()
    this.layer.close()
  }
}

/** acme and other, each with 101 (a mailbox), 102 (a mailbox with a PIN) and 103 (none). */
function usualTenants(): readonly TenantSettings[] {
  return ['acme', 'other'].map((name) => {
    const tenant = voicemailTenant(name)
    const extensions = new Map(
      [...tenant.extensions].map(([extension, one]) => [extension, { ...one, password: `${name}-${extension}` }]),
    )
    return { ...tenant, extensions }
  })
}

/** A telephone that subscribes, and is told. */
export class SubscribingPhone {
  /** What it answers to NOTIFY; null: nothing. */
  answer: (
    told: Told,
  ) => { readonly status: number; readonly headers?: readonly (readonly [string, string])[] } | null = () => ({
    status: 200,
  })
  readonly told: Told[] = []
  readonly statuses: number[] = []
  last: SipResponse | null = null
  readonly #stage: SubscriberStage
  readonly #transport: VirtualTransport
  readonly #layer: TransactionLayer
  readonly #address: string
  readonly #extension: string
  readonly #random: SeededRandom
  #cseq = 1
  #calls = 0
  #dialog: {
    readonly sipCallId: string
    readonly remoteTag: string
    readonly uri: string
    readonly fromTag: string
  } | null = null

  constructor(stage: SubscriberStage, address: string, extension: string, seed: number) {
    const { clock, network } = stage
    this.#stage = stage
    this.#address = address
    this.#extension = extension
    this.#random = new SeededRandom(seed)
    this.#transport = network.transport(address)
    const random = this.#random
    this.#layer = new TransactionLayer({
      transport: this.#transport,
      clock,
      random,
      log: silentLogger,
      timers: defaultTimers,
    })
    this.#transport.user = this.#layer
    this.#layer.user = {
      requestReceived: (transaction) => {
        const { request } = transaction
        const told = {
          state: request.headers.get('Subscription-State') ?? '',
          event: request.headers.get('Event') ?? '',
          body: Buffer.from(request.body).toString(),
          sipCallId: request.sipCallId,
          cseq: request.cseq.number,
          request,
        }
        this.told.push(told)
        const answer = this.answer(told)
        if (answer)
          transaction.respond(createResponse(request, answer.status, { toTag: 'x', headers: answer.headers ?? [] }))
      },
      ackReceived: () => {},
      strayResponseReceived: () => {},
      flowClosed: () => {},
    }
  }

  get states(): readonly string[] {
    return this.told.map(({ state }) => state)
  }

  /** `2/8` of the last NOTIFY; null where it had no body. */
  get counts(): string | null {
    return /Voice-Message: (\S+)/.exec(this.told.at(-1)?.body ?? '')?.[1] ?? null
  }

  /** A new subscription: SUBSCRIBE, the challenge, SUBSCRIBE with credentials. @returns the last status. */
  async subscribe(options: SubscribeOptions = {}): Promise<number> {
    const sipCallId = options.sipCallId ?? `subscription-${this.#address}-${++this.#calls}`
    return await this.#round({ ...options, sipCallId }, null)
  }

  /** One within the dialog of the last that was accepted. */
  async again(options: SubscribeOptions & { readonly remoteTag?: string } = {}): Promise<number> {
    if (!this.#dialog) throw new Error('there is no dialog')
    return await this.#round(
      { uri: this.#dialog.uri, sipCallId: this.#dialog.sipCallId, ...options },
      options.remoteTag ?? this.#dialog.remoteTag,
    )
  }

  /** A SUBSCRIBE that nobody sends. */
  request(options: SubscribeOptions): SipRequest {
    return this.#build('SUBSCRIBE', options, null, [], 1)
  }

  /** One request, as it is, and its final status; 0: none came. */
  async send(method: string, options: SubscribeOptions = {}, remoteTag: string | null = null): Promise<number> {
    const request = this.#build(method, options, remoteTag, [], this.#cseq++)
    return (await this.#exchange(request, options.protocol))?.status ?? 0
  }

  close(): void {
    this.#layer.close()
  }

  async #round(options: SubscribeOptions, remoteTag: string | null): Promise<number> {
    const username = options.username ?? this.#extension
    const password = options.password ?? `acme-${username}`
    const client = new DigestClient({ username, password, random: this.#random })
    let credentials: readonly (readonly [string, string])[] = []
    for (let attempt = 0; attempt < 3; attempt++) {
      const cseq = options.cseq === undefined ? this.#cseq++ : options.cseq + attempt
      const request = this.#build('SUBSCRIBE', options, remoteTag, credentials, cseq)
      const response = await this.#exchange(request, options.protocol)
      if (response === null) return 0
      this.statuses.push(response.status)
      if (response.status !== 401 || !client.takeChallenge(request, response, attempt)) {
        this.#learn(request, response)
        return response.status
      }
      const next = this.#build('SUBSCRIBE', options, remoteTag, [], this.#cseq)
      credentials = client.credentials(next)
    }
    return 401
  }

  #learn(request: SipRequest, response: SipResponse): void {
    if (response.status !== 200) return
    const uri = /<([^>]*)>/.exec(response.headers.get('Contact') ?? '')?.[1] ?? ''
    const fromTag = tagOf(request.from) ?? ''
    this.#dialog = { sipCallId: request.sipCallId, remoteTag: tagOf(response.to) ?? '', uri, fromTag }
  }

  #build(
    method: string,
    options: SubscribeOptions,
    remoteTag: string | null,
    credentials: readonly (readonly [string, string])[],
    cseq: number,
  ): SipRequest {
    const { event = 'message-summary', expires = '600', headers = [] } = options
    const contact = options.contact === undefined ? `<sip:${this.#extension}@${this.#address}>` : options.contact
    const address = `<sip:${this.#extension}@acme.example>`
    return createRequest({
      method,
      uri: parseUri(options.uri ?? `sip:${this.#extension}@acme.example`),
      from: parseNameAddress(`${address};tag=${options.fromTag ?? 'phone'}`),
      to: withTag(parseNameAddress(address), remoteTag),
      sipCallId: (options.sipCallId ?? `other-${cseq}-${this.#address}`) as SipCallId,
      cseq,
      headers: [
        ...(event === null ? [] : [['Event', event] as const]),
        ...(expires === null ? [] : [['Expires', expires] as const]),
        ...(contact === null ? [] : [['Contact', contact] as const]),
        ...headers,
        ...credentials,
      ],
    })
  }

  async #exchange(request: SipRequest, protocol: 'udp' | 'tcp' = 'udp'): Promise<SipResponse | null> {
    let answer: SipResponse | null | undefined
    this.#layer.request(
      request,
      { destination: { protocol, remote: { address: server, port: 5060 } } },
      {
        responseReceived: (response) => {
          if (response.status >= 200) answer = response
        },
        failed: () => {
          answer = null
        },
      },
    )
    for (let waited = 0; answer === undefined && waited < 40_000; waited += 5) await this.#stage.wait(5)
    this.last = answer ?? null
    // What the server sends behind its answer.
    await this.#stage.wait(20)
    return answer ?? null
  }
}
