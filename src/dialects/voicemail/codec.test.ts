import { describe, expect, it } from 'vitest'
import { voicemailSample } from '../../../test/support/voicemail-stage.ts'
import { decodeObject, encodeObject, maxObjectBytes, ObjectFramer } from './codec.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const texts = (framer: ObjectFramer, text: string): readonly string[] =>
  framer.push(bytes(text)).map((one) => (one.kind === 'object' ? one.text : `broken: ${one.sentence}`))

describe('an object', () => {
  it('is read from the published samples that are JSON', () => {
    for (const name of ['initleaving-request', 'recgreeting-request', 'cfglang-request', 'initretrieve-request']) {
      expect(decodeObject(voicemailSample(`${name}.published.txt`)), name).toMatchObject({ kind: 'object', slips: [] })
    }
  })

  it('is read in spite of the comma too many of the published answer, which is told', () => {
    expect(decodeObject(voicemailSample('ok-response.published.txt'))).toEqual({
      kind: 'object',
      object: JSON.parse(voicemailSample('ok-response.corrected.json')),
      slips: ['a comma stands before a closing brace or bracket'],
    })
  })

  it('keeps the commas inside of texts when others are dropped', () => {
    expect(decodeObject('{"a":"x,}","b":"\\",]",}')).toMatchObject({ object: { a: 'x,}', b: '",]' } })
  })

  it.each(['recmail-request', 'initleaving-response', 'initretrieve-response'])(
    'is not made of the sample %s, whose braces or quotes are missing; its corrected twin is read',
    (name) => {
      expect(decodeObject(voicemailSample(`${name}.published.txt`)).kind).toBe('unreadable')
      expect(decodeObject(voicemailSample(`${name}.corrected.json`))).toMatchObject({ kind: 'object', slips: [] })
    },
  )

  it.each(['', '[]', '"x"', '3', 'null', '{', '{}{}', 'command=INITLEAVING'])('is not made of %j', (text) => {
    expect(decodeObject(text).kind).toBe('unreadable')
  })

  it('is written on one line of valid JSON', () => {
    const line = encodeObject({ status: 'ok', message: 'two\nlines', gone: undefined })
    expect(line).toBe('{"status":"ok","message":"two\\nlines"}')
  })
})

describe('a stream of objects', () => {
  it('is cut at the same places however its bytes come', () => {
    const stream = `${voicemailSample('initleaving-request.published.txt')}{"a":"}{\\"}"}\r\n\n{"b":{"c":{}}} {"d":"é"}`
    const whole = texts(new ObjectFramer(), stream)
    expect(whole).toHaveLength(4)
    expect(whole.map((text) => JSON.parse(text)).slice(1)).toEqual([{ a: '}{"}' }, { b: { c: {} } }, { d: 'é' }])
    const framer = new ObjectFramer()
    const single = [...bytes(stream)].flatMap((byte) => framer.push(Uint8Array.of(byte)))
    expect(single.map((one) => (one.kind === 'object' ? one.text : '?'))).toEqual(whole)
    expect(framer.isInside).toBe(false)
  })

  it('waits within an object that is not complete, as the published RECMAIL never is', () => {
    const framer = new ObjectFramer()
    expect(texts(framer, voicemailSample('recmail-request.published.txt'))).toEqual([])
    expect(framer.isInside).toBe(true)
  })

  it('is given up at what is no object, and reads nothing behind it', () => {
    const framer = new ObjectFramer()
    expect(texts(framer, '{"a":1}GET / HTTP/1.1\r\n{"b":2}')).toEqual([
      '{"a":1}',
      'broken: It does not begin with a brace.',
    ])
    expect(texts(framer, '{"c":3}')).toEqual([])
  })

  it('is given up at an object that is too large, complete or not', () => {
    const large = `{"a":"${'x'.repeat(maxObjectBytes)}"}`
    expect(texts(new ObjectFramer(), large)).toEqual([expect.stringContaining('larger')])
    const framer = new ObjectFramer()
    const pieces = large.match(/.{1,1000}/g) ?? []
    const found = pieces.flatMap((piece) => texts(framer, piece))
    expect(found).toEqual([expect.stringContaining('larger')])
    const fitting = `{"a":"${'x'.repeat(maxObjectBytes - 8)}"}`
    expect(texts(new ObjectFramer(), fitting)).toEqual([fitting])
  })
})
