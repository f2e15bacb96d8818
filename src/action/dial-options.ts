import { ParseError } from '../base/errors.ts'
import type { Digit } from '../media/plane/types.ts'
import type { Playable } from './playable.ts'

export interface DialOptions {
  /** All destinations at once, or one after the other. All at once unless told otherwise. */
  readonly mode?: 'all' | 'in-turn'
  /** How long they ring; each of them in turn. 1 to 600, 30 if absent. */
  readonly seconds?: number
  /** The number that is shown to who is called; what the rules of the tenant give if absent. */
  readonly callerId?: string
  readonly callerName?: string
  /**
   * What the caller hears meanwhile. `auto` (the usual): ringing is passed on, and what a single device lets hear before its
   * answer; a ring-back tone where the caller has been answered. A playable: that, over and over.
   */
  readonly ringback?: Playable | readonly Playable[]
  /** Played to who answered, before the two are joined; the caller hears ring-back on. */
  readonly announce?: Playable | readonly Playable[]
  /** Who answered must press a key to take the call, so that the voicemail of a mobile does not take it. */
  readonly confirm?: {
    readonly prompt: Playable | readonly Playable[]
    /** `1` if absent. */
    readonly key?: Digit
    /** Time behind the prompt, 10 if absent. */
    readonly seconds?: number
  }
  /** Keys sent once answered, before anything is played: an extension behind a number. */
  readonly digits?: string
  /** The conversation is ended after so long. */
  readonly limitSeconds?: number
  /** Both hear a beep so long before that. */
  readonly limitWarningSeconds?: number
  /** `both`: the conversation is recorded, the caller left, the callee right. */
  readonly record?: false | 'both'
  /** What the name of its file begins with: an id that its owner knows the call by. */
  readonly recordName?: string
  /** False: who answered is not joined with the caller but handed to the program, as `peer`. */
  readonly bridge?: boolean
  /** The number that was called first, where the call is passed on. */
  readonly divertedFrom?: string
  /** The trunk of the tenant that numbers outside go by, where a rule of `outbound` lets them; the rules choose if absent. */
  readonly trunk?: string
  readonly signal?: AbortSignal
}

const maxDestinations = 20
const maxDestinationLength = 128
const maxRingSeconds = 600
const maxLimitSeconds = 24 * 3600
const usualRingSeconds = 30

/** The destinations and times of a `dial`, checked. Throws ParseError `action.dial-invalid`. */
export function checkDial(
  to: string | readonly string[],
  options: Pick<DialOptions, 'seconds' | 'limitSeconds' | 'limitWarningSeconds' | 'mode'>,
): {
  readonly destinations: readonly string[]
  readonly groups: readonly (readonly string[])[]
  readonly ringMs: number
} {
  const destinations = (typeof to === 'string' ? [to] : to).map((one) => one.trim())
  if (destinations.length === 0 || destinations.length > maxDestinations) {
    throw invalid(`There are 1 to ${maxDestinations} destinations to be given, not ${destinations.length}.`)
  }
  if (destinations.some((one) => one === '' || one.length > maxDestinationLength)) {
    throw invalid(`A destination has 1 to ${maxDestinationLength} characters.`)
  }
  const { seconds = usualRingSeconds, limitSeconds, limitWarningSeconds } = options
  if (!(seconds >= 1 && seconds <= maxRingSeconds)) throw invalid(`A telephone rings 1 to ${maxRingSeconds} seconds.`)
  if (limitSeconds !== undefined && !(limitSeconds > 0 && limitSeconds <= maxLimitSeconds)) {
    throw invalid(`A conversation is limited to more than 0 and at most ${maxLimitSeconds} seconds.`)
  }
  if (limitWarningSeconds !== undefined && !(limitWarningSeconds > 0)) {
    throw invalid('The warning comes more than 0 seconds before the limit.')
  }
  const groups = options.mode === 'in-turn' ? destinations.map((one) => [one]) : [destinations]
  return { destinations, groups, ringMs: seconds * 1000 }
}

function invalid(sentence: string): ParseError {
  return new ParseError('action.dial-invalid', sentence)
}
