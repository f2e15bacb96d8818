import type { Cidr, HostPort, ListenAddress } from './addresses.ts'
import type { MailboxSettings, MessageRetention, VoicemailSettings } from './settings-voicemail.ts'

export type { MailboxSettings, VoicemailNodeSettings } from './settings-voicemail.ts'

/**
 * What the operator wants, after every default: read once at start, frozen, handed to whoever needs a part of it.
 * Paths are absolute, numbers are in their key form (`numberKey`), names refer to things that exist.
 */
export interface Settings {
  /** Where it came from, as problems name it: a path, `demo`, or the name given with a text. */
  readonly source: string
  /** The folder against which relative paths were taken. */
  readonly baseDir: string
  readonly isDemo: boolean
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' }
  readonly http: { readonly listen: HostPort; readonly publicUrl: string }
  readonly sip: SipSettings
  readonly nat: NatSettings
  readonly rtp: { readonly portRange: PortRange; readonly address: string | null }
  /** Worker threads that move audio, 1 or more; `null` in the file has become cores - 1. */
  readonly media: { readonly workers: number }
  /** The folder of recordings, prompts, cache and keys. */
  readonly data: string
  readonly database: DatabaseSettings
  readonly speech: { readonly engine: 'espeak-ng' | 'none'; readonly cacheBytes: number }
  readonly voicemail: VoicemailSettings
  /** `null`: one is generated at the first start and kept in the data folder. */
  readonly admin: { readonly token: string | null }
  /** `false`: none; `true`: all; or the ranges that addresses arriving over an API may lie in. */
  readonly webhooks: { readonly allowPrivateAddresses: boolean | readonly Cidr[] }
  readonly tenants: ReadonlyMap<string, TenantSettings>
}

export interface SipSettings {
  /** At least one. */
  readonly listen: readonly ListenAddress[]
  /** Who may call numbers without credentials. Never outbound. */
  readonly anonymous: 'none' | 'loopback' | 'any'
  /** RFC 3262: `required` only when the peer requires 100rel; `supported` also when it merely supports it. */
  readonly reliableProvisional: 'required' | 'supported'
  /** By which digest passwords are asked for (RFC 8760). */
  readonly digest: 'md5' | 'sha-256' | 'both'
  /** DNS servers that are asked where calls go. Empty: the system's. */
  readonly dns: readonly HostPort[]
}

export interface NatSettings {
  /** Advertised in Via and Contact outside the local networks; `port` null: the socket's own. */
  readonly signalling: { readonly host: string; readonly port: number | null } | null
  /** Advertised in SDP outside the local networks: an IP literal. */
  readonly media: string | null
  readonly localNetworks: readonly Cidr[]
}

/** Both ends included, 1024 to 65535. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

export type DatabaseSettings =
  | { readonly kind: 'sqlite'; readonly file: string; readonly synchronous: 'normal' | 'full' }
  | { readonly kind: 'postgres'; readonly url: string }

/** BCP 47 primary tags of the languages Switchhook speaks of itself. */
export type Language = 'en' | 'id' | 'he' | 'vi'

export interface TenantSettings {
  readonly name: string
  /** SIP domain and realm; null only where there is a single tenant. */
  readonly domain: string | null
  /** IANA name. */
  readonly timeZone: string
  /** Digits without plus; null: national numbers cannot be told. */
  readonly countryCode: string | null
  /** Of system texts, where neither the number nor the program says otherwise. */
  readonly language: Language
  /** Key forms of the numbers it may show besides its own; or any. */
  readonly callerIds: 'any' | readonly string[]
  readonly extensions: ReadonlyMap<string, ExtensionSettings>
  readonly trunks: ReadonlyMap<string, TrunkSettings>
  /** In order: the first rule whose prefix fits wins. Empty: nothing goes out. */
  readonly outbound: readonly OutboundRule[]
  /** By key form (`numberKey`). Unique over all tenants. */
  readonly numbers: ReadonlyMap<string, NumberSettings>
  readonly apps: ReadonlyMap<string, AppSettings>
  readonly partners: ReadonlyMap<string, PartnerSettings>
  readonly callRecording: CallRecordingSettings
  /** Of messages in its mailboxes. */
  readonly messageRetention: MessageRetention
  /** By name, without ending: `main_menu`, `digits/1`. */
  readonly recordings: ReadonlyMap<string, RecordingSettings>
  /** Voicenter's VO action: layer number to what stands there. */
  readonly layers: ReadonlyMap<number, LayerTarget>
  /** Where it is told of calls and recordings; null: nowhere. */
  readonly events: EventSettings | null
  readonly limits: TenantLimits
}

