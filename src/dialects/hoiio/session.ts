import type { FlowCall } from '../../action/flow-call.ts'
import type { Monitor } from '../../action/monitor.ts'
import type { Cancel, Clock } from '../../base/clock.ts'
import type { RecordingId } from '../../base/ids.ts'
import type { CallRecord } from '../../call/records.ts'
import type { Application } from './applications.ts'
import { type Block, type BlockDesk, carryOut, type Message, type NotifyTarget, playMessage } from './blocks.ts'
import { Refusal, writeDate } from './codec.ts'
import { dialStatusOf } from './map.ts'
import { type Billing, billingOf } from './rates.ts'
import { type SessionState, verdictOf } from './session-states.ts'
import type { Step } from './transactions.ts'
import type { BlockName, BlockResult, NotificationFields, RequestedBlock } from './wire.ts'

/** How a session began. */
export type SessionStart =
  | { readonly kind: 'incoming'; readonly from: string; readonly to: string; readonly target: NotifyTarget }
  | {
      readonly kind: 'dial'
      readonly dest: string
      readonly rate: number
      readonly message: Message
      readonly maxSeconds: number | null
      readonly target: NotifyTarget | null
      readonly tag: string | null
    }

export interface SessionParts {
  readonly clock: Clock
  /** Sends a notification behind the earlier ones of the session. */
  notify(target: NotifyTarget, fields: NotificationFields): void
  linkOf(recording: RecordingId): string
  /** Where its end is to be told is another now, or it is recorded. */
  changed(session: Session): void
  /** The call is over and all that was to be notified has been handed over. */
  ended(session: Session, record: CallRecord): void
}

/** How long a caller hears ringing when its program asks for nothing: as long as networks let it (RFC 3261 §16.6, timer C). */
const longestRingingMs = 180_000
/** How long Hold may last. */
const longestHoldMs = 3_600_000

/**
 * One call that a program steers block by block. It runs as the call's flow: it waits for a block, carries it out, tells how
 * that went, and waits for the next. Requests come in by `admit` and `submit`.
 */
export class Session {
  readonly id: string
  readonly txnRef: string
  readonly application: Application
  readonly start: SessionStart
  readonly #parts: SessionParts
  #state: SessionState
  /** What a request found before its message was fetched: to go back to should that fail. */
  #before: SessionState = 'ready'
  #call: FlowCall | null = null
  #block: BlockName
  /** The latest step whose outcome is told: where the end of the call is told, too. Null: nowhere. */
  #latest: Step | null
  #pending: Block | null = null
  #wake: () => void = () => {}
  #cancelWait: Cancel = () => {}
  #cancelLimit: Cancel = () => {}
  #result: BlockResult = {}
  #monitor: { readonly recordingId: RecordingId; readonly step: Step | null } | null = null
  #charges: { readonly rate: number; readonly sinceMs: number; readonly talkMs: number | null }[] = []
  #running: Promise<void> = Promise.resolve()
  #isDialTold = false
  #room: string | null = null
  #hangUpEarly: () => void = () => {}

  constructor(ids: { id: string; txnRef: string }, application: Application, start: SessionStart, parts: SessionParts) {
    this.id = ids.id
    this.txnRef = ids.txnRef
    this.application = application
    this.start = start
    this.#parts = parts
    this.#state = start.kind === 'dial' ? 'dialling' : 'ringing'
    this.#block = start.kind === 'dial' ? 'dial' : 'answer'
    const tag = start.kind === 'dial' ? start.tag : null
    this.#latest = start.target === null ? null : { block: this.#block, target: start.target, tag }
  }

  get state(): SessionState {
    return this.#state
  }

  /** Where the end of the call is told as things stand; null: nowhere. */
  get step(): Step | null {
    return this.#latest
  }

  /** The recording of the whole call; null: none. */
  get monitor(): { readonly recordingId: RecordingId; readonly step: Step | null } | null {
    return this.#monitor
  }

  /** The id of the room that it is in, or goes to; null: none. */
  get room(): string | null {
    return this.#room
  }

  /** What stands in each of its notifications. */
  get standing(): Readonly<Record<string, string>> {
    const { start } = this
    return start.kind === 'dial' ? { dest: start.dest } : { from: start.from, to: start.to }
  }

  /** For a call of ours that has not been answered: how it is given up. */
  set hangUpEarly(hangUp: () => void) {
    this.#hangUpEarly = hangUp
  }

