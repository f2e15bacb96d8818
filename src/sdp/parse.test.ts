import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { parse as parseLoosely } from 'sdp-transform'
import { describe, expect, it } from 'vitest'
import { ParseError } from '../base/errors.ts'
import { parseSdp, sdpLimits } from './parse.ts'
import { printSdp } from './print.ts'
import type { SessionDescription } from './session-description.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const lines = (...all: string[]): Uint8Array => bytes(`${all.join('\r\n')}\r\n`)
const head = ['v=0', 'o=- 1 2 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/sdp/${name}`, import.meta.url)))

/** What it says when it refuses; the parsed thing when it does not. */
function refusal(sdp: Uint8Array): string {
  try {
    parseSdp(sdp)
  } catch (thrown) {
    if (thrown instanceof ParseError)
      return `${thrown.code}: ${thrown.message.replace(' of the session description', '')}`
    throw thrown
  }
  return 'accepted'
}

describe('parseSdp', () => {
  it('reads every part of a description', () => {
    const description = parseSdp(fixture('everything.sdp'))
    expect(description.origin).toEqual({
      username: 'jdoe',
      sessionId: '3724394400',
      version: '3724394405',
      family: 'ip4',
      address: '198.51.100.1',
    })
    expect(description.sessionName).toBe('Café')
    expect(description.connection).toEqual({ family: 'ip4', address: '198.51.100.1', suffix: '' })
    expect(description.timings).toEqual(['t=3724394400 3724398000', 'r=604800 3600 0 90000', 't=0 0'])
    expect(description.otherLines.map(({ type }) => type).join('')).toBe('iuepbbzk')
    expect(description.attributes).toEqual([
      { name: 'recvonly', value: null },
      { name: 'group', value: 'BUNDLE 1 2' },
    ])
    expect(description.media).toHaveLength(3)
    expect(description.media[0]).toMatchObject({
      media: 'audio',
      port: 49_170,
      portCount: 1,
      protocol: 'RTP/AVP',
      formats: ['0', '96'],
      connection: null,
      attributes: [{ name: 'rtpmap', value: '96 telephone-event/8000' }],
    })
    expect(description.media[1]).toMatchObject({
      media: 'video',
      port: 51_372,
      portCount: 2,
      connection: { family: 'ip6', address: 'ff15::101', suffix: '/3' },
    })
    expect(description.media[2]).toMatchObject({ media: 'x-whiteboard', protocol: 'TCP/X-proto', formats: ['wb', '*'] })
  })

  it('prints what it read, so that both say the same', () => {
    const first = parseSdp(fixture('everything.sdp'))
    expect(parseSdp(printSdp(first))).toEqual(first)
    expect(Buffer.from(printSdp(first)).toString()).toBe(Buffer.from(fixture('everything.sdp')).toString())
  })

  it('is kind to what telephones write', () => {
    const kind: Record<string, Uint8Array> = {
      'bare line feeds': bytes(`${head.join('\n')}\nm=audio 4000 RTP/AVP 0\n`),
      'no end to the last line': bytes([...head, 'm=audio 4000 RTP/AVP 0'].join('\r\n')),
      'empty lines at the end': lines(...head, 'm=audio 4000 RTP/AVP 0', '', ''),
      'spaces at the ends of lines': lines(...head.map((line) => `${line} `), 'm=audio 4000  RTP/AVP 0  '),
      'lines of a section in any order': lines('v=0', 't=0 0', 's=-', 'c=IN IP4 192.0.2.1', 'o=- 1 2 IN IP4 x.example'),
      'neither s= nor t=': lines('v=0', 'o=- 1 2 IN IP4 192.0.2.1', 'm=audio 4000 RTP/AVP 0'),
      'an empty s=': lines('v=0', 'o=- 1 2 IN IP4 192.0.2.1', 's=', 't=0 0'),
      'a user name with spaces': lines('v=0', 'o=Mary Ann 1 2 IN IP4 192.0.2.1', 's=-', 't=0 0'),
      'a refused stream without formats': lines(...head, 'm=video 0 RTP/AVP'),
      'an attribute without a name': lines(...head, 'a=', 'a=:x', 'm=audio 4000 RTP/AVP 0', 'a=  '),
      'numbers beyond a double': lines(
        'v=0',
        'o=- 18446744073709551615 99999999999999999999 IN IP4 192.0.2.1',
        't=0 0',
      ),
      'bytes that are not UTF-8': Uint8Array.from([...lines(...head), 0x61, 0x3d, 0x78, 0x3a, 0xe9, 0x0a]),
    }
    for (const [name, sdp] of Object.entries(kind)) expect(refusal(sdp), name).toBe('accepted')
  })

  it.each([
    ['nothing at all', bytes(''), 'Line 1 '],
    ['another version', lines('v=1', ...head.slice(1)), 'Line 1 must be v=0'],
    ['v= not first', lines('s=-', ...head), 'Line 1 must be v=0'],
    ['no o=', lines('v=0', 's=-', 't=0 0'), 'no o= line'],
    ['a second o=', lines(...head, 'o=- 1 2 IN IP4 192.0.2.1'), 'Line 6 is a second o= line'],
    ['an o= too short', lines('v=0', 'o=- 1 IN IP4 192.0.2.1'), 'Line 2 '],
    ['an o= with letters for numbers', lines('v=0', 'o=- one 2 IN IP4 192.0.2.1'), 'Line 2 '],
    ['a second c= of the session', lines(...head, 'c=IN IP4 192.0.2.2'), 'Line 6 is a second c= line'],
    ['a c= of another network', lines('v=0', 'c=ATM IP4 192.0.2.1'), 'Line 2 must be IN'],
    ['a c= of another family', lines('v=0', 'c=IN IP5 192.0.2.1'), 'neither IP4 nor IP6'],
    ['a c= with more behind', lines('v=0', 'c=IN IP4 192.0.2.1 extra'), 'Line 2 must be IN'],
    ['a c= without address', lines('v=0', 'c=IN IP4'), 'Line 2 must be IN'],
    ['a t= with letters', lines('v=0', 't=now then'), 'Line 2 must be two numbers'],
    ['an m= without port', lines(...head, 'm=audio'), 'Line 6 has no port'],
    ['an m= with junk behind the port', lines(...head, 'm=audio 4000x RTP/AVP 0'), 'Line 6 has no port'],
    ['an m= with a negative port', lines(...head, 'm=audio -4000 RTP/AVP 0'), 'Line 6 has no port'],
    ['an m= beyond port 65535', lines(...head, 'm=audio 65536 RTP/AVP 0'), 'Line 6 has no port'],
    ['an m= without protocol', lines(...head, 'm=audio 4000'), 'Line 6 names no protocol'],
    ['an m= without format', lines(...head, 'm=audio 4000 RTP/AVP'), 'Line 6 names no format'],
    ['an m= with an odd medium', lines(...head, 'm=au/dio 4000 RTP/AVP 0'), 'Line 6 names no medium'],
    ['a t= behind m=', lines(...head, 'm=audio 4000 RTP/AVP 0', 't=0 0'), 'letter t'],
    ['a letter nobody knows', lines(...head, 'q=1'), 'letter q'],
    ['a line that is none', lines(...head, 'hello'), 'not of the form'],
    ['an empty line in the middle', lines(...head, '', 'm=audio 4000 RTP/AVP 0'), 'not of the form'],
    ['a capital letter', lines('v=0', 'O=- 1 2 IN IP4 192.0.2.1'), 'not of the form'],
    ['a NUL', lines(...head, 'a=x:\0'), 'control character'],
    ['a carriage return inside a line', lines(...head, 'a=x\ry'), 'control character'],
  ])('refuses %s, naming the line', (_name, sdp, sentence) => {
    expect(refusal(sdp)).toContain('sdp.malformed: ')
    expect(refusal(sdp)).toContain(sentence)
  })

  it('refuses what is too large, by bytes, lines, streams and formats', () => {
    const media = (count: number): string[] => Array.from({ length: count }, () => 'm=audio 0 RTP/AVP 0')
    const large: Uint8Array[] = [
      lines(...head, `a=x:${'y'.repeat(sdpLimits.bytes)}`),
      lines(...head, ...Array.from({ length: sdpLimits.lines }, () => 'a=x')),
      lines(...head, ...media(sdpLimits.media + 1)),
      lines(...head, `m=audio 4000 RTP/AVP${' 0'.repeat(sdpLimits.formats + 1)}`),
    ]
    for (const sdp of large) expect(refusal(sdp)).toMatch(/^sdp\.too-large: /)
    expect(refusal(lines(...head, ...media(sdpLimits.media)))).toBe('accepted')
  })

  it('either reads or refuses a description cut at every byte', () => {
    const whole = fixture('everything.sdp')
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(whole.slice(0, length))).toMatch(/^(accepted|sdp\.malformed: )/)
    }
  })

  it('agrees with an unrelated reader about what real telephones send', () => {
    for (const name of ['deskphone.sdp', 'softphone.sdp', 'browser.sdp', 'trunk.sdp']) {
      const ours = parseSdp(fixture(name))
      const theirs = parseLoosely(Buffer.from(fixture(name)).toString())
      expect(ours.connection?.address, name).toBe(theirs.connection?.ip)
      expect(ours.origin.sessionId).toBe(String(theirs.origin?.sessionId))
      expect(
        ours.media.map(({ media, port, protocol, formats, attributes }) => ({
          type: media,
          port,
          protocol,
          payloads: formats.join(' '),
          rtp: attributes.filter((one) => one.name === 'rtpmap').length,
        })),
        name,
      ).toEqual(
        theirs.media.map(({ type, port, protocol, payloads, rtp }) => ({
          type,
          port,
          protocol,
          payloads: String(payloads),
          rtp: rtp.length,
        })),
      )
    }
  })

  it('reads back every description that can be built', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/)
    const attribute = fc.record({ name: token, value: fc.option(fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/)) })
    const connection = fc.record({
      family: fc.constantFrom('ip4' as const, 'ip6' as const),
      address: fc.constantFrom('192.0.2.1', '2001:db8::1', 'host.example'),
      suffix: fc.constantFrom('', '/127', '/127/2'),
    })
    const media = fc.record({
      media: token,
      port: fc.nat(65_535),
      portCount: fc.integer({ min: 1, max: 9 }),
      protocol: fc.constantFrom('RTP/AVP', 'udptl', 'UDP/TLS/RTP/SAVPF'),
      formats: fc.array(token, { minLength: 1, maxLength: 5 }),
      connection: fc.option(connection),
      attributes: fc.array(attribute, { maxLength: 4 }),
      otherLines: fc.constant([]),
    })
    const description = fc.record({
      origin: fc.record({
        username: token,
        sessionId: fc.stringMatching(/^\d{1,20}$/),
        version: fc.stringMatching(/^\d{1,20}$/),
        family: fc.constantFrom('ip4' as const, 'ip6' as const),
        address: fc.constant('192.0.2.9'),
      }),
      sessionName: fc.stringMatching(/^[!-~]{1,9}$/),
      connection: fc.option(connection),
      timings: fc.constant(['t=0 0']),
      attributes: fc.array(attribute, { maxLength: 4 }),
      otherLines: fc.constant([]),
      media: fc.array(media, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(description, (built: SessionDescription) => {
        expect(parseSdp(printSdp(built))).toEqual(built)
      }),
      { seed: 20_260_101 },
    )
  })
})
