import { g711RateHz } from './g711.ts'
import { amplitudeOf } from './tones.ts'

/*
 * Music on hold, composed here so that it is free of anyone's rights: eight bars of soft broken chords over a bass,
 * with a sparse melody. It is computed, not stored; the same every time. Everything that rings past the end is folded
 * back to the beginning, so that the loop has no seam.
 */

/** 80 beats a minute: a beat is 750 ms, the eight bars of four last 24 s. */
const beatSamples = 0.75 * g711RateHz
const beatsPerBar = 4

/** MIDI note numbers: root, then the chord from below. I vi ii V, then I vi IV V. */
const bars: readonly { readonly bass: number; readonly chord: readonly [number, number, number, number] }[] = [
  { bass: 48, chord: [60, 64, 67, 71] },
  { bass: 45, chord: [60, 64, 67, 69] },
  { bass: 50, chord: [60, 62, 65, 69] },
  { bass: 43, chord: [59, 62, 65, 67] },
  { bass: 48, chord: [60, 64, 67, 71] },
  { bass: 45, chord: [60, 64, 69, 72] },
  { bass: 53, chord: [60, 65, 69, 72] },
  { bass: 43, chord: [59, 62, 65, 71] },
]

/** Which note of the chord sounds on each half beat. */
const pattern = [0, 2, 3, 1, 2, 3, 1, 2] as const

/** Beat in the piece, note, length in beats. */
const melody: readonly (readonly [number, number, number])[] = [
  [2, 79, 2],
  [6, 76, 2],
  [9, 77, 1],
  [10, 76, 1],
  [11, 74, 3],
  [18, 79, 1.5],
  [20, 81, 2],
  [23, 79, 1],
  [24, 77, 2],
  [27, 74, 1],
  [28, 76, 2.5],
]

interface Voice {
  /** Levels of the fundamental and its overtones. */
  readonly overtones: readonly number[]
  readonly attackMs: number
  /** How long a note takes to fall to a third. */
  readonly decayMs: number
}

const keys: Voice = { overtones: [1, 0.32, 0.12, 0.05], attackMs: 6, decayMs: 520 }
const bass: Voice = { overtones: [1, 0.5, 0.2], attackMs: 12, decayMs: 1100 }
const flute: Voice = { overtones: [1, 0.18, 0.06], attackMs: 45, decayMs: 1500 }

/** Quiet enough to speak over, loud enough to tell that the line is alive: the mean, in dBm0. */
const levelDbm0 = -24
/** Above this G.711 passes nothing; overtones would fold back as whistles. */
const highestHz = 3400

/** The whole loop, 24 s at 8,000 Hz. Takes some tens of milliseconds: never call it on a media thread. */
export function musicOnHold(): Int16Array<ArrayBuffer> {
  const mix = new Float64Array(bars.length * beatsPerBar * beatSamples)
  for (const [index, bar] of bars.entries()) {
    const barBeat = index * beatsPerBar
    addNote(mix, bass, barBeat, bar.bass, 2, 0.55)
    addNote(mix, bass, barBeat + 2, bar.bass + 7, 2, 0.4)
    for (const [step, note] of pattern.entries()) {
      // The first of each four is leant on a little.
      addNote(mix, keys, barBeat + step / 2, bar.chord[note], 1, step % 4 === 0 ? 0.36 : 0.28)
    }
  }
  for (const [beat, note, beats] of melody) addNote(mix, flute, beat, note, beats, 0.3)
  addEcho(mix)
  return levelled(mix)
}

function addNote(mix: Float64Array, voice: Voice, beat: number, note: number, beats: number, level: number): void {
  const hz = 440 * 2 ** ((note - 69) / 12)
  const start = Math.round(beat * beatSamples)
  const held = beats * beatSamples
  const attack = (voice.attackMs * g711RateHz) / 1000
  const decay = (voice.decayMs * g711RateHz) / 1000
  // Let go, a note fades in a tenth of a second.
  const fade = 0.1 * g711RateHz
  const length = Math.round(held + fade)
  for (const [n, overtone] of voice.overtones.entries()) {
    const partialHz = hz * (n + 1)
    if (partialHz > highestHz) break
    const step = (2 * Math.PI * partialHz) / g711RateHz
    for (let i = 0; i < length; i++) {
      const envelope =
        Math.min(1, i / attack) * Math.exp((-i * (1 + n * 0.6)) / decay) * Math.min(1, (length - i) / fade)
      const at = (start + i) % mix.length
      mix[at] = (mix[at] as number) + level * overtone * envelope * Math.sin(step * i)
    }
  }
}

/** One soft repeat, a dotted half beat behind, for depth. Reads the dry sound only, so it folds like the notes do. */
function addEcho(mix: Float64Array): void {
  const dry = Float64Array.from(mix)
  const delay = Math.round(0.75 * beatSamples)
  for (let i = 0; i < mix.length; i++) {
    mix[i] = (mix[i] as number) + 0.22 * (dry[(i - delay + dry.length) % dry.length] as number)
  }
}

function levelled(mix: Float64Array): Int16Array<ArrayBuffer> {
  let energy = 0
  for (const sample of mix) energy += sample * sample
  const scale = amplitudeOf(levelDbm0) / Math.SQRT2 / Math.sqrt(energy / mix.length)
  return Int16Array.from(mix, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * scale))))
}
