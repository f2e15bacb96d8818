import { toError } from '../base/errors.ts'
import type { Bridge } from '../call/bridge.ts'
import type { Call } from '../call/call.ts'
import type { DigitBuffer } from '../call/digit-buffer.ts'
import type { Party } from '../call/party.ts'
import type { RecordingParts } from '../call/recording.ts'
import type { RecordingPolicy } from '../config/settings.ts'
import type { Leg } from '../leg/leg.ts'
import { KeySequences, watchKeys } from './key-sequences.ts'
import { type Monitor, monitor, monitorOf } from './monitor.ts'

export interface RecordingPolicies {
  /** What is to be done with a call of these parties. @param parties - extensions; null for one that is none. */
  recordingPolicyOf?(tenant: string, parties: readonly (string | null)[]): RecordingPolicy
}

/** What an extension presses during a call that may be recorded: begins the recording, pauses it, lets it go on. */
const recordingKeys = '*1'

/**
 * Records the whole call on two channels while the call's own party is joined with somebody, where that is the policy of either: `on`
 * from when they are joined, `on-demand` from when an extension presses `*1` (or an operator asks for it over the admin API). The same
 * keys pause what runs and let it go on. Whenever somebody else comes to talk, by a transfer or by taking over a leg, the
 * policy of those who talk then decides anew: until the call is over, also without its program.
 */
export function recordConversation(call: Call, parts: RecordingParts & RecordingPolicies): void {
  new ConversationRecording(call, parts).begin()
}

/** What the recording of a conversation goes on as long as. */
interface Wish {
  readonly monitor: Monitor
  /** What it is taken from: a recording does not move to the leg of another. */
  readonly leg: Leg
  /** Who has asked for it by keys; null: the policy has. */
  readonly by: Party | null
}

class ConversationRecording {
  readonly #call: Call
  readonly #parts: RecordingParts & RecordingPolicies
  /** With the buffer that each reads: a transfer gives a party another. */
  readonly #watches = new Map<Party, { readonly digits: DigitBuffer; readonly watch: { stop(): void } }>()
  /** What was begun here; nobody else's recording is stopped here. */
  #wish: Wish | null = null
  /** What somebody else had begun, while it runs. */
  #before: Monitor | null = null
  #isStopping = false
  #isDue = false
  /** Who has paused what runs by keys. */
  #pausedBy: Party | null = null
  /** Whom it listens to for changes. */
  #own: Party | null = null
  #bridge: Bridge | null = null
  #unlisten: () => void = () => {}

  constructor(call: Call, parts: RecordingParts & RecordingPolicies) {
    this.#call = call
    this.#parts = parts
  }

  begin(): void {
    this.#call.gone.addEventListener('abort', () => this.#look(), { once: true })
    // The program has gone, and with it the buffer of whom it spoke to.
    this.#call.signal.addEventListener('abort', this.#lookSoon, { once: true })
    this.#look()
  }

  /** Parties hear of a change a moment before their call does. */
  readonly #lookSoon = (): void => {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#look()
    })
  }

  #look(): void {
    // A conversation is worth more than its recording.
    try {
      this.#listen()
      const { bridge, party, isGone } = this.#call
      if (isGone) return this.#watch([])
      // Neither hears the other until the transfer is decided: what runs goes on, and holds the music.
      if (bridge?.isTransferring) return
      this.#decide(bridge?.has(party) ? bridge.parties : [])
    } catch (thrown) {
      this.#noteFailure(thrown)
    }
  }

  #listen(): void {
    const { party, bridge, isGone } = this.#call
    if (!isGone && party === this.#own && bridge === this.#bridge) return
    this.#unlisten()
    if (isGone) return
    this.#own = party
    this.#bridge = bridge
    const stops = [
      party.on('placed', this.#lookSoon),
      party.on('ended', this.#lookSoon),
      ...(bridge ? [bridge.onChanged(this.#lookSoon)] : []),
    ]
    this.#unlisten = () => {
      for (const stop of stops) stop()
    }
  }

  /** @param talkers - the two who hear each other; nobody where the call's own party is with nobody. */
  #decide(talkers: readonly Party[]): void {
    const policy = this.#policyOf(talkers)
    this.#watch(policy === 'off' ? [] : talkers.filter((party) => extensionOf(party) !== null))
    const wish = this.#wish
    if (wish && !this.#isStill(wish, policy, talkers)) return this.#stop(wish)
    if (policy !== 'on' || this.#isStopping) return
    const running = monitorOf(this.#call)
    if (!running) return this.#record(null)
    if (this.#pausedBy && !talkers.includes(this.#pausedBy)) {
      // Who paused it, and knows of it, has left.
      this.#pausedBy = null
      running.resume()
    }
    if (!this.#wish) this.#followOn(running)
  }

  /** The flow's or the operator's: it is left alone, and when it ends, with its leg or by them, the policy still holds. */
  #followOn(running: Monitor): void {
    if (running === this.#before) return
    this.#before = running
    running.ended.then(() => this.#look()).catch(() => {})
  }

  #policyOf(talkers: readonly Party[]): RecordingPolicy {
    if (talkers.length === 0) return 'off'
    return this.#parts.recordingPolicyOf?.(this.#call.tenant, talkers.map(extensionOf)) ?? 'off'
  }

  #isStill(wish: Wish, policy: RecordingPolicy, talkers: readonly Party[]): boolean {
    if (wish.leg !== this.#call.leg || policy === 'off') return false
    return policy === 'on' || (wish.by !== null && talkers.includes(wish.by))
  }

  /** Keys of those, and of nobody else. */
  #watch(parties: readonly Party[]): void {
    for (const [party, { digits, watch }] of this.#watches) {
      if (parties.includes(party) && party.digits === digits) continue
      this.#watches.delete(party)
      watch.stop()
    }
    for (const party of parties) {
      if (this.#watches.has(party)) continue
      const sequences = new KeySequences([[recordingKeys, 'record']])
      const watch = watchKeys(party, sequences, () => this.#switchOver(party))
      this.#watches.set(party, { digits: party.digits, watch })
    }
  }

  #switchOver(by: Party): void {
    if (this.#isStopping) return
    const running = monitorOf(this.#call)
    try {
      if (!running) this.#record(by)
      else if (running.isPaused) {
        this.#pausedBy = null
        running.resume()
      } else {
        this.#pausedBy = by
        running.pause()
      }
    } catch (thrown) {
      this.#noteFailure(thrown)
    }
  }

  #record(by: Party | null): void {
    const wish = { monitor: monitor(this.#call, this.#parts), leg: this.#call.leg, by }
    this.#wish = wish
    this.#pausedBy = null
    // Also when it ends by itself: at its longest, or on a full disk. That is not begun anew.
    wish.monitor.ended
      .then(() => {
        if (this.#wish === wish) this.#wish = null
      })
      .catch(() => {})
  }

  #stop(wish: Wish): void {
    this.#wish = null
    this.#pausedBy = null
    this.#isStopping = true
    wish.monitor
      .stop()
      .catch((thrown) => this.#noteFailure(thrown))
      .finally(() => {
        this.#isStopping = false
        this.#look()
      })
      .catch(() => {})
  }

  #noteFailure(thrown: unknown): void {
    this.#call.note('problem', 'recordingFailed', { problem: toError(thrown).message })
  }
}

function extensionOf(party: Party): string | null {
  return party.leg.party.extension
}
