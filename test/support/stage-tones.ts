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

/** A hole of this length or more ends a tone that has not been heard to its end. */
const longestHoleMs = 1000

/**
 * The tones that are heard, in their order. A tone with a hole in it, as when a busy machine sends some packets too late, is
 * one tone still, whether what fell into the hole is lost or comes behind it; what goes on beyond a tone's length is the next
 * one.
 */
export function tonesIn(pcm: Int16Array, tones: ReadonlyMap<number, number> = stageTones): readonly number[] {
  const heard: number[] = []
  let last = { hz: 0, endMs: 0, leftMs: 0 }
  for (const { startMs, durationMs, frequenciesHz } of timeline(pcm, [...tones.keys()])) {
    const [hz] = frequenciesHz
    if (hz === undefined || durationMs < leastMs) continue
    const isSame = last.hz === hz && last.leftMs > leastMs && startMs - last.endMs < longestHoleMs
    let leftMs = (isSame ? last.leftMs : 0) - durationMs
    for (; leftMs < -leastMs; leftMs += tones.get(hz) ?? Number.POSITIVE_INFINITY) heard.push(hz)
    last = { hz, endMs: startMs + durationMs, leftMs }
  }
  return heard
}
