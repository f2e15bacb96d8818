/** What the voice is asked; the protocol stands at the head of the voice package's `child.js`. */
export interface VoiceRequest {
  readonly id: number
  readonly text: string
  /** A voice of the engine: `vi`, `en-us`. */
  readonly voice: string
}

/** What it says once, when it can speak. */
export interface VoiceInfo {
  readonly engine: string
  /** Of the package and the engine: another one may sound different. */
  readonly version: string
  readonly sampleRateHz: number
}

export type VoiceResponse =
  | { readonly kind: 'ready'; readonly info: VoiceInfo }
  | { readonly kind: 'spoken'; readonly id: number; readonly pcm: Int16Array; readonly sampleRateHz: number }
  | { readonly kind: 'refused'; readonly id: number; readonly code: string; readonly sentence: string }

/** Ten minutes of 22,050 Hz and a header: longer than the voice ever speaks at once. */
const maxResponseBytes = 32 * 1024 * 1024

/** A request as it goes on the pipe: four bytes of length, then JSON. */
export function requestFrame(request: VoiceRequest): Uint8Array {
  const json = Buffer.from(JSON.stringify(request))
  const frame = Buffer.allocUnsafe(4 + json.length)
  frame.writeUInt32BE(json.length, 0)
  frame.set(json, 4)
  return frame
}

/** Collects bytes from the pipe and gives whole responses. Null: they are out of step, and stay so. */
export class ResponseReader {
  #chunks: Uint8Array[] = []
  #bytes = 0
  #isBroken = false

  push(chunk: Uint8Array): readonly VoiceResponse[] | null {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const responses: VoiceResponse[] = []
    while (!this.#isBroken && this.#bytes >= 4) {
      const length = this.#peekLength()
      if (length > maxResponseBytes) this.#isBroken = true
      if (this.#isBroken || this.#bytes < 4 + length) break
      const response = parseResponse(this.#take(4 + length).subarray(4))
      if (response) responses.push(response)
      else this.#isBroken = true
    }
    return this.#isBroken ? null : responses
  }

  #peekLength(): number {
    const [first] = this.#chunks
    // Joined only while the length itself is torn: audio of megabytes is joined once, when all of it is there.
    const head = first && first.length >= 4 ? first : this.#join()
    return new DataView(head.buffer, head.byteOffset, 4).getUint32(0)
  }

  #take(count: number): Uint8Array {
    const whole = this.#join()
    this.#chunks = whole.length > count ? [whole.subarray(count)] : []
    this.#bytes -= count
    return whole.subarray(0, count)
  }

  #join(): Uint8Array {
    const whole = Buffer.concat(this.#chunks)
    this.#chunks = [whole]
    return whole
  }
}

function parseResponse(frame: Uint8Array): VoiceResponse | null {
  if (frame.length < 2) return null
  const headerBytes = new DataView(frame.buffer, frame.byteOffset).getUint16(0)
  const header = parseHeader(frame.subarray(2, 2 + headerBytes))
  if (!header || frame.length < 2 + headerBytes) return null
  const { ready, ok, id, engine, version, sampleRateHz, code, sentence } = header
  if (ready === true) {
    const isInfo = typeof engine === 'string' && typeof version === 'string' && isRate(sampleRateHz)
    return isInfo ? { kind: 'ready', info: { engine, version, sampleRateHz } } : null
  }
  if (typeof id !== 'number') return null
  if (ok === true && isRate(sampleRateHz)) {
    return { kind: 'spoken', id, pcm: toSamples(frame.subarray(2 + headerBytes)), sampleRateHz }
  }
  if (ok !== false || typeof code !== 'string' || typeof sentence !== 'string') return null
  return { kind: 'refused', id, code, sentence }
}

function parseHeader(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function isRate(value: unknown): value is number {
  return typeof value === 'number' && value >= 8000 && value <= 192_000
}

/** Copies: the bytes lie at an odd offset of a larger buffer. Little-endian, as every machine that Node runs on here. */
function toSamples(bytes: Uint8Array): Int16Array {
  const samples = new Int16Array(bytes.length >> 1)
  new Uint8Array(samples.buffer).set(bytes.subarray(0, samples.length * 2))
  return samples
}
