import { join, resolve } from 'node:path'
import { isWildcard, printHostPort } from './addresses.ts'
import { type FoundRecordings, joinRecordings } from './files.ts'
import { numberKey } from './numbers.ts'
import type { ReadSettings, ReadTenant } from './schema.ts'
import { type ReadApp, withNumberKeys } from './schema-apps.ts'
import type { AppSettings, EventSettings, LayerTarget, Settings, TenantSettings } from './settings.ts'
import type { VoicemailSettings } from './settings-voicemail.ts'

export interface Surroundings {
  readonly source: string
  readonly baseDir: string
  readonly isDemo: boolean
  /** Of the machine, for `media.workers`. */
  readonly cores: number
  readonly recordings: FoundRecordings
}

/** From the file's terms to the server's: paths absolute, numbers in key form, entries that know their names. */
export function assemble(read: ReadSettings, around: Surroundings): Settings {
  const data = resolve(around.baseDir, read.data)
  const database = read.database ?? { kind: 'sqlite', file: join(data, 'switchhook.db'), synchronous: 'normal' }
  return {
    source: around.source,
    baseDir: around.baseDir,
    isDemo: around.isDemo,
    log: read.log,
    http: { listen: read.http.listen, publicUrl: read.http.publicUrl ?? urlOf(read.http.listen) },
    sip: read.sip,
    nat: read.nat,
    rtp: { portRange: read.rtp.portRange, address: read.rtp.listen },
    media: { workers: read.media.workers ?? Math.max(1, around.cores - 1) },
    data,
    database: database.kind === 'sqlite' ? { ...database, file: resolve(around.baseDir, database.file) } : database,
    speech: { engine: read.speech.engine, cacheBytes: read.speech.cache },
    voicemail: assembleVoicemail(read.voicemail, around.baseDir),
    admin: read.admin,
    webhooks: read.webhooks,
    tenants: mapValues(read.tenants, (tenant, name) => assembleTenant(tenant, name, around)),
  }
}

function assembleVoicemail(read: ReadSettings['voicemail'], baseDir: string): VoicemailSettings {
  const { listen, tls, nodes, nodeName, mail } = read
  const authority = mail === null || mail.authority === null ? null : resolve(baseDir, mail.authority)
  return {
    listen: listen ?? [],
    tls: tls && { certificate: resolve(baseDir, tls.certificate), key: resolve(baseDir, tls.key) },
    nodes: withNames(nodes),
    nodeName,
    mail: mail && { ...mail, authority },
  }
}

/** The published dates of the partner API are of this zone. */
const partnerTimeZone = 'Asia/Ho_Chi_Minh'

function assembleTenant(read: ReadTenant, name: string, around: Surroundings): TenantSettings {
  const { countryCode, language } = read
  const numbers = [...read.numbers].map(([written, entry]) => {
    const number = numberKey(written, countryCode)
    return [number, { number, written, app: entry.app, language: entry.language ?? language }] as const
  })
  return {
    name,
    domain: read.domain,
    timeZone: read.timeZone ?? 'UTC',
    countryCode,
    language,
    callerIds: read.callerIds === 'any' ? 'any' : read.callerIds.map((number) => numberKey(number, countryCode)),
    extensions: mapValues(read.extensions, (entry, extension) => ({ extension, ...entry })),
    trunks: mapValues(read.trunks, (trunk, trunkName) => {
      const callerId = trunk.callerId === null ? null : numberKey(trunk.callerId, countryCode)
      return { ...trunk, callerId, name: trunkName }
    }),
    outbound: read.outbound,
    numbers: new Map(numbers),
    apps: mapValues(read.apps, (app, appName) => assembleApp(app, appName, countryCode, around.baseDir)),
    partners: mapValues(read.partners, (one, partnerName) => {
      return { ...one, name: partnerName, timeZone: one.timeZone ?? read.timeZone ?? partnerTimeZone }
    }),
    callRecording: read.callRecording,
    messageRetention: read.messageRetention,
    recordings: joinRecordings(read.recordings, around.recordings),
    layers: new Map([...read.layers].map(([number, layer]) => [Number(number), assembleLayer(layer)])),
    events: assembleEvents(read.events),
    limits: read.limits,
  }
}

function assembleEvents(read: ReadTenant['events']): EventSettings | null {
  if (read === null) return null
  const { secret: secrets, ...rest } = read
  return { ...rest, secrets }
}

function assembleApp(read: ReadApp, name: string, countryCode: string | null, baseDir: string): AppSettings {
  const app = withNumberKeys(read, countryCode)
  return app.kind === 'module' ? { ...app, name, file: resolve(baseDir, app.file) } : { ...app, name }
}

function assembleLayer(layer: { name: string; isExtension(): boolean }): LayerTarget {
  return layer.isExtension() ? { kind: 'extension', extension: layer.name } : { kind: 'app', app: layer.name }
}

/** A wildcard is no address to go to: this machine's own stands for it. */
function urlOf({ address, port }: { address: string; port: number }): string {
  const host = isWildcard(address) ? (address.includes(':') ? '::1' : '127.0.0.1') : address
  return `http://${printHostPort({ address: host, port })}`
}

function withNames<T extends object>(map: ReadonlyMap<string, T>): Map<string, T & { name: string }> {
  return mapValues(map, (value, name) => ({ ...value, name }))
}

function mapValues<A, B>(map: ReadonlyMap<string, A>, make: (value: A, key: string) => B): Map<string, B> {
  return new Map([...map].map(([key, value]) => [key, make(value, key)]))
}
