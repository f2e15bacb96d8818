import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import type { CallRecord, LegRecord, RecordingRecord } from '../../src/call/records.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { RecordingLinks } from '../../src/dialects/voip24h/links.ts'
import type { DialVerdict } from '../../src/dialects/voip24h/requests.ts'
import { mountVoip24h } from '../../src/dialects/voip24h/routes.ts'
import { createHttpServer, type HttpServer } from '../../src/http/server.ts'
import { Directory } from '../../src/routing/directory.ts'
import { endedCall, endedLeg, sampleCall, sampleLeg, sampleRecording } from './call-samples.ts'
import type { DatabaseKind } from './databases.ts'
import { TestClock } from './test-clock.ts'
import { openTestStore, type TestStore } from './test-store.ts'

/** The secret of the published samples, which is the partner of tenant `acme`. */
export const partnerSecret = 'rdn7mllWMqND7S5DnZF8'
export const otherSecret = 'Xq92kLmPzR7tYw3bVn5c'
const configText = `
http: { publicUrl: "https://hook.example.com" }
tenants:
  acme:
    domain: acme.example
    countryCode: "84"
    extensions: { "101": { password: "secret-of-101" }, "137": { password: "secret-of-137" } }
    partners: { crm: { dialect: voip24h, secret: "${partnerSecret}" } }
  other:
    domain: other.example
    timeZone: "America/New_York"
    extensions: { "137": { password: "secret-of-other-137" } }
    partners: { crm: { dialect: voip24h, secret: "${otherSecret}", numberFormat: e164 } }
`

export interface Answer {
  readonly status: number
  /** As it came over the wire. */
  readonly text: string
  readonly body: { readonly respCode: number; readonly respMsg: string; readonly data: unknown }
  readonly headers: Readonly<Record<string, unknown>>
}

/** The partner API on a store of its own, without a wire and without calls. */
export interface PartnerStage {
  readonly server: HttpServer
  readonly clock: TestClock
  readonly kept: TestStore
  readonly links: RecordingLinks
  /** What was asked to be dialled, and what comes of it. */
  readonly clicks: { readonly extension: string; readonly phone: string; readonly tenant: string }[]
  verdict: DialVerdict
  send(body: string | Uint8Array, options?: { readonly method?: string; readonly headers?: object }): Promise<Answer>
  /** A request of acme's partner, unless a secret is given. */
  ask(requestType: string, data: unknown, secret?: string): Promise<Answer>
  /** Writes a call as the server does: opened, its legs added, closed. */
  keep(change: Partial<CallRecord>, legs?: readonly Partial<LegRecord>[]): Promise<CallRecord>
  /** A recording of a call, with a file of these bytes; null: without its file. */
  record(call: CallRecord, bytes: Uint8Array | null, change?: Partial<RecordingRecord>): Promise<RecordingRecord>
  close(): Promise<void>
}

export async function startPartnerStage(kind: DatabaseKind): Promise<PartnerStage> {
  const clock = new TestClock()
  const kept = await openTestStore(kind, { clock })
  const { store, database } = kept
  const configuration = await loadConfiguration({ text: configText })
  const directory = new Directory(configuration.settings.tenants)
  const server = await createHttpServer({ log: silentLogger, version: '0.0.0' })
  const { publicUrl } = configuration.settings.http
  const links = new RecordingLinks({ key: 'the key of the test', publicUrl: () => publicUrl, clock })
  const clicks: { extension: string; phone: string; tenant: string }[] = []
  const stage = {
    server,
    clock,
    kept,
    links,
    clicks,
    verdict: { outcome: 'refused', why: 'no-route' } as DialVerdict,
    send: async (body, { method = 'POST', headers = {} } = {}) => {
      const response = await server.inject({
        method: method as 'POST',
        url: '/api/v1/partner/voip24h',
        headers: { ...headers },
        payload: Buffer.from(body),
      })
      const text = response.body
      const parsed = text === '' ? { respCode: 0, respMsg: '', data: null } : (JSON.parse(text) as Answer['body'])
      return { status: response.statusCode, text, body: parsed, headers: response.headers }
    },
    ask: (requestType, data, secret = partnerSecret) =>
      stage.send(JSON.stringify({ requestType, partnerSecret: secret, data })),
    keep: async (change, legs = []) => {
      const open = sampleCall({ serial: 4472, ...change, answeredAt: null, endedAt: null, cause: null })
      const caller = sampleLeg(open, { extension: open.extension })
      await store.records.open(open, caller)
      for (const leg of legs) {
        const full = sampleLeg(open, { role: 'callee', direction: 'outbound', startedAt: open.startedAt + 100, ...leg })
        await store.records.addLeg({ ...full, answeredAt: null, endedAt: null, cause: null })
        await store.records.updateLeg(full.id, full)
      }
      const closed = endedCall(open, change)
      await store.records.close(closed, [endedLeg(caller, { answeredAt: closed.answeredAt, endedAt: closed.endedAt })])
      return closed
    },
    record: async (call, bytes, change = {}) => {
      const recording = sampleRecording(call, { channels: 2, ...change })
      await store.records.openRecording({ ...recording, state: 'recording' })
      const { state = 'saved', durationMs = 10_000 } = change
      const fileBytes = bytes?.length ?? null
      await store.records.closeRecording(recording.id, { state, durationMs, fileBytes, problem: null })
      if (bytes) {
        const path = join(database.dataFolder, recording.file)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, bytes)
      }
      return recording
    },
    close: async () => {
      await server.close()
      await kept.remove()
    },
  } as PartnerStage
  await mountVoip24h(server, {
    clock,
    log: silentLogger,
    directory,
    links,
    calls: store.calls,
    extensionCalls: store.extensionCalls,
    recordings: store.recordings,
    dataFolder: database.dataFolder,
    live: () => null,
    dial: async ({ tenant, extension, phone }) => {
      clicks.push({ tenant: tenant.name, extension, phone })
      return stage.verdict
    },
  })
  return stage
}
