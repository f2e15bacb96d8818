import type { AudioCodec } from '../../sdp/types.ts'
import type { EndpointFace } from './endpoint-face.ts'

/** What an endpoint is in: a bridge, a room. */
export interface Joined {
  /** It goes, or is taken: forget it, tell the workers, and with a bridge part the other side, too. */
  left(face: EndpointFace): void
  /** What it sends is in this codec from now on. */
  agreed?(codec: AudioCodec): void
}

/** Which endpoint is in which bridge or room: in one at a time. On the main thread. */
export class Joints {
  readonly #joined = new Map<EndpointFace, Joined>()

  of(face: EndpointFace): Joined | undefined {
    return this.#joined.get(face)
  }

  /** Takes it out of what it was in, and notes what it is in now. */
  enter(face: EndpointFace, into: Joined): void {
    this.leave(face)
    this.#joined.set(face, into)
  }

  /** Takes it out of what it is in, if anything. */
  leave(face: EndpointFace): void {
    this.#joined.get(face)?.left(face)
  }

  forget(face: EndpointFace, from: Joined): void {
    if (this.#joined.get(face) === from) this.#joined.delete(face)
  }
}
