/** The range of 16-bit samples. */
const most = 0x7fff
const least = -0x8000

/** A sum of samples as a sample: what is louder than the loudest is the loudest, and does not wrap. */
export function saturated(sum: number): number {
  return sum > most ? most : sum < least ? least : sum
}

/** Adds up sound of any number of speakers, so that each may hear all but itself for the price of one subtraction. */
export class Mixer {
  readonly #sum: Int32Array

  /** @param samples - length of a frame. */
  constructor(samples: number) {
    this.#sum = new Int32Array(samples)
  }

  clear(): void {
    this.#sum.fill(0)
  }

  /** @param frame - of the mixer's length; only read. */
  add(frame: Int16Array): void {
    const sum = this.#sum
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (frame[i] as number)
  }

  /** Takes out what had been added: saturation comes last, so nothing is lost by it. */
  subtract(frame: Int16Array): void {
    const sum = this.#sum
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) - (frame[i] as number)
  }

  /** The sum without one of the frames in it, as samples, saturated: what that speaker hears. */
  readWithout(frame: Int16Array, into: Int16Array): void {
    const sum = this.#sum
    for (let i = 0; i < sum.length; i++) into[i] = saturated((sum[i] as number) - (frame[i] as number))
  }

  /** The sum as samples, saturated. @param into - of the mixer's length. */
  read(into: Int16Array): void {
    const sum = this.#sum
    for (let i = 0; i < sum.length; i++) into[i] = saturated(sum[i] as number)
  }
}
