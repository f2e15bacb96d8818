import { describe, expect, it } from 'vitest'
import { canonicalAddress, classifyAddress } from './address.ts'

describe('classifyAddress', () => {
  it.each([
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['phone.example.com', 'unspecified'],
    ['', 'unspecified'],
    ['10.1.2.3', 'local'],
    ['172.16.0.1', 'local'],
    ['172.31.255.255', 'local'],
    ['172.32.0.1', 'public'],
    ['192.168.0.1', 'local'],
    ['100.64.0.1', 'local'],
    ['100.128.0.1', 'public'],
    ['169.254.1.1', 'local'],
    ['127.0.0.1', 'local'],
    ['::1', 'local'],
    ['fd00::1', 'local'],
    ['fe80::1', 'local'],
    ['2001:db8::1', 'public'],
    ['203.0.113.1', 'public'],
    ['224.0.0.1', 'group'],
    ['255.255.255.255', 'group'],
    ['ff02::1', 'group'],
  ])('takes %s for %s', (address, kind) => {
    expect(classifyAddress(address)).toBe(kind)
  })
})

describe('canonicalAddress', () => {
  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['192.0.2.1', '192.0.2.1'],
    ['name.example', 'name.example'],
    ['::', '::'],
  ])('writes %s as %s', (address, text) => {
    expect(canonicalAddress(address)).toBe(text)
  })
})
