import type { ErrorCode } from '../../base/error-catalogue.ts'
import { type ErrorFacts, ParseError } from '../../base/errors.ts'
import type { RefusedRequest } from './refusal.ts'

export type MessageErrorCode = Extract<ErrorCode, `sip-message.${string}`>

export interface MessageErrorOptions {
  readonly facts?: ErrorFacts
  readonly cause?: unknown
  /** What the refusal of a request carries; 400 where nothing is said. */
  readonly sipStatus?: number
  readonly reply?: RefusedRequest | null
}

/**
 * Illegal bytes where a SIP message, or a part of one, was expected. Facts: `header` (the header field), `offset` (bytes
 * from the start of what was parsed; in a folded header field, where its value begins plus the place in the unfolded text).
 */
export class MessageError extends ParseError {
  declare readonly code: MessageErrorCode
  /** What could be saved of a request, to answer it; null where no answer may or can be given (responses, ACK, no Via). */
  readonly reply: RefusedRequest | null

  constructor(code: MessageErrorCode, sentence: string, options: MessageErrorOptions = {}) {
    super(code, sentence, {
      facts: options.facts ?? {},
      ...(options.cause === undefined ? {} : { cause: options.cause }),
      ...(options.sipStatus === undefined ? {} : { sipStatus: options.sipStatus }),
    })
    this.reply = options.reply ?? null
  }
}