export interface ExtensionSettings {
  readonly extension: string
  readonly password: string
  /** The display name; null: none. */
  readonly name: string | null
  readonly mailbox: MailboxSettings | null
  /** Over the tenant's; null: the tenant's. */
  readonly record: RecordingPolicy | null
}

export interface TrunkSettings {
  readonly name: string
  /** `sip:host[:port][;transport=udp|tcp]`. */
  readonly uri: string
  readonly username: string | null
  readonly password: string | null
  /** Whether we register there (RFC 3261 §10). */
  readonly register: boolean
  /** Of a registration, in seconds: what we ask for. */
  readonly expires: number
  /** Addresses from which its inbound calls are believed. Empty: only that of its registrar, where we are registered. */
  readonly from: readonly Cidr[]
  /** Its inbound calls must answer a digest challenge with `username` and `password`, even when the address fits. */
  readonly authenticate: boolean
  /** Outbound proxy (RFC 3261 §8.1.2), in the form of `uri`; null: requests go to `uri` itself. */
  readonly proxy: string | null
  /** 1 is tried first. */
  readonly priority: number
  /** Share of the calls among trunks of one priority. */
  readonly weight: number
  /** Concurrent outbound calls; null: any number. */
  readonly maxCalls: number | null
  /** New outbound calls per second; null: any number. */
  readonly callsPerSecond: number | null
  /** How numbers are written to it: `+6560000001`, `6560000001`, or `060000001` for those of the tenant's own country. */
  readonly numberFormat: 'e164' | 'plain' | 'national'
  /** Key form of the number that is shown for callers who may show none of their own. */
  readonly callerId: string | null
  /** How a caller who hides its number is passed on: asserted to the provider (RFC 3325), told to nobody, or not at all. */
  readonly privacy: 'id' | 'anonymous' | 'never'
  /** Interval of OPTIONS in seconds; 0: none. */
  readonly health: number
  /** How long a host may be silent before the next one is tried, milliseconds. */
  readonly failoverMs: number
  /** How many 3xx are followed in one call. */
  readonly redirects: number
}

export interface OutboundRule {
  /** Of the key form: `+`, `+65`, `0`, or empty for everything. */
  readonly prefix: string
  /** Names of trunks, at least one, each once; `priority` and `weight` of the trunks order them. */
  readonly trunks: readonly string[]
}

export interface NumberSettings {
  /** Key form. */
  readonly number: string
  /** As the file has it. */
  readonly written: string
  readonly app: string
  /** Over the tenant's. */
  readonly language: Language
}

export type AppSettings =
  | VoicenterAppSettings
  | HoiioAppSettings
  | VoicemailAppSettings
  | ModuleAppSettings
  | DialAppSettings
  | BuiltinAppSettings

export interface VoicenterAppSettings {
  readonly kind: 'voicenter'
  readonly name: string
  readonly url: string
  readonly format: 'xmlrpc' | 'json'
  /** Where HANGUP_CALL goes; null: to `url`. */
  readonly hangupUrl: string | null
  readonly timeoutMs: number
  /** Part of `timeoutMs`. */
  readonly connectTimeoutMs: number
  readonly headers: ReadonlyMap<string, string>
  /** Signs each request; null: none is signed. */
  readonly secret: string | null
  readonly answerFirst: boolean
  readonly answeredStatus: 'ANSWER' | 'ANSWERED'
  readonly validationMode: 'digits' | 'exact' | 'confirm'
  readonly noInputDigits: string
  /** Quiet behind a key that ends the input. */
  readonly interDigitMs: number
  readonly sayDigitsEachLoop: boolean
  readonly numberFormat: 'national' | 'e164'
  readonly fallback: FallbackTarget | null
}

export type FallbackTarget =
  | { readonly kind: 'layer'; readonly layer: number }
  | { readonly kind: 'number'; readonly number: string }
  | { readonly kind: 'recording'; readonly recording: string }

