/*
 * Ears for tests: audio is judged by what is in it. Each party sends its own frequencies and the test asks who is heard
 * where. All functions take mono 16-bit PCM; `readWav` splits a file into such channels.
 */

/** Levels below this are nothing. */
const nothingDb = -100

/** RMS level in dB below full scale; a full-scale sine is -3. -100 for digital silence. */
export function levelDb(pcm: Int16Array): number {
  let energy = 0
  for (const sample of pcm) energy += sample * sample
  const rms = Math.sqrt(energy / Math.max(1, pcm.length)) / 32_768
  return rms === 0 ? nothingDb : Math.max(nothingDb, 20 * Math.log10(rms))
}

/** How many seconds of it are speech or anything else that loud, counted in tenths. */
export function loudSeconds(pcm: Int16Array): number {
  const tenths = Array.from({ length: Math.floor(pcm.length / 800) }, (_, i) =>
    levelDb(pcm.subarray(i * 800, (i + 1) * 800)),
  )
  return tenths.filter((level) => level > -40).length / 10
}

/** The largest absolute sample. */
export function peakOf(pcm: Int16Array): number {
  let peak = 0
  for (const sample of pcm) peak = Math.max(peak, Math.abs(sample))
  return peak
}

/**
 * RMS level of one frequency in dB below full scale, through a Hann window over all of `pcm` (give it 50 ms or more):
 * a pure tone shows the level that `levelDb` gives it, ± 1.5 dB when it lies between two bins.
 */
export function toneLevelDb(pcm: Int16Array, hz: number, rateHz = 8000): number {
  const step = (2 * Math.PI * hz) / rateHz
  let re = 0
  let im = 0
  let weights = 0
  for (let i = 0; i < pcm.length; i++) {
    const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / pcm.length)
    const sample = weight * (pcm[i] as number)
    re += sample * Math.cos(step * i)
    im += sample * Math.sin(step * i)
    weights += weight
  }
  const rms = (Math.hypot(re, im) / Math.max(1, weights) / 32_768) * Math.SQRT2
  return rms === 0 ? nothingDb : Math.max(nothingDb, 20 * Math.log10(rms))
}

export interface HeardFrequency {
  /** To a few Hz. */
  readonly hz: number
  readonly levelDb: number
}

export interface FrequencyOptions {
  /** Peaks quieter than the strongest by more than this are left out. Default 25. */
  readonly withinDb?: number
  /** Peaks quieter than this are left out. Default -50. */
  readonly aboveDb?: number
}

/**
 * The frequencies that stand out in the whole of `pcm`, strongest first. Long audio is cut to its loudest half second.
 */
export function frequenciesIn(
  pcm: Int16Array,
  rateHz = 8000,
  options: FrequencyOptions = {},
): readonly HeardFrequency[] {
  const { withinDb = 25, aboveDb = -50 } = options
  const size = 2 ** Math.floor(Math.log2(Math.max(2, Math.min(pcm.length, rateHz / 2))))
  const part = loudestPart(pcm, size)
  const power = powerSpectrum(part)
  const db = (bin: number): number => 10 * Math.log10(Math.max(1e-20, power[bin] as number))
  const peaks: HeardFrequency[] = []
  for (let bin = 2; bin < power.length - 1; bin++) {
    const [before, here, after] = [db(bin - 1), db(bin), db(bin + 1)]
    if (here < aboveDb || here <= before || here < after) continue
    // A parabola through the three logarithms gives the peak between the bins.
    const shift = (before - after) / (2 * (before - 2 * here + after))
    const hz = ((bin + shift) * rateHz) / size
    peaks.push({ hz: Math.round(hz), levelDb: here - ((before - after) * shift) / 4 })
  }
  peaks.sort((a, b) => b.levelDb - a.levelDb)
  const loudest = peaks[0]?.levelDb ?? nothingDb
  return peaks.filter((peak) => peak.levelDb >= loudest - withinDb)
}

/** Whether every one of the frequencies is clearly there (level above `aboveDb`, standard -45, for half of the time or more). */
export function hears(pcm: Int16Array, frequenciesHz: readonly number[], rateHz = 8000, aboveDb = -45): boolean {
  return frequenciesHz.every((hz) => shareWith(pcm, hz, rateHz, aboveDb) >= 0.5)
}

/** Whether none of the frequencies is there for more than a twentieth of the time. */
export function hearsNone(pcm: Int16Array, frequenciesHz: readonly number[], rateHz = 8000, aboveDb = -45): boolean {
  return frequenciesHz.every((hz) => shareWith(pcm, hz, rateHz, aboveDb) <= 0.05)
}

/** How much of the time a frequency is heard, 0 to 1, judged in slices of 50 ms. Neighbours nearer than 60 Hz cannot be told apart. */
export function shareWith(pcm: Int16Array, hz: number, rateHz = 8000, aboveDb = -45): number {
  const slice = Math.round(rateHz / 20)
  let heard = 0
  let slices = 0
  for (let offset = 0; offset + slice <= pcm.length; offset += slice) {
    slices++
    if (toneLevelDb(pcm.subarray(offset, offset + slice), hz, rateHz) > aboveDb) heard++
  }
  return slices === 0 ? 0 : heard / slices
}

