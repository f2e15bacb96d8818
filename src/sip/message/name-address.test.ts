import { describe, expect, it } from 'vitest'
import { tagOf, withTag } from './addresses.ts'
import { MessageError } from './message-error.ts'
import { parseNameAddress, parseNameAddressList, parseRouteList, printNameAddress } from './name-address.ts'
import { printUri } from './uri.ts'

describe('parseNameAddress', () => {
  it('reads a quoted name, a URI with parameters of its own, and parameters of the header field', () => {
    const address = parseNameAddress('"A. \\"Bell\\\\" <sip:a@b;user=phone>;tag=12;+x="<urn:1>"')
    expect(address.displayName).toBe('A. "Bell\\')
    expect(printUri(address.uri)).toBe('sip:a@b;user=phone')
    expect([...address.parameters]).toEqual([
      ['tag', '12'],
      ['+x', '<urn:1>'],
    ])
  })

  it('gives the parameters behind a bare URI to the header field', () => {
    const address = parseNameAddress('sip:a@b;user=phone ; tag = 1')
    expect(printUri(address.uri)).toBe('sip:a@b')
    expect([...address.parameters.keys()]).toEqual(['user', 'tag'])
  })

  it('takes an unquoted name with letters above ASCII', () => {
    expect(parseNameAddress('Nguyễn Lan <sip:a@b>').displayName).toBe('Nguyễn Lan')
  })

  it('keeps a comma and a > in a quoted name apart from the list', () => {
    const names = parseNameAddressList('"a, <b>" <sip:x@y>, <sip:z@y>;q=0.5').map((address) => address.displayName)
    expect(names).toEqual(['a, <b>', null])
  })

  it.each([
    ['', 'nothing'],
    ['<sip:a@b', 'an open <'],
    ['"a <sip:a@b>', 'an open quote'],
    ['"a" sip:a@b', 'a name without <'],
    ['a, b <sip:a@b>', 'a comma in a bare name'],
    ['<sip:a@b>x', 'something behind the >'],
    ['<sip:a@b>;', 'an empty parameter'],
    ['<sip:a@b>;=1', 'a parameter without a name'],
    ['<sip:a@b>;x=', 'a parameter without a value'],
    ['<sip:a@b>;tag=1;TAG=2', 'a parameter twice'],
    ['sip:a@b?x=y', 'a ? in a bare URI'],
    ['< sip:a@b>', 'a blank behind <'],
    ['"a\u0001" <sip:a@b>', 'a control character in a name'],
    ['"a\\é" <sip:a@b>', 'a backslash before what is not ASCII'],
    ['<sip:a@b>, ', 'nothing behind a comma'],
  ])('refuses %j: %s', (text) => {
    expect(() => parseNameAddressList(text)).toThrow(MessageError)
  })

  it('wants <> in a route, where ;lr would change its place without', () => {
    expect(parseRouteList('<sip:a;lr>,<sip:b;lr>')).toHaveLength(2)
    expect(() => parseRouteList('sip:a;lr')).toThrow(MessageError)
  })

  it('bounds how many parameters and addresses there are', () => {
    const parameters = Array.from({ length: 65 }, (_, i) => `;p${i}`).join('')
    expect(() => parseNameAddress(`<sip:a@b>${parameters}`)).toThrow(
      expect.objectContaining({ code: 'sip-message.too-large' }),
    )
    const many = Array.from({ length: 257 }, () => '<sip:a@b>').join(',')
    expect(() => parseNameAddressList(many)).toThrow(expect.objectContaining({ code: 'sip-message.too-large' }))
  })
})

describe('printNameAddress', () => {
  it.each([
    ['<sip:a@b>', '<sip:a@b>'],
    ['sip:a@b;tag=1', '<sip:a@b>;tag=1'],
    ['Alice Bell<sip:a@b>', 'Alice Bell <sip:a@b>'],
    ['"Bell, A."   <sip:a@b>', '"Bell, A." <sip:a@b>'],
    ['"" <sip:a@b>', '"" <sip:a@b>'],
    ['"x\\"y" <sip:a@b>;z="1 2"', '"x\\"y" <sip:a@b>;z="1 2"'],
  ])('writes %s as %s', (text, printed) => {
    expect(printNameAddress(parseNameAddress(text))).toBe(printed)
  })

  it('lets no line break out of a display name or a parameter', () => {
    const uri = parseNameAddress('<sip:a@b>').uri
    const text = printNameAddress({ displayName: 'a\r\nVia: x', uri, parameters: new Map([['p', 'q\r\nr']]) })
    expect(text).toBe('"a  Via: x" <sip:a@b>;p="q  r"')
  })
})

describe('withTag', () => {
  it('sets and takes away a tag and leaves the address given alone', () => {
    const address = parseNameAddress('<sip:a@b>;x=1')
    const tagged = withTag(address, 'abc')
    expect(tagOf(tagged)).toBe('abc')
    expect(tagOf(address)).toBeNull()
    expect(printNameAddress(withTag(tagged, null))).toBe('<sip:a@b>;x=1')
  })
})
