import { describe, expect, it } from 'vitest'
import { parseCidr } from '../../config/addresses.ts'
import { AddressPolicy } from './address-policy.ts'
import { describeUrlText, readTarget } from './outgoing-url.ts'

const none = new AddressPolicy(false)

describe('private addresses', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.2.1',
    '198.19.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'localhost',
    '10.0.0.0/8',
    '',
  ])('hold %s', (address) => {
    expect(none.isAllowed(address)).toBe(false)
  })

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1'])(
    'do not hold %s',
    (address) => {
      expect(none.isAllowed(address)).toBe(true)
    },
  )

  it('are allowed as the operator says: all, or those in the ranges, however they are written', () => {
    const all = new AddressPolicy(true)
    expect(all.isAllowed('127.0.0.1') && all.isAllowed('fe80::1%eth0')).toBe(true)
    const some = new AddressPolicy([parseCidr('10.1.0.0/16'), parseCidr('fd00::/8')].filter((cidr) => cidr !== null))
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '64:ff9b::10.1.2.3', 'fd00::7'])
      expect(some.isAllowed(address), address).toBe(true)
    for (const address of ['10.2.0.1', '127.0.0.1', '::1', 'fe80::1'])
      expect(some.isAllowed(address), address).toBe(false)
  })
})

describe('an address that arrived over an API', () => {
  const read = (text: string) => readTarget(text, false, none)

  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://017700000001/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://127.0.0.1./',
    'http://①②⑦.0.0.1/',
    'http://127。0。0。1/',
    'http:/\\127.0.0.1/',
    'http://1.1.1.1@127.0.0.1/',
    'http://127.0.0.1:80\\@example.com/',
    'http://0/',
    'http://[::]/',
    'http://[::1]:8080/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:0001]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'https://[fd00::1]/',
    'http://169.254.169.254/latest/meta-data/',
  ])('is refused when it spells a private one: %s', (text) => {
    expect(read(text)).toMatchObject({ code: 'outgoing.address-refused' })
    expect(readTarget(text, true, none)).toHaveProperty('url')
  })

  it.each([
    'http://[fe80::1%25eth0]/',
    'http://[fe80::1%eth0]/',
    '',
    'no address',
    '//host/',
    'http://',
    'http://a b/',
  ])('is refused when it is none: %s', (text) => {
    expect(read(text)).toMatchObject({ code: 'outgoing.url-invalid' })
  })

  it.each([
    'file:///etc/passwd',
    'ftp://host/',
    'gopher://host/',
    'data:,x',
    'javascript:alert(1)',
    'unix:/run/x.sock',
  ])('is refused when it is neither http nor https: %s', (text) => {
    expect(read(text)).toMatchObject({ code: 'outgoing.url-invalid' })
  })

  it('is taken when it is public, and shown without credentials and the values of its query', () => {
    expect(read('https://us%40er:pa%3Ass@Hooks.Example.com:443/in?token=abc&n=1&token=d#frag')).toMatchObject({
      host: 'hooks.example.com',
      isLiteral: false,
      shown: 'https://hooks.example.com/in?token=…&n=…',
    })
    expect(read('http://[2606:4700::1111]:8080/')).toMatchObject({ host: '2606:4700::1111', isLiteral: true })
    expect(read(`http://host/${'x'.repeat(5000)}`)).toMatchObject({ code: 'outgoing.url-invalid' })
  })

  it('shows no secret even when it cannot be read', () => {
    const { sentence } = read('http://user:secret-1@[broken/path?token=secret-2') as { sentence: string }
    expect(sentence).not.toMatch(/secret/)
    expect(describeUrlText('http://user:secret@host/?key=secret')).toBe('http://host/?key=…')
    expect(describeUrlText('secret')).not.toContain('secret')
  })
})
