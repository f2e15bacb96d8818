import type { Line } from '../call/line.ts'
import type { Playing } from '../leg/leg.ts'
import type { Prompt } from '../media/prompt.ts'

export interface PlayOptions {
  /** Over and over until stopped. */
  readonly loop?: boolean
  readonly signal?: AbortSignal
}

export interface PlayOutcome {
  /** `stopped`: the signal was aborted; `ended`: the call was over first. */
  readonly outcome: 'finished' | 'stopped' | 'ended'
  readonly playedMs: number
}

/** Plays prompts one behind the other. Needs media: an answered call, or early media. */
export async function play(call: Line, prompts: readonly Prompt[], options: PlayOptions = {}): Promise<PlayOutcome> {
  if (call.isEnded) return { outcome: 'ended', playedMs: 0 }
  if (options.signal?.aborted) return { outcome: 'stopped', playedMs: 0 }
  const started = startPlaying(call, prompts, options.loop ?? false)
  const onAbort = (): void => started.stop()
  options.signal?.addEventListener('abort', onAbort, { once: true })
  const { end, playedMs } = await started.ended
  options.signal?.removeEventListener('abort', onAbort)
  if (end === 'finished') return { outcome: 'finished', playedMs }
  return { outcome: call.isEnded ? 'ended' : 'stopped', playedMs }
}

/** The playing that `play`, `gather` and `record` share: told to the journal and to the sentence of the call's end. */
export function startPlaying(call: Line, prompts: readonly Prompt[], loop: boolean): Playing {
  const names = prompts.map((prompt) => prompt.id).join(' + ')
  const notDoing = call.doing(`the prompt “${shorten(names)}” was playing`)
  call.note('prompt', 'promptStarted', { prompt: names, durationMs: total(prompts), loop })
  const playing = call.leg.play(prompts, { loop })
  const ended = playing.ended.then((result) => {
    notDoing()
    call.note('prompt', 'promptEnded', { prompt: names, end: result.end, playedMs: result.playedMs })
    return result
  })
  return { ended, stop: () => playing.stop() }
}

function total(prompts: readonly Prompt[]): number {
  return prompts.reduce((sum, prompt) => sum + prompt.durationMs, 0)
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