export interface HoiioAppSettings {
  readonly kind: 'hoiio'
  readonly name: string
  readonly appId: string
  readonly accessToken: string
  /** Where incoming calls are told; null: the application only dials. */
  readonly notifyUrl: string | null
  /** Key form. */
  readonly registeredNumber: string | null
  /** ISO 4217. */
  readonly currency: string
  /** Prefix of the E.164 number (`+65`, `+`) to price per minute. */
  readonly rates: ReadonlyMap<string, number>
  readonly idleSeconds: number
  /** Attempts to deliver each notification, 1 or more. */
  readonly notifyAttempts: number
  /** Concurrent calls that its program may have placed; null: as the tenant's limits say. */
  readonly concurrentCalls: number | null
  /** Requests that only ask (status, history, rates, balance). */
  readonly queriesPerMinute: number
  readonly requestsPerMinute: number
}

export interface VoicemailAppSettings {
  readonly kind: 'voicemail'
  readonly name: string
  readonly flow: 'leaving' | 'retrieve'
  readonly service:
    | { readonly kind: 'local' }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'http'; readonly url: string }
  /** The extension whose mailbox it is; null: who was called, or who calls. */
  readonly mailbox: string | null
}

export interface ModuleAppSettings {
  readonly kind: 'module'
  readonly name: string
  /** Absolute path; its default export is the flow. */
  readonly file: string
  /** How long no verb may run on a call before the flow is taken for hung. */
  readonly idleSeconds: number
}

export interface DialAppSettings {
  readonly kind: 'dial'
  readonly name: string
  /** All ring at once. At least one. */
  readonly targets: readonly DialTarget[]
  readonly seconds: number
  /** The app that takes the call when nobody does. */
  readonly otherwise: string | null
}

export type DialTarget =
  | { readonly kind: 'extension'; readonly extension: string }
  | { readonly kind: 'number'; readonly number: string }

/** Flows that come with Switchhook: the demo's spoken menu, and the echo test. */
export interface BuiltinAppSettings {
  readonly kind: 'builtin'
  readonly name: string
  readonly builtin: 'menu' | 'echo'
}

export interface PartnerSettings {
  readonly kind: 'voip24h'
  readonly name: string
  /** As `hashToken` gives it; `verifySecret` checks. */
  readonly secretHash: string
  /** IANA name. */
  readonly timeZone: string
  readonly numberFormat: 'national' | 'e164'
  readonly linkHours: number
}

/** Whether calls are recorded: never, always, or when somebody asks for it. */
export type RecordingPolicy = 'off' | 'on' | 'on-demand'

/** Of calls as a whole, on two channels. */
export interface CallRecordingSettings {
  /** Of calls that no extension has a policy of its own for. */
  readonly policy: RecordingPolicy
  /** After so many days the sound is deleted; null: never. */
  readonly retentionDays: number | null
}

export interface RecordingSettings {
  readonly name: string
  /** For every language that has none of its own; null: only those. */
  readonly file: string | null
  readonly byLanguage: ReadonlyMap<Language, string>
}

export type LayerTarget =
  | { readonly kind: 'app'; readonly app: string }
  | { readonly kind: 'extension'; readonly extension: string }

/** What a tenant can be told of. */
export const eventKinds = [
  'call.ended',
  'recording.saved',
  'recording.failed',
  'voicemail.left',
  'voicemail.heard',
  'voicemail.deleted',
  'voicemail.restored',
  'voicemail.full',
  'voicemail.promo',
] as const
export type EventKind = (typeof eventKinds)[number]

/** Told where no kinds are named: all but what makes a tenant's program write to somebody or call somebody. */
export const usualEventKinds: readonly EventKind[] = eventKinds.filter((kind) => kind !== 'voicemail.promo')

export interface EventSettings {
  readonly url: string
  /** Each signs every request; empty: none does. At most two. */
  readonly secrets: readonly string[]
  readonly kinds: readonly EventKind[]
  readonly headers: ReadonlyMap<string, string>
}

export interface TenantLimits {
  readonly concurrentCalls: number
  readonly callsPerSecond: number
  /** Of outbound calls. */
  readonly minutesPerDay: number
}
