// What programs that embed Switchhook import.

export type { BridgeOptions, BridgeOutcome } from './action/bridge.ts'
export type { ConferenceKey, ConferenceOptions, ConferenceOutcome } from './action/conference.ts'
export type { DialOutcome } from './action/dial.ts'
export type { DialOptions } from './action/dial-options.ts'
export { FlowCall } from './action/flow-call.ts'
export type { GatherOptions, GatherOutcome } from './action/gather.ts'
export type { HoldOutcome } from './action/hold.ts'
export type { Monitor, MonitorOptions } from './action/monitor.ts'
export { Peer } from './action/peer.ts'
export type { PlayOptions, PlayOutcome } from './action/play.ts'
export {
  file,
  type Playable,
  say,
  sayDate,
  sayDigits,
  sayNumber,
  silence,
  type ToneName,
  tone,
} from './action/playable.ts'
export type { RecordOptions, RecordOutcome } from './action/record.ts'
export type { Flow } from './action/run-flow.ts'
export type { SendDigitsOutcome } from './action/send-digits.ts'
export type { SuperviseKey, SuperviseOptions, SuperviseOutcome } from './action/supervise.ts'
export type { TransferOptions, TransferOutcome } from './action/transfer.ts'
export { SwitchhookError } from './base/errors.ts'
export type { CallRecord, HangupCause, LegRecord, RecordingRecord } from './call/records.ts'
export { createSwitchhook, type Switchhook, type SwitchhookOptions } from './create.ts'
export type { CallRequest, PlacedCall } from './placed-calls.ts'
export type { Language } from './speech/types.ts'
