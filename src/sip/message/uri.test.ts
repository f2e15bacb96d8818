import { describe, expect, it } from 'vitest'
import { MessageError } from './message-error.ts'
import { isSipUri, type SipUri } from './types.ts'
import { parseUri, printUri } from './uri.ts'
import { uriEquals, uriKey } from './uri-compare.ts'

function sip(text: string): SipUri {
  const uri = parseUri(text)
  if (!isSipUri(uri)) throw new Error('A SIP URI was expected.')
  return uri
}

describe('parseUri', () => {
  it('reads every part of a SIP URI', () => {
    expect(sip('sips:alice:pa%20ss@Example.COM:5061;transport=tcp;LR?Subject=hello%20you&priority=urgent')).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 'pa ss',
      host: 'example.com',
      port: 5061,
      parameters: new Map([
        ['transport', 'tcp'],
        ['lr', null],
      ]),
      headers: [
        ['Subject', 'hello you'],
        ['priority', 'urgent'],
      ],
    })
  })

  it('takes headers without parameters and an empty header value', () => {
    expect(sip('sip:a@b.example?Body=').headers).toEqual([['Body', '']])
  })

  it('reads the scheme without regard to case', () => {
    expect(parseUri('SIP:a@b')).toMatchObject({ scheme: 'sip', user: 'a' })
    expect(parseUri('TEL:+6560000001')).toEqual({ scheme: 'tel', opaque: '+6560000001' })
  })

  it('takes an unescaped # in the user part, and writes it escaped', () => {
    expect(printUri(parseUri('sip:*21#@b.example'))).toBe('sip:*21%23@b.example')
  })

  it('takes host names of containers, with underscores and leading digits', () => {
    expect(sip('sip:a@my_host_1').host).toBe('my_host_1')
    expect(sip('sip:a@4f5a6b7c8d9e').host).toBe('4f5a6b7c8d9e')
  })

  it('keeps escaped bytes that are no UTF-8', () => {
    const uri = sip('sip:caf%E9%C3%A9%F0%9F@b.example')
    expect(printUri(uri)).toBe('sip:caf%E9%C3%A9%F0%9F@b.example')
    expect(uri.user).toBe('caf\udce9é\udcf0\udc9f')
  })

  it.each([
    ['', 'empty'],
    ['sip:', 'no host'],
    ['alice@example.com', 'no scheme'],
    ['sip:@example.com', 'empty user'],
    ['sip:a@', 'no host behind the user'],
    ['sip:a@b@c', 'two @'],
    ['sip:a b@c', 'a blank'],
    ['sip:"a"@c', 'quotes'],
    ['sip:é@c', 'a byte above ASCII'],
    ['sip:a%4@c', 'a short escape'],
    ['sip:a%zz@c', 'an escape that is not hexadecimal'],
    ['sip:a@b:', 'an empty port'],
    ['sip:a@b:65536', 'a port too large'],
    ['sip:a@b:5o60', 'a port that is no number'],
    ['sip:a@b;', 'an empty parameter'],
    ['sip:a@b;;lr', 'an empty parameter in between'],
    ['sip:a@b;x=', 'an empty parameter value'],
    ['sip:a@b;x=1;X=2', 'a parameter twice'],
    ['sip:a@b?', 'an empty header'],
    ['sip:a@b?x', 'a header without value'],
    ['sip:a@b?x=1&', 'an empty last header'],
    ['sip:a@-b', 'a label that begins with a hyphen'],
    ['sip:a@b-.c', 'a label that ends with a hyphen'],
    ['sip:a@b..c', 'an empty label'],
    ['sip:a@1.2.3', 'three numbers'],
    ['sip:a@1.2.3.256', 'a number over 255'],
    ['sip:a@example.123', 'a number as last label'],
    ['sip:a@[2001:db8::1', 'an open bracket'],
    ['sip:a@[2001:db8::1::2]', 'two gaps'],
    ['sip:a@[1:2:3:4:5:6:7]', 'seven groups'],
    ['sip:a@[1:2:3:4:5:6:7:8:9]', 'nine groups'],
    ['sip:a@[12345::]', 'a group too long'],
    ['sip:a@[fe80::1%25eth0]', 'a zone'],
    ['sip:a@2001:db8::1', 'IPv6 without brackets'],
    ['1sip:a', 'a scheme that begins with a digit'],
    ['tel:', 'nothing behind the scheme'],
    ['tel:<1>', 'characters no URI has'],
  ])('refuses %j: %s', (text) => {
    expect(() => parseUri(text)).toThrow(MessageError)
  })

  it('refuses a URI that is too long with 414', () => {
    expect(() => parseUri(`sip:${'a'.repeat(3000)}@b`)).toThrow(expect.objectContaining({ sipStatus: 414 }))
  })

  it('names the place of the fault', () => {
    expect(() => parseUri('sip:alice@exa mple.com')).toThrow(expect.objectContaining({ facts: { offset: 13 } }))
  })
})

describe('printUri', () => {
  it('escapes whatever may not stand in its place', () => {
    const uri: SipUri = {
      scheme: 'sip',
      user: 'a b@c:d%',
      password: 'p;w',
      host: 'h',
      port: null,
      parameters: new Map([['x y', 'ü;']]),
      headers: [['Route', '<sip:r;lr>']],
    }
    const text = printUri(uri)
    expect(text).toBe('sip:a%20b%40c%3Ad%25:p%3Bw@h;x%20y=%C3%BC%3B?Route=%3Csip:r%3Blr%3E')
    expect(parseUri(text)).toEqual(uri)
  })

  it('writes other schemes as they came', () => {
    expect(printUri(parseUri('tel:+65-6000;phone-context=x'))).toBe('tel:+65-6000;phone-context=x')
  })
})

/** The pairs of RFC 3261 §19.1.4, and ours. */
describe('uriEquals', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:a@[2001:DB8::1]', 'sip:a@[2001:db8::1]'],
    ['tel:123', 'tel:123'],
  ])('finds %s and %s the same, and gives them one key', (a, b) => {
    expect(uriEquals(parseUri(a), parseUri(b))).toBe(true)
    expect(uriEquals(parseUri(b), parseUri(a))).toBe(true)
    expect(uriKey(parseUri(a))).toBe(uriKey(parseUri(b)))
  })

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:a@b;x=1', 'sip:a@b;x=2'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b;user=phone', 'sip:a@b'],
    ['tel:123', 'sip:123@b'],
  ])('tells %s from %s', (a, b) => {
    expect(uriEquals(parseUri(a), parseUri(b))).toBe(false)
    expect(uriEquals(parseUri(b), parseUri(a))).toBe(false)
  })
})
