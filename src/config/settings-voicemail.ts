import type { Cidr, HostPort } from './addresses.ts'

/** A socket of the voicemail service. `address` is an IP literal without brackets. */
export interface VoicemailSocket extends HostPort {
  readonly protocol: 'tcp' | 'tls'
}

export interface VoicemailSettings {
  /** Empty: the service is asked over HTTP only. */
  readonly listen: readonly VoicemailSocket[]
  /** Absolute paths of PEM files; null: no socket of TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | null
  readonly nodes: ReadonlyMap<string, VoicemailNodeSettings>
  /** How our own node calls itself to services (`ivr_name`). */
  readonly nodeName: string
  /** Null: nothing is sent by e-mail. */
  readonly mail: MailSettings | null
}

export interface VoicemailNodeSettings {
  readonly name: string
  readonly tenant: string
  readonly key: string | null
  readonly addresses: readonly Cidr[]
  /** Whether a voice must be in the store before it is named. */
  readonly isStrict: boolean
}

/** The mail server that takes what we send, RFC 5321 and RFC 6409. */
export interface MailSettings {
  readonly host: string
  readonly port: number
  /** `starttls`: required, RFC 3207; `tls`: from the first byte, RFC 8314; `none`: readable for everybody on the way. */
  readonly security: 'starttls' | 'tls' | 'none'
  /** Absolute path of a PEM file of authorities that are trusted besides the usual ones; null: only those. */
  readonly authority: string | null
  readonly login: { readonly user: string; readonly password: string } | null
  readonly from: { readonly name: string; readonly address: string }
  /** A message whose sound is larger is told of without it. */
  readonly attachmentBytes: number
}

export interface MailboxSettings {
  readonly language: 'en' | 'id'
  /** Messages it holds at most. */
  readonly max: number
  /** Longest message, seconds. */
  readonly record: number
  /** 4 to 12 digits; null: none is asked for. */
  readonly pin: string | null
  /** Where its messages are sent to; null: nowhere. */
  readonly email: MailboxMailSettings | null
  /** Over the tenant's, where not null. */
  readonly retention: MessageRetention
}

/** By what age messages are deleted, in days; null: never. */
export interface MessageRetention {
  /** Since they came. */
  readonly newDays: number | null
  /** Since they were heard. */
  readonly savedDays: number | null
}

export interface MailboxMailSettings {
  /** At least one. */
  readonly to: readonly string[]
  /** Of the text; null: that of the mailbox. */
  readonly language: 'en' | 'id' | null
  /** Whether the sound goes along. */
  readonly attach: boolean
  /** In which form; a sound that is no WAV goes as it is. */
  readonly format: 'wav' | 'mp3'
  /** What becomes of the message once the mail server has taken it. */
  readonly after: AfterMail
}

export const afterMail = ['keep', 'read', 'delete'] as const
/** `keep`: it stays new; `read`: it is marked as heard; `delete`: it is deleted as if by its owner. */
export type AfterMail = (typeof afterMail)[number]
