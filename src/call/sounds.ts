import type { Cancel } from '../base/clock.ts'
import { toError } from '../base/errors.ts'
import type { Prompt } from '../media/prompt.ts'
import type { Party } from './party.ts'

/** What `call/` plays by itself: on hold, while somebody is rung for the other, and when that came to nothing. */
export type SoundName = 'music' | 'ringback' | 'unreached'

/** Where such sounds come from. Implemented in `action/`, which knows voices and files. */
export interface CallSounds {
  load(name: SoundName, tenant: string): Promise<readonly Prompt[]>
}

/** A server that has no sounds: who waits hears nothing. */
export const noSounds: CallSounds = { load: async () => [] }

/**
 * Plays something over and over to a party until told to stop, from whenever it is loaded. What cannot be loaded is noted
 * and not heard: a call goes on without music.
 */
export function startLoop(party: Party, load: () => Promise<readonly Prompt[]>): () => void {
  let isStopped = false
  let stopPlaying: () => void = () => {}
  const begin = async (): Promise<void> => {
    try {
      const prompts = await load()
      if (isStopped || party.isEnded || prompts.length === 0) return
      const playing = party.leg.play(prompts, { loop: true })
      stopPlaying = () => playing.stop()
    } catch (thrown) {
      party.note('problem', 'soundMissing', { why: toError(thrown).message })
    }
  }
  begin().catch(() => {})
  return () => {
    if (isStopped) return
    isStopped = true
    stopPlaying()
  }
}

/** Plays something once to a party. Resolves when it is over, the party has gone, or `limitMs` have passed. */
export async function playOnce(party: Party, load: () => Promise<readonly Prompt[]>, limitMs: number): Promise<void> {
  let cancel: Cancel = () => {}
  let stopPlaying: () => void = () => {}
  const limit = new Promise<void>((resolve) => {
    cancel = party.clock.after(limitMs, () => resolve())
  })
  const gone = party.ended.then(() => {})
  const play = async (): Promise<void> => {
    try {
      const prompts = await load()
      if (party.isEnded || prompts.length === 0) return
      const playing = party.leg.play(prompts)
      stopPlaying = () => playing.stop()
      await playing.ended
    } catch (thrown) {
      party.note('problem', 'soundMissing', { why: toError(thrown).message })
    }
  }
  await Promise.race([play(), limit, gone])
  cancel()
  stopPlaying()
}
