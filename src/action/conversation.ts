import { StateError, toError } from '../base/errors.ts'
import type { RecordingId } from '../base/ids.ts'
import type { Bridge, BridgeEnd, BridgeLimit } from '../call/bridge.ts'
import type { Call } from '../call/call.ts'
import { partedSentence, seconds } from '../call/ending.ts'
import type { Party } from '../call/party.ts'
import { keepRecording, type RecordingParts } from '../call/recording.ts'
import { RoomMember } from '../call/room-member.ts'
import { Supervision } from '../call/supervision.ts'

/** The longest that a conversation is recorded. */
const maxRecordingMs = 4 * 3_600_000

export interface ConversationOptions {
  readonly limit: BridgeLimit | null
  readonly record: false | 'both'
  readonly recordName: string | undefined
  readonly signal: AbortSignal | undefined
}

export interface ConversationEnd {
  /** `transferred`: it goes on without the program; `ended`: the call was over before it began. */
  readonly outcome: 'completed' | 'transferred' | 'stopped' | 'failed' | 'ended'
  /** Who left first, or what ended it; null where nothing has. */
  readonly endedBy: 'caller' | 'callee' | 'limit' | 'program' | 'network' | null
  readonly talkSeconds: number
  readonly recordingId: RecordingId | null
  readonly sentence: string
}

/** Throws StateError `action.already-joined`. */
export function assertAlone(call: Call): void {
  const isElsewhere = call.party.places.some((place) => place instanceof RoomMember || place instanceof Supervision)
  if (call.bridge === null && !isElsewhere) return
  const sentence = isElsewhere
    ? 'The caller is in a conference or supervises a call.'
    : 'The caller is joined with somebody already.'
  throw new StateError('action.already-joined', sentence, { facts: { callId: call.id } })
}

/** Answers the caller, joins it with `other`, and waits until they have parted. `other` is not hung up by it. */
export async function converse(
  call: Call,
  parts: RecordingParts,
  other: Party,
  options: ConversationOptions,
): Promise<ConversationEnd> {
  call.answer()
  if (call.isEnded) return over('The call was over before the two were joined.')
  if (call.bridge) return { ...over('The caller was joined with somebody else meanwhile.'), outcome: 'failed' }
  const notDoing = call.doing(`it was talking with ${other.number}`)
  const bridge = call.join(call.party, other, options.limit)
  const recording =
    options.record === 'both' && !bridge.isEnded ? startRecording(call, parts, options.recordName) : null
  const onAbort = (): void => bridge.close()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted) bridge.close()

  const waiting = new AbortController()
  const end = await Promise.race([bridge.ended, handedOver(call, waiting.signal)])
  waiting.abort()
  options.signal?.removeEventListener('abort', onAbort)
  notDoing()
  // What was keyed in the conversation was for the other one, and is no answer to the program's next question.
  call.digits.clear()
  other.digits.clear()
  // A call that was transferred is recorded to its end: nobody has asked to stop it.
  if (!call.isTransferred) recording?.stop()
  const result = end ? describe(call, bridge, end) : null
  const recordingId = recording?.id ?? null
  if (result && !call.isTransferred) return { ...result, recordingId }
  const { talkMs } = call.party
  const sentence = 'The call was transferred and goes on.'
  return { outcome: 'transferred', endedBy: null, talkSeconds: rounded(talkMs), recordingId, sentence }
}

/** Hangs up whoever of this call was joined with its own party, and lets the record say what happened. */
export function dismiss(call: Call, other: Party, end: ConversationEnd): void {
  if (call.isEnded) return
  if (!other.isEnded && other.home === call) other.leg.end('normal')
  call.remember({ sentence: end.sentence, endedBy: end.endedBy === 'callee' ? 'callee' : null })
}

/** Resolves with null when the call goes on without its program. */
function handedOver(call: Call, waiting: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (call.isTransferred) resolve(null)
    }
    call.signal.addEventListener('abort', check, { once: true, signal: waiting })
    check()
  })
}

function describe(call: Call, bridge: Bridge, end: BridgeEnd): Omit<ConversationEnd, 'recordingId'> {
  const talkSeconds = rounded(end.talkMs)
  const ending = end.by?.leg.ending ?? null
  if (end.by && ending) {
    const isCaller = end.by === call.party
    const peerOf = { remote: isCaller ? 'caller' : 'callee', network: 'network', local: 'program' } as const
    const endedBy = peerOf[ending.by]
    const name = isCaller ? 'The caller' : 'The callee'
    return { outcome: 'completed', endedBy, talkSeconds, sentence: partedSentence(end.by, ending, end.talkMs, name) }
  }
  if (end.why === 'limit') {
    const sentence = `The conversation was ended at its limit of ${seconds(end.talkMs)}.`
    return { outcome: 'completed', endedBy: 'limit', talkSeconds, sentence }
  }
  if (end.why === 'failed') {
    const sentence = `The caller and ${bridge.other(call.party).number} could not be joined.`
    return { outcome: 'failed', endedBy: null, talkSeconds, sentence }
  }
  const sentence = `The conversation was ended by the program after ${seconds(end.talkMs)}.`
  return { outcome: 'stopped', endedBy: 'program', talkSeconds, sentence }
}

function startRecording(
  call: Call,
  parts: RecordingParts,
  fileName: string | undefined,
): { readonly id: RecordingId; stop(): void } | null {
  try {
    const limits = { channels: 'both', maxDurationMs: maxRecordingMs, silenceMs: null, fileName } as const
    const kept = keepRecording(call, parts, limits, (whole) => call.leg.record(whole))
    call.owe(kept.ended)
    return kept
  } catch (thrown) {
    // A conversation is worth more than its recording.
    call.note('problem', 'recordingFailed', { problem: toError(thrown).message })
    return null
  }
}

function over(sentence: string): ConversationEnd {
  return { outcome: 'ended', endedBy: null, talkSeconds: 0, recordingId: null, sentence }
}

function rounded(ms: number): number {
  return Math.round(ms / 100) / 10
}
