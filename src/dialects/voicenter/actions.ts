import type { Language } from '../../config/settings.ts'

/** How keys are collected: section 6.1 of the README's source. */
export interface Collection {
  /** The question; null: none is played. */
  readonly record: string | null
  /** How often it is played while nothing is keyed, 1 to 10. */
  readonly loops: number
  /** Wait behind each play but the last, 0 to 60. */
  readonly delaySeconds: number
  /** The most digits, 0 to 32; 0: none are collected. */
  readonly size: number
  /** Whether what was keyed is checked before the handler sees it. */
  readonly isValidated: boolean
}

export interface MenuAction {
  readonly kind: 'menu'
  readonly menu: string
  readonly collection: Collection
}

export interface SayDigitsAction {
  readonly kind: 'sayDigits'
  readonly menu: string
  readonly collection: Collection
  /** Played before the digits. */
  readonly record: string | null
  /** Only 0-9; empty: nothing is said. */
  readonly digits: string
}

export interface CallAction {
  readonly kind: 'call'
  /** As it is reported in HANGUP_CALL. */
  readonly target: string
  /** Instead of the target, one after the other; empty: none. */
  readonly dialStrings: readonly string[]
  readonly callerId: string
  readonly callerName: string
  readonly callerRecord: string | null
  readonly musicClass: string | null
  readonly targetRecord: string | null
  readonly maxDialSeconds: number
  readonly maxSeconds: number
  readonly isRecorded: boolean
  /** Keys for the target, `w` for half a second of quiet. Empty: none. */
  readonly digits: string
  readonly next: { readonly menu: string; readonly collection: Collection } | null
}

export interface SilentRecordAction {
  readonly kind: 'silentRecord'
  readonly record: string | null
  readonly maxSeconds: number
}

export interface LayerAction {
  readonly kind: 'layer'
  readonly layer: number
  readonly record: string | null
  readonly loops: number
  readonly delaySeconds: number
}

export interface HangUpAction {
  readonly kind: 'hangUp'
  readonly record: string | null
  /** Q.850, 1 to 127. */
  readonly cause: number
}

/** What a handler wants done on the line. */
export type IvrAction = MenuAction | SayDigitsAction | CallAction | SilentRecordAction | LayerAction | HangUpAction

export interface Instruction {
  readonly action: IvrAction
  /** Null: that of the call goes on. */
  readonly language: Language | null
}
