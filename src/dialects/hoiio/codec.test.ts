import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Refusal,
  readDate,
  readNumber,
  readParameters as readParametersOf,
  readRoom,
  readWhole,
  writeAnswer,
  writeDate,
  writeNotification,
} from './codec.ts'

const readParameters = (query: string, body: string): ReturnType<typeof readParametersOf> =>
  readParametersOf(query, Buffer.from(body))

describe('reading parameters', () => {
  it.each([
    ['a percent-encoded query', 'dest=%2B6591&msg=Hello%20you', '', { dest: '+6591', msg: 'Hello you' }],
    ['a form', '', 'dest=%2B6591&msg=Hello+you', { dest: '+6591', msg: 'Hello you' }],
    ['text that is not encoded', '', 'dest=+6591&msg=100% sure, a/b?', { dest: ' 6591', msg: '100% sure, a/b?' }],
    ['a query and a form together', 'app_id=A', 'msg=Hi', { app_id: 'A', msg: 'Hi' }],
    ['empty values, which are left out', 'msg=&tag=&dest=%2B1', '', { dest: '+1' }],
    [
      'an address with its own query, encoded',
      '',
      'notify_url=http%3A%2F%2Fx%2F%3Fa%3D1%26b%3D2',
      { notify_url: 'http://x/?a=1&b=2' },
    ],
    ['an = in a value', '', 'notify_url=http://x/?a=1', { notify_url: 'http://x/?a=1' }],
    ['one value given twice', 'tag=T', 'tag=T', { tag: 'T' }],
    ['a line end behind the form', '', 'tag=T\r\n', { tag: 'T' }],
    ['a byte order mark before the form', '', '\uFEFFtag=T', { tag: 'T' }],
    ['UTF-8', '', 'msg=%E4%BD%A0%E5%A5%BD', { msg: '你好' }],
    ['UTF-8 that is not percent-encoded', '', 'msg=你好', { msg: '你好' }],
    ['the same in a query', Buffer.from('msg=你好').toString('latin1'), '', { msg: '你好' }],
    ['a replacement character that was sent as one', '', 'msg=%EF%BF%BD', { msg: '\uFFFD' }],
    ['nothing', '', '', {}],
  ])('takes %s', (_, query, body, expected) => {
    expect(Object.fromEntries(readParameters(query, body))).toEqual(expected)
  })

  it('refuses a parameter with two values, and a flood of them', () => {
    const refused = (query: string, body: string) => () => readParameters(query, body)
    expect(refused('tag=A', 'tag=B')).toThrow('error_malformed_params')
    expect(refused('', Array.from({ length: 100 }, (_, i) => `p${i}=1`).join('&'))).toThrow('error_malformed_params')
  })

  it.each<[string, string, Uint8Array]>([
    ['in a body', '', Buffer.from('msg=caf\xE9', 'latin1')],
    ['in a query', 'msg=caf\xE9', new Uint8Array()],
    ['percent-encoded', '', Buffer.from('msg=caf%E9')],
  ])('refuses bytes that are no UTF-8, %s', (_, query, body) => {
    expect(() => readParametersOf(query, body)).toThrow('error_malformed_params')
  })

  it('takes any text whatever, or refuses it as malformed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (query, body) => {
        try {
          for (const value of readParameters(query, body).values()) expect(value).not.toBe('')
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Refusal)
        }
      }),
      { seed: 20_260_101 },
    )
  })

  it('gives back what a client has encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (msg) => {
        expect(readParameters('', new URLSearchParams({ msg }).toString()).get('msg')).toBe(msg)
      }),
      { seed: 20_260_101 },
    )
  })
})

describe('numbers and rooms', () => {
  it.each([
    ['+6591112222', '+6591112222'],
    [' 6591112222', '+6591112222'],
    ['+65 9111-2222', '+6591112222'],
    ['(137)', '137'],
  ])('reads %j as %s', (text, expected) => expect(readNumber(text)).toBe(expected))

  it.each([
    ['room:R1', 'R1'],
    ['room:', ''],
    ['+1room:R1', 'R1'],
    [' 1room:R1', 'R1'],
    ['+room:R1', 'R1'],
    [' room:R1', 'R1'],
    ['+65room: R.1_x ', 'R.1_x'],
    ['+6591112222', null],
    ['myroom:R1', null],
  ])('reads %j as the room %j', (text, expected) => expect(readRoom(text)).toBe(expected))

  it.each([
    ['0', 0],
    [' 15 ', 15],
    ['255', 255],
    ['256', null],
    ['-1', null],
    ['1.5', null],
    ['1e2', null],
    ['', null],
    ['99999999999999999999', null],
  ])('reads %j as the whole number %j', (text, expected) => expect(readWhole(text, 0, 255)).toBe(expected))
})

describe('dates', () => {
  it('are written at GMT+8', () => {
    expect(writeDate(Date.UTC(2026, 0, 1, 18, 30, 5))).toBe('2026-01-02 02:30:05')
  })

  it.each([
    ['2026-01-02 02:30:05', Date.UTC(2026, 0, 1, 18, 30, 5)],
    ['2026-01-02 02:30:05.0', Date.UTC(2026, 0, 1, 18, 30, 5)],
    ['2026-01-02', Date.UTC(2026, 0, 1, 16)],
    ['2026-13-02', null],
    ['yesterday', null],
  ])('reads %j', (text, expected) => expect(readDate(text)).toBe(expected))
})

describe('writing', () => {
  it('puts the status first and keeps strings as they are', () => {
    expect(writeAnswer('success_ok', { session: 'S1', duration: '7' })).toBe(
      '{"status":"success_ok","session":"S1","duration":"7"}',
    )
  })

  it('gives back the parameters of the notify_url among the fields, which win over them', () => {
    const body = writeNotification('https://x.example/n?app_state=gather&digits=forged&a=%26', {
      digits: '12',
      tag: undefined,
    })
    expect(body).toBe('digits=12&app_state=gather&a=%26')
  })
})
