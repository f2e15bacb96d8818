import { join } from 'node:path'
import type { SoundLibrary } from '../../action/prompts.ts'
import type { Flow } from '../../action/run-flow.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Reacher } from '../../call/reach.ts'
import type { Rooms } from '../../call/rooms.ts'
import type { HoiioAppSettings, TenantSettings } from '../../config/settings.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { HttpServer } from '../../http/server.ts'
import type { Mp3Files } from '../../media/mp3-files.ts'
import type { Store } from '../../store/store.ts'
import { AccountRequests } from './account-requests.ts'
import { type Application, Applications, applicationOf } from './applications.ts'
import { type Parameters, Refusal } from './codec.ts'
import { Idempotency } from './idempotency.ts'
import { IvrRequests } from './ivr-requests.ts'
import { MinuteLimit } from './limits.ts'
import { RecordingLinks } from './links.ts'
import { MessageFiles } from './message-files.ts'
import type { Notifications } from './notifications.ts'
import { mountHoiio, type Operation } from './routes.ts'
import { SessionBook } from './session-book.ts'
import { type CallPlacer, Sessions } from './sessions.ts'
import { type FindHost, Targets } from './targets.ts'
import { type Transaction, Transactions } from './transactions.ts'
import { VoiceRequests } from './voice-requests.ts'
import { type AnswerFields, blockPaths } from './wire.ts'

export interface HoiioParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly dataFolder: string
  readonly http: Pick<OutgoingHttp, 'request' | 'refuse'>
  readonly placer: CallPlacer
  readonly reacher: Reacher
  readonly notifications: Notifications
  readonly recordings: Pick<Store['recordings'], 'get'>
  readonly calls: Pick<Store['calls'], 'outline'>
  readonly ledger: Pick<Store['ledger'], 'put' | 'get' | 'ofRequest' | 'list' | 'count' | 'unfinished'>
  readonly meta: Pick<Store['meta'], 'get' | 'set' | 'remove'>
  readonly rooms: Pick<Rooms, 'get'>
  readonly sounds: Pick<SoundLibrary, 'load'>
  readonly mp3: Pick<Mp3Files, 'open'>
  /** Signs links to recordings. */
  readonly linkKey: string
  publicUrl(): string
  tenants(): ReadonlyMap<string, TenantSettings>
  /** Whether an address stands in the operator's own file. */
  isTrusted(tenant: string, url: string): boolean
  /** Whether there is a voice. */
  canSpeak(): boolean
  /** The system's name servers where absent. */
  readonly findHost?: FindHost
}

/** The Hoiio IVR REST API: what calls to its numbers run, and what its programs ask for. */
export class HoiioService {
  readonly #parts: HoiioParts
  readonly #applications: Applications
  readonly #targets: Targets
  readonly #sessions: Sessions
  readonly #links: RecordingLinks
  readonly #ivr: IvrRequests
  readonly #transactions: Transactions
  readonly #book: SessionBook
  readonly #voice: VoiceRequests
  readonly #account: AccountRequests