  /**
   * Asks for a block. With `run` the session waits for its `submit` or `withdraw`; with `cut` for `cut`.
   * Throws Refusal `error_session_…`, `error_monitor_in_progress`.
   */
  admit(block: RequestedBlock): 'run' | 'cut' {
    const verdict = verdictOf(this.#state, block)
    if (verdict !== 'run' && verdict !== 'cut') throw new Refusal(verdict)
    if (block === 'monitor' && this.#monitor) throw new Refusal('error_monitor_in_progress')
    if (verdict === 'cut') return verdict
    this.#before = this.#state
    this.#state = 'preparing'
    this.#cancelWait()
    return verdict
  }

  /** The block that was admitted is ready to run. Throws Refusal `error_session_…` where it was overtaken by an end. */
  submit(block: Block): void {
    // The call may be over with its end not told yet.
    if (this.#state === 'ended' || this.#call?.isEnded) throw new Refusal('error_session_ended')
    if (this.#state !== 'preparing') throw new Refusal('error_session_not_ready')
    this.#state = block.kind === 'hangup' ? 'leaving' : 'running'
    this.#pending = block
    this.#wake()
  }

  /** The block that was admitted is not to be: its message cannot be had. */
  withdraw(): void {
    if (this.#state !== 'preparing') return
    this.#state = this.#before
    this.#startWait()
  }

  /** Hangs up at once, whatever runs. Nothing is told where `target` is null. */
  cut(target: NotifyTarget | null, tag: string | null): void {
    if (this.#state === 'ended') throw new Refusal('error_session_ended')
    this.#state = 'leaving'
    this.#block = 'hangup'
    this.#latest = target === null ? null : { block: 'hangup', target, tag }
    this.#leave('The application hung up.')
  }

  /** The flow of the session's call. */
  run(call: FlowCall): Promise<void> {
    this.#call = call
    this.#running = this.#run(call)
    return this.#running
  }

  /** Tells the end of the call, once its record is closed. */
  async finish(record: CallRecord): Promise<void> {
    await this.#running.catch(() => {})
    this.#state = 'ended'
    this.#cancelWait()
    this.#cancelLimit()
    const { start } = this
    if (start.kind === 'dial' && !this.#isDialTold) {
      this.#result = { ...this.#result, dial_status: dialStatusOf(record) }
    }
    const billing = this.billing(record)
    const date = writeDate(record.startedAt)
    if (this.#latest) this.#tell(this.#latest, 'ended', this.#result, { date, ...billing })
    if (this.#monitor?.step) {
      const monitor_url = this.#parts.linkOf(this.#monitor.recordingId)
      this.#tell(this.#monitor.step, 'ended', { monitor_url }, { date, ...billing })
    }
    this.#parts.ended(this, record)
  }

  billing(record: CallRecord): Billing {
    const endedAt = record.endedAt ?? this.#parts.clock.wallTime()
    const talkMs = record.answeredAt === null ? 0 : endedAt - record.answeredAt
    const nowMs = this.#parts.clock.now()
    const own = this.start.kind === 'dial' ? [{ rate: this.start.rate, talkMs }] : []
    const others = this.#charges.map((charge) => ({
      rate: charge.rate,
      talkMs: charge.talkMs ?? nowMs - charge.sinceMs,
    }))
    return billingOf(this.application.settings.currency, talkMs, [...own, ...others])
  }

  async #run(call: FlowCall): Promise<void> {
    if (this.start.kind === 'dial') await this.#begin(call, this.start)
    else {
      call.ring()
      if (this.#latest) this.#tell(this.#latest, 'ringing', {}, {})
      this.#startWait()
    }
    for (;;) {
      const block = await this.#next(call)
      if (block === null) return
      await this.#step(call, block)
    }
  }

  /** Dial: whoever was called has answered. */
  async #begin(call: FlowCall, start: Extract<SessionStart, { kind: 'dial' }>): Promise<void> {
    if (start.maxSeconds !== null) {
      const { maxSeconds } = start
      this.#cancelLimit = this.#parts.clock.after(maxSeconds * 1000, () => {
        this.#state = 'leaving'
        this.#leave(`The call was ended at its longest duration of ${maxSeconds} s.`)
      })
    }
    await playMessage(call, start.message)
    if (call.isEnded) return
    this.#settle({ dial_status: 'answered' }, 'ready', start.target !== null)
  }

  async #step(call: FlowCall, block: Block): Promise<void> {
    this.#block = block.kind
    this.#result = {}
    const { target, tag } = block
    const isQuiet = block.kind === 'hold' || block.kind === 'unhold'
    if (target && block.kind !== 'hold') this.#latest = { block: block.kind, target, tag }
    else if (block.kind === 'hangup') this.#latest = null
    this.#room = block.kind === 'transfer' && block.to.kind === 'room' ? block.to.id : null
    this.#parts.changed(this)
    if (block.kind === 'hangup' && block.message.length === 0 && !call.isAnswered) {
      return await call.reject('rejected', { sentence: 'The application rejected the call.' })
    }
    const { result, next } = await carryOut(call, block, this.#desk(block))
    this.#result = result
    if (next === 'over' || call.isEnded) return
    if (next === 'hang-up') {
      this.#state = 'leaving'
      if (target === null) this.#latest = null
      return this.#leave(
        block.kind === 'transfer' ? 'The transfer was the last step of the application.' : 'The application hung up.',
      )
    }
    this.#settle(result, next, target !== null || isQuiet, target !== null && block.kind !== 'hold')
  }

