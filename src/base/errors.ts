import type { ErrorActor, ErrorCode } from './error-catalogue.ts'

/** Facts of the single case. Never digits, names or secrets: those go in marked log fields. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>

export interface ErrorOptions {
  readonly facts?: ErrorFacts
  readonly cause?: unknown
}

/**
 * Something of ours, theirs or the network's broke. What is merely unwelcome (busy, no answer, no digits) is an outcome
 * and is returned, not thrown. Each family knows its own translation to SIP and HTTP, so that no far-away switch guesses.
 */
export abstract class SwitchhookError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts
  abstract readonly sipStatus: number
  abstract readonly httpStatus: number
  abstract readonly actor: ErrorActor

  constructor(code: ErrorCode, sentence: string, options: ErrorOptions = {}) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.facts = options.facts ?? {}
  }
}

/** Illegal bytes. Subclasses may ask for another status (415, 416, 420, 505). */
export class ParseError extends SwitchhookError {
  readonly sipStatus: number
  readonly httpStatus = 400
  readonly actor = 'peer'

  constructor(code: ErrorCode, sentence: string, options: ErrorOptions & { sipStatus?: number } = {}) {
    super(code, sentence, options)
    this.sipStatus = options.sipStatus ?? 400
  }
}

/** Could not send, or the connection was lost. Treated as 503, RFC 3261 §8.1.3.1. */
export class TransportError extends SwitchhookError {
  readonly sipStatus = 503
  readonly httpStatus = 503
  readonly actor = 'network'
}

/** No answer within the named timer. Treated as 408, RFC 3261 §8.1.3.1. */
export class TimeoutError extends SwitchhookError {
  readonly sipStatus = 408
  readonly httpStatus = 504
  readonly actor = 'peer'
}

/** The right request at the wrong moment. */
export class StateError extends SwitchhookError {
  readonly sipStatus: number
  readonly httpStatus = 409
  readonly actor = 'caller'

  constructor(code: ErrorCode, sentence: string, options: ErrorOptions & { sipStatus?: number } = {}) {
    super(code, sentence, options)
    this.sipStatus = options.sipStatus ?? 491
  }
}

/** No such call, leg, recording, number. */
export class NotFoundError extends SwitchhookError {
  readonly sipStatus = 404
  readonly httpStatus = 404
  readonly actor = 'caller'
}

/** No common codec or protection. */
export class NegotiationError extends SwitchhookError {
  readonly sipStatus = 488
  readonly httpStatus = 422
  readonly actor = 'peer'
}

/** Over a configured or natural bound. */
export class LimitError extends SwitchhookError {
  readonly sipStatus = 503
  readonly httpStatus = 429
  readonly actor = 'operator'
}

/** Disk or database. */
export class StoreError extends SwitchhookError {
  readonly sipStatus = 500
  readonly httpStatus = 500
  readonly actor = 'operator'
}

/** A setting that cannot be used. */
export class ConfigError extends SwitchhookError {
  readonly sipStatus = 500
  readonly httpStatus = 500
  readonly actor = 'operator'
}

/** Ours: an assertion failed. */
export class Defect extends SwitchhookError {
  readonly sipStatus = 500
  readonly httpStatus = 500
  readonly actor = 'us'
}

/** Narrows to what must be there; what is missing is our own defect. */
export function assert(condition: unknown, sentence: string, facts: ErrorFacts = {}): asserts condition {
  if (!condition) throw new Defect('defect.assertion', sentence, { facts })
}

/** The `never` check of a switch over a union. */
export function unreachable(value: never): never {
  throw new Defect('defect.assertion', `Unexpected value ${String(value)}.`)
}

/** Any thrown thing as an Error, its text kept. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
