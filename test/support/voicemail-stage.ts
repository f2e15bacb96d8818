import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { parseCidr } from '../../src/config/addresses.ts'
import type {
  AppSettings,
  EventSettings,
  MailboxSettings,
  TenantSettings,
  VoicemailNodeSettings,
} from '../../src/config/settings.ts'
import { Mailboxes } from '../../src/dialects/voicemail/mailboxes.ts'
import { MediaStore } from '../../src/dialects/voicemail/media-store.ts'
import { MessageNews } from '../../src/dialects/voicemail/news.ts'
import { Nodes } from '../../src/dialects/voicemail/nodes.ts'
import { type VoicemailHooks, VoicemailService } from '../../src/dialects/voicemail/service.ts'
import { Directory } from '../../src/routing/directory.ts'
import type { DatabaseKind } from './databases.ts'
import { TestClock } from './test-clock.ts'
import { openTestStore, type TestStore } from './test-store.ts'

const folder = join(import.meta.dirname, '../fixtures/voicemail')

/** A published sample, or its corrected twin. */
export function voicemailSample(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}

const unlimited = { newDays: null, savedDays: null }

export const usualMailbox: MailboxSettings = {
  language: 'id',
  max: 3,
  record: 60,
  pin: null,
  email: null,
  retention: unlimited,
}

/** A tenant in Indonesia; 101 has a mailbox, 102 has one with a PIN, 103 has none. */
export function voicemailTenant(
  name = 'acme',
  apps: readonly AppSettings[] = [],
  mailboxOf101: Partial<MailboxSettings> = {},
): TenantSettings {
  const extension = (number: string, mailbox: MailboxSettings | null) =>
    [number, { extension: number, password: 'long-enough-password', name: null, mailbox, transports: 'any' }] as const
  return {
    name,
    domain: `${name}.example`,
    timeZone: 'Asia/Jakarta',
    countryCode: '62',
    language: 'id',
    callerIds: [],
    // Others add members to an extension; what voicemail needs of it stands here.
    extensions: new Map([
      extension('101', { ...usualMailbox, ...mailboxOf101 }),
      extension('102', { ...usualMailbox, language: 'en', pin: '4711' }),
      extension('103', null),
    ]) as unknown as TenantSettings['extensions'],
    trunks: new Map(),
    outbound: [],
    numbers: new Map(),
    apps: new Map(apps.map((app) => [app.name, app])),
    partners: new Map(),
    messageRetention: unlimited,
    recordings: new Map(),
    layers: new Map(),
    events: null,
    limits: { concurrentCalls: 50, callsPerSecond: 5, minutesPerDay: 1000 },
  } as unknown as TenantSettings
}

export const nodeKey = 'a-long-enough-node-key'

export interface VoicemailStage {
  readonly clock: TestClock
  readonly test: TestStore
  readonly service: VoicemailService
  readonly mailboxes: Mailboxes
  readonly media: MediaStore
  readonly nodes: Nodes
  readonly directory: Directory
  readonly news: MessageNews
  /** Asks as the node SBY. */
  ask(request: object): Promise<Record<string, unknown>>
  close(): Promise<void>
}

/** The voicemail service on a database of its own, with a subscriber 08182938 and a node SBY on loopback. */
export async function stageVoicemail(
  kind: DatabaseKind = 'sqlite',
  options: {
    readonly hooks?: VoicemailHooks
    readonly addresses?: readonly string[]
    readonly isStrict?: boolean
    readonly events?: EventSettings
    readonly mailServer?: string
    /** Of 101. */
    readonly mailbox?: Partial<MailboxSettings>
  } = {},
): Promise<VoicemailStage> {
  const clock = new TestClock({ wallTime: Date.UTC(2026, 0, 31, 20, 0, 0) })
  const test = await openTestStore(kind, { clock })
  const tenants = [voicemailTenant('acme', [], options.mailbox), voicemailTenant('other')]
  const directory = new Directory(new Map(tenants.map((one) => [one.name, one])))
  const random = new SeededRandom(7)
  const media = new MediaStore(test.database.dataFolder, random)
  const mailboxes = new Mailboxes({ store: test.store.voicemail, directory, clock, random })
  const news = new MessageNews({
    outbox: test.store.outbox,
    store: test.store.voicemail,
    mailboxes,
    clock,
    log: silentLogger,
    eventsOf: () => options.events ?? null,
    mailServer: options.mailServer ?? null,
  })
  const service = new VoicemailService({
    store: test.store.voicemail,
    meta: test.store.meta,
    media,
    mailboxes,
    directory,
    clock,
    random,
    log: silentLogger,
    news,
    ...(options.hooks ? { hooks: options.hooks } : {}),
  })
  const addresses = (options.addresses ?? ['127.0.0.1']).flatMap((text) => parseCidr(text) ?? [])
  const sby: VoicemailNodeSettings = {
    name: 'SBY',
    tenant: 'acme',
    key: nodeKey,
    addresses,
    isStrict: options.isStrict ?? false,
  }
  const nodes = new Nodes(new Map([['SBY', sby]]), clock)
  await mailboxes.create('acme', '+628182938')
  await mailboxes.create('acme', '+62818123123')
  await mailboxes.create('acme', '+628123456')
  return {
    clock,
    test,
    service,
    mailboxes,
    media,
    nodes,
    directory,
    news,
    ask: async (request) => await service.handle(request as never, { name: 'SBY', tenant: 'acme' }),
    close: async () => {
      await news.idle()
      await test.remove()
    },
  }
}
