/** The published names of the Voicenter External IVR, as they travel. Nothing outside this folder spells them. */

export type WireFormat = 'xmlrpc' | 'json'

/** What both formats can say. XML-RPC's dates and base64 arrive as their text. */
export type WireValue = string | number | boolean | null | readonly WireValue[] | WireStruct

export interface WireStruct {
  readonly [name: string]: WireValue
}

export type MethodName = 'GET_IVR_ACTION' | 'HANGUP_CALL'

/** All seven go in each request, all as strings. */
export interface GetIvrAction {
  readonly CALLER_ID: string
  readonly CALLER_NAME: string
  readonly DID: string
  readonly MENU: string
  readonly PREVIOUS_MENU: string
  readonly DTMF: string
  readonly IVR_UNIQUE_ID: string
}

/** Told once per call when the caller's leg has ended. Numbers are whole. */
export interface HangupCall {
  readonly CALLER_ID: string
  readonly DID: string
  readonly IVR_UNIQUE_ID: string
  readonly TARGET: string
  readonly CALL_TIME_EPOCH: number
  readonly CALL_START_EPOCH: number
  readonly CALL_DURATION: number
  /** The misspelling is on the wire. */
  readonly CALL_DAILTIME: number
  readonly CALL_STATUS: string
}

export interface MethodData {
  readonly GET_IVR_ACTION: GetIvrAction
  readonly HANGUP_CALL: HangupCall
}

/** What MENU and PREVIOUS_MENU are before the handler has named a menu. */
export const noMenu = '-1'

/** CALL_STATUS. They are those of Asterisk's Dial(); DONTCALL and TORTURE are never sent. */
export type CallStatus = 'ANSWER' | 'BUSY' | 'NOANSWER' | 'CANCEL' | 'CONGESTION' | 'CHANUNAVAIL' | 'INVALIDARGS'

export const actionNames = ['MENU', 'SAYDIGITS', 'CALL', 'SILENTRECORD', 'VO', 'HANGUP'] as const
export type ActionName = (typeof actionNames)[number]

/** The fields of a response, and of each action's DATA, in the order of the published tables. */
export const responseFields = ['STATUS', 'ACTION', 'LANGUAGE', 'DATA'] as const
const menuFields = ['REC', 'LOOP', 'DELAY', 'SIZE', 'MENU', 'VALIDATION'] as const
export const dataFields = {
  MENU: menuFields,
  SAYDIGITS: [...menuFields, 'SAYDIGITSRECORD', 'DIGITS'],
  CALL: [
    'TARGET',
    'CALLERID',
    'CALLERNAME',
    'CALLER_REC',
    'MOH_CLASS',
    'TARGET_REC',
    'CALL_MAX_DIAL',
    'CALL_MAX',
    'NEXT_MENU',
    'NEXT_MENU_RECORD',
    'NEXT_MENU_LOOP',
    'NEXT_MENU_SIZE',
    'NEXT_MENU_WAIT',
    'REC_STATUS',
    'DTMF_PLAY',
    'DIALSTRINGS',
  ],
  SILENTRECORD: ['REC', 'MAXDURATION'],
  VO: ['LAYER', 'RECORD', 'LOOP', 'DELAY'],
  HANGUP: ['HANGUP_REC', 'HANGUP_CAUSE'],
} as const satisfies Record<ActionName, readonly string[]>

/** A record name that plays nothing, as the published samples use it. */
export const blankRecord = 'blank'

/** The longest answer that is read, in bytes, and the deepest nesting of what it says. */
export const maxAnswerBytes = 64 * 1024
export const maxDepth = 32
