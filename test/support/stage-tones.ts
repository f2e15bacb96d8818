import { timeline } from './hear.ts'
import { keyHz, keyMs, melodyHz, melodyMs, promptHz, promptMs } from './stage.ts'

/** The tones of the stage, and how long each lasts. */
const stageTones: ReadonlyMap<number, number> = new Map([
  [promptHz, promptMs],
  ...Array.from({ length: 10 }, (_, key) => [keyHz(key), keyMs] as const),
])

/** Those of `melody.wav`. */
export const melodyTones: ReadonlyMap<number, number> = new Map(melodyHz.map((hz) => [hz, melodyMs]))

/** Less than this of a tone is not counted. */
const leastMs = 100

/**
 * The tones that are heard, in their order. A tone with a hole in it, as when a busy machine sends some packets too late, is
 * one tone still, since the hole takes its own time; what goes on beyond a tone's length is the next one.
 */
export function tonesIn(pcm: Int16Array, tones: ReadonlyMap<number, number> = stageTones): readonly number[] {
  const heard: { readonly hz: number; readonly endMs: number }[] = []
  for (const { startMs, durationMs, frequenciesHz } of timeline(pcm, [...tones.keys()])) {
    const [hz] = frequenciesHz
    if (hz === undefined || durationMs < leastMs) continue
    const last = heard.at(-1)
    const lengthMs = tones.get(hz) ?? 0
    if (last?.hz === hz && startMs + leastMs < last.endMs) continue
    for (let fromMs = startMs; fromMs + leastMs < startMs + durationMs; fromMs += lengthMs) {
      heard.push({ hz, endMs: fromMs + lengthMs })
    }
  }
  return heard.map(({ hz }) => hz)
}
