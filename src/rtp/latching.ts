import { canonicalAddress, classifyAddress } from '../sdp/address.ts'
import { sequenceDistance } from './sequence.ts'

/** What becomes of one packet. Only `refused` ones are dropped. */
export type LatchVerdict =
  /** From the source we listen to. */
  | 'accepted'
  /** The same, and it is the first one, or the source has just moved: tell the user, and send there from now on. */
  | 'latched'
  /** From somebody else. */
  | 'refused'

export interface LatchOptions {
  /** Packets in a row that a new source on a known host must show. */
  readonly knownHostPackets?: number
  /** Packets in a row that a stranger must show. */
  readonly strangerPackets?: number
  /** How long the signalled source must have been silent before a stranger's packets count, while nothing is latched. */
  readonly openSilenceMs?: number
  /** How long the latched source must have been silent before the same stream (SSRC) may come from elsewhere. */
  readonly moveSilenceMs?: number
  /** The same before another stream may take its place. */
  readonly replaceSilenceMs?: number
}

/** What signalling says. */
export interface SignalledSource {
  /** From SDP: IP literal, and port. `0.0.0.0` or `::` during a hold of RFC 2543. */
  readonly address: string
  readonly port: number
  /** False while the peer is not to send (hold): then no source may be learnt or replaced. */
  readonly isExpected: boolean
  /** Where the peer's SIP messages come from, when known: the host behind a NAT shows this address. */
  readonly signallingAddress?: string | null
}

interface Candidate {
  address: string
  port: number
  ssrc: number
  sequence: number
  packets: number
  heardMs: number
}

/** Strangers watched at a time. More come in turn: the one heard longest ago makes room. */
const maxCandidates = 4

/** A packet "in a row" may be this far ahead: one lost in between is forgiven, a guess is not. */
const maxSequenceStep = 2

/** A moved stream goes on about where it was: 3000 packets are a minute, RFC 3550 A.1's bound for a dropout. */
const maxMoveStep = 3000

/** A candidate's packets must follow each other within this. */
const maxCandidateGapMs = 500

/**
 * Symmetric RTP (RFC 4961) with guarded latching: whose packets are heard, and where ours go. One per RTP port.
 *
 * The rule:
 * 1. We send to the signalled address until another source is latched.
 * 2. The signalled address and port are heard at once, always, whoever else is latched.
 * 3. Nothing latched yet. Another port of the signalled host, or the host the SIP messages come from (`known host`),
 *    latches after 2 packets in a row. Any other source is a stranger and latches after 3, and only if
 *    (a) the signalled address is `local` (RFC 1918 and the like: it may not mean our network), the stranger's is
 *    not, and no known SIP host could show better; or (b) nothing was latched for 1 s since the negotiation.
 * 4. Something latched. A stranger (known hosts included) is refused while the latched source speaks. After 1 s of its
 *    silence the same stream, known by its SSRC and by sequence numbers that go on, may move (a NAT that rebinds, a
 *    phone that changes networks); after 5 s another stream may take over. Both want 3 packets in a row.
 * 5. While the peer is not to send (hold), nothing is learnt or replaced.
 * 6. "In a row": from one address and port, one SSRC, sequence numbers 1 or 2 apart, within 500 ms of each other, of an
 *    agreed payload type. Waiting time that the rule asks for must be over before the first of them.
 * 7. A new negotiation with the same address and port keeps the latch; with another one it opens it anew.
 *
 * So a stranger who sprays a port of a call that is heard gets in never; one who sprays a call that is silent needs the
 * SSRC (32 random bits) or 5 s. A forged source address is beyond what plain RTP can guard against.
 */
export class Latch {
  readonly #options: Required<LatchOptions>
  #signalled: SignalledSource
  #isSignalledLocal = false
  #sinceMs: number
  #isLatched = false
  #address: string
  #port: number
  #ssrc = 0
  #sequence = 0
  #heardMs = 0
  readonly #candidates: Candidate[] = []

