import type { LegMixer, LegRoom, LegRoomMember } from '../leg/mixer.ts'
import { Bridge } from './bridge.ts'
import type { Party } from './party.ts'

/** What can be listened to: two who are bridged, or one alone with its program. */
export type Subject = Bridge | Party

/** `listen`: hears, and nobody hears it. `whisper`: only one side, the agent, hears it. `barge`: all hear it. */
export type SupervisionMode = 'listen' | 'whisper' | 'barge'

/** A supervisor as the talk sees it. */
export interface TalkListener {
  readonly party: Party
  readonly mode: SupervisionMode
  /** Whom it whispers to, of these; null: nobody is there. */
  agentOf(parties: readonly Party[]): Party | null
  /** The two have parted, the one has been joined with somebody, or has gone. Told once. */
  talkOver(): void
  talkFailed(sentence: string): void
}

/**
 * The room in which supervisors hear a conversation. As long as one is there the two talk through the room; with the last
 * they are bridged again, and in between nobody waits for anything.
 */
export class SupervisionTalk {
  readonly #subject: Subject
  readonly #room: LegRoom
  readonly #gone: () => void
  readonly #unwatch: readonly (() => void)[]
  readonly #talkers = new Map<Party, LegRoomMember>()
  readonly #listeners = new Map<TalkListener, LegRoomMember>()
  #isTransferring: boolean
  #isOver = false

  /** @param gone - told once, when the last supervisor has left or there is nothing to hear any more. */
  constructor(mixer: LegMixer, subject: Subject, gone: () => void) {
    this.#subject = subject
    this.#gone = gone
    this.#isTransferring = subject instanceof Bridge && subject.isTransferring
    this.#room = mixer.openRoom(partiesOf(subject)[0]?.leg ?? null, (sentence) => this.#fail(sentence))
    this.#unwatch = [
      subject instanceof Bridge
        ? subject.onChanged(() => this.#subjectChanged(subject))
        : subject.on('ended', () => this.over()),
    ]
    this.#joinTalkers()
  }

  add(listener: TalkListener): void {
    this.#listeners.set(listener, this.#room.join(listener.party.leg))
    this.settle()
  }

  /** The listener's party has changed: its leg is another now. */
  rejoin(listener: TalkListener): void {
    if (!this.#listeners.has(listener)) return
    this.add(listener)
  }

  remove(listener: TalkListener): void {
    const member = this.#listeners.get(listener)
    if (!member) return
    this.#listeners.delete(listener)
    if (this.#listeners.size > 0) {
      member.leave()
      this.settle()
    } else this.#end()
  }

  /** Applies who hears whom. */
  settle(): void {
    const listening = [...this.#listeners.values()]
    for (const [party, member] of this.#talkers) {
      // On hold it is kept from the other side, not from who supervises.
      const isKept = this.#subject instanceof Bridge && this.#subject.isMuted(party)
      member.heardBy(isKept ? listening : 'all')
    }
    for (const [listener, member] of this.#listeners) member.heardBy(this.#audienceOf(listener))
  }

  /** There is nothing to be heard here any more. */
  over(): void {
    const listeners = [...this.#listeners.keys()]
    this.#listeners.clear()
    this.#end()
    for (const listener of listeners) listener.talkOver()
  }

  #audienceOf(listener: TalkListener): 'all' | readonly LegRoomMember[] {
    if (listener.mode === 'barge') return 'all'
    if (listener.mode === 'listen') return []
    const agent = listener.agentOf([...this.#talkers.keys()])
    const member = agent === null ? undefined : this.#talkers.get(agent)
    return member ? [member] : []
  }

  #joinTalkers(): void {
    const parties = partiesOf(this.#subject)
    for (const [party, member] of this.#talkers) if (!parties.includes(party)) member.leave()
    this.#talkers.clear()
    for (const party of parties) if (!party.isEnded) this.#talkers.set(party, this.#room.join(party.leg))
  }

  #subjectChanged(bridge: Bridge): void {
    if (this.#isOver) return
    if (bridge.isEnded) return this.over()
    const wasTransferring = this.#isTransferring
    this.#isTransferring = bridge.isTransferring
    // With a new party, or behind a transfer, the bridge has joined its legs, which took them out of the room.
    if (wasTransferring !== bridge.isTransferring || bridge.parties.some((party) => !this.#talkers.has(party))) {
      this.#joinTalkers()
    }
    this.settle()
  }

  #fail(sentence: string): void {
    const listeners = [...this.#listeners.keys()]
    this.#listeners.clear()
    this.#end()
    for (const listener of listeners) listener.talkFailed(sentence)
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const undo of this.#unwatch) undo()
    // First joined, then the room closed: the two miss nothing.
    if (this.#subject instanceof Bridge) this.#subject.restore()
    this.#room.close()
    this.#gone()
  }
}

function partiesOf(subject: Subject): readonly Party[] {
  return subject instanceof Bridge ? subject.parties : [subject]
}
