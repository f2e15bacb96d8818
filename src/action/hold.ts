import type { Party } from '../call/party.ts'
import { startLoop } from '../call/sounds.ts'
import type { Prompt } from '../media/prompt.ts'

export interface HoldOutcome {
  readonly outcome: 'held' | 'unheld' | 'ended'
  /** Whether its telephone was told, and agreed. One that was not hears the music all the same. */
  readonly isSignalled: boolean
}

/**
 * One party on hold: it hears music, and whoever it is joined with hears nothing of it. Its telephone is told by re-INVITE
 * (RFC 3264 §8.4), so that it can show it.
 */
export class Hold {
  readonly party: Party
  readonly #stopMusic: () => void

  /** @param load - what it hears over and over. */
  constructor(party: Party, load: () => Promise<readonly Prompt[]>) {
    this.party = party
    this.#mute(true)
    this.#stopMusic = startLoop(party, load)
  }

  async tell(): Promise<HoldOutcome> {
    return await tellHold(this.party, true)
  }

  async end(): Promise<HoldOutcome> {
    const told = await tellHold(this.party, false)
    this.#stopMusic()
    this.#mute(false)
    return told
  }

  #mute(isMuted: boolean): void {
    const { home } = this.party
    const bridge = home.bridge?.has(this.party) ? home.bridge : null
    bridge?.mute(this.party, isMuted)
  }
}

async function tellHold(party: Party, isHeld: boolean): Promise<HoldOutcome> {
  const outcome = isHeld ? 'held' : 'unheld'
  if (party.isEnded) return { outcome: 'ended', isSignalled: false }
  // Before the answer there is nothing to change in what was agreed.
  if (!party.isAnswered) return { outcome, isSignalled: false }
  party.note('decision', isHeld ? 'holdStarted' : 'holdEnded')
  const gone = party.ended.then(() => 'ended' as const)
  const answer = await Promise.race([party.leg.hold(isHeld), gone])
  return answer === 'ended' ? { outcome: 'ended', isSignalled: false } : { outcome, isSignalled: answer === 'done' }
}
