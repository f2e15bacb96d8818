import { hangupCauses } from '../leg/hangup-cause.ts'
import type { Leg, TransferRequest } from '../leg/leg.ts'
import type { Bridge } from './bridge.ts'
import type { Call } from './call.ts'
import type { TransferTaker } from './call-parts.ts'
import { causeOfFailure } from './dial-outcome.ts'
import { Dialling, type DiallingEnd } from './dialling.ts'
import { lower, nameOf } from './ending.ts'
import type { Party } from './party.ts'
import { playOnce, startLoop } from './sounds.ts'

/** How long the target of a blind transfer rings. */
const ringMs = 30_000
/** How long a transferor that was told of its success may take to hang up, before it is hung up. */
const transferorLingerMs = 5000
/** How long one whose transfer failed, and who has nobody to go back to, hears of it at most. */
const announcementMs = 10_000

/**
 * Carries out what telephones ask by REFER (RFC 3515, RFC 5589). Blind: the target is rung on behalf of the transferor and
 * takes its place. Attended: the one joined with the second leg of the transferor takes the place of its first. In
 * both the place may be a bridge, a room, or that of the party whom a program talks to.
 */
export class Transfers implements TransferTaker {
  readonly #callOf: (party: Party) => Call | null
  readonly #partyOf: (leg: Leg) => Party | null

  constructor(directory: { callOf(party: Party): Call | null; partyOf(leg: Leg): Party | null }) {
    this.#callOf = directory.callOf
    this.#partyOf = directory.partyOf
  }

  requested(call: Call, party: Party, request: TransferRequest): void {
    const refusal = this.#refusalOf(call, party, request)
    if (refusal) {
      call.journal('problem', party.leg.id, 'transferRefused', refusal)
      return request.reject(refusal.status)
    }
    const second = request.replaces?.leg ? this.#partyOf(request.replaces.leg) : null
    const facts = { to: request.dialled, isAttended: request.replaces !== null, referredBy: request.referredBy }
    call.journal('decision', party.leg.id, 'transferRequested', facts)
    request.accept()
    if (second) return this.#joinBoth(call, party, second, request)
    new BlindTransfer(call, party, request).begin()
  }

  /** Null where it may go on. */
  #refusalOf(call: Call, party: Party, request: TransferRequest): { status: number; why: string } | null {
    const { replaces, dialled } = request
    if (call.isGone) return { status: 481, why: 'The call is over.' }
    if (!party.isAnswered) return { status: 603, why: 'Only an answered call can be transferred.' }
    const isAlone = party !== call.party && party.places.length === 0
    if (isAlone) return { status: 603, why: 'Nobody is joined with this leg.' }
    if (call.transferor) return { status: 491, why: 'A transfer is going on already.' }
    if (replaces?.leg) {
      const second = this.#partyOf(replaces.leg)
      if (!second || second.isEnded) return { status: 603, why: 'The leg that is to be replaced is over.' }
      if (second === party) return { status: 603, why: 'A leg cannot take its own place.' }
      // One tenant never reaches into another's calls, whatever tags it has got hold of.
      if (second.home.tenant !== call.tenant)
        return { status: 603, why: 'The leg that is to be replaced is of another tenant.' }
      return joiningOf(call, this.#callOf(second), party, second)
        ? null
        : { status: 603, why: 'Neither leg is joined with anybody.' }
    }
    if (dialled === '') return { status: 404, why: 'The address of the target has no user part.' }
    const other = call.bridge?.has(party) ? call.bridge.other(party) : null
    const isItself = [party, other].some((one) => one !== null && isAddressOf(one, dialled))
    return isItself ? { status: 603, why: 'The target is one of the two who are talking.' } : null
  }

  #joinBoth(call: Call, first: Party, second: Party, request: TransferRequest): void {
    const secondCall = this.#callOf(second)
    const joining = joiningOf(call, secondCall, first, second)
    if (!joining || !secondCall) return request.progress(500)
    const { mover, from, to, place } = joining
    const who = nameOf(first)
    // Told before its leg may be hung up with the call that is given up.
    request.progress(200)
    if (from !== to) {
      to.adopt(mover)
      const sentence = `Joined into call ${to.id} when ${lower(who)} transferred it.`
      from.end({ by: 'server', cause: 'transferred', sentence })
    } else from.bridge?.close()
    to.putInPlace(place, mover)
    if (to.bridge?.has(mover)) {
      to.transferredTo(mover.number)
      to.handOver(`${who} transferred the call to ${mover.number}.`)
    }
    if (!second.isEnded) second.leg.end('transferred')
    letLinger(first)
  }
}

interface Joining {
  /** Who moves, out of which call and into which. */
  readonly mover: Party
  readonly from: Call
  readonly to: Call
  /** The leg of the transferor whose place it takes. */
  readonly place: Party
}

/** Who takes whose place in an attended transfer; null where neither leg of the transferor is joined with anybody. */
function joiningOf(call: Call, secondCall: Call | null, first: Party, second: Party): Joining | null {
  if (!secondCall) return null
  const one = otherIn(call.bridge, first)
  const two = otherIn(secondCall.bridge, second)
  if (one === second || two === first) return null
  // The consultation is given up for the call that was there before, unless it is with a program: that cannot move.
  if (two && two.home === secondCall) return { mover: two, from: secondCall, to: call, place: first }
  if (one && one.home === call) return { mover: one, from: call, to: secondCall, place: second }
  return null
}

