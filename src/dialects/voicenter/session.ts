import type { FlowCall } from '../../action/flow-call.ts'
import type { Random } from '../../base/random.ts'
import { nationalNumber, numberKey } from '../../config/numbers.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import type { CallStatus } from './wire.ts'

/** More answers than any call has: what asks on and on is a loop. */
const maxAnswers = 100
/** Layers that one call goes through; handlers whose fallbacks lead to one another would go on for ever. */
const maxLayers = 20
/** In a row, with neither a key pressed nor anything heard. */
const maxIdleAnswers = 10

/** The last CALL of a call, for HANGUP_CALL. */
export interface LastCall {
  readonly target: string
  /** When it began to dial, wall-clock ms. */
  readonly startedAt: number
  readonly dialMs: number
  readonly status: CallStatus
}

/** What the handler knows a call by, over all dialogues that it has with handlers. */
export class Session {
  /** IVR_UNIQUE_ID: 32 hexadecimal digits. */
  readonly uniqueId: string
  readonly callerId: string
  readonly callerName: string
  readonly did: string
  lastCall: LastCall | null = null
  /** Whether a handler has been asked: only then it is told of the end. */
  wasAsked = false
  /** Keys typed before the next question do not count: a conversation lies between. */
  dropsTyped = false
  #answers = 0
  #idleAnswers = 0
  #layers = 0
  readonly #failedApps = new Set<string>()

  constructor(call: FlowCall, app: VoicenterAppSettings, tenant: TenantSettings, random: Random) {
    this.uniqueId = Buffer.from(random.bytes(16)).toString('hex')
    this.callerId = callerIdOf(call, app, tenant)
    this.callerName = call.party.isPrivate === true ? this.callerId : call.party.displayName?.trim() || this.callerId
    this.did = writtenNumber(call.to, app, tenant)
  }

  /** Counts an answer. Returns why the call is not to go on; null: it may. */
  countAnswer(): string | null {
    this.#answers++
    this.#idleAnswers++
    if (this.#answers > maxAnswers) return `The handler gave more than ${maxAnswers} answers in one call.`
    if (this.#idleAnswers <= maxIdleAnswers) return null
    return `The handler goes round in a circle: ${maxIdleAnswers} answers with no key pressed and nothing to be heard.`
  }

  /** Whether the call may go to one more layer. */
  mayEnterLayer(): boolean {
    return ++this.#layers <= maxLayers
  }

  /** The handler of an app has failed: it has no more say over this call, even where a fallback leads back to it. */
  noteFailure(app: string): void {
    this.#failedApps.add(app)
  }

  hasFailed(app: string): boolean {
    return this.#failedApps.has(app)
  }

  /** A key was pressed, or something was heard: no circle that nobody notices. */
  noteLife(): void {
    this.#idleAnswers = 0
  }
}

/** The caller's number as the tenant wants numbers written, `anonymous` where withheld; of its own telephones the SIP user. */
function callerIdOf(call: FlowCall, app: VoicenterAppSettings, tenant: TenantSettings): string {
  const { extension, isPrivate = false } = call.party
  if (isPrivate || call.from.toLowerCase() === 'anonymous') return 'anonymous'
  return extension ?? writtenNumber(call.from, app, tenant)
}

export function writtenNumber(
  number: string,
  { numberFormat }: VoicenterAppSettings,
  { countryCode }: TenantSettings,
): string {
  const key = numberKey(number, countryCode)
  return numberFormat === 'national' ? nationalNumber(key, countryCode) : key
}
