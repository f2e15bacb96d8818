import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SipCallId } from '../../base/ids.ts'
import { createRequest, createResponse } from './build.ts'
import { parseChallenge, printChallenge } from './challenge.ts'
import { CharClass } from './char-classes.ts'
import { escape, unescape } from './escapes.ts'
import { parseNameAddress, parseNameAddressList, printNameAddress } from './name-address.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'
import { parseReasonList, printReason } from './reason.ts'
import type { NameAddress, SipMessage, SipUri, Uri, Via } from './types.ts'
import { parseUri, printUri } from './uri.ts'
import { uriEquals, uriKey } from './uri-compare.ts'
import { parseVia, parseViaList, printVia } from './via.ts'

const runs = { numRuns: 300, seed: 20_261_121 }

const tokenCharacters = "abcXYZ019-.!%*_+`'~"
const token = fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 12 })
const name = token.map((text) => text.toLowerCase())
/** Any text that a line can hold: no line breaks, and well-formed, since the wire is UTF-8. */
const anyText = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, ' '))
const someText = anyText.filter((text) => text !== '')
const host = fc.oneof(
  fc.constantFrom(
    'a',
    'example.com',
    'a-b.c0',
    '192.0.2.1',
    '[2001:db8::1]',
    '[::ffff:192.0.2.10]',
    '[::]',
    'x_y',
    'b.',
  ),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
)
const port = fc.option(fc.integer({ min: 0, max: 65_535 }))
const uriParameters = fc.dictionary(
  someText.map((text) => text.toLowerCase()),
  fc.option(someText),
  { maxKeys: 4 },
)
const sipUri: fc.Arbitrary<SipUri> = fc
  .record({
    scheme: fc.constantFrom('sip' as const, 'sips' as const),
    user: fc.option(someText),
    password: fc.option(anyText),
    host,
    port,
    parameters: uriParameters.map((found) => new Map(Object.entries(found))),
    headers: fc.array(fc.tuple(someText, anyText), { maxLength: 3 }),
  })
  .map((uri) => (uri.user === null ? { ...uri, password: null } : uri))
const otherUri: fc.Arbitrary<Uri> = fc.constantFrom<Uri>(
  { scheme: 'tel', opaque: '+65-1;phone-context=b' },
  { scheme: 'urn', opaque: 'service:sos' },
  { scheme: 'http', opaque: '//a/b?c=d&e' },
)
const uri = fc.oneof({ weight: 5, arbitrary: sipUri }, { weight: 1, arbitrary: otherUri })
const parameters = fc
  .dictionary(name, fc.option(fc.oneof(token, host, anyText)), { maxKeys: 4 })
  .map((found): ReadonlyMap<string, string | null> => new Map(Object.entries(found)))
const nameAddress: fc.Arbitrary<NameAddress> = fc.record({ displayName: fc.option(anyText), uri, parameters })
const tagged = nameAddress.chain((address) =>
  token.map((tag) => ({ ...address, parameters: new Map([...address.parameters, ['tag', tag]]) })),
)
const via: fc.Arbitrary<Via> = fc.record({
  transport: token.map((text) => text.toUpperCase()),
  host,
  port,
  parameters: fc
    .dictionary(
      name.filter((text) => text !== 'branch'),
      fc.option(fc.oneof(token, host, anyText)),
      { maxKeys: 4 },
    )
    .map((found): ReadonlyMap<string, string | null> => new Map(Object.entries(found)).set('branch', 'z9hG4bKx')),
})
const message: fc.Arbitrary<SipMessage> = fc
  .record({
    method: token,
    uri: fc.oneof(
      sipUri.map((found) => ({ ...found, headers: [] })),
      otherUri,
    ),
    from: tagged,
    to: nameAddress.filter((address) => !address.parameters.has('tag')),
    sipCallId: token.map((text) => `${text}@x` as SipCallId),
    cseq: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    maxForwards: fc.integer({ min: 0, max: 255 }),
    headers: fc.array(
      fc.tuple(
        token.map((text) => `X-${text}`),
        anyText.map((text) => text.trim()),
      ),
      { maxLength: 5 },
    ),
    body: fc.uint8Array({ maxLength: 40 }),
    vias: fc.array(via, { minLength: 1, maxLength: 4 }),
    status: fc.option(fc.integer({ min: 100, max: 699 })),
  })
  .map(({ vias, status, ...options }) => {
    const request = createRequest(options)
    const [top, ...others] = vias
    request.headers.set('Via', vias.map((found) => printVia(found)).join(', '))
    const whole = { ...request, vias: top === undefined ? request.vias : ([top, ...others] as const) }
    return status === null ? whole : createResponse(whole, status, { toTag: 'ours', body: options.body })
  })

describe('what is printed is read back as it was', () => {
  it('for %-escapes, of any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 30 }), (bytes) => {
        const text = bytes.map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')
        const plain = unescape(text)
        // No character belongs to the class 0, so that everything is escaped again.
        expect(plain === null ? null : escape(plain, 0)).toBe(text)
      }),
      runs,
    )
    expect(escape('a b', CharClass.user)).toBe('a%20b')
  })

  it('for URIs', () => {
    fc.assert(
      fc.property(uri, (value) => {
        const read = parseUri(printUri(value))
        expect(read).toEqual(value)
        expect(uriEquals(read, value)).toBe(true)
        expect(uriKey(read)).toBe(uriKey(value))
      }),
      runs,
    )
  })

  it('for addresses, alone and in a list', () => {
    fc.assert(
      fc.property(nameAddress, nameAddress, (one, two) => {
        expect(parseNameAddress(printNameAddress(one))).toEqual(one)
        expect(parseNameAddressList(`${printNameAddress(one)},${printNameAddress(two)}`)).toEqual([one, two])
      }),
      runs,
    )
  })

  it('for Via values, alone and in a list', () => {
    fc.assert(
      fc.property(via, via, (one, two) => {
        expect(parseVia(printVia(one))).toEqual(one)
        expect(parseViaList(`${printVia(one)} , ${printVia(two)}`)).toEqual([one, two])
      }),
      runs,
    )
  })

  it('for challenges', () => {
    fc.assert(
      fc.property(token, fc.dictionary(name, anyText, { minKeys: 1, maxKeys: 5 }), (scheme, found) => {
        const challenge = { scheme, parameters: new Map(Object.entries(found)) }
        expect(parseChallenge(printChallenge(challenge))).toEqual(challenge)
      }),
      runs,
    )
  })

  it('for reasons', () => {
    const reason = fc.record({ protocol: token, cause: fc.option(fc.nat(999)), text: anyText })
    fc.assert(
      fc.property(fc.array(reason, { minLength: 1, maxLength: 3 }), (reasons) => {
        expect(parseReasonList(reasons.map((found) => printReason(found)).join(','))).toEqual(reasons)
      }),
      runs,
    )
  })

  it('for whole messages', () => {
    fc.assert(
      fc.property(message, (value) => {
        const read = parseMessage(printMessage(value))
        const { headers, body, ...rest } = read
        const { headers: sentHeaders, body: sentBody, ...sent } = value
        expect(rest).toEqual(sent)
        expect(new Uint8Array(body)).toEqual(new Uint8Array(sentBody))
        const lines = [...headers.entries()].filter(([line]) => line !== 'Content-Length')
        expect(lines).toEqual([...sentHeaders.entries()])
      }),
      runs,
    )
  })
})