function otherIn(bridge: Bridge | null, party: Party): Party | null {
  return bridge?.has(party) ? bridge.other(party) : null
}

/** One REFER without Replaces of ours, from its acceptance to the last word. */
class BlindTransfer {
  readonly #call: Call
  readonly #party: Party
  readonly #request: TransferRequest
  readonly #bridge: Bridge | null
  readonly #stop = new AbortController()
  #hush: () => void = () => {}

  constructor(call: Call, party: Party, request: TransferRequest) {
    this.#call = call
    this.#party = party
    this.#request = request
    this.#bridge = call.bridge?.has(party) ? call.bridge : null
  }

  get #sentence(): string {
    return `${nameOf(this.#party)} transferred the call to ${this.#request.dialled}.`
  }

  begin(): void {
    const call = this.#call
    const party = this.#party
    call.beginTransfer(party)
    const other = this.#bridge?.other(party) ?? null
    // Telephones hang up right behind their 202 (Microsoft Teams does): the transfer goes on, without a program if it had one.
    const forget = party.on('ended', () => {
      if (this.#bridge && call.party === party) call.handOver(this.#sentence)
    })
    // Nobody is left to be transferred, or the program has parted the two.
    this.#bridge?.ended.then(() => this.#stop.abort()).catch(() => {})
    if (other) this.#hush = startLoop(other, () => call.sound('music'))
    let isRinging = false
    let toldStatus = 100
    const { dialled, replaces } = this.#request
    const dialling = new Dialling(call, {
      groups: [[dialled]],
      ringMs,
      callerId: null,
      callerName: null,
      onBehalfOf: party.leg,
      divertedFrom: null,
      isByTelephone: true,
      ...(replaces && { replaces: replaces.header }),
      signal: this.#stop.signal,
      progressed: (_target, status) => {
        // Several telephones of the target ring each by itself; the transferor need not hear of each.
        if (status !== toldStatus) this.#request.progress(status)
        toldStatus = status
        if (status !== 180 || isRinging || !other) return
        isRinging = true
        this.#hush()
        this.#hush = startLoop(other, () => call.sound('ringback'))
      },
    })
    dialling.ended
      .then(async (end) => {
        forget()
        if (end.outcome === 'answered') this.#succeed(end.party)
        else await this.#fail(end)
      })
      .catch((thrown: unknown) => {
        call.end({ by: 'server', cause: 'server-error', sentence: `A transfer failed: ${String(thrown)}` })
      })
  }

  #succeed(target: Party): void {
    const call = this.#call
    this.#hush()
    // Between its answer and this turn of the thread somebody may have left.
    if (call.isGone || target.isEnded || (this.#bridge?.isEnded ?? false)) {
      this.#request.progress(487)
      if (!target.isEnded) target.leg.end('normal')
      call.endTransfer()
      return
    }
    call.transferredTo(this.#request.dialled)
    call.putInPlace(this.#party, target)
    if (this.#bridge && !call.isGone) call.handOver(this.#sentence)
    call.endTransfer()
    this.#request.progress(200)
    letLinger(this.#party)
  }

  async #fail(end: DiallingEnd & { readonly sentence: string }): Promise<void> {
    const call = this.#call
    const outcome = end.outcome === 'stopped' || end.outcome === 'answered' ? null : end.outcome
    const status =
      end.outcome === 'answered'
        ? 200
        : (end.sipStatus ?? (outcome ? hangupCauses[causeOfFailure[outcome]].sipStatus : 487))
    this.#request.progress(status)
    call.journal('decision', this.#party.leg.id, 'transferFailed', { why: end.sentence, status })
    this.#hush()
    const other = this.#bridge && !this.#bridge.isEnded ? this.#bridge.other(this.#party) : null
    // Nobody to go back to: who was to be transferred is told, and hung up. One of another call has its own program.
    if (this.#party.isEnded && other && other.home === call && !call.isGone) {
      await playOnce(other, () => call.sound('unreached'), announcementMs)
      const whole = `${this.#sentence.slice(0, -1)} and hung up. ${end.sentence}`
      call.end({ by: 'server', cause: outcome ? causeOfFailure[outcome] : 'normal', sentence: whole })
    }
    call.endTransfer()
  }
}

/** A telephone whose transfer succeeded hangs up by itself; one that does not is helped. */
function letLinger(transferor: Party): void {
  if (transferor.isEnded) return
  const cancel = transferor.clock.after(transferorLingerMs, () => transferor.leg.end('transferred'))
  transferor.on('ended', cancel)
}

function isAddressOf(party: Party, dialled: string): boolean {
  const { extension, user } = party.leg.party
  return [party.dialled, extension, user].some((known) => known !== null && plain(known) === plain(dialled))
}

function plain(number: string): string {
  return number.toLowerCase().replace(/[\s().-]/g, '')
}
