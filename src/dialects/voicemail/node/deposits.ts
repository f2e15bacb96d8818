import { join } from 'node:path'
import type { Clock } from '../../../base/clock.ts'
import { toError } from '../../../base/errors.ts'
import type { CallId } from '../../../base/ids.ts'
import type { Logger } from '../../../base/log.ts'
import type { Recordings } from '../../../store/recordings.ts'
import type { Voicemail, VoicemailDepositRow } from '../../../store/voicemail.ts'
import type { Asked, VoicemailClient } from '../client.ts'
import type { MediaStore } from '../media-store.ts'

/** A message of less sound is none. */
export const leastSoundMs = 1000

/** How long a message is owed to a service that does not take it. */
const giveUpAfterMs = 7 * 24 * 60 * 60_000

export interface DepositParts {
  readonly store: Pick<Voicemail, 'putDeposit' | 'removeDeposit' | 'deposits'>
  readonly recordings: Pick<Recordings, 'list'>
  readonly media: Pick<MediaStore, 'adopt'>
  readonly dataFolder: string
  readonly clock: Clock
  readonly log: Logger
  /** The service by its text, for a tenant. */
  clientOf(service: string, tenant: string): VoicemailClient
}

/** What is owed to a service: opened before the beep, so that a message outlives whatever happens to this program. */
export type Deposit = Omit<VoicemailDepositRow, 'duration_seconds' | 'started_at'>

/** The name of a call's message: the same however often it is told, so that a service knows a repetition. */
export function voiceOfCall(callId: string): string {
  return `msg_${callId.replace(/^call_/, '')}`
}

/**
 * Messages on their way from a recording of ours to the service. A row stands from before the recording until the service has
 * answered; what a crash or a service that is down leaves behind is told later.
 */
export class Deposits {
  readonly #parts: DepositParts
  /** Calls that are at it themselves. */
  readonly #live = new Set<string>()
  readonly #telling = new Set<Promise<Asked>>()
  #settling: Promise<void> = Promise.resolve()

  constructor(parts: DepositParts) {
    this.#parts = parts
  }

  /** Rejects with StoreError; then nothing must be recorded. */
  async open(deposit: Deposit): Promise<void> {
    this.#live.add(deposit.call_id)
    const startedAt = this.#parts.clock.wallTime()
    await this.#parts.store.putDeposit({ ...deposit, started_at: startedAt, duration_seconds: null })
  }

  /** Takes the recording into the media store. @param file - relative to the data folder. Rejects with the system's error. */
  async keep({ tenant, voice }: Deposit, file: string, cutMs: number): Promise<void> {
    await this.#parts.media.adopt(tenant, voice, join(this.#parts.dataFolder, file), cutMs)
  }

  /**
   * Tells the service of the message, or that there is none (`seconds` null). A message that the service cannot be told of
   * stays owed.
   */
  tell(deposit: Deposit, seconds: number | null): Promise<Asked> {
    const telling = this.#tell(deposit, seconds)
    this.#telling.add(telling)
    const forget = (): void => void this.#telling.delete(telling)
    telling.then(forget, forget)
    return telling
  }

  async #tell(deposit: Deposit, seconds: number | null): Promise<Asked> {
    const { store, clock } = this.#parts
    try {
      if (seconds !== null) {
        await store.putDeposit({ ...deposit, started_at: clock.wallTime(), duration_seconds: seconds })
      }
      const asked = await this.#ask(deposit, seconds)
      if (asked.kind === 'answer' || seconds === null) await store.removeDeposit(deposit.call_id)
      return asked
    } finally {
      this.#live.delete(deposit.call_id)
    }
  }

  /** Resolves when no call is telling its service any more. What such a call could not tell any more stays owed. */
  async idle(): Promise<void> {
    await Promise.allSettled([this.#settling, ...this.#telling])
  }

  /** The call has nothing more to do with it; what it leaves is settled like that of a crash. */
  leave(callId: string): void {
    this.#live.delete(callId)
  }

  /**
   * Tells services what earlier calls have left: those cut off by the death of the program, and those whose service was down.
   * One round at a time. Never rejects.
   */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(() => this.#settleAll())
    return this.#settling
  }

  async #settleAll(): Promise<void> {
    const { store, log } = this.#parts
    try {
      for (const row of await store.deposits()) {
        if (this.#live.has(row.call_id)) continue
        await this.#settleOne(row).catch((thrown) => {
          log.error({ callId: row.call_id, err: toError(thrown) }, 'a voicemail message that is owed could not be told')
        })
      }
    } catch (thrown) {
      log.error({ err: toError(thrown) }, 'the voicemail messages that are owed could not be read')
    }
  }

  async #settleOne(row: VoicemailDepositRow): Promise<void> {
    const { store, log, clock } = this.#parts
    const seconds = row.duration_seconds ?? (await this.#recover(row))
    const asked = await this.#ask(row, seconds)
    if (asked.kind === 'answer') {
      const { status, reason } = asked.object
      log.warn({ callId: row.call_id, status, reason, seconds }, 'the voicemail service was told of an earlier call')
      return await store.removeDeposit(row.call_id)
    }
    const isOver = row.started_at < clock.wallTime() - giveUpAfterMs
    log.warn(
      { callId: row.call_id, problem: asked.sentence, isOver },
      'a voicemail message is still owed to its service',
    )
    if (isOver) await store.removeDeposit(row.call_id)
  }

  /** What a call that was cut off was recording last, as a voice. @returns its seconds; null: too short or none. */
  async #recover(row: VoicemailDepositRow): Promise<number | null> {
    // Newest first. What came before it was silence, or was called too short.
    const { items } = await this.#parts.recordings.list({ callId: row.call_id as CallId, tenant: row.tenant })
    const last = items.find(({ channels }) => channels === 1)
    const isWhole = last?.state === 'saved' || last?.state === 'interrupted'
    const durationMs = last?.durationMs ?? 0
    if (last === undefined || !isWhole || durationMs < leastSoundMs) return null
    await this.keep(row, last.file, 0)
    return secondsOf(durationMs)
  }

  #ask(row: Deposit, seconds: number | null): Promise<Asked> {
    return this.#parts.clientOf(row.service, row.tenant).ask({
      command: 'RECMAIL',
      number: { a: row.caller, b: row.owner, c: row.access },
      deposit: seconds !== null,
      filename: seconds === null ? '' : row.voice,
      duration: seconds ?? 0,
    })
  }
}

/** Whole, at least 1. */
export function secondsOf(ms: number): number {
  return Math.max(1, Math.round(ms / 1000))
}
