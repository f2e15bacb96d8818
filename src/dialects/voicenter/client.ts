import type { VoicenterAppSettings } from '../../config/settings.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { OutgoingFailureCode, OutgoingOutcome } from '../../http/outgoing/types.ts'
import type { Instruction } from './actions.ts'
import { decodeAnswer, encodeRequest } from './codec.ts'
import type { Slip } from './kindness.ts'
import { mapAnswer } from './map.ts'
import { printQuestion, type Question } from './requests.ts'
import { maxAnswerBytes } from './wire.ts'

/** What the journal shows of an answer that is wrong, in characters. */
const shownAnswer = 2048

/** There was no connection: nothing of the question had left, and it is asked once more. */
const notConnected: ReadonlySet<OutgoingFailureCode> = new Set([
  'outgoing.name-unknown',
  'outgoing.connect-failed',
  'outgoing.connect-timed-out',
])

export type Asked =
  | { readonly kind: 'instruction'; readonly instruction: Instruction; readonly slips: readonly Slip[] }
  | {
      readonly kind: 'trouble'
      /** What was wrong, for the record: `http://…/ivr answered 500.` */
      readonly sentence: string
      /** The beginning of what it answered; null where there is no answer. */
      readonly answer: string | null
    }

export interface HandlerClientParts {
  readonly http: Pick<OutgoingHttp, 'request'>
  readonly app: Pick<VoicenterAppSettings, 'url' | 'format' | 'timeoutMs' | 'connectTimeoutMs' | 'headers' | 'secret'>
  readonly isTrusted: boolean
}

/** Asks a handler what to do. */
export class HandlerClient {
  readonly #parts: HandlerClientParts
  #asked = 0

  constructor(parts: HandlerClientParts) {
    this.#parts = parts
  }

  /** Never rejects. @param signal - gives the question up. */
  async ask(question: Question, signal: AbortSignal): Promise<Asked> {
    const { format } = this.#parts.app
    let outcome = await this.#post(question, signal)
    const mayAskAgain = outcome.kind === 'failure' && outcome.reached === 'nothing' && notConnected.has(outcome.code)
    if (mayAskAgain && !signal.aborted) outcome = await this.#post(question, signal)
    if (outcome.kind === 'failure') return { kind: 'trouble', sentence: outcome.sentence, answer: null }
    const { url, status, body } = outcome
    const trouble = (sentence: string): Asked => ({ kind: 'trouble', sentence, answer: beginningOf(body) })
    if (status < 200 || status > 299) {
      const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : ''
      return trouble(`${url} answered ${status}${redirect}.`)
    }
    if (outcome.isTruncated) return trouble(`${url} answered more than ${maxAnswerBytes / 1024} KiB.`)
    const mapped = mapAnswer(decodeAnswer(format, body, outcome.headers.get('content-type')))
    if (mapped.kind === 'fault') return trouble(`${url} gave an answer that cannot be used. ${mapped.sentence}`)
    return mapped
  }

  #post(question: Question, signal: AbortSignal): Promise<OutgoingOutcome> {
    const { http, app, isTrusted } = this.#parts
    const { contentType, body } = encodeRequest(app.format, 'GET_IVR_ACTION', printQuestion(question))
    return http.request({
      url: app.url,
      method: 'POST',
      headers: { ...Object.fromEntries(app.headers), 'content-type': contentType },
      body,
      timeoutMs: app.timeoutMs,
      connectTimeoutMs: Math.min(app.connectTimeoutMs, app.timeoutMs),
      maxResponseBytes: maxAnswerBytes,
      isTrusted,
      ...(app.secret !== null && {
        signing: { secrets: [app.secret], eventId: `${question.uniqueId}-${++this.#asked}` },
      }),
      signal,
    })
  }
}

function beginningOf(body: Uint8Array): string | null {
  if (body.length === 0) return null
  return new TextDecoder().decode(body.subarray(0, shownAnswer * 4)).slice(0, shownAnswer)
}
