import type { FrameKind } from '../../rtp/jitter-buffer.ts'
import { DtmfDetector } from '../dtmf-detector.ts'
import { frameTicks, type ReceivedAudioSink } from './received-audio.ts'
import type { Digit } from './types.ts'

/**
 * So many lost frames in a row, 60 ms, are left out instead of being heard as silence: a packet lost in the middle of a key
 * would make it two. Two keys whose whole pause was lost become one, which needs the very packets between them to be lost.
 */
const maxBridgedFrames = 3

/** Hears keys in what the peer says, while armed. */
export class InbandDigits implements ReceivedAudioSink {
  readonly #detector = new DtmfDetector()
  #lostFrames = 0
  readonly #heard: (digit: Digit, startedTick: number, durationMs: number) => void

  constructor(heard: (digit: Digit, startedTick: number, durationMs: number) => void) {
    this.#heard = heard
  }

  receivedAudio(samples: Int16Array, kind: FrameKind, tick: number): void {
    this.#lostFrames = kind === 'lost' ? this.#lostFrames + 1 : 0
    if (this.#lostFrames > 0 && this.#lostFrames <= maxBridgedFrames) return
    for (const key of this.#detector.push(samples, tick - frameTicks)) {
      this.#heard(key.digit, key.startedMs, key.durationMs)
    }
  }
}