  /** The block is done: its outcome is told, and the next may come. */
  #settle(result: BlockResult, next: 'ready' | 'held', mayGoOn: boolean, isTold = mayGoOn): void {
    if (!mayGoOn) {
      // Nobody could know that the next block may come.
      this.#state = 'leaving'
      this.#latest = null
      return this.#leave('The application gave no notify_url for its last step.')
    }
    this.#state = next
    this.#isDialTold = true
    this.#startWait()
    if (isTold && this.#latest) this.#tell(this.#latest, 'ongoing', result, {})
    this.#result = {}
  }

  #desk(block: Block): BlockDesk {
    const startedMs = this.#parts.clock.now()
    return {
      linkOf: (recording) => this.#parts.linkOf(recording),
      charged: (rate, talkMs) => this.#charges.push({ rate, sinceMs: startedMs, talkMs }),
      monitorStarted: (monitor: Monitor) => {
        const target = block.kind === 'monitor' ? (block.monitorTarget ?? block.target) : null
        const step: Step | null = target === null ? null : { block: 'monitor', target, tag: block.tag }
        this.#monitor = { recordingId: monitor.recordingId, step }
        this.#parts.changed(this)
      },
    }
  }

  /** The next block; null when the call is over. */
  #next(call: FlowCall): Promise<Block | null> {
    return new Promise((resolve) => {
      const { signal } = call
      const take = (): void => {
        if (!signal.aborted && !this.#pending) return
        signal.removeEventListener('abort', take)
        this.#wake = () => {}
        const block = signal.aborted ? null : this.#pending
        this.#pending = null
        resolve(block)
      }
      this.#wake = take
      signal.addEventListener('abort', take, { once: true })
      take()
    })
  }

  /** Gives the program its time for the next block. */
  #startWait(): void {
    this.#cancelWait()
    const state = this.#state
    const idleMs = this.application.settings.idleSeconds * 1000
    const limitMs = state === 'ringing' ? longestRingingMs : state === 'held' ? longestHoldMs : idleMs
    this.#cancelWait = this.#parts.clock.after(limitMs, () => {
      this.#state = 'leaving'
      if (state === 'ringing') return void this.#call?.reject('no-answer')
      this.#leave(`The application named no next step within ${limitMs / 1000} s.`)
    })
  }

  #leave(sentence: string): void {
    this.#cancelWait()
    const call = this.#call
    if (!call) this.#hangUpEarly()
    else if (this.start.kind === 'incoming' && !call.isAnswered) void call.reject('rejected', { sentence })
    else void call.hangUp('normal', { sentence })
  }

  #tell(
    step: Step,
    callState: NotificationFields['call_state'],
    result: BlockResult,
    billing: Partial<Billing & { readonly date: string }>,
  ): void {
    this.#parts.notify(step.target, {
      session: this.id,
      txn_ref: this.txnRef,
      call_state: callState,
      ivr_block: step.block ?? this.#block,
      ...(step.tag !== null && { tag: step.tag }),
      ...this.standing,
      ...result,
      ...billing,
    })
  }
}
