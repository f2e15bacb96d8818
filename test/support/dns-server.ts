import { createSocket, type Socket } from 'node:dgram'

/** What a zone of a test holds. Time to live in seconds; 300 where nothing is said. */
export type DnsEntry =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl?: number }
  | {
      readonly type: 'SRV'
      readonly priority?: number
      readonly weight?: number
      readonly port: number
      readonly target: string
      readonly ttl?: number
    }
  | {
      readonly type: 'NAPTR'
      readonly order?: number
      readonly preference?: number
      readonly flags?: string
      readonly service: string
      readonly replacement: string
      readonly ttl?: number
    }

/** How a name can be made to fail: SERVFAIL, REFUSED, no answer at all, or bytes that are no answer. */
export type DnsFault = 'SERVFAIL' | 'REFUSED' | 'silence' | 'garbage'

/** Numbers of RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 3403. */
const typeNumbers = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const
const responseCodes = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

/**
 * A DNS server of a test on a loopback port: RFC 1035 over UDP, as much of it as RFC 3263 needs.
 *
 * ```ts
 * const dns = await DnsServer.start()
 * dns.add('sip.example.test', { type: 'A', address: '127.0.0.1' })
 * new NodeDns({ servers: [dns] })
 * ```
 */
export class DnsServer {
  readonly address = '127.0.0.1'
  readonly port: number
  /** What was asked, in order: `A sip.example.test`. */
  readonly questions: string[] = []
  readonly #socket: Socket
  readonly #zone = new Map<string, DnsEntry[]>()
  readonly #faults = new Map<string, DnsFault>()

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.address().port
    socket.on('message', (bytes, peer) => {
      const answer = this.#answer(bytes)
      if (answer !== null) socket.send(answer, peer.port, peer.address)
    })
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, '127.0.0.1', resolve)
    })
    return new DnsServer(socket)
  }

  add(name: string, ...entries: readonly DnsEntry[]): void {
    this.#zone.set(name, [...(this.#zone.get(name) ?? []), ...entries])
  }

  /** Makes every question about a name fail; null: no more. */
  fail(name: string, fault: DnsFault | null): void {
    if (fault === null) this.#faults.delete(name)
    else this.#faults.set(name, fault)
  }

  remove(name: string): void {
    this.#zone.delete(name)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(query: Buffer): Buffer | null {
    const { name, type, end } = readQuestion(query)
    const kind = Object.entries(typeNumbers).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`
    this.questions.push(`${kind} ${name}`)
    const fault = this.#faults.get(name)
    if (fault === 'silence') return null
    if (fault === 'garbage') return Buffer.from('this is no DNS message')
    // The question goes back byte for byte: askers may mix upper and lower case in it to know their answer again.
    const question = query.subarray(12, end)
    if (fault !== undefined) return message(query, responseCodes[fault], question, [])
    const entries = this.#zone.get(name)
    if (entries === undefined) return message(query, responseCodes.NXDOMAIN, question, [])
    return message(query, 0, question, entries.filter((entry) => entry.type === kind).map(record))
  }
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** RFC 1035 §4.1.1: QR, AA, RD as asked, RA; one question; answers; nothing else. */
function message(query: Buffer, code: number, question: Buffer, answers: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(0x8480 | (query.readUInt16BE(2) & 0x0100) | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(answers.length, 6)
  return Buffer.concat([head, question, ...answers])
}

function record(entry: DnsEntry): Buffer {
  const data = recordData(entry)
  const head = Buffer.alloc(12)
  // The name of the question, which stands at offset 12 (RFC 1035 §4.1.4).
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(typeNumbers[entry.type], 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(entry.ttl ?? 300, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function recordData(entry: DnsEntry): Buffer {
  switch (entry.type) {
    case 'A':
      return Buffer.from(entry.address.split('.').map(Number))
    case 'AAAA':
      return ipv6Bytes(entry.address)
    case 'SRV':
      return Buffer.concat([
        ...[entry.priority ?? 0, entry.weight ?? 0, entry.port].map(uint16),
        nameBytes(entry.target),
      ])
    case 'NAPTR':
      return Buffer.concat([
        ...[entry.order ?? 10, entry.preference ?? 10].map(uint16),
        ...[entry.flags ?? 's', entry.service, ''].map(text),
        nameBytes(entry.replacement),
      ])
  }
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** A `<character-string>`: one octet of length, then the text. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')])
}

/** Labels with their lengths; `.` is the root alone. */
function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([...labels.map(text), Buffer.from([0])])
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [left, right] = [groups(head), groups(tail)]
  const middle = Array.from({ length: 8 - left.length - right.length }, () => 0)
  return Buffer.concat([...left, ...middle, ...right].map(uint16))
}
