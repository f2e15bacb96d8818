// What programs that embed Switchhook import.
export { FlowCall } from './action/flow-call.ts'
export type { GatherOptions, GatherOutcome } from './action/gather.ts'
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
export { SwitchhookError } from './base/errors.ts'
export type { CallRecord, HangupCause, LegRecord, RecordingRecord } from './call/records.ts'
export { createSwitchhook, type Switchhook, type SwitchhookOptions } from './create.ts'
export type { Language } from './speech/types.ts'
