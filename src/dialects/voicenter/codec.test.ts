import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAnswer, encodeRequest } from './codec.ts'
import { mapAnswer } from './map.ts'
import type { WireFormat } from './wire.ts'

const samplesFolder = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'voicenter')

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const types: Readonly<Record<WireFormat, string>> = { xmlrpc: 'text/xml', json: 'application/json' }
const decode = (format: WireFormat, text: string) => decodeAnswer(format, bytes(text), types[format])

const xml = (value: string): string =>
  `<methodResponse><params><param><value>${value}</value></param></params></methodResponse>`
const struct = (members: string): string => xml(`<struct>${members}</struct>`)
const member = (name: string, value: string): string => `<member><name>${name}</name><value>${value}</value></member>`

const question = {
  CALLER_ID: 'a&<b>',
  CALLER_NAME: 'שלום',
  DID: '0721234567',
  MENU: '-1',
  PREVIOUS_MENU: '-1',
  DTMF: '',
  IVR_UNIQUE_ID: '0123456789abcdef0123456789abcdef',
} as const

describe('requests', () => {
  it('are XML-RPC calls with one struct: every field once, in order, as strings', () => {
    const { contentType, body } = encodeRequest('xmlrpc', 'GET_IVR_ACTION', question)
    expect(contentType).toBe('text/xml; charset=utf-8')
    expect(body).toContain('<methodName>GET_IVR_ACTION</methodName>')
    expect(body).toContain('<name>CALLER_ID</name><value><string>a&amp;&lt;b&gt;</string></value>')
    const names = [...body.matchAll(/<name>(\w+)<\/name>/g)].map(([, name]) => name)
    expect(names).toEqual(Object.keys(question))
  })

  it('are JSON objects with METHOD and DATA', () => {
    const { contentType, body } = encodeRequest('json', 'GET_IVR_ACTION', question)
    expect(contentType).toBe('application/json; charset=utf-8')
    expect(JSON.parse(body)).toEqual({ METHOD: 'GET_IVR_ACTION', DATA: question })
  })

  it('have the numbers of HANGUP_CALL as numbers', () => {
    const hangup = {
      CALLER_ID: '1',
      DID: '2',
      IVR_UNIQUE_ID: '3',
      TARGET: '',
      CALL_TIME_EPOCH: 1_561_684_165,
      CALL_START_EPOCH: 1_561_684_126,
      CALL_DURATION: 125,
      CALL_DAILTIME: 15,
      CALL_STATUS: 'ANSWER',
    } as const
    expect(encodeRequest('xmlrpc', 'HANGUP_CALL', hangup).body).toContain(
      '<name>CALL_DAILTIME</name><value><int>15</int></value>',
    )
    expect(encodeRequest('json', 'HANGUP_CALL', hangup).body).toContain('"CALL_TIME_EPOCH":1561684165')
  })

  /** What XML 1.0 §2.2 has no place for. One for all runs: to compile it costs more than to use it. */
  const notXml = /[^\P{Cc}\t\n\r\x7f-\x9f]|\p{Cs}|[\ufffe\uffff]/u

  it('are legal XML whatever the caller calls itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const { body } = encodeRequest('xmlrpc', 'GET_IVR_ACTION', { ...question, CALLER_NAME: name })
        expect(body).not.toMatch(notXml)
        const read = decode('xmlrpc', body.replaceAll('methodCall', 'methodResponse'))
        expect(read.kind).toBe('struct')
      }),
      { seed: 20_260_101 },
    )
  })
})

