/**
 * The Voip24h partner API as it is published: v1.0 of 14/08/2018 with what v1.1 added (`duration`, `getCallData`, recordings by
 * `recordingListen` as a page). Members stand in the order in which the document shows them.
 */

export const endpoint = '/api/v1/partner/voip24h'
export const downloadPath = '/api/recording/download'
export const listenPath = '/recording/listen'

export const requestTypes = [
  'getUser',
  'getDate',
  'getUserDate',
  'getCallData',
  'recordingDownload',
  'recordingListen',
  'makeDial',
] as const

export type RequestType = (typeof requestTypes)[number]

/** Members of a request's `data` that some request reads. */
export type DataField = 'user' | 'fromDate' | 'toDate' | 'uniqueId' | 'callId' | 'recordingFile' | 'extension' | 'phone'

export interface Envelope<Data> {
  /** 0: success; -1: failure. */
  readonly respCode: 0 | -1
  /** `Success`, or what was wrong. */
  readonly respMsg: string
  readonly data: Data | null
}

export type CallType = 'INBOUND' | 'OUTBOUND' | 'EXTERNAL'

/** Dispositions of Asterisk's call records; note the blank. */
export type CallStatus = 'ANSWERED' | 'NO ANSWER' | 'BUSY' | 'FAILED'

export interface CallEntry {
  /** `<epoch seconds>.<number>`. */
  readonly callId: string
  readonly user: string
  readonly phoneNumber: string
  readonly callType: CallType
  readonly callStatus: CallStatus
  /** Seconds talked. */
  readonly duration: number
  /** `yyyy-mm-dd hh:mm:ss`. */
  readonly callDate: string
}

export interface LinkData {
  readonly link: string
}

export interface DialData {
  readonly extension: string
  readonly phone: string
  /** Ours: the published document gives none, and so no way to look the call up. */
  readonly callId: string
}

/** What `respMsg` says of each failure. */
export const failures = {
  invalidJson: 'Invalid JSON',
  invalidSecret: 'Invalid partnerSecret',
  unknownType: 'Unknown requestType',
  missingData: 'Missing data',
  missingField: (name: DataField) => `Missing field: ${name}`,
  invalidDate: (name: 'fromDate' | 'toDate') => `Invalid ${name} (expected dd/mm/yyyy)`,
  invalidRange: 'Invalid date range',
  callNotFound: 'Call not found',
  recordingNotFound: 'Recording not found',
  extensionNotFound: 'Extension not found',
  extensionNotAvailable: 'Extension not available',
  invalidPhone: 'Invalid phone',
  callLimit: 'Call limit reached',
  noRoute: 'No route',
  methodNotAllowed: 'Method not allowed',
  bodyTooLarge: 'Request too large',
  tooManyRequests: 'Too many requests',
  serverError: 'Server error',
} as const