  constructor(parts: HoiioParts) {
    const { clock, random, log, http, reacher, notifications, placer } = parts
    this.#parts = parts
    this.#applications = new Applications(() => parts.tenants(), clock)
    this.#links = new RecordingLinks(() => parts.publicUrl(), parts.linkKey)
    this.#targets = new Targets({
      http,
      clock,
      isTrusted: (tenant, url) => parts.isTrusted(tenant, url),
      ...(parts.findHost && { find: parts.findHost }),
    })
    const files = new MessageFiles({
      http,
      folder: join(parts.dataFolder, 'cache', 'hoiio'),
      load: (path) => parts.sounds.load(path),
      isOwn: (application, url) => this.#targets.isOwn(application, url),
    })
    this.#sessions = new Sessions({
      clock,
      random,
      log,
      placer,
      notifications,
      linkOf: (recording) => this.#links.linkOf(recording),
      began: (session, call, requestKey) => this.#book.began(session, call, requestKey, clock.wallTime()),
      changed: (session) => this.#book.changed(session),
      ended: (session, record) => this.#book.ended(session, record),
    })
    const transactions = new Transactions(parts.ledger)
    this.#transactions = transactions
    this.#book = new SessionBook({
      transactions,
      notifications,
      applications: this.#applications,
      log,
      linkOf: (recording) => this.#links.linkOf(recording),
      outlineOf: (call, tenant) => parts.calls.outline(call, tenant),
    })
    this.#account = new AccountRequests({ meta: parts.meta, targets: this.#targets })
    this.#voice = new VoiceRequests({
      clock,
      random,
      log,
      placer,
      reacher,
      sessions: this.#sessions,
      transactions,
      notifications,
      rooms: parts.rooms,
      targets: this.#targets,
      assertRoom: (application, calls) => this.#assertRoom(application, calls),
    })
    this.#ivr = new IvrRequests({
      sessions: this.#sessions,
      reacher,
      targets: this.#targets,
      files,
      random,
      assertRoom: (application) => this.#assertRoom(application, 1),
      canSpeak: () => parts.canSpeak(),
    })
  }

  /** What a call to a number of an app runs. Its flow may wait as long as `flowIdleLimitMs`. */
  flowOf(app: HoiioAppSettings, tenant: TenantSettings): Flow {
    const application = applicationOf(tenant, app)
    return this.#sessions.incoming(application, (to) => this.#account.targetOf(application, to))
  }

  /** Tells what the server before this one left open. Before the first call, and when the calls cut off are closed. */
  recover(): Promise<void> {
    return this.#book.recover()
  }

  /** Serves `/open/…`. */
  async mount(server: HttpServer): Promise<void> {
    const { clock, log, recordings, mp3, dataFolder } = this.#parts
    await mountHoiio(server, {
      applications: this.#applications,
      limit: new MinuteLimit(clock),
      queryLimit: new MinuteLimit(clock),
      idempotency: new Idempotency(clock),
      log,
      operations: this.#operations(),
      recordings: { links: this.#links, recordings, mp3, dataFolder, log },
    })
  }

  #operations(): Readonly<Record<string, Operation>> {
    const blocks = Object.entries(blockPaths).map(([path, kind]): [string, Operation] => [
      path,
      { kind: 'action', run: (application, parameters) => this.#ivr.block(application, kind, parameters) },
    ])
    const listed = (references: readonly string[]): unknown => references.join(',')
    return {
      ...Object.fromEntries(blocks),
      'ivr/start/dial': {
        kind: 'action',
        run: (application, parameters, key) => this.#ivr.dial(application, parameters, key),
        recall: this.#recall(([first]) => ({ session: first.session, txn_ref: first.ref })),
      },
      'voice/call': {
        kind: 'action',
        run: (application, parameters, key) => this.#voice.call(application, parameters, key),
        recall: this.#recall(([first]) => ({ txn_ref: first.ref })),
      },
      // The same twice, but for the form of the references.
      'voice/conference': this.#conference(listed),
      'conference/call': this.#conference((references) => references),
      'conference/moderate': action((application, parameters) => this.#voice.moderate(application, parameters)),
      'voice/hangup': action((application, parameters) => this.#voice.hangUp(application, parameters)),
      'voice/query_status': query((application, parameters) => this.#voice.status(application, parameters)),
      'voice/get_history': query((application, parameters) => this.#voice.history(application, parameters)),
      'voice/get_rate': query((application, parameters) => this.#voice.rate(application, parameters)),
      'user/get_balance': query((application) => this.#account.balance(application)),
      'user/get_info': query((application) => this.#account.info(application)),
      'number/update_forwarding': action((application, parameters) =>
        this.#account.updateForwarding(application, parameters),
      ),
    }
  }

  #conference(write: (references: readonly string[]) => unknown): Operation {
    return {
      kind: 'action',
      run: (application, parameters, key) => this.#voice.conference(application, parameters, key, write),
      recall: this.#recall((all) => ({ room: all[0].room, txn_refs: write(all.map(({ ref }) => ref)) })),
    }
  }

  /** What a request was answered before the server was started anew, from what it began. */
  #recall(
    answer: (begun: readonly [Transaction, ...Transaction[]]) => AnswerFields,
  ): (application: Application, requestKey: string) => Promise<AnswerFields | null> {
    return async (application, requestKey) => {
      const [first, ...others] = await this.#transactions.ofRequest(application, requestKey)
      return first ? answer([first, ...others]) : null
    }
  }

  /** Throws Refusal `error_concurrent_call_limit_reached`. */
  #assertRoom(application: Application, calls: number): void {
    const { concurrentCalls } = application.settings
    const up = this.#sessions.count(application) + this.#voice.count(application)
    if (concurrentCalls !== null && up + calls > concurrentCalls) {
      throw new Refusal('error_concurrent_call_limit_reached')
    }
  }
}

type Run = (application: Application, parameters: Parameters) => Promise<AnswerFields>

function action(run: Run): Operation {
  return { kind: 'action', run }
}

function query(run: Run): Operation {
  return { kind: 'query', run }
}
