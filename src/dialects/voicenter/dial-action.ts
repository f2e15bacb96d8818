import type { DialOutcome } from '../../action/dial.ts'
import type { FlowCall } from '../../action/flow-call.ts'
import type { Peer } from '../../action/peer.ts'
import { type Playable, silence, tone } from '../../action/playable.ts'
import { ParseError } from '../../base/errors.ts'
import { numberKey } from '../../config/numbers.ts'
import type { TenantSettings, VoicenterAppSettings } from '../../config/settings.ts'
import type { CallAction } from './actions.ts'
import { type CallResult, resultOfAttempts } from './causes.ts'
import type { VoicenterParts } from './parts.ts'
import { type Session, writtenNumber } from './session.ts'
import type { Sounds } from './sounds.ts'

export interface CallActionParts extends Pick<VoicenterParts, 'clock' | 'recordings'> {
  readonly call: FlowCall
  readonly session: Session
  readonly sounds: Sounds
  readonly app: VoicenterAppSettings
  readonly tenant: TenantSettings
}

/** How a CALL went. */
export type CallEnd =
  /** The two have talked, or the caller has left: nothing follows. */
  | { readonly kind: 'over'; readonly sentence: string | null }
  | { readonly kind: 'failed'; readonly result: CallResult; readonly sentence: string }

/** Whom a dial string names; null where it cannot be read. */
interface Destination {
  readonly to: string
  readonly trunk: string | null
}

/** `w` in DTMF_PLAY, and what makes the quiet behind each of its keys 100 ms. */
const pauseMs = 500
const betweenKeysMs = 40
/** Dialling that takes so long is heard: ring-back or music. */
const audibleMs = 1000

/**
 * Does a CALL: the caller's record, ringing with its music, the target's record and keys, the conversation. The order is
 * that of Asterisk's Dial() with A(), D() and S().
 */
export async function performCall(parts: CallActionParts, action: CallAction): Promise<CallEnd> {
  return await new Calling(parts, action).run()
}

class Calling {
  readonly #parts: CallActionParts
  readonly #action: CallAction
  #startedAt = 0
  #startedMs = 0
  #answeredMs: number | null = null

  constructor(parts: CallActionParts, action: CallAction) {
    this.#parts = parts
    this.#action = action
  }

