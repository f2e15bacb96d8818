import type { AudioCodec } from '../../sdp/types.ts'
import { silenceByte } from '../g711.ts'
import { bytesPerMs, type Prompt } from '../prompt.ts'

type EncodedWords = Readonly<Record<AudioCodec, Uint32Array>>

/** Four samples of silence, for both byte orders alike. */
const silenceWord: Readonly<Record<AudioCodec, number>> = {
  PCMU: silenceByte.PCMU * 0x0101_0101,
  PCMA: silenceByte.PCMA * 0x0101_0101,
}

const nothing = new Uint32Array(0)

const wordsPerMs = bytesPerMs / 4

/**
 * Several prompts as one stretch of sound, read frame by frame straight from the shared memory, without a gap where one
 * ends and the next begins. The codec may change between any two frames. Words of four samples: prompts are whole
 * multiples of 20 ms and frames of 10.
 */
export class Playlist {
  readonly #prompts: readonly EncodedWords[]
  readonly #isLoop: boolean
  #prompt = 0
  /** The words being played, of the codec of the last frame. */
  #words: Uint32Array = nothing
  #codec: AudioCodec = 'PCMU'
  #word = 0
  #playedWords = 0
  #isAtEnd: boolean

  /** Prompts without sound are passed over; a loop of nothing is at its end at once. */
  constructor(prompts: readonly Prompt[], isLoop: boolean) {
    this.#prompts = prompts.map(wordsOf).filter((words) => words.PCMU.length > 0)
    this.#isLoop = isLoop
    this.#isAtEnd = this.#prompts.length === 0
    this.#choose()
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#isAtEnd
  }

  /** Sound that was taken, the silence at the end of the last frame not counted. */
  get playedMs(): number {
    return this.#playedWords / wordsPerMs
  }

  /** Fills a whole frame with the sound that comes next; behind the end of the last prompt with silence. */
  fill(codec: AudioCodec, into: Uint32Array): void {
    if (codec !== this.#codec) {
      this.#codec = codec
      this.#choose()
    }
    let at = 0
    while (at < into.length && !this.#isAtEnd) {
      const words = this.#words
      const from = this.#word
      const count = Math.min(into.length - at, words.length - from)
      for (let i = 0; i < count; i++) into[at + i] = words[from + i] as number
      at += count
      this.#advance(count)
    }
    if (at < into.length) into.fill(silenceWord[codec], at)
  }

  /** Passes a frame over as if it had been sent: what a held peer does not hear is over when it comes back. */
  skip(frameMs: number): void {
    let left = frameMs * wordsPerMs
    while (left > 0 && !this.#isAtEnd) {
      const count = Math.min(left, this.#words.length - this.#word)
      left -= count
      this.#advance(count)
    }
  }

  #advance(count: number): void {
    this.#playedWords += count
    this.#word += count
    if (this.#word < this.#words.length) return
    this.#word = 0
    this.#prompt++
    if (this.#prompt >= this.#prompts.length) {
      this.#prompt = 0
      this.#isAtEnd = !this.#isLoop
    }
    this.#choose()
  }

  #choose(): void {
    this.#words = this.#prompts[this.#prompt]?.[this.#codec] ?? nothing
  }
}

/** Views, no copies; both codecs cut to the same length. */
function wordsOf(prompt: Prompt): EncodedWords {
  const { PCMU, PCMA } = prompt.encoded
  const length = Math.min(PCMU.byteLength, PCMA.byteLength) >> 2
  return { PCMU: new Uint32Array(PCMU, 0, length), PCMA: new Uint32Array(PCMA, 0, length) }
}
