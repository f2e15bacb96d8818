import { describe, expect, it } from 'vitest'
import { MessageError } from './message-error.ts'
import { parseReferTo, printReferTo } from './refer-to.ts'
import { parseUri, printUri } from './uri.ts'

const name = { sipCallId: '425928@bobster.example.org', toTag: '7743', fromTag: '6472', isEarlyOnly: false }

describe('a Refer-To', () => {
  it.each([
    ['sip:alice@atlanta.example.com', 'sip:alice@atlanta.example.com', 'INVITE'],
    ['<sips:alice@atlanta.example.com;transport=tcp>;x=y', 'sips:alice@atlanta.example.com;transport=tcp', 'INVITE'],
    ['"Alice" <sip:alice@a.example?Subject=hi&Priority=urgent>', 'sip:alice@a.example', 'INVITE'],
    ['<sip:conf@a.example;method=BYE>', 'sip:conf@a.example', 'BYE'],
    ['<tel:+6560000001>', 'tel:+6560000001', 'INVITE'],
    ['<http://example.com/a>', 'http://example.com/a', 'INVITE'],
  ])('%s asks for %s', (text, uri, method) => {
    const read = parseReferTo(text)
    expect(printUri(read.target.uri)).toBe(uri)
    expect(read.method).toBe(method)
    expect(read.replaces).toBeNull()
  })

  it.each([
    // RFC 3891 §6.1, with the escapes that a URI needs.
    '<sip:dave@denver.example.org?Replaces=425928%40bobster.example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472>',
    '<sip:dave@denver.example.org?replaces=425928%40bobster.example.org%3bfrom-tag%3d6472%3bto-tag%3d7743>',
    '<sip:dave@denver.example.org?Require=replaces&Replaces=425928%40bobster.example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472>',
    // Without <>, as some telephones have it.
    'sip:dave@denver.example.org?Replaces=425928%40bobster.example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472',
  ])('%s names the dialog to be replaced', (text) => {
    const read = parseReferTo(text)
    expect(read.replaces).toEqual(name)
    expect(printUri(read.target.uri)).toBe('sip:dave@denver.example.org')
  })

  it('is written with its Replaces escaped, and read again the same', () => {
    const printed = printReferTo(parseUri('sip:dave@denver.example.org;transport=tcp'), { ...name, isEarlyOnly: true })
    expect(printed).toBe(
      '<sip:dave@denver.example.org;transport=tcp?Replaces=425928%40bobster.example.org%3Bto-tag%3D7743%3Bfrom-tag%3D6472%3Bearly-only>',
    )
    expect(parseReferTo(printed).replaces).toEqual({ ...name, isEarlyOnly: true })
  })

  it('keeps a Call-ID whole that is full of what URIs escape', () => {
    const strange = { ...name, sipCallId: '100%25(a)&b?c@[::1]'.replace('&', '"') }
    expect(parseReferTo(printReferTo(parseUri('sip:a@b'), strange)).replaces).toEqual(strange)
  })

  it.each([
    '',
    '<sip:a@b>, <sip:c@d>',
    'sip:a@b, sip:c@d',
    '<sip:a@b',
    '<sip:a@b?Replaces=x>',
    '<sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=y%3Bto-tag%3D1%3Bfrom-tag%3D2>',
    'nonsense',
  ])('that says "%s" is refused', (text) => {
    expect(() => parseReferTo(text)).toThrow(MessageError)
  })
})