  async run(): Promise<CallEnd> {
    const { call, clock, sounds, session } = this.#parts
    const { callerRecord, musicClass, isRecorded } = this.#action
    session.dropsTyped = true
    this.#startedAt = clock.wallTime()
    this.#startedMs = clock.now()
    if (callerRecord !== null || musicClass !== null) await call.answer()
    if (await sounds.play(sounds.named(callerRecord))) session.noteLife()
    this.#startedAt = clock.wallTime()
    this.#startedMs = clock.now()
    if (call.isEnded) return this.#cancelled()
    if (!isRecorded) call.recordByPolicy()
    const music = new Music(call, this.#music())
    try {
      return await this.#dialInTurn(music)
    } finally {
      await music.stop()
    }
  }

  async #dialInTurn(music: Music): Promise<CallEnd> {
    const { call, clock, session } = this.#parts
    const { target, dialStrings, maxDialSeconds } = this.#action
    const dueMs = this.#startedMs + maxDialSeconds * 1000
    let end: CallEnd = this.#failed({ status: 'INVALIDARGS', cause: 28 }, `${target} is nobody that can be called.`)
    for (const [index, text] of (dialStrings.length > 0 ? dialStrings : [target]).entries()) {
      const leftSeconds = Math.round(dueMs - clock.now()) / 1000
      if (leftSeconds < 1 && index > 0) return this.#noAnswer(target)
      // The first is rung even where of a CALL_MAX_DIAL of one second a moment has passed.
      const seconds = Math.max(leftSeconds, 1)
      const destination = dialStrings.length > 0 || isDialString(text) ? this.#read(text) : { to: text, trunk: null }
      if (!destination) {
        call.noteProblem('dialStringUnreadable', { dialString: text.slice(0, 100) })
        end = this.#failed({ status: 'INVALIDARGS', cause: 28 }, `${text} is no dial string of this tenant.`)
        continue
      }
      const dialled = await this.#dial(destination, seconds, music)
      if (call.isEnded) return this.#cancelled()
      // Handlers that look for a free agent go from CALL to CALL; that is no circle while the caller hears it ring.
      if (clock.now() - this.#startedMs >= audibleMs) session.noteLife()
      if (dialled instanceof ParseError) {
        end = this.#failed({ status: 'INVALIDARGS', cause: 28 }, dialled.message)
        continue
      }
      if (dialled.outcome === 'answered') return await this.#connect(dialled.peer, music)
      const result = resultOfAttempts(dialled.attempts)
      end = this.#failed(result, dialled.sentence)
      // Its telephone rang: another way to it would only ring it again.
      const hasRung = dialled.attempts.some((attempt) => attempt.hasRung)
      if (hasRung || result.status === 'BUSY' || result.status === 'NOANSWER') return end
    }
    return end
  }

  async #dial({ to, trunk }: Destination, seconds: number, music: Music): Promise<DialOutcome | ParseError> {
    const { callerName } = this.#action
    try {
      return await this.#parts.call.dial(to, {
        mode: 'all',
        seconds,
        bridge: false,
        callerId: this.#callerId(),
        ...(callerName !== '' && { callerName }),
        ringback: music.isPlaying ? 'none' : 'auto',
        ...(trunk !== null && { trunk }),
      })
    } catch (thrown) {
      if (thrown instanceof ParseError) return thrown
      throw thrown
    }
  }

  /** Who has answered hears its record and gets its keys, the caller meanwhile what it heard before; then they talk. */
  async #connect(peer: Peer, music: Music): Promise<CallEnd> {
    const { call, clock, session } = this.#parts
    this.#answeredMs = clock.now()
    // One who only rings goes on ringing by itself; one who has heard early media would hear nothing from now on.
    if (!music.isPlaying && call.hasMedia) music.play([tone('ringback')])
    await this.#prepare(peer)
    await music.stop()
    if (call.isEnded) return this.#cancelled()
    const away = 'answered, and hung up before the two were connected.'
    if (peer.isEnded) return this.#failed({ status: 'NOANSWER', cause: 19 }, `${peer.number} ${away}`)
    this.#keep('ANSWER')
    session.noteLife()
    const { maxSeconds, isRecorded } = this.#action
    const end = await call.bridge(peer, {
      limitSeconds: maxSeconds,
      record: isRecorded ? 'both' : false,
      recordName: session.uniqueId,
    })
    if (end.outcome === 'failed' && !call.isEnded) {
      return this.#failed({ status: 'NOANSWER', cause: 19 }, end.sentence)
    }
    return { kind: 'over', sentence: end.outcome === 'completed' ? end.sentence : null }
  }

  async #prepare(peer: Peer): Promise<void> {
    const { call, sounds } = this.#parts
    const { targetRecord, digits } = this.#action
    const record = sounds.named(targetRecord)
    const { signal } = call
    if (record.length > 0)
      await sounds.tolerantly(record, async (heard) => heard.length > 0 && (await peer.play(heard, { signal })))
    for (const key of digits) {
      if (peer.isEnded || call.isEnded) return
      if (key !== 'w') await peer.sendDigits(key, { signal })
      await peer.play(silence(key === 'w' ? pauseMs : betweenKeysMs), { signal })
    }
  }

  /** Section 6.4: a number of the tenant, the caller's own, or one that the tenant may show; else what was dialled. */
  #callerId(): string {
    const { call, app, tenant, session } = this.#parts
    const wanted = this.#action.callerId
    if (wanted === '' || /^(unknown|anonymous)$/i.test(wanted)) return 'anonymous'
    const key = numberKey(wanted, tenant.countryCode)
    const isCaller = key === numberKey(session.callerId, tenant.countryCode)
    const { callerIds, numbers } = tenant
    if (isCaller || numbers.has(key) || callerIds === 'any' || callerIds.includes(key)) return key
    call.noteProblem('callerIdReplaced', { shown: writtenNumber(call.to, app, tenant) })
    return call.to
  }

  /** `SIP/<number>@<trunk>` or `SIP/<extension>`. Never a host from outside: what stands behind the @ is a trunk of the tenant. */
  #read(text: string): Destination | null {
    const { tenant } = this.#parts
    const read = /^(?:PJ)?SIP\/([^@/\s]{1,64})(?:@([^@/\s]{1,64}))?$/i.exec(text)
    const [, to, trunk = null] = read ?? []
    if (to === undefined) return null
    const isKnown = trunk === null ? tenant.extensions.has(to) : tenant.trunks.has(trunk)
    return isKnown ? { to, trunk } : null
  }

  /** A class is one of the tenant's recordings; of any other name it is our music. */
  #music(): readonly Playable[] {
    const { musicClass } = this.#action
    const { call, recordings } = this.#parts
    if (musicClass === null) return []
    const isOwn = recordings.find(call.tenant, musicClass, call.language) !== null
    return [isOwn ? { kind: 'recording', name: musicClass } : tone('music')]
  }

  #noAnswer(whom: string): CallEnd {
    const { maxDialSeconds } = this.#action
    return this.#failed({ status: 'NOANSWER', cause: 19 }, `Nobody answered at ${whom} within ${maxDialSeconds} s.`)
  }

  #failed(result: CallResult, sentence: string): CallEnd {
    this.#keep(result.status)
    return { kind: 'failed', result, sentence }
  }

  #cancelled(): CallEnd {
    this.#keep('CANCEL')
    return { kind: 'over', sentence: null }
  }

  #keep(status: CallResult['status']): void {
    const { session, clock, call } = this.#parts
    const dialMs = (this.#answeredMs ?? clock.now()) - this.#startedMs
    const { target } = this.#action
    session.lastCall = { target, startedAt: this.#startedAt, dialMs, status }
    if (!call.isEnded)
      call.note('voicenterCall', { target, startedAt: this.#startedAt, dialMs: Math.round(dialMs), status })
  }
}

function isDialString(text: string): boolean {
  return /^(PJ)?SIP\//i.test(text)
}

/** What the caller hears beside the dialling, over and over. */
class Music {
  readonly #call: FlowCall
  #stop: AbortController | null = null
  #playing: Promise<unknown> = Promise.resolve()

  constructor(call: FlowCall, what: readonly Playable[]) {
    this.#call = call
    if (what.length > 0) this.play(what)
  }

  get isPlaying(): boolean {
    return this.#stop !== null
  }

  play(what: readonly Playable[]): void {
    const stop = new AbortController()
    this.#stop = stop
    this.#playing = this.#call.play(what, { loop: true, signal: stop.signal }).catch((thrown: Error) => {
      this.#call.noteProblem('musicUnplayable', { why: thrown.message })
    })
  }

  async stop(): Promise<void> {
    this.#stop?.abort()
    this.#stop = null
    await this.#playing
  }
}
