import { g711RateHz } from './g711.ts'

/** Keys of a telephone, with the fourth column of ITU-T Q.23. */
export const dtmfKeys = ['1', '2', '3', 'A', '4', '5', '6', 'B', '7', '8', '9', 'C', '*', '0', '#', 'D'] as const
export type DtmfKey = (typeof dtmfKeys)[number]

/** ITU-T Q.23 §2, in Hz: a key is its row's tone and its column's. */
export const dtmfRows = [697, 770, 852, 941] as const
export const dtmfColumns = [1209, 1336, 1477, 1633] as const

/** The tones a call is told its progress by. */
export type ProgressTone = 'beep' | 'ringback' | 'busy' | 'congestion'

/** Whose tones callers know: ETSI TR 101 041 (425 Hz) or the North American precise tone plan. */
export type ToneRegion = 'eu' | 'us'

interface ToneShape {
  readonly frequenciesHz: readonly number[]
  /** Of each frequency. */
  readonly levelDbm0: number
  /** On and off in turn; once through is one period, made to be looped. Together a multiple of 20 ms. */
  readonly cadenceMs: readonly number[]
}

const beep: ToneShape = { frequenciesHz: [1000], levelDbm0: -13, cadenceMs: [300, 20] }

const shapes: Readonly<Record<ToneRegion, Readonly<Record<ProgressTone, ToneShape>>>> = {
  eu: {
    beep,
    ringback: { frequenciesHz: [425], levelDbm0: -13, cadenceMs: [1000, 4000] },
    busy: { frequenciesHz: [425], levelDbm0: -13, cadenceMs: [500, 500] },
    congestion: { frequenciesHz: [425], levelDbm0: -13, cadenceMs: [200, 200] },
  },
  us: {
    beep,
    ringback: { frequenciesHz: [440, 480], levelDbm0: -19, cadenceMs: [2000, 4000] },
    busy: { frequenciesHz: [480, 620], levelDbm0: -24, cadenceMs: [500, 500] },
    congestion: { frequenciesHz: [480, 620], levelDbm0: -24, cadenceMs: [250, 250] },
  },
}

/** Within the -8 dBm0 ± 2 that Q.23 receivers are built for; the column is sent stronger, since lines lose more of it. */
const rowLevelDbm0 = -9
const columnLevelDbm0 = -7

/** One period of a progress tone, 8,000 Hz: play it in a loop. */
export function progressTone(name: ProgressTone, region: ToneRegion = 'eu'): Int16Array<ArrayBuffer> {
  const { frequenciesHz, levelDbm0, cadenceMs } = shapes[region][name]
  const out = new Int16Array(samplesIn(cadenceMs.reduce((sum, ms) => sum + ms, 0)))
  let start = 0
  for (const [index, ms] of cadenceMs.entries()) {
    const count = samplesIn(ms)
    if (index % 2 === 0) {
      for (const hz of frequenciesHz) addSine(out.subarray(start, start + count), hz, amplitudeOf(levelDbm0))
    }
    start += count
  }
  return out
}

/**
 * A key as the two tones of ITU-T Q.23, 8,000 Hz.
 * @param durationMs - Q.24 asks receivers to take 40 ms and more; 100 is what we send.
 */
export function dtmfTone(key: DtmfKey, durationMs: number): Int16Array<ArrayBuffer> {
  const index = dtmfKeys.indexOf(key)
  const out = new Int16Array(samplesIn(durationMs))
  addSine(out, dtmfRows[Math.floor(index / 4)] as number, amplitudeOf(rowLevelDbm0))
  addSine(out, dtmfColumns[index % 4] as number, amplitudeOf(columnLevelDbm0))
  return out
}

/** The peak of a sine wave of so many dBm0: a sine at full scale is +3.14 dBm0 (ITU-T G.711 §7). */
export function amplitudeOf(levelDbm0: number): number {
  return 32_767 * 10 ** ((levelDbm0 - 3.14) / 20)
}

function samplesIn(ms: number): number {
  return Math.round((ms * g711RateHz) / 1000)
}

/** Fades in and out over 5 ms: a tone cut hard clicks, and the click holds other keys' frequencies. */
const fadeSamples = 40

function addSine(into: Int16Array, hz: number, amplitude: number): void {
  const step = (2 * Math.PI * hz) / g711RateHz
  for (let i = 0; i < into.length; i++) {
    const edge = Math.min(1, (i + 1) / fadeSamples, (into.length - i) / fadeSamples)
    const sample = (into[i] as number) + amplitude * edge * Math.sin(step * i)
    into[i] = Math.max(-32_768, Math.min(32_767, Math.round(sample)))
  }
}
