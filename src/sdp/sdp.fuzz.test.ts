import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { NegotiationError, ParseError } from '../base/errors.ts'
import { SeededRandom } from '../base/random.ts'
import { newLocalDescription } from './local-description.ts'
import { acceptAnswer, answerOffer, createOffer, familiesOfOffer } from './offer-answer.ts'
import { parseSdp } from './parse.ts'

const names = ['everything.sdp', 'deskphone.sdp', 'softphone.sdp', 'browser.sdp', 'trunk.sdp']
const seeds = names.map(
  (name) => new Uint8Array(readFileSync(new URL(`../../test/fixtures/sdp/${name}`, import.meta.url))),
)

/** Pieces that have upset parsers of SDP. */
const spices = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '=',
  ':',
  '/',
  '-',
  '0',
  '99999999999999999999',
  'm=audio ',
  'a=rtpmap:',
  'c=IN IP4 ',
  '%',
  '[::]',
  '\u{1F4DE}',
  '__proto__',
  '0.0.0.0',
  'a=ptime:',
]

const local = { address: '198.51.100.10', port: 20_000 }

/** Only these two families may come out of SDP. */
function allow(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch (thrown) {
    if (thrown instanceof ParseError || thrown instanceof NegotiationError) return false
    throw thrown
  }
}

describe('SDP under fuzz', () => {
  it('reads, answers or refuses whatever comes, and answers with what it can itself read', () => {
    const random = new SeededRandom(20_260)
    const pick = (count: number): number => random.uint32() % count
    const state = newLocalDescription(1)
    const { pending } = createOffer(local, state)
    let answered = 0
    for (let round = 0; round < 3000; round++) {
      let bytes = Buffer.from(seeds[pick(seeds.length)] ?? [])
      for (let change = pick(4); change >= 0; change--) {
        const at = pick(bytes.length + 1)
        const kind = pick(4)
        if (kind === 0 && bytes.length > 0) bytes[at % bytes.length] = pick(256)
        else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + pick(20))])
        else if (kind === 2) {
          const spice = Buffer.from(spices[pick(spices.length)] ?? '')
          bytes = Buffer.concat([bytes.subarray(0, at), spice, bytes.subarray(at)])
        } else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(pick(bytes.length + 1))])
      }
      allow(() => familiesOfOffer(bytes))
      allow(() => acceptAnswer(pending, bytes))
      allow(() => {
        const { answer, agreed } = answerOffer(bytes, local, state)
        answered++
        expect(parseSdp(answer).media.length).toBe(parseSdp(bytes).media.length)
        expect(agreed.remotePort).toBeGreaterThan(0)
        expect(agreed.remotePort).toBeLessThanOrEqual(65_535)
        expect(agreed.remoteRtcpPort).toBeLessThanOrEqual(65_535)
        expect(agreed.ptimeMs % 10).toBe(0)
      })
    }
    // The changes leave enough whole that the answering code is reached.
    expect(answered).toBeGreaterThan(250)
  })
})
