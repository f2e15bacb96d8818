import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { CrossingPort } from './crossing.ts'
import type { Engine } from './engine.ts'

/** One end of the way between two workers. */
export interface CrossingEnd {
  readonly port: MessagePort
  /** Buffers that this end has taken, counted by it; the other end has it as `theirTaken`. */
  readonly taken: Int32Array
  readonly theirTaken: Int32Array
}

/** The two ends of a new way. */
export function newCrossing(): readonly [CrossingEnd, CrossingEnd] {
  const { port1, port2 } = new MessageChannel()
  const [first, second] = [newCounter(), newCounter()]
  return [
    { port: port1, taken: first, theirTaken: second },
    { port: port2, taken: second, theirTaken: first },
  ]
}

/** Lets an engine send and take buffers by one end, until the other end is gone. */
export function openCrossing(engine: Engine, worker: number, end: CrossingEnd): void {
  const way = new SentPort(end)
  engine.connectWorker(worker, way)
  end.port.on('message', (buffer: ArrayBuffer) => {
    Atomics.add(end.taken, 0, 1)
    engine.crossed(worker, buffer)
  })
  end.port.on('close', () => engine.disconnectWorker(worker, way))
  // The port to the main thread keeps the worker alive, nothing else.
  end.port.unref()
}

/** Shared, so that the sender knows without being told. Wraps round, as its reader does. */
function newCounter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4))
}

class SentPort implements CrossingPort {
  readonly #end: CrossingEnd
  #posted = 0

  constructor(end: CrossingEnd) {
    this.#end = end
  }

  get untaken(): number {
    return (this.#posted - Atomics.load(this.#end.theirTaken, 0)) | 0
  }

  post(buffer: ArrayBuffer): void {
    this.#posted = (this.#posted + 1) | 0
    this.#end.port.postMessage(buffer, [buffer])
  }
}
