import type { LegMixer } from '../leg/mixer.ts'
import { Bridge } from './bridge.ts'
import type { Call } from './call.ts'
import { placeInRoom } from './rooms.ts'
import { type SupervisedSide, Supervision } from './supervision.ts'
import { type Subject, type SupervisionMode, SupervisionTalk } from './supervision-talk.ts'

/** Who listens to whom. Supervisors of one conversation share one room, whichever of its calls they named. */
export class Supervisions {
  readonly #mixer: LegMixer
  readonly #find: (callId: string) => Call | null
  readonly #talks = new Map<Subject, SupervisionTalk>()

  /** @param parts.find - a live call by its id. */
  constructor(parts: { readonly mixer: LegMixer; find(callId: string): Call | null }) {
    this.#mixer = parts.mixer
    this.#find = (callId) => parts.find(callId)
  }

  /**
   * Begins to supervise a live call of the supervisor's own tenant. Null: there is none of that id; another tenant's call
   * is none. A supervision that cannot be has ended when this returns.
   */
  start(
    own: Call,
    callId: string,
    options: { readonly mode: SupervisionMode; readonly side: SupervisedSide },
  ): Supervision | null {
    const call = this.#find(callId)
    if (!call || call.isGone || call.tenant !== own.tenant) return null
    return new Supervision(own, call, options, (supervision) => this.#talkOf(supervision))
  }

  #talkOf(supervision: Supervision): SupervisionTalk | string {
    const { call } = supervision
    const subject = call.bridge ?? call.party
    const why = obstacle(supervision, subject)
    if (why !== null) return why
    const known = this.#talks.get(subject)
    if (known) return known
    const talk = new SupervisionTalk(this.#mixer, subject, () => this.#talks.delete(subject))
    this.#talks.set(subject, talk)
    return talk
  }
}

/** Why there is nothing to be heard; null where there is. A leg is in one bridge or room at a time. */
function obstacle(supervision: Supervision, subject: Subject): string | null {
  const { call, party } = supervision
  if (party.home.id === call.id) return 'A call cannot supervise itself.'
  if (party.places.some((place) => place !== supervision)) return 'The supervisor is connected elsewhere.'
  if (!call.isAnswered) return `The call ${call.id} is not answered yet.`
  if (subject instanceof Bridge) return null
  if (placeInRoom(subject)) return `The call ${call.id} is in a conference; join that instead.`
  if (subject.places.some((place) => place instanceof Supervision)) return `The call ${call.id} supervises another.`
  return null
}
