import { describe, expect, it } from 'vitest'
import { MessageError } from './message-error.ts'
import { parseReplaces, printReplaces } from './replaces.ts'

describe('a Replaces', () => {
  it.each([
    // RFC 3891 §6.1.
    [
      '98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff',
      { sipCallId: '98732@sip.example.com', fromTag: 'r33th4x0r', toTag: 'ff87ff', isEarlyOnly: false },
    ],
    [
      '12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only',
      { sipCallId: '12adf2f34456gs5', fromTag: '54321', toTag: '12345', isEarlyOnly: true },
    ],
    [
      '  87134@171.161.34.23 ; TO-TAG=24796 ;from-tag=0 ',
      { sipCallId: '87134@171.161.34.23', fromTag: '0', toTag: '24796', isEarlyOnly: false },
    ],
    ['a(b)<c>:"d"@e[f]?{g};to-tag=1;from-tag=2', expect.objectContaining({ sipCallId: 'a(b)<c>:"d"@e[f]?{g}' })],
  ])('%s is read, and written as it may be sent', (text, replaces) => {
    const read = parseReplaces(text)
    expect(read).toEqual(replaces)
    expect(parseReplaces(printReplaces(read))).toEqual(read)
  })

  it.each([
    '',
    ';to-tag=1;from-tag=2',
    'call',
    'call;to-tag=1',
    'call;from-tag=1',
    'call;to-tag=;from-tag=2',
    'call;to-tag;from-tag=2',
    'call;to-tag="a;b";from-tag=2',
    'call;to-tag=1;to-tag=3;from-tag=2',
    'call@a@b;to-tag=1;from-tag=2',
    'call@;to-tag=1;from-tag=2',
    'two words;to-tag=1;from-tag=2',
    'a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2',
    'call;to-tag=1;from-tag=2 x',
  ])('that says "%s" is none', (text) => {
    expect(() => parseReplaces(text)).toThrow(MessageError)
  })
})
