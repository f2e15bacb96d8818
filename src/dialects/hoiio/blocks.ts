import type { FlowCall } from '../../action/flow-call.ts'
import type { Monitor } from '../../action/monitor.ts'
import type { PlayOptions } from '../../action/play.ts'
import type { Playable } from '../../action/playable.ts'
import { toError } from '../../base/errors.ts'
import type { RecordingId } from '../../base/ids.ts'
import { roomStatusOf, transferStatusOf } from './map.ts'
import type { BlockResult, ReachStatus, RequestedBlock } from './wire.ts'

/** Where a notification goes. */
export interface NotifyTarget {
  readonly url: string
  /** The operator chose its host: it may lie in a private network. */
  readonly isOwn: boolean
}

/** A `msg`, ready to be played; empty for none. */
export type Message = readonly Playable[]

/** A block as asked for, read and checked. */
export type Block = {
  readonly target: NotifyTarget | null
  readonly tag: string | null
} & (
  | { readonly kind: 'play'; readonly message: Message }
  | {
      readonly kind: 'gather'
      readonly message: Message
      readonly maxDigits: number | null
      readonly timeoutSeconds: number
      readonly attempts: number
    }
  | { readonly kind: 'record'; readonly message: Message; readonly maxSeconds: number }
  | { readonly kind: 'monitor'; readonly message: Message; readonly monitorTarget: NotifyTarget | null }
  | { readonly kind: 'hold'; readonly message: Message }
  | { readonly kind: 'unhold' }
  | {
      readonly kind: 'transfer'
      readonly message: Message
      readonly to: TransferTarget
      readonly onFailure: 'hangup' | 'continue'
    }
  | { readonly kind: 'hangup'; readonly message: Message }
)

export type BlockOf<Kind extends RequestedBlock> = Extract<Block, { readonly kind: Kind }>

export type TransferTarget =
  | { readonly kind: 'number'; readonly number: string; readonly callerId: string | null; readonly rate: number }
  | {
      readonly kind: 'room'
      /** As the program knows it, and as the server does. */
      readonly id: string
      readonly name: string
    }

/** How a block went. */
export interface BlockEnd {
  readonly result: BlockResult
  /** `hang-up`: nothing may follow. `over`: the call is over for the session, or goes on without it. */
  readonly next: 'ready' | 'held' | 'hang-up' | 'over'
}

/** What blocks need of their session. */
export interface BlockDesk {
  linkOf(recording: RecordingId): string
  monitorStarted(monitor: Monitor): void
  /** A number was reached that costs something. @param talkMs - null: until the call ends. */
  charged(rate: number, talkMs: number | null): void
}

/** How long a telephone that we call rings. */
export const ringSeconds = 45

/** Rooms of the service have music for whoever is alone, and no way out by a key. */
export const roomManners = { leaveKey: null, keys: {} } as const

/** Carries a block out. Comes back at once when the call ends. */
export async function carryOut(call: FlowCall, block: Block, desk: BlockDesk): Promise<BlockEnd> {
  if (block.kind !== 'hangup' || block.message.length > 0) await call.answer()
  switch (block.kind) {
    case 'play':
      await playMessage(call, block.message)
      return done({})
    case 'gather':
      return await gather(call, block)
    case 'record':
      return await record(call, block, desk)
    case 'monitor':
      await playMessage(call, block.message)
      await monitor(call, desk)
      return done({})
    case 'hold':
      await call.hold(block.message.length > 0 ? { music: block.message } : {})
      return { result: {}, next: 'held' }
    case 'unhold':
      await call.unhold()
      return done({})
    case 'transfer':
      await playMessage(call, block.message)
      return await transfer(call, block, desk)
    case 'hangup':
      if (block.message.length > 0) await call.unhold()
      await playMessage(call, block.message)
      return { result: {}, next: 'hang-up' }
  }
}

/** A message that cannot be made is left out: the program's next step is worth more than its text. */
export async function playMessage(call: FlowCall, message: Message, options: PlayOptions = {}): Promise<void> {
  if (message.length === 0 || call.isEnded) return
  try {
    await call.play(message, options)
  } catch (thrown) {
    call.noteProblem('messageNotPlayed', { why: toError(thrown).message })
  }
}

async function gather(call: FlowCall, block: BlockOf<'gather'>): Promise<BlockEnd> {
  const timeoutMs = block.timeoutSeconds * 1000
  const request = {
    maxDigits: block.maxDigits,
    attempts: block.attempts,
    // One time for the whole input of an attempt, from the end of its prompt.
    firstDigitTimeoutMs: timeoutMs,
    interDigitTimeoutMs: timeoutMs,
    inputTimeoutMs: timeoutMs,
  }
  const { message } = block
  const outcome = await call.gather({ ...request, ...(message.length > 0 && { prompt: message }) }).catch((thrown) => {
    call.noteProblem('messageNotPlayed', { why: toError(thrown).message })
    return call.gather(request)
  })
  return done({ digits: outcome.digits })
}

async function record(call: FlowCall, block: BlockOf<'record'>, desk: BlockDesk): Promise<BlockEnd> {
  await playMessage(call, block.message)
  const outcome = await call.record({ maxDurationMs: block.maxSeconds * 1000, silenceMs: null, endKey: '#' })
  return done(outcome.outcome === 'recorded' ? { record_url: desk.linkOf(outcome.recordingId) } : {})
}

/** An operator may be recording the call already: then the program has no recording of its own. */
async function monitor(call: FlowCall, desk: BlockDesk): Promise<void> {
  if (call.isEnded) return
  try {
    desk.monitorStarted(await call.monitor())
  } catch (thrown) {
    call.noteProblem('notMonitored', { why: toError(thrown).message })
  }
}

async function transfer(call: FlowCall, block: BlockOf<'transfer'>, desk: BlockDesk): Promise<BlockEnd> {
  if (call.isEnded) return { result: {}, next: 'over' }
  const status = await reach(call, block.to, desk)
  const result: BlockResult = status === null ? {} : { transfer_status: status }
  if (call.isEnded) return { result, next: 'over' }
  const mayGoOn = status !== 'answered' && block.onFailure === 'continue'
  return { result, next: mayGoOn ? 'ready' : 'hang-up' }
}

/** What cannot even be tried (too many rooms are open, say) has failed, and the program decides what comes next. */
async function reach(call: FlowCall, to: TransferTarget, desk: BlockDesk): Promise<ReachStatus | null> {
  try {
    return await connect(call, to, desk)
  } catch (thrown) {
    call.noteProblem('transferFailed', { why: toError(thrown).message })
    return 'failed'
  }
}

async function connect(call: FlowCall, to: TransferTarget, desk: BlockDesk): Promise<ReachStatus | null> {
  if (to.kind === 'room') {
    return roomStatusOf(await call.conference(to.name, roomManners))
  }
  const outcome = await call.dial(to.number, {
    seconds: ringSeconds,
    ...(to.callerId !== null && { callerId: to.callerId }),
  })
  const status = transferStatusOf(outcome)
  if (status === 'answered') {
    desk.charged(to.rate, outcome.outcome === 'transferred' ? null : outcome.talkSeconds * 1000)
  }
  return status
}

function done(result: BlockResult): BlockEnd {
  return { result, next: 'ready' }
}