/** One stretch of time with the same frequencies in it. */
export interface HeardStretch {
  readonly startMs: number
  readonly durationMs: number
  /** Which of those asked for, in the order asked; empty for quiet or anything else. */
  readonly frequenciesHz: readonly number[]
}

/** What is heard when, among the frequencies asked for, in steps of 20 ms. Stretches shorter than 40 ms join the one before. */
export function timeline(
  pcm: Int16Array,
  frequenciesHz: readonly number[],
  rateHz = 8000,
  aboveDb = -45,
): readonly HeardStretch[] {
  const stepMs = 20
  const step = Math.round((rateHz * stepMs) / 1000)
  const stretches: { startMs: number; durationMs: number; frequenciesHz: readonly number[] }[] = []
  for (let offset = 0; offset + step * 2 <= pcm.length; offset += step) {
    const part = pcm.subarray(offset, offset + step * 2)
    const heard = frequenciesHz.filter((hz) => toneLevelDb(part, hz, rateHz) > aboveDb)
    const last = stretches.at(-1)
    if (last !== undefined && last.frequenciesHz.join() === heard.join()) last.durationMs += stepMs
    else stretches.push({ startMs: (offset * 1000) / rateHz, durationMs: stepMs, frequenciesHz: heard })
  }
  const joined: typeof stretches = []
  for (const stretch of stretches) {
    const last = joined.at(-1)
    if (last !== undefined && (stretch.durationMs < 40 || last.frequenciesHz.join() === stretch.frequenciesHz.join())) {
      last.durationMs += stretch.durationMs
    } else joined.push({ ...stretch })
  }
  return joined
}

/** A plain sine, for parties that send a frequency of their own. Level as `levelDb` gives it. */
export function sine(
  hz: number,
  ms: number,
  options: { levelDb?: number; rateHz?: number } = {},
): Int16Array<ArrayBuffer> {
  const { levelDb: level = -13, rateHz = 8000 } = options
  const amplitude = 32_767 * Math.SQRT2 * 10 ** (level / 20)
  const step = (2 * Math.PI * hz) / rateHz
  return Int16Array.from({ length: Math.round((ms * rateHz) / 1000) }, (_, i) =>
    Math.round(amplitude * Math.sin(step * i)),
  )
}

/**
 * The channels of a 16-bit PCM WAV with the plain 44-byte header that Switchhook writes. Independent of the server's own
 * reader, so that both can be wrong only separately.
 */
export function readWav(file: Uint8Array): { readonly rateHz: number; readonly channels: readonly Int16Array[] } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const id = (at: number): string => String.fromCharCode(...file.subarray(at, at + 4))
  if (id(0) !== 'RIFF' || id(8) !== 'WAVE' || id(12) !== 'fmt ' || id(36) !== 'data') throw new Error('not a plain WAV')
  if (view.getUint16(20, true) !== 1 || view.getUint16(34, true) !== 16) throw new Error('not 16-bit PCM')
  const count = view.getUint16(22, true)
  const bytes = view.getUint32(40, true)
  if (44 + bytes > file.length) throw new Error(`the header promises ${bytes} bytes, ${file.length - 44} are there`)
  const frames = Math.floor(bytes / 2 / count)
  const channels = Array.from({ length: count }, (_, channel) =>
    Int16Array.from({ length: frames }, (_, frame) => view.getInt16(44 + (frame * count + channel) * 2, true)),
  )
  return { rateHz: view.getUint32(24, true), channels }
}

function loudestPart(pcm: Int16Array, size: number): Int16Array {
  let best = pcm.subarray(0, size)
  let bestLevel = levelDb(best)
  for (let offset = size; offset + size <= pcm.length; offset += size) {
    const part = pcm.subarray(offset, offset + size)
    const level = levelDb(part)
    if (level > bestLevel) {
      best = part
      bestLevel = level
    }
  }
  return best
}

/** Mean-square power per bin against full scale, Hann-windowed so that a tone on a bin shows its own power. */
function powerSpectrum(part: Int16Array): Float64Array {
  const size = part.length
  const re = Float64Array.from(
    part,
    (sample, i) => (sample / 32_768) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)),
  )
  const im = new Float64Array(size)
  fft(re, im)
  // The window halves the amplitude; both sides of the spectrum count: |X|² × 2 / (N/2)².
  return Float64Array.from(
    { length: size / 2 },
    (_, bin) => (((re[bin] as number) ** 2 + (im[bin] as number) ** 2) * 8) / size ** 2,
  )
}

/** In place, radix 2. */
function fft(re: Float64Array, im: Float64Array): void {
  const size = re.length
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j |= bit
    if (i < j) {
      ;[re[i], re[j]] = [re[j] as number, re[i] as number]
      ;[im[i], im[j]] = [im[j] as number, im[i] as number]
    }
  }
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k++) {
      const angle = (-Math.PI * k) / half
      const [wr, wi] = [Math.cos(angle), Math.sin(angle)]
      for (let a = k; a < size; a += 2 * half) {
        const b = a + half
        const tr = wr * (re[b] as number) - wi * (im[b] as number)
        const ti = wr * (im[b] as number) + wi * (re[b] as number)
        re[b] = (re[a] as number) - tr
        im[b] = (im[a] as number) - ti
        re[a] = (re[a] as number) + tr
        im[a] = (im[a] as number) + ti
      }
    }
  }
}