describe('answers', () => {
  it('are read with the types of XML-RPC', () => {
    const text = struct(
      [
        member('A', '<int>3</int>'),
        member('B', '<i4>-4</i4>'),
        member('C', 'plain &amp; &#1513;'),
        member('D', '<boolean>1</boolean>'),
        member('E', '<double>2.5</double>'),
        member('F', '<nil/>'),
        member('G', '<array><data><value>x</value><value><int>1</int></value></data></array>'),
        member('H', '<![CDATA[<&amp;>]]>'),
        member('I', '<dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>'),
        member('J', '<int>many</int>'),
        member('K', '<int>0501111111</int>'),
        member('L', '<i8>12345678901234567890</i8>'),
      ].join('\n'),
    )
    expect(decode('xmlrpc', text)).toMatchObject({
      struct: {
        A: 3,
        B: -4,
        C: 'plain & ש',
        D: true,
        E: 2.5,
        F: null,
        G: ['x', 1],
        H: '<&amp;>',
        I: '20260101T00:00:00',
        J: 'many',
        // As numbers they would be others.
        K: '0501111111',
        L: '12345678901234567890',
      },
      slips: [],
    })
  })

  const kind = [
    ['json', '\u{feff}{"A":1}', 'byte-order-mark'],
    ['json', "{A:'1',}", 'json-loose'],
    ['json', '[{"A":1}]', 'envelope'],
    ['json', '{"METHOD":"GET_IVR_ACTION","DATA":{"ACTION":"MENU"}}', 'envelope'],
    ['xmlrpc', xml('<struct><member><name>A</name><value>1</value></member></member></struct>'), 'xml-damaged'],
    ['xmlrpc', struct(member('A', '<text>1</text>')), 'xml-type'],
  ] as const
  it.each(kind)('%s %s are let pass as %s', (format, text, kindness) => {
    const read = decode(format, text)
    expect(read.kind).toBe('struct')
    expect(read.slips.map((slip) => slip.kindness)).toEqual([kindness])
  })

  it('with another Content-Type, or none, are read for what they are', () => {
    const [first, none] = [decodeAnswer('json', bytes('{}'), 'text/html'), decodeAnswer('json', bytes('{}'), undefined)]
    expect(first).toMatchObject({ kind: 'struct', slips: [{ kindness: 'content-type' }] })
    expect(none).toMatchObject({ kind: 'struct', slips: [{ kindness: 'content-type' }] })
  })

  it('are read in a Hebrew code page where they say so', () => {
    const text = new Uint8Array([
      ...bytes('<?xml version="1.0" encoding="windows-1255"?>'),
      ...bytes(struct(member('A', '@'))),
    ])
    text[text.indexOf(0x40)] = 0xf9
    expect(decodeAnswer('xmlrpc', text, 'text/xml')).toMatchObject({
      struct: { A: 'ש' },
      slips: [{ kindness: 'charset' }],
    })
  })

  it('with illegal UTF-8 are read with what is illegal replaced', () => {
    const text = new Uint8Array([...bytes('{"A":"'), 0xff, ...bytes('"}')])
    expect(decodeAnswer('json', text, 'application/json')).toMatchObject({
      struct: { A: '\u{fffd}' },
      slips: [{ kindness: 'charset' }],
    })
  })

  it('in a charset that nobody knows are read as UTF-8', () => {
    expect(decodeAnswer('json', bytes('{"A":"ש"}'), 'application/json; charset=klingon')).toMatchObject({
      struct: { A: 'ש' },
    })
  })

  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
  const unreadable = [
    ['json', '', /empty/],
    ['json', ' \n', /empty/],
    ['json', '<html></html>', /no JSON: at character 1/],
    ['json', '"MENU"', /no struct but a string/],
    ['json', '[]', /no struct but a list/],
    ['json', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, /nested too deeply/],
    ['json', '[a'.repeat(30_000), /no JSON/],
    ['json', '{"A":1', /no JSON/],
    ['json', "{'A", /has no end/],
    ['xmlrpc', 'MENU', /no XML-RPC response/],
    ['xmlrpc', '{"STATUS":0}', /no XML-RPC response/],
    ['xmlrpc', '<html><body>500</body></html>', /begins with <html>/],
    ['xmlrpc', `<?xml version="1.0"?>${bomb}${struct(member('A', '&c;'))}`, /DOCTYPE/],
    ['xmlrpc', '<a>'.repeat(20_000), /nested too deeply/],
    ['xmlrpc', '<value><array><data>'.repeat(40), /nested too deeply|no XML-RPC|nested tags exceeded/],
    ['xmlrpc', '<methodResponse><!-- ', /section without an end/],
    ['xmlrpc', '<methodResponse><', /tag without an end/],
    ['xmlrpc', '<methodResponse><params/></methodResponse>', /has no value/],
    [
      'xmlrpc',
      `<methodResponse><fault><value><struct>${member('faultCode', '<int>4</int>')}${member('faultString', 'Too many')}</struct></value></fault></methodResponse>`,
      /an XML-RPC fault: 4 "Too many"/,
    ],
    ['xmlrpc', xml('just a text'), /no struct but a string/],
  ] as const
  it.each(unreadable)('%s %.60s are unreadable, and why is said', (format, text, sentence) => {
    const read = decode(format, text)
    expect(read).toMatchObject({ kind: 'unreadable', sentence: expect.stringMatching(sentence) })
  })

  it('with entities of their own are not expanded', () => {
    expect(decode('xmlrpc', struct(member('A', '&c;&lol;')))).toMatchObject({ struct: { A: '&c;&lol;' } })
  })

  it('that name a field __proto__ change nothing but themselves', () => {
    for (const [format, text] of [
      ['json', '{"__proto__":{"STATUS":1},"A":1}'],
      ['json', "{__proto__:{STATUS:1},'A':1}"],
      ['xmlrpc', struct(member('__proto__', struct('x')) + member('A', '<int>1</int>'))],
    ] as const) {
      expect(decode(format, text)).toMatchObject({ struct: { A: 1 } })
      expect(({} as Record<string, unknown>)['STATUS']).toBeUndefined()
    }
  })
})

describe('whatever a handler answers', () => {
  const samples = ['menu.xml', 'call-damaged.xml', 'call-loose.json', 'saydigits-damaged.json'].map((name) =>
    readFileSync(join(samplesFolder, name)),
  )

  it('is read or refused with a sentence, within a moment', () => {
    const damaged = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 20 }),
      )
      .map(([sample, changes]) => {
        const copy = new Uint8Array(sample)
        for (const [at, byte] of changes) copy[at % copy.length] = byte
        return copy
      })
    const cut = fc
      .tuple(fc.constantFrom(...samples), fc.nat())
      .map(([sample, at]) => new Uint8Array(sample.subarray(0, at % sample.length)))
    const anything = fc.oneof(fc.uint8Array({ maxLength: 400 }), damaged, cut, fc.json().map(bytes))
    fc.assert(
      fc.property(fc.constantFrom<WireFormat>('json', 'xmlrpc'), anything, (format, body) => {
        const read = decodeAnswer(format, body, types[format])
        if (read.kind === 'unreadable') expect(read.sentence).toMatch(/^\S.*\.$|: /s)
        const mapped = mapAnswer(read)
        if (mapped.kind === 'fault') expect(mapped.sentence).not.toBe('')
      }),
      { seed: 20_260_101, numRuns: 2000 },
    )
  })

  it('of 64 KiB of sections and tags without an end takes no longer than its length', () => {
    for (const piece of ['<!--', '<![CDATA[', '<?', '<a', '</a>', '&#', '&amp']) {
      const read = decode('xmlrpc', `<methodResponse>${piece.repeat(65_536 / piece.length)}`)
      expect(read.kind).toBe('unreadable')
    }
  })
})
