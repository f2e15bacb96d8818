import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { OutgoingOutcome } from '../../http/outgoing/types.ts'
import type { Instruction } from './actions.ts'
import { decodeAnswer, type EncodedRequest, encodeRequest } from './codec.ts'
import { describeAction } from './describe.ts'
import type { Slip } from './kindness.ts'
import { faultOfHangupAnswer, mapAnswer } from './map.ts'
import { printFarewell, printQuestion, type Question } from './requests.ts'
import { maxAnswerBytes, noMenu, type WireFormat } from './wire.ts'

export interface VerifyOptions {
  readonly url: string
  readonly format: WireFormat
  readonly caller: string
  readonly did: string
  /** What is pressed in the menus, one after the other; nothing behind the last. */
  readonly keys: readonly string[]
  readonly timeoutMs: number
  /** 32 characters. */
  readonly uniqueId: string
  /** Wall-clock ms. */
  readonly now: number
}

/** One request and what is to be said of its answer. */
export interface VerifyStep {
  readonly request: string
  /** What the answer does; null where it cannot be used. */
  readonly does: string | null
  /** Breaks calls. */
  readonly wrong: readonly string[]
  /** Let pass by us, and perhaps not by others. */
  readonly tolerated: readonly string[]
  readonly durationMs: number
}

/** What callers wait for in silence. */
const slowMs = 1000
/** Questions of one run. */
const maxQuestions = 20

/** Asks a handler what a call would, and says of each answer what is wrong or merely tolerated. Never rejects. */
export async function* verifyHandler(
  http: Pick<OutgoingHttp, 'request'>,
  options: VerifyOptions,
): AsyncGenerator<VerifyStep, void, undefined> {
  const { format, caller, did, uniqueId, keys } = options
  const verification = new Verification(http, options)
  let [menu, previous, digits] = [noMenu, noMenu, '']
  let isAnswered = false
  for (let count = 0; count < maxQuestions; count++) {
    const question = { callerId: caller, callerName: caller, did, menu, previousMenu: previous, digits, uniqueId }
    const { step, instruction } = await verification.ask(question)
    yield step
    const next = instruction && menuBehind(instruction)
    isAnswered ||= instruction !== null && instruction.action.kind !== 'hangUp'
    // One question behind the keys: what becomes of a caller who presses nothing.
    if (!next || count > keys.length) break
    previous = menu
    menu = next
    digits = keys[count] ?? ''
  }
  const hangup = printFarewell({
    callerId: caller,
    did,
    uniqueId,
    target: '',
    dialledAt: options.now,
    startedAt: options.now,
    endedAt: options.now + 1000,
    dialMs: 0,
    status: isAnswered ? 'ANSWER' : 'CONGESTION',
  })
  yield await verification.tell(encodeRequest(format, 'HANGUP_CALL', hangup))
}

/** Where the caller is next; null where nothing is asked any more. */
function menuBehind({ action }: Instruction): string | null {
  if (action.kind === 'menu' || action.kind === 'sayDigits') return action.menu
  return action.kind === 'call' ? (action.next?.menu ?? null) : null
}

class Verification {
  readonly #http: Pick<OutgoingHttp, 'request'>
  readonly #options: VerifyOptions

  constructor(http: Pick<OutgoingHttp, 'request'>, options: VerifyOptions) {
    this.#http = http
    this.#options = options
  }

  async ask(question: Question): Promise<{ readonly step: VerifyStep; readonly instruction: Instruction | null }> {
    const { format } = this.#options
    const outcome = await this.#post(encodeRequest(format, 'GET_IVR_ACTION', printQuestion(question)))
    const request = `GET_IVR_ACTION MENU ${question.menu}, PREVIOUS_MENU ${question.previousMenu}, DTMF "${question.digits}"`
    const { durationMs } = outcome
    const broken = faultOfHttp(outcome)
    if (broken !== null || outcome.kind === 'failure') {
      return { step: { request, does: null, wrong: [broken ?? ''], tolerated: [], durationMs }, instruction: null }
    }
    const mapped = mapAnswer(decodeAnswer(format, outcome.body, outcome.headers.get('content-type')))
    const tolerated = [...toldOf(mapped.slips), ...slowness(durationMs)]
    if (mapped.kind === 'fault') {
      return { step: { request, does: null, wrong: [mapped.sentence], tolerated, durationMs }, instruction: null }
    }
    const { instruction } = mapped
    return {
      step: { request, does: describeAction(instruction.action), wrong: [], tolerated, durationMs },
      instruction,
    }
  }

  async tell(encoded: EncodedRequest): Promise<VerifyStep> {
    const outcome = await this.#post(encoded)
    const { durationMs } = outcome
    const broken = faultOfHttp(outcome)
    const request = 'HANGUP_CALL'
    if (broken !== null || outcome.kind === 'failure') {
      return { request, does: null, wrong: [broken ?? ''], tolerated: [], durationMs }
    }
    const decoded = decodeAnswer(this.#options.format, outcome.body, outcome.headers.get('content-type'))
    const fault = faultOfHangupAnswer(decoded)
    const wrong = fault === null ? [] : [`${fault} It would be sent again four times.`]
    return { request, does: fault === null ? 'Taken.' : null, wrong, tolerated: toldOf(decoded.slips), durationMs }
  }

  #post({ contentType, body }: EncodedRequest): Promise<OutgoingOutcome> {
    const { url, timeoutMs } = this.#options
    return this.#http.request({
      url,
      method: 'POST',
      headers: { 'content-type': contentType },
      body,
      timeoutMs,
      connectTimeoutMs: Math.min(2000, timeoutMs),
      maxResponseBytes: maxAnswerBytes,
      isTrusted: true,
    })
  }
}

function faultOfHttp(outcome: OutgoingOutcome): string | null {
  if (outcome.kind === 'failure') return outcome.sentence
  const { status, isTruncated } = outcome
  if (status >= 300 && status < 400) return `It answers ${status}; redirects are not followed.`
  if (status < 200 || status > 299) return `It answers ${status}; only 2xx is read.`
  return isTruncated ? `It answers more than ${maxAnswerBytes / 1024} KiB.` : null
}

function toldOf(slips: readonly Slip[]): readonly string[] {
  return slips.map(({ sentence }) => sentence)
}

function slowness(durationMs: number): readonly string[] {
  return durationMs < slowMs ? [] : [`It took ${(durationMs / 1000).toFixed(1)} s, in which the caller hears nothing.`]
}
