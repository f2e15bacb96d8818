import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Refusal } from './codec.ts'
import { readMessage, spoken } from './message.ts'

const english = { kind: 'text', language: 'en', gender: 'female' }

describe('msg', () => {
  it.each([
    ['Hello', [{ ...english, text: 'Hello' }]],
    ['a < b, 5 > 3 & so on', [{ ...english, text: 'a < b, 5 > 3 & so on' }]],
    ['Tom &amp; Jerry', [{ ...english, text: 'Tom & Jerry' }]],
    ['<url>http://x.example/a.mp3</url>', [{ kind: 'url', url: 'http://x.example/a.mp3' }]],
    ['<url> http://x.example/a?b=1&amp;c=2 </url>', [{ kind: 'url', url: 'http://x.example/a?b=1&c=2' }]],
    [
      '<speech language="zh-HK" gender="male">你好</speech>',
      [{ kind: 'text', text: '你好', language: 'zh-hk', gender: 'male' }],
    ],
    [
      "<speech language='fr-CA'>Bonjour</speech>",
      [{ kind: 'text', text: 'Bonjour', language: 'fr', gender: 'female' }],
    ],
    ['<speech gender="Female">Hi</speech>', [{ ...english, text: 'Hi' }]],
    [
      'One <url>https://x.example/1.wav</url> two',
      [
        { ...english, text: 'One' },
        { kind: 'url', url: 'https://x.example/1.wav' },
        { ...english, text: 'two' },
      ],
    ],
    ['   ', []],
    ['...', []],
  ])('%j', (msg, expected) => expect(readMessage(msg)).toEqual(expected))

  it.each([
    ['<speech language="xx">Hi</speech>', 'error_msg_invalid_language'],
    ['<speech gender="robot">Hi</speech>', 'error_msg_invalid_gender'],
    ['<speech>Hi', 'error_msg_invalid_xml'],
    ['Hi</speech>', 'error_msg_invalid_xml'],
    ['<speech/>', 'error_msg_invalid_xml'],
    ['<speech language=en>Hi</speech>', 'error_msg_invalid_xml'],
    ['<speech><url>http://x/a</url></speech>', 'error_msg_invalid_xml'],
    ['<url>http://x/a', 'error_msg_invalid_xml'],
    ['<url>ftp://x/a</url>', 'error_msg_invalid_url'],
    ['<url>/a.mp3</url>', 'error_msg_invalid_url'],
    ['<url>http://[</url>', 'error_msg_invalid_url'],
    ['x'.repeat(1001), 'error_msg_invalid_length'],
  ])('%j is refused', (msg, status) => expect(() => readMessage(msg)).toThrow(status))

  it('may have 1,000 characters, however many bytes they are', () => {
    expect(readMessage('好'.repeat(1000))).toHaveLength(1)
  })

  it('takes any text whatever, or refuses it', () => {
    const piece = fc.constantFrom(
      '<speech',
      '<url>',
      '</url>',
      '</speech>',
      ' language="en"',
      '>',
      'http://x',
      '"',
      'a ',
      '&amp;',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
        try {
          readMessage(pieces.join(''))
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Refusal)
        }
      }),
      { seed: 20_260_101 },
    )
  })

  it('is spoken by a voice of the language and the gender', () => {
    expect(spoken({ kind: 'text', text: 'Hi', language: 'en', gender: 'female' })).toMatchObject({ voice: 'en-us+f3' })
    expect(spoken({ kind: 'text', text: '你好', language: 'zh-hk', gender: 'male' })).toMatchObject({ voice: 'yue+m3' })
    expect(spoken({ kind: 'text', text: 'x', language: 'vi', gender: 'male' })).toMatchObject({
      language: 'vi',
      voice: 'vi+m3',
    })
  })
})
