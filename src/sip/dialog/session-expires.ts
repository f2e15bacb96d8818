import type { SipMessage, SipRequest, SipResponse } from '../message/types.ts'
import { hasOption, parseDeltaSeconds } from '../message/values.ts'
import { readOr } from './lenient.ts'

/** RFC 4028, as we want it. */
export interface SessionTimerSettings {
  /** The interval we ask for, and the longest we agree to. Recommended: 1800 (§4). */
  readonly expiresSeconds: number
  /** A shorter interval is refused with 422. At least 90 (§5). */
  readonly minSeconds: number
}

/** What both sides agreed on. */
export interface SessionInterval {
  readonly seconds: number
  readonly refresher: 'local' | 'remote'
}

type HeaderLines = readonly (readonly [name: string, value: string])[]

/** §5: "MUST NOT be less than 90 seconds". What a peer says below that is read as this. */
export const leastSeconds = 90

/** 23 days: timers of more than 2^31 ms do not exist. */
const mostSeconds = 2_000_000

interface SessionExpires {
  readonly seconds: number
  readonly refresher: 'uac' | 'uas' | null
}

function readSessionExpires(message: SipMessage): SessionExpires | null {
  const value = message.headers.get('Session-Expires')
  const parsed = value === undefined ? null : readOr(null, () => parseDeltaSeconds(value))
  if (!parsed) return null
  const { seconds, parameters } = parsed
  const refresher = parameters.get('refresher')?.toLowerCase()
  const bounded = Math.min(seconds, mostSeconds)
  return { seconds: bounded, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : null }
}

/** The Min-SE of a request or a 422; 90 where there is none (§5). */
export function readMinSe(message: SipMessage): number {
  const value = message.headers.get('Min-SE')
  const seconds = value === undefined ? 0 : readOr(0, () => parseDeltaSeconds(value).seconds)
  return Math.min(Math.max(leastSeconds, seconds), mostSeconds)
}

/** §9: the interval is too small for us, and the peer knows what a 422 is. */
export function isIntervalTooSmall(request: SipRequest, settings: SessionTimerSettings): boolean {
  const asked = readSessionExpires(request)
  return asked !== null && asked.seconds < settings.minSeconds && supportsTimer(request)
}

function supportsTimer(request: SipRequest): boolean {
  return ['Supported', 'Require'].some((name) => readOr(false, () => hasOption(request.headers, name, 'timer')))
}

/**
 * The UAS's part in INVITE and UPDATE, §9 and its table 2:
 *
 *     UAC supports timer?   refresher asked   refresher answered
 *     no                    any               uas
 *     yes                   none              uac: it is the one who keeps its NAT open
 *     yes                   uac               uac
 *     yes                   uas               uas
 *
 * @returns what to put in the 2xx, and what it means.
 */
export function answerSession(
  request: SipRequest,
  settings: SessionTimerSettings,
): { readonly headers: HeaderLines; readonly interval: SessionInterval } {
  const asked = readSessionExpires(request)
  const floor = readMinSe(request)
  // May be lowered to what we like, never below Min-SE, never raised (§9).
  const wanted = asked === null ? settings.expiresSeconds : Math.min(asked.seconds, settings.expiresSeconds)
  const seconds = Math.max(wanted, floor)
  const isSupported = supportsTimer(request)
  const refresher = isSupported ? (asked?.refresher ?? 'uac') : 'uas'
  const headers: (readonly [string, string])[] = [['Session-Expires', `${seconds};refresher=${refresher}`]]
  // A must for `refresher=uac`, a should for `uas` where the UAC supports timers (§9).
  if (isSupported) headers.push(['Require', 'timer'])
  return { headers, interval: { seconds, refresher: refresher === 'uas' ? 'local' : 'remote' } }
}

/** What a request of ours asks for. `current` is kept in a refresh (§7.4); null in the first INVITE. */
export function askSession(
  settings: SessionTimerSettings,
  minSe: number,
  current: SessionInterval | null,
): HeaderLines {
  const seconds = Math.max(current?.seconds ?? settings.expiresSeconds, minSe)
  const refresher = current === null ? '' : `;refresher=${current.refresher === 'local' ? 'uac' : 'uas'}`
  const headers: (readonly [string, string])[] = [['Session-Expires', `${seconds}${refresher}`]]
  if (minSe > leastSeconds) headers.push(['Min-SE', String(minSe)])
  return headers
}

/**
 * What a 2xx to a request of ours agreed on. Without Session-Expires the UAS does not know session timers; we may then
 * refresh for our own good, as though it had said `refresher=uac` (§7.2).
 */
export function readAgreedSession(request: SipRequest, response: SipResponse): SessionInterval | null {
  const agreed = readSessionExpires(response)
  if (agreed !== null) {
    const refresher = agreed.refresher === 'uas' ? 'remote' : 'local'
    return { seconds: Math.max(leastSeconds, agreed.seconds), refresher }
  }
  const asked = readSessionExpires(request)
  return asked === null ? null : { seconds: Math.max(leastSeconds, asked.seconds), refresher: 'local' }
}
