import { TransportError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { loadSettings } from '../../src/config/load.ts'
import type { TenantSettings } from '../../src/config/settings.ts'
import { DigestServer } from '../../src/sip/auth/digest-server.ts'
import { Locator } from '../../src/sip/locate/locator.ts'
import type { DnsRecords, DnsType, Resolver } from '../../src/sip/locate/types.ts'
import { createResponse } from '../../src/sip/message/build.ts'
import type { SipRequest } from '../../src/sip/message/types.ts'
import { TransactionLayer } from '../../src/sip/transaction/transaction-layer.ts'
import type { ServerTransaction } from '../../src/sip/transaction/types.ts'
import { Trunks } from '../../src/sip/trunk/trunks.ts'
import { TestClock } from './test-clock.ts'
import { VirtualNetwork, type VirtualTransport } from './transport-pair.ts'

type HeaderLines = readonly (readonly [name: string, value: string])[]

/** A status, one with header fields, or null: silence. */
type Answer = number | null | { readonly status: number; readonly headers: HeaderLines }

/** What is left of a clock's timers when all is over: transactions linger 32 s. */
const afterlifeMs = 64_000

/** A provider's host on the virtual network: answers what the test says, and keeps what it was asked. */
export class Provider {
  readonly transport: VirtualTransport
  readonly requests: SipRequest[] = []
  answer: (request: SipRequest) => Answer | Promise<Answer> = () => 200
  readonly #digest: DigestServer

  constructor(stage: TrunkStage, address: string) {
    this.transport = stage.network.transport(address)
    const { clock } = stage
    const random = new SeededRandom(7)
    this.#digest = new DigestServer({ clock, random })
    const transactions = new TransactionLayer({ clock, random, log: silentLogger, transport: this.transport })
    this.transport.user = transactions
    transactions.user = {
      requestReceived: (transaction) => void this.#serve(transaction),
      ackReceived: () => {},
      strayResponseReceived: () => {},
      flowClosed: () => {},
    }
  }

  of(method: string): readonly SipRequest[] {
    return this.requests.filter((request) => request.method === method)
  }

  /** `REGISTER 600`, `REGISTER 0 auth`: method, Expires, and whether it has credentials. */
  get heard(): readonly string[] {
    return this.requests.map(({ method, headers }) => {
      return [method, headers.get('Expires'), headers.has('Authorization') ? 'auth' : undefined]
        .filter((part) => part !== undefined)
        .join(' ')
    })
  }

  /** From now on REGISTER has to prove this account; what is accepted lives `granted` seconds, or as long as asked. */
  register(username: string, password: string, granted: number | null = null): void {
    this.answer = (request) =>
      request.method === 'REGISTER' ? this.#verdict(request, { username, password }, granted) : 200
  }

  async #verdict(
    request: SipRequest,
    account: { username: string; password: string },
    granted: number | null,
  ): Promise<Answer> {
    const find = (username: string) => (username === account.username ? { password: account.password } : null)
    const verdict = await this.#digest.verify(request, 'provider', find, { address: '192.0.2.1' })
    if (verdict.outcome === 'challenge') {
      return { status: 401, headers: this.#digest.challengeHeaders('provider', { stale: verdict.stale }) }
    }
    if (verdict.outcome === 'refused') return { status: verdict.status, headers: [] }
    const expires = granted ?? Number(request.headers.get('Expires'))
    const contact = `${request.headers.get('Contact')};expires=${request.headers.get('Expires') === '0' ? 0 : expires}`
    return { status: 200, headers: [['Contact', contact]] }
  }

  async #serve(transaction: ServerTransaction): Promise<void> {
    this.requests.push(transaction.request)
    const answer = await this.answer(transaction.request)
    if (answer === null) return
    const { status, headers } = typeof answer === 'number' ? { status: answer, headers: [] } : answer
    transaction.respond(createResponse(transaction.request, status, { toTag: 'provider', headers }))
  }
}

/** A server with trunks, the providers they lead to, and a DNS that is a table; all in virtual time. */
export class TrunkStage {
  readonly clock = new TestClock()
  readonly network = new VirtualNetwork(this.clock, { latencyMs: 10 })
  readonly transport = this.network.transport('192.0.2.1')
  readonly transactions: TransactionLayer
  readonly trunks: Trunks
  /** `A sip.example.test`: its records, or `fails`. What is not there has none. */
  readonly dns = new Map<string, readonly unknown[] | 'fails'>()
  /** Number to tenant, for trunks that share an address. */
  readonly owners = new Map<string, string>()
  readonly #clientTransactions: () => number

  constructor() {
    const { clock, transport } = this
    const random = new SeededRandom(3)
    const log = silentLogger
    const transactions = new TransactionLayer({ clock, random, log, transport })
    this.transactions = transactions
    this.#clientTransactions = () => transactions.counts.client
    transport.user = transactions
    transactions.user = {
      requestReceived: () => {},
      ackReceived: () => {},
      strayResponseReceived: () => {},
      flowClosed: (flow) => this.trunks.flowClosed(flow),
    }
    const locator = new Locator({ resolver: this.#resolver(), random })
    this.trunks = new Trunks({
      clock,
      random,
      log,
      transport,
      transactions,
      locator,
      serverName: 'Switchhook test',
      ownerOf: (user) => this.owners.get(user) ?? null,
    })
  }

  provider(address: string): Provider {
    return new Provider(this, address)
  }

  /** Tenants as a file gives them: `acme` with these lines under `trunks`. */
  async tenants(trunks: Readonly<Record<string, string>>, name = 'acme'): Promise<ReadonlyMap<string, TenantSettings>> {
    const lines = Object.entries(trunks).map(([trunk, value]) => `      ${trunk}: { ${value} }`)
    const text = ['tenants:', `  ${name}:`, `    domain: ${name}.example`, '    trunks:', ...lines].join('\n')
    return (await loadSettings({ text, name: 'test.yaml', baseDir: '/', environment: {} })).tenants
  }

  async start(trunks: Readonly<Record<string, string>>): Promise<void> {
    this.trunks.update(await this.tenants(trunks))
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms, 3)
  }

  /** Ends everything, and says how many timers and client transactions are left. */
  async end(): Promise<{ timers: number; transactions: number }> {
    const closing = this.trunks.close()
    await this.advance(2000)
    await closing
    await this.advance(afterlifeMs)
    return { timers: this.clock.pending, transactions: this.#clientTransactions() }
  }

  #resolver(): Resolver {
    const { dns } = this
    return {
      resolve: async <Type extends DnsType>(type: Type, name: string): Promise<readonly DnsRecords[Type][]> => {
        const found = dns.get(`${type} ${name}`) ?? []
        if (found === 'fails') throw new TransportError('locate.dns-failed', `DNS gave no answer about ${name}.`)
        return found as readonly DnsRecords[Type][]
      },
    }
  }
}

/** Nothing is left behind. */
export const nothingLeft = { timers: 0, transactions: 0 }
