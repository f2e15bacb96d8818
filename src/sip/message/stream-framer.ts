import { Buffer } from 'node:buffer'
import { findFrame } from './framing.ts'
import { defaultLimits, type MessageLimits } from './limits.ts'

export type Framed =
  /** The bytes of one message, to be parsed; the caller owns them. */
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** Answer with one CRLF: RFC 5626 §3.5.1. */
  | { readonly kind: 'keep-alive' }

/** The first buffer of our own: holds the rest of most messages. */
const firstCapacity = 2048

const nothing = new Uint8Array(0)

/**
 * Cuts the bytes of one connection into messages. Chunks may begin and end anywhere; a peer that sends byte by byte costs
 * no more searching than one that sends all at once. Holds at most the largest message and one chunk.
 */
export class StreamFramer {
  readonly #limits: MessageLimits
  #buffer: Uint8Array = nothing
  /** Whether `#buffer` was made here; else it is a chunk, which is read and never written to. */
  #isOurs = false
  #start = 0
  #end = 0
  #searched = 0
  /** Where the message that is being read will end, counted from `#start`; 0 while its head is not whole. */
  #wanted = 0
  #isBroken = false

  constructor(limits: MessageLimits = defaultLimits) {
    this.#limits = limits
  }

  /** Bytes that have come and belong to no whole message yet. */
  get pending(): number {
    return this.#end - this.#start
  }

  /** Adds what has come, and takes the chunk over. Call `next` until it returns null afterwards. */
  push(chunk: Uint8Array): void {
    if (this.#isBroken) return
    if (this.pending === 0) {
      // Most chunks hold whole messages: those are cut straight out of the chunk.
      this.#buffer = chunk
      this.#isOurs = false
      this.#start = 0
      this.#end = chunk.length
      return
    }
    if (!this.#isOurs || this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length)
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /**
   * The next whole message or keep-alive; null when more bytes are needed.
   * @throws MessageError as `findFrame`. Then the stream cannot be read any further: what follows is dropped, and the
   *   connection is to be closed after the answer.
   */
  next(): Framed | null {
    while (!this.#isBroken && this.pending > 0) {
      if (this.pending < this.#wanted) return null
      const frame = this.#find()
      if (frame.kind === 'incomplete') {
        this.#searched = frame.searched
        return null
      }
      if (frame.kind === 'body-missing') {
        this.#wanted = frame.end
        return null
      }
      const bytes = frame.kind === 'message' ? this.#copy(frame.end) : null
      this.#consume(frame.end)
      if (bytes !== null) return { kind: 'message', bytes }
      if (frame.kind === 'keep-alive') return { kind: 'keep-alive' }
    }
    return null
  }

  #find(): ReturnType<typeof findFrame> {
    try {
      return findFrame(this.#buffer.subarray(this.#start, this.#end), this.#limits, this.#searched)
    } catch (error) {
      this.#isBroken = true
      this.#release()
      throw error
    }
  }

  /** A copy, so that a message kept for long does not keep a whole chunk. */
  #copy(count: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(count)
    bytes.set(this.#buffer.subarray(this.#start, this.#start + count))
    return bytes
  }

  #consume(count: number): void {
    this.#start += count
    this.#searched = 0
    this.#wanted = 0
    if (this.#start === this.#end) this.#release()
  }

  /** An idle connection holds no buffer. */
  #release(): void {
    this.#buffer = nothing
    this.#isOurs = false
    this.#start = 0
    this.#end = 0
  }

  /** Moves what is pending to the front, of a buffer twice as large where it is needed. */
  #makeRoom(bytes: number): void {
    const needed = this.pending + bytes
    const hasRoom = this.#isOurs && needed * 2 <= this.#buffer.length
    const target = hasRoom ? this.#buffer : new Uint8Array(Math.max(firstCapacity, needed * 2))
    target.set(this.#buffer.subarray(this.#start, this.#end))
    this.#buffer = target
    this.#isOurs = true
    this.#end -= this.#start
    this.#start = 0
  }
}
