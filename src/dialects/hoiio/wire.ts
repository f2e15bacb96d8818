/**
 * The published spelling of the Hoiio IVR REST API, and nothing else: paths, parameters, status codes, notification fields.
 * Source: `README.md`.
 */

/** What a program calls a step of a session. `answer` is no request: it is only ever notified. */
export type BlockName =
  | 'answer'
  | 'dial'
  | 'play'
  | 'gather'
  | 'record'
  | 'monitor'
  | 'hold'
  | 'unhold'
  | 'transfer'
  | 'hangup'

/** The blocks that a running session takes, with their paths below `/open/`. */
export const blockPaths = {
  'ivr/middle/play': 'play',
  'ivr/middle/gather': 'gather',
  'ivr/middle/record': 'record',
  'ivr/middle/monitor': 'monitor',
  'ivr/middle/hold': 'hold',
  'ivr/middle/unhold': 'unhold',
  'ivr/end/transfer': 'transfer',
  'ivr/end/hangup': 'hangup',
} as const satisfies Readonly<Record<string, BlockName>>

export type RequestedBlock = (typeof blockPaths)[keyof typeof blockPaths]

/** Every parameter that any request has. */
export type ParameterName =
  | 'app_id'
  | 'access_token'
  | 'session'
  | 'dest'
  | 'dest1'
  | 'dest2'
  | 'msg'
  | 'caller_id'
  | 'max_duration'
  | 'max_digits'
  | 'timeout'
  | 'attempts'
  | 'tag'
  | 'notify_url'
  | 'monitor_notify_url'
  | 'on_failure'
  | 'force'
  | 'txn_ref'
  | 'room'
  | 'action'
  | 'from'
  | 'to'
  | 'page'
  | 'number'
  | 'forward_to'

/** Those that some request cannot do without. */
export type RequiredParameter =
  | 'app_id'
  | 'access_token'
  | 'session'
  | 'dest'
  | 'dest1'
  | 'dest2'
  | 'txn_ref'
  | 'action'
  | 'number'

export type StatusCode =
  | 'success_ok'
  | 'error_invalid_http_method'
  | 'error_malformed_params'
  | `error_${RequiredParameter}_param_missing`
  | 'error_invalid_access_token'
  | 'error_invalid_app_id'
  | 'error_rate_limit_exceeded'
  | 'error_internal_server_error'
  | 'error_invalid_session'
  | 'error_session_access_denied'
  | 'error_session_ended'
  | 'error_session_not_ready'
  | 'error_session_not_on_hold'
  | 'error_monitor_in_progress'
  | 'error_dest_invalid'
  | 'error_dest_not_supported'
  | 'error_invalid_room'
  | 'error_caller_id_invalid'
  | 'error_invalid_max_digits'
  | 'error_invalid_timeout'
  | 'error_invalid_attempts'
  | 'error_invalid_max_duration'
  | 'error_max_duration_invalid'
  | 'error_on_failure_invalid'
  | 'error_tag_invalid_length'
  | 'error_invalid_notify_url'
  | 'error_unable_to_resolve_notify_url'
  | 'error_msg_invalid_length'
  | 'error_msg_cannot_convert_text'
  | 'error_msg_invalid_language'
  | 'error_msg_invalid_gender'
  | 'error_msg_invalid_xml'
  | 'error_msg_download_failed'
  | 'error_msg_invalid_file_format'
  | 'error_msg_invalid_file_size'
  | 'error_msg_invalid_url'
  | 'error_concurrent_call_limit_reached'
  | VoiceStatusCode

/** Of the neighbouring APIs. */
type VoiceStatusCode =
  | 'error_dest1_invalid'
  | 'error_dest2_invalid'
  | 'error_dest1_not_supported'
  | 'error_dest2_not_supported'
  | 'error_same_dest1_dest2'
  | 'error_dest_too_many'
  | 'error_txn_ref_invalid'
  | 'error_txn_ref_access_denied'
  | 'error_from_invalid'
  | 'error_to_invalid'
  | 'error_to_before_from'
  | 'error_page_invalid'
  | 'error_number_invalid'
  | 'error_number_not_assigned'
  | 'error_forward_to_invalid'
  | 'error_unable_to_resolve_forward_to'

/** An answer to a request. Values are strings, numbers included; only lists are lists. */
export type AnswerFields = Readonly<Record<string, unknown>>

export type CallState = 'ringing' | 'ongoing' | 'ended'

/** `dial_status` and `transfer_status`. */
export type ReachStatus = 'answered' | 'unanswered' | 'failed' | 'busy' | 'ongoing'

/** Carries the signature of a notification: a program that heeds it knows that nobody else made it up. */
export const signatureHeader = 'x-hoiio-signature'

/** The form fields of a notification. All are strings. */
export interface NotificationFields {
  readonly session: string
  readonly txn_ref: string
  readonly call_state: CallState
  readonly ivr_block: BlockName
  readonly tag?: string
  /** Incoming calls. */
  readonly from?: string
  readonly to?: string
  /** Sessions started by Dial. */
  readonly dest?: string
  readonly dial_status?: ReachStatus
  readonly digits?: string
  readonly record_url?: string
  readonly monitor_url?: string
  readonly transfer_status?: ReachStatus
  /** `YYYY-MM-DD HH:MM:SS`, GMT+8. This and the rest: only with `call_state=ended`, and then always. */
  readonly date?: string
  /** Whole minutes. */
  readonly duration?: string
  readonly currency?: string
  /** Per minute. */
  readonly rate?: string
  readonly debit?: string
}

/** What a block adds to its own notification. */
export type BlockResult = Pick<
  NotificationFields,
  'dial_status' | 'digits' | 'record_url' | 'monitor_url' | 'transfer_status'
>
