/**
 * Where an event stands. `behind`: an earlier event of its order key is not done yet. `sending`: leased to the worker.
 * `dead`: given up; it can be sent again by hand.
 */
export type EventState = 'waiting' | 'behind' | 'sending' | 'delivered' | 'dead'

/** What somebody wants told to a receiver outside. */
export interface NewEvent {
  /** Unique for ever and the same at each attempt: by it a receiver knows an event that it has had. */
  readonly id: string
  readonly tenant: string
  /** `call.ended`, `voicenter.hangup` …: says how it is sent and what may be shown of it. */
  readonly kind: string
  /** Events of one tenant and key are delivered in the order in which they were added; null: in any. Mostly the call id. */
  readonly orderKey: string | null
  readonly url: string
  readonly contentType: string
  readonly body: string
  /** Sent with it. Kept as they are: a secret is better looked up when it is sent. */
  readonly headers?: Readonly<Record<string, string>>
  /** Attempts before it is given up. About 24 hours' worth where absent. */
  readonly maxAttempts?: number
  /** Wall-clock ms before which it is not sent; now where absent. */
  readonly notBefore?: number
}

/** An event with all that is needed to send it. */
export interface OutboxEvent {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  readonly orderKey: string | null
  /** Scheme, host and port of `url`. */
  readonly lane: string
  /** With which of its lane it waits that are set aside; 0: with all the others. */
  readonly aside: number
  readonly url: string
  readonly contentType: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly state: EventState
  /** Since it was added or sent again by hand. */
  readonly attempts: number
  readonly maxAttempts: number
  /** Times are wall-clock ms. */
  readonly createdAt: number
  readonly nextAt: number
  readonly finishedAt: number | null
  readonly lastStatus: number | null
  readonly lastProblem: string | null
}

/** One try to deliver an event. */
export interface Attempt {
  readonly at: number
  readonly durationMs: number
  /** HTTP status; null when there was none. */
  readonly status: number | null
  /** What was wrong, in one sentence; null when it was delivered. */
  readonly problem: string | null
  /** The beginning of what was answered, at most `maxAnswerLength` characters; null for nothing. */
  readonly answer: string | null
}

export interface NumberedAttempt extends Attempt {
  /** From 1. */
  readonly number: number
}

/** An event that will be owed once something has happened, so that a crash in between cannot swallow it. */
export interface Announcement {
  readonly id: string
  readonly tenant: string
  readonly kind: string
  /** What it will be about: a call id, a recording id. */
  readonly subject: string
  readonly announcedAt: number
}

export interface EventFilter {
  readonly tenant?: string
  readonly kind?: string
  readonly state?: EventState
  readonly orderKey?: string
  /** Added at this time or later, wall-clock ms. */
  readonly createdFrom?: number
  /** Added before this time, wall-clock ms. */
  readonly createdBefore?: number
}

export interface OutboxLoad {
  /** Events that are owed: waiting, behind another, or being sent. */
  readonly waiting: number
  /** When the oldest of them was added, wall-clock ms; null when there is none. */
  readonly oldestAt: number | null
  readonly dead: number
}

/** Attempts that are remembered of one event: more than a whole retry plan has. */
export const maxAttemptsKept = 50
export const maxAnswerLength = 2048
export const defaultMaxAttempts = 36
