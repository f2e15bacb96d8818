import type { FlowCall } from '../../action/flow-call.ts'
import { type Playable, say, silence, tone } from '../../action/playable.ts'
import type { NamedRecordings } from '../../action/prompts.ts'
import { Defect, SwitchhookError } from '../../base/errors.ts'
import { type SystemTextName, systemText } from '../../speech/texts.ts'

/** The name of a recording of the tenant: no folders, nothing that a path could be made of. */
const recordName = /^[A-Za-z0-9 ._-]{1,100}$/

/** What a call of this dialect plays: the tenant's recordings by name. What cannot be played is noted and left out. */
export class Sounds {
  readonly #call: FlowCall
  readonly #recordings: NamedRecordings

  constructor(call: FlowCall, recordings: NamedRecordings) {
    this.#call = call
    this.#recordings = recordings
  }

  /** A recording by the name that a handler gives, in the call's language; nothing where there is none of that name. */
  named(name: string | null): readonly Playable[] {
    if (name === null) return []
    const found = this.#find(name)
    if (found !== null) return [{ kind: 'recording', name: found }]
    const { language } = this.#call
    this.#call.noteProblem('recordingUnknown', { name: name.slice(0, 100), language })
    return []
  }

  /** A sentence of ours; silence where there is no voice. */
  system(name: SystemTextName): Playable {
    return say(systemText(name, this.#call.language))
  }

  /** Plays from beginning to end. @returns whether anything was heard. */
  async play(what: readonly Playable[]): Promise<boolean> {
    if (what.length === 0) return false
    const outcome = await this.tolerantly(what, async (sounds) =>
      sounds.length === 0 ? null : await this.#call.play(sounds),
    )
    return outcome !== null && outcome.playedMs > 0
  }

  /** Nothing is heard for so long, or until the call ends. */
  async pause(seconds: number): Promise<void> {
    if (seconds > 0) await this.#call.play(silence(seconds * 1000))
  }

  /** Runs a verb with its sounds, and where one of them cannot be played once more without those of its kind. */
  async tolerantly<Outcome>(
    what: readonly Playable[],
    run: (sounds: readonly Playable[]) => Promise<Outcome>,
  ): Promise<Outcome> {
    try {
      return await run(what)
    } catch (thrown) {
      if (!(thrown instanceof SwitchhookError) || thrown instanceof Defect || what.length === 0) throw thrown
      this.#call.noteProblem('soundUnplayable', { code: thrown.code, why: thrown.message })
      const broken = thrown.code.startsWith('speech.') ? isSpoken : isFile
      const rest = what.filter((sound) => !broken(sound))
      return await this.tolerantly(rest.length < what.length ? rest : [], run)
    }
  }

  /** Says sorry in the call's language; the congestion tone where there is no voice. */
  async apologise(signal: AbortSignal): Promise<void> {
    for (const sound of [this.system('apology'), tone('congestion')]) {
      try {
        await this.#call.play(sound, { signal })
        return
      } catch (thrown) {
        if (!(thrown instanceof SwitchhookError)) throw thrown
      }
    }
  }

  #find(name: string): string | null {
    if (!recordName.test(name) || name.includes('..')) return null
    const { tenant, language } = this.#call
    const bare = name.replace(/\.(wav|mp3)$/i, '')
    return [bare, name].find((one) => this.#recordings.find(tenant, one, language) !== null) ?? null
  }
}

function isSpoken(sound: Playable): boolean {
  return typeof sound === 'object' && (sound.kind === 'say' || sound.kind === 'digits')
}

/** Digits are a tenant's recordings where it has them all. */
function isFile(sound: Playable): boolean {
  return typeof sound === 'string' || sound.kind === 'recording' || sound.kind === 'digits'
}
