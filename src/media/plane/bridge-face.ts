import type { EndpointFace } from './endpoint-face.ts'
import type { Joined, Joints } from './joints.ts'
import type { MediaBridge, MediaEndpoint } from './types.ts'

/** The main thread's end of one bridge. */
export class BridgeFace implements MediaBridge, Joined {
  readonly #joint: number
  readonly #sides: readonly [EndpointFace, EndpointFace]
  readonly #joints: Joints

  /** Enters both sides. */
  constructor(joints: Joints, joint: number, sides: readonly [EndpointFace, EndpointFace], passDigits: boolean) {
    this.#joints = joints
    this.#joint = joint
    this.#sides = sides
    const [a, b] = sides
    // An endpoint that is closed can hear nobody, and nobody it.
    if (!a.isOpen || !b.isOpen) return
    joints.enter(a, this)
    joints.enter(b, this)
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      one.command({ kind: 'bridge', endpoint: one.id, joint, otherWorker: other.worker, other: other.id, passDigits })
    }
  }

  mute(from: MediaEndpoint, isMuted: boolean): void {
    const side = this.#sides.find((one) => one === from)
    if (side && this.#joints.of(side) === this) {
      side.command({ kind: 'mute', endpoint: side.id, joint: this.#joint, isMuted })
    }
  }

  close(): void {
    for (const side of this.#sides) if (this.#joints.of(side) === this) this.#joints.leave(side)
  }

  /** One side goes, so both are parted. */
  left(): void {
    for (const side of this.#sides) {
      this.#joints.forget(side, this)
      side.command({ kind: 'part', endpoint: side.id, joint: this.#joint })
    }
  }
}
