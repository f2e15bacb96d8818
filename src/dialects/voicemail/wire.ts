/** The published names of the voicemail protocol, as they travel. Nothing outside this folder spells them. */

/** Commands of the original documents. */
export const originalCommands = [
  'INITLEAVING',
  'RECMAIL',
  'RECGREETING',
  'CFGLANG',
  'INITRETRIEVE',
  'GETPROMO',
  'SENDPROMO',
] as const

/** Commands of ours, in the same style: the originals have no way to say these things. */
export const addedCommands = [
  'READMAIL',
  'UNREADMAIL',
  'DELMAIL',
  'UNDELMAIL',
  'FWDMAIL',
  'AUTHMAIL',
  'CFGPIN',
  'PROMOTAKER',
  'CFGRECORD',
] as const

export type OriginalCommand = (typeof originalCommands)[number]
export type AddedCommand = (typeof addedCommands)[number]
export type CommandName = OriginalCommand | AddedCommand

/** Why something was refused. The originals know only `status: error`; reason and message are additions of ours. */
const reasons = [
  'BAD_JSON',
  'UNKNOWN_COMMAND',
  'MISSING_FIELD',
  'BAD_FIELD',
  'NO_MAILBOX',
  'MAILBOX_FULL',
  'RECORD_OFF',
  'NO_FILE',
  'NOT_FOUND',
  'PROMO_OFF',
  'UNAUTHORIZED',
  'INTERNAL',
] as const
export type Reason = (typeof reasons)[number]

export type WireValue = string | number | boolean | null | readonly WireValue[] | WireObject
export interface WireObject {
  readonly [name: string]: WireValue | undefined
}

/** Of a language; not ISO 639. */
export type WireLanguage = 'ina' | 'eng'
export type OnOff = 'on' | 'off'
export type PromoName = 'x' | 'y'

export interface WirePromo {
  readonly general: OnOff
  readonly personal: OnOff
  readonly voice: string
}

export interface WireRecord {
  readonly status: OnOff
  /** Seconds of silence that end a message. */
  readonly max_idle: number
  /** Seconds. */
  readonly max_record: number
}

/** Also `filename` in requests: one name in the store that node and service share. */
export interface WireMessage {
  readonly number: string
  /** `yyyy-mm-dd`. */
  readonly date: string
  readonly voice: string
  /** Ours: `hh:mm:ss`. */
  readonly time?: string
  /** Ours: seconds. */
  readonly duration?: number
  /** Ours. */
  readonly id?: string
}

export interface OkReply extends WireObject {
  readonly status: 'ok'
}

export interface ErrorReply extends WireObject {
  readonly status: 'error'
  /** Ours. */
  readonly reason: Reason
  /** Ours: one sentence. */
  readonly message: string
}

export type Reply = OkReply | ErrorReply

/** Names of voices: one path element that hides nothing. What is not of this form is refused. */
const voiceName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/

export function isVoiceName(name: string): boolean {
  return voiceName.test(name) && !name.includes('..')
}