  constructor(signalled: SignalledSource, nowMs: number, options: LatchOptions = {}) {
    this.#options = {
      knownHostPackets: options.knownHostPackets ?? 2,
      strangerPackets: options.strangerPackets ?? 3,
      openSilenceMs: options.openSilenceMs ?? 1000,
      moveSilenceMs: options.moveSilenceMs ?? 1000,
      replaceSilenceMs: options.replaceSilenceMs ?? 5000,
    }
    this.#signalled = withCanonicalAddresses(signalled)
    this.#address = this.#signalled.address
    this.#port = signalled.port
    this.#sinceMs = nowMs
    this.#isSignalledLocal = classifyAddress(this.#address) === 'local'
  }

  /** Where our packets go. Unspecified (`0.0.0.0`) while held the old way and never latched: then nothing is sent. */
  get remoteAddress(): string {
    return this.#address
  }

  get remotePort(): number {
    return this.#port
  }

  /** Whether a source has been heard since the last opening. */
  get isLatched(): boolean {
    return this.#isLatched
  }

  /** A new negotiation was agreed on. Rule 7. A hold by `0.0.0.0` keeps the latch: it names no new source. */
  negotiated(signalled: SignalledSource, nowMs: number): void {
    const next = withCanonicalAddresses(signalled)
    const isSame = next.address === this.#signalled.address && next.port === this.#signalled.port
    const isNowhere = classifyAddress(next.address) === 'unspecified'
    this.#candidates.length = 0
    // Time spent on hold is no silence of the source's own making.
    if (!this.#signalled.isExpected && next.isExpected) this.#heardMs = nowMs
    this.#sinceMs = nowMs
    if (isNowhere) {
      this.#signalled = { ...this.#signalled, isExpected: false, signallingAddress: next.signallingAddress ?? null }
      return
    }
    this.#signalled = next
    if (isSame) return
    this.#isSignalledLocal = classifyAddress(next.address) === 'local'
    this.#isLatched = false
    this.#address = next.address
    this.#port = next.port
  }

  /**
   * Judges one packet whose header was read.
   * @param isKnownPayload - whether its payload type was agreed; others never make a source.
   */
  receive(
    address: string,
    port: number,
    ssrc: number,
    sequence: number,
    isKnownPayload: boolean,
    nowMs: number,
  ): LatchVerdict {
    if (this.#isLatched && port === this.#port && address === this.#address) {
      this.#hear(ssrc, sequence, nowMs)
      return 'accepted'
    }
    if (port === this.#signalled.port && address === this.#signalled.address) {
      return this.#latch(address, port, ssrc, sequence, nowMs)
    }
    if (!isKnownPayload || !this.#signalled.isExpected) return 'refused'
    const wanted = this.#wantedPackets(address, ssrc, sequence, nowMs)
    if (wanted === 0) return 'refused'
    const packets = this.#countCandidate(address, port, ssrc, sequence, nowMs)
    return packets >= wanted ? this.#latch(address, port, ssrc, sequence, nowMs) : 'refused'
  }

  /**
   * Judges an RTCP datagram: it must come from the host that RTP is latched to, or from the signalled one. Reports are
   * too rare for "in a row", and they move nothing but where our reports go.
   */
  isRtcpHeard(address: string): boolean {
    return address === this.#address || address === this.#signalled.address
  }

  /** How many packets in a row this source needs; 0: none would do now. */
  #wantedPackets(address: string, ssrc: number, sequence: number, nowMs: number): number {
    const options = this.#options
    if (this.#isLatched) {
      const silentMs = nowMs - this.#heardMs
      if (silentMs >= options.replaceSilenceMs) return options.strangerPackets
      const ahead = sequenceDistance(this.#sequence, sequence)
      const isSameStream = ssrc === this.#ssrc && ahead > 0 && ahead < maxMoveStep
      return isSameStream && silentMs >= options.moveSilenceMs ? options.strangerPackets : 0
    }
    const { signallingAddress } = this.#signalled
    if (address === this.#signalled.address || address === signallingAddress) return options.knownHostPackets
    if (nowMs - this.#sinceMs >= options.openSilenceMs) return options.strangerPackets
    const isBehindNat = this.#isSignalledLocal && (signallingAddress ?? null) === null
    return isBehindNat && classifyAddress(address) === 'public' ? options.strangerPackets : 0
  }

  #countCandidate(address: string, port: number, ssrc: number, sequence: number, nowMs: number): number {
    let candidate = this.#candidates.find((one) => one.port === port && one.address === address && one.ssrc === ssrc)
    if (!candidate) {
      candidate = { address, port, ssrc, sequence, packets: 0, heardMs: nowMs }
      if (this.#candidates.length < maxCandidates) this.#candidates.push(candidate)
      else this.#candidates[this.#oldestCandidate()] = candidate
    }
    const step = sequenceDistance(candidate.sequence, sequence)
    const isSoon = nowMs - candidate.heardMs <= maxCandidateGapMs
    // A network that doubles packets proves nothing, and spoils nothing.
    if (step === 0 && isSoon && candidate.packets > 0) return candidate.packets
    candidate.packets = step > 0 && step <= maxSequenceStep && isSoon ? candidate.packets + 1 : 1
    candidate.sequence = sequence
    candidate.heardMs = nowMs
    return candidate.packets
  }

  #oldestCandidate(): number {
    let oldest = 0
    for (let i = 1; i < this.#candidates.length; i++) {
      if ((this.#candidates[i]?.heardMs ?? 0) < (this.#candidates[oldest]?.heardMs ?? 0)) oldest = i
    }
    return oldest
  }

  #latch(address: string, port: number, ssrc: number, sequence: number, nowMs: number): LatchVerdict {
    this.#isLatched = true
    this.#address = address
    this.#port = port
    this.#hear(ssrc, sequence, nowMs)
    return 'latched'
  }

  #hear(ssrc: number, sequence: number, nowMs: number): void {
    this.#ssrc = ssrc
    this.#sequence = sequence
    this.#heardMs = nowMs
    if (this.#candidates.length > 0) this.#candidates.length = 0
  }
}

function withCanonicalAddresses(signalled: SignalledSource): SignalledSource {
  const { signallingAddress } = signalled
  return {
    ...signalled,
    address: canonicalAddress(signalled.address),
    signallingAddress: signallingAddress ? canonicalAddress(signallingAddress) : null,
  }
}
