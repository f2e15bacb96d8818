import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { contactsOf, routesOf } from './addresses.ts'
import { Headers } from './headers.ts'
import { MessageError, type MessageErrorCode } from './message-error.ts'
import { bodyParts } from './multipart.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'
import { buildRefusal, salvageRequest } from './refusal.ts'
import { isSipUri, type SipMessage, type SipRequest, type Uri } from './types.ts'
import { accepts, tokenList } from './values.ts'

/** What the parser says of one message of RFC 4475 or RFC 5118. */
type Expected =
  /** Parsed, and this was understood. `above`: what a higher layer refuses it with; that is tested over live sockets. */
  | { readonly parsed: (message: SipMessage) => void; readonly above?: string }
  /** Refused with this status, and a reply could be saved, so that the peer gets an answer. */
  | { readonly refused: number; readonly code: MessageErrorCode; readonly header?: string }
  /** A response which is dropped. */
  | { readonly dropped: MessageErrorCode }

interface Verdict {
  readonly rfc: number
  readonly name: string
  readonly kind: 'valid' | 'invalid' | 'either' | 'response'
  readonly codes: readonly number[] | null
}

const folder = new URL('../../../test/fixtures/torture/', import.meta.url)
const verdicts = JSON.parse(readFileSync(new URL('verdicts.json', folder), 'utf8')) as readonly Verdict[]

function request(message: SipMessage): SipRequest {
  if (message.kind !== 'request') throw new Error('A request was expected.')
  return message
}

function userOf(uri: Uri): string | null {
  return isSipUri(uri) ? uri.user : null
}

const withSdp = (message: SipMessage): void => expect(Buffer.from(message.body).toString()).toMatch(/^v=0\r\n/)

const header400 = { refused: 400, code: 'sip-message.header' } as const
const uri400 = { refused: 400, code: 'sip-message.uri' } as const
const startLine400 = { refused: 400, code: 'sip-message.start-line' } as const

const table: Readonly<Record<string, Expected>> = {
  // RFC 4475 §3.1.1: valid messages.
  wsinv: {
    parsed: (message) => {
      expect(message.vias.map((via) => [via.transport, via.host, via.parameters.get('branch')])).toEqual([
        ['UDP', '192.0.2.2', '390skdjuw'],
        ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
        ['UDP', '192.168.255.111', 'z9hG4bK30239'],
      ])
      expect(message.from.displayName).toBe('J Rosenberg \\"')
      expect(message.from.parameters.get('tag')).toBe('98asjd8')
      expect(message.to.parameters.get('tag')).toBe('1918181833n')
      expect(request(message).maxForwards).toBe(68)
      expect(message.cseq).toEqual({ number: 9, method: 'INVITE' })
      expect(message.headers.get('Subject')).toBe('')
      expect(message.headers.get('NewFangledHeader')).toBe('newfangled value continued newfangled value')
      expect(message.headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;')
      const [contact] = contactsOf(message)
      expect(contact).toMatchObject({ displayName: 'Quoted string ""' })
      const [route] = routesOf(message)
      expect(route && isSipUri(route.uri) ? [...route.uri.parameters] : null).toEqual([
        ['lr', null],
        ['unknownwith', 'value'],
        ['unknown-no-value', null],
      ])
      expect(message.body.length).toBe(150)
    },
  },
  intmeth: {
    parsed: (message) => {
      expect(request(message).method).toBe("!interesting-Method0123456789_*+`.%indeed'~")
      expect(userOf(request(message).uri)).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
      expect(message.to.displayName).toBe('BEL:\u0007 NUL:\u0000 DEL:\u007f')
      expect(message.from.displayName).toBe("token1~` token2'+_ token3*%!.-")
      expect(message.from.parameters.get('tag')).toBe("_token~1'+`*%!-.")
      expect(message.from.parameters.get("fromparam''~+*_!.-%")).toBe('работающий')
      expect(message.headers.get("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電')
      expect(request(message).maxForwards).toBe(255)
    },
    above: '405 or 501: the method',
  },
  esc01: {
    parsed: (message) => {
      expect(userOf(request(message).uri)).toBe('sips:user@example.com')
      expect(userOf(message.to.uri)).toBe('user')
      expect(userOf(message.from.uri)).toBe('I have spaces')
      const contacts = contactsOf(message)
      const uri = contacts === '*' ? undefined : contacts[0]?.uri
      expect(uri && isSipUri(uri) ? [...uri.parameters] : null).toEqual([
        ['lr', null],
        ['name', 'value%41'],
      ])
      expect(uri && userOf(uri)).toBe('caller')
    },
  },
  escnull: {
    parsed: (message) => {
      expect(userOf(message.to.uri)).toBe('null-\u0000-null')
      expect(contactsOf(message)).toMatchObject([{ uri: { user: '\u0000' } }, { uri: { user: '\u0000\u0000' } }])
    },
  },
  esc02: {
    parsed: (message) => {
      expect(request(message).method).toBe('RE%47IST%45R')
      expect(message.to.displayName).toBe('%Z%45')
      expect(contactsOf(message)).toHaveLength(2)
      expect(message.headers.get('C%6Fntact')).toBe('<sip:alias2@host2.example.com>')
    },
    above: '405 or 501: the method',
  },
  lwsdisp: { parsed: (message) => expect(message.from.displayName).toBe('caller') },
  longreq: {
    parsed: (message) => {
      expect(message.vias).toHaveLength(34)
      expect(message.vias.at(-1)).toMatchObject({ host: 'host.example.com' })
      expect(message.vias[0]).toMatchObject({ host: 'sip33.example.com' })
      expect(message.headers.getAll('Via')).toHaveLength(34)
      expect(message.sipCallId).toMatch(/^longreq\.one(really){20}longcallid$/)
      expect(message.body.length).toBe(150)
    },
  },
  dblreq: {
    parsed: (message) => {
      expect(request(message).method).toBe('REGISTER')
      expect(message.body.length).toBe(0)
      expect(message.sipCallId).toBe('dblreq.0ha0isndaksdj99sdfafnl3lk233412')
    },
  },
  semiuri: {
    parsed: (message) => {
      expect(userOf(request(message).uri)).toBe('user;par=u@example.net')
      expect(message.headers.list('Accept')).toHaveLength(6)
    },
  },
  transports: {
    parsed: (message) =>
      expect(message.vias.map((via) => via.transport)).toEqual(['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP']),
  },
  mpart01: {
    parsed: (message) => {
      expect(bodyParts(message).map((part) => [part.type.type, part.bytes.length])).toEqual([
        ['text/plain', 5],
        ['application/octet-stream', 342],
      ])
    },
    above: '405 or 415: MESSAGE is not served',
  },
  unreason: {
    parsed: (message) =>
      expect(message).toMatchObject({ status: 200, reason: '= 2**3 * 5**2 но сто девяносто девять - простое' }),
  },
  noreason: { parsed: (message) => expect(message).toMatchObject({ status: 100, reason: '' }) },

  // RFC 4475 §3.1.2: invalid messages.
  badinv01: { ...header400, header: 'Via' },
  clerr: { refused: 400, code: 'sip-message.content-length', header: 'Content-Length' },
  ncl: { refused: 400, code: 'sip-message.header', header: 'Content-Length' },
  scalar02: { ...header400, header: 'CSeq' },
  scalarlg: { dropped: 'sip-message.header' },
  quotbal: { ...header400, header: 'To' },
  ltgtruri: uri400,
  lwsruri: startLine400,
  lwsstart: startLine400,
  trws: startLine400,
  escruri: startLine400,
  baddate: { ...header400, header: 'Date' },
  regbadct: { ...header400, header: 'Contact' },
  badaspec: { ...uri400, header: 'To' },
  baddn: { ...uri400, header: 'From' },
  badvers: { refused: 505, code: 'sip-message.version' },
  mismatch01: { ...header400, header: 'CSeq' },
  mismatch02: { ...header400, header: 'CSeq' },
  bigcode: { dropped: 'sip-message.start-line' },

  // RFC 4475 §3.2 to §3.4.
  badbranch: { ...header400, header: 'Via' },
  insuf: { refused: 400, code: 'sip-message.header-missing', header: 'From' },
  unkscm: {
    parsed: (message) =>
      expect(request(message).uri).toEqual({ scheme: 'nobodyknowsthisscheme', opaque: 'totallyopaquecontent' }),
    above: '416: the scheme',
  },
  novelsc: {
    parsed: (message) => expect(request(message).uri).toEqual({ scheme: 'soap.beep', opaque: '//192.0.2.103:3002' }),
    above: '416: the scheme',
  },
  unksm2: {
    parsed: (message) => {
      expect(message.to.uri).toEqual({ scheme: 'isbn', opaque: '2983792873' })
      expect(message.from.uri).toEqual({ scheme: 'http', opaque: '//www.example.com' })
      expect(contactsOf(message)).toMatchObject([{ uri: { scheme: 'name', opaque: 'John_Smith' } }])
    },
    above: '400, 403, 404 or 416: no registration for such a To',
  },
  bext01: {
    parsed: (message) =>
      expect(tokenList(message.headers, 'Require')).toEqual(['nothingSupportsThis', 'nothingSupportsThisEither']),
    above: '420: the extensions',
  },
  invut: {
    parsed: (message) => {
      expect(bodyParts(message).map((part) => part.type.type)).toEqual(['application/unknownformat'])
      expect(message.body.length).toBe(40)
    },
    above: '415: the media type',
  },
  regaut01: {
    parsed: (message) => expect(message.headers.get('Authorization')).toBe('NoOneKnowsThisScheme opaque-data=here'),
    above: '401 or 403: the scheme',
  },
  multi01: { refused: 400, code: 'sip-message.header-repeated', header: 'CSeq' },
  mcl01: { refused: 400, code: 'sip-message.header-repeated', header: 'Content-Length' },
  bcast: { parsed: (message) => expect(message.vias[1]?.host).toBe('255.255.255.255'), above: 'dropped: not our Via' },
  zeromf: { parsed: (message) => expect(request(message).maxForwards).toBe(0) },
  cparam01: {
    parsed: (message) => {
      const contacts = contactsOf(message)
      expect(contacts).toMatchObject([{ uri: { user: '+19725552222', parameters: new Map() } }])
      expect(contacts === '*' ? null : contacts[0]?.parameters.get('unknownparam')).toBeNull()
    },
  },
  cparam02: {
    parsed: (message) =>
      expect(contactsOf(message)).toMatchObject([
        { uri: { parameters: new Map([['unknownparam', null]]) }, parameters: new Map() },
      ]),
  },
  regescrt: {
    parsed: (message) =>
      expect(contactsOf(message)).toMatchObject([{ uri: { headers: [['Route', '<sip:sip.example.com>']] } }]),
  },
  sdp01: {
    parsed: (message) => {
      withSdp(message)
      expect(accepts(message.headers, 'application/sdp')).toBe(false)
    },
    above: '406: nothing it accepts can be sent',
  },
  inv2543: {
    parsed: (message) => {
      withSdp(message)
      expect(request(message).maxForwards).toBeNull()
      expect(message.from.parameters.has('tag')).toBe(false)
      expect(message.vias[0].parameters.has('branch')).toBe(false)
      // Without <> what stands behind the semicolon belongs to the header field.
      expect(message.to.parameters.get('user')).toBe('phone')
    },
  },

  // RFC 5118.
  'ipv6-good': {
    parsed: (message) => expect(request(message).uri).toMatchObject({ host: '[2001:db8::10]', port: null }),
  },
  'ipv6-bad': uri400,
  'port-ambiguous': {
    parsed: (message) => expect(request(message).uri).toMatchObject({ host: '[2001:db8::10:5070]', port: null }),
  },
  'port-unambiguous': {
    parsed: (message) => expect(request(message).uri).toMatchObject({ host: '[2001:db8::10]', port: 5070 }),
  },
  'via-received-param-with-delim': {
    parsed: (message) => expect(message.vias[0].parameters.get('received')).toBe('[2001:db8::9:255]'),
    above: '481: no such dialog',
  },
  'via-received-param-no-delim': {
    parsed: (message) => expect(message.vias[0].parameters.get('received')).toBe('2001:db8::9:255'),
  },
  'ipv6-in-sdp': { parsed: withSdp },
  'mult-ip-in-header': {
    parsed: (message) =>
      expect(message.vias.map((via) => [via.host, via.port])).toEqual([
        ['[2001:db8::9:1]', 6050],
        ['192.0.2.1', null],
        ['[2001:db8::9:255]', null],
      ]),
    above: '481: no such dialog',
  },
  'mult-ip-in-sdp': { parsed: withSdp },
  'ipv4-mapped-ipv6': {
    parsed: (message) => {
      expect(message.vias[0]).toMatchObject({ host: '[::ffff:192.0.2.10]', port: 19823 })
      expect(contactsOf(message)).toMatchObject([{ displayName: 'T. desk phone', uri: { host: '[::ffff:192.0.2.2]' } }])
    },
  },
  'ipv6-bug-abnf-3-colons': {
    parsed: (message) => expect(request(message).uri).toMatchObject({ host: '[2001:db8::192.0.2.1]' }),
  },
  'ipv6-correct-abnf-2-colons': {
    parsed: (message) => expect(request(message).uri).toMatchObject({ host: '[2001:db8::192.0.2.1]' }),
  },
}

/** Where the peer's own value is illegal, it gets the same value back: its answer cannot be legal then. */
const echoesIllegalValue: Readonly<Record<string, string>> = {
  scalar02: 'CSeq',
  quotbal: 'To',
  badaspec: 'To',
  baddn: 'From, To',
  badbranch: 'Via',
  insuf: 'no From, To and Call-ID',
}

function bytesOf(verdict: Verdict): Buffer {
  return readFileSync(new URL(`rfc${verdict.rfc}/${verdict.name}.dat`, folder))
}

function refusalOf(bytes: Uint8Array): MessageError {
  try {
    parseMessage(bytes)
  } catch (error) {
    if (error instanceof MessageError) return error
    throw error
  }
  throw new Error('The message was parsed.')
}

/** Everything a message means, as plain values. */
function meaning(message: SipMessage): unknown {
  const { headers, body, ...rest } = message
  const lines = [...headers.entries()].filter(([name]) => name !== 'Content-Length')
  return { ...rest, lines, body: Buffer.from(body).toString('hex') }
}

describe('the torture messages of RFC 4475 and RFC 5118', () => {
  it('are all in the table, and all in the folder', () => {
    expect(verdicts).toHaveLength(61)
    expect(Object.keys(table).sort()).toEqual(verdicts.map((verdict) => verdict.name).sort())
    const files = [4475, 5118].flatMap((rfc) => readdirSync(new URL(`rfc${rfc}/`, folder)))
    expect(files.sort()).toEqual(verdicts.map((verdict) => `${verdict.name}.dat`).sort())
  })

  it('have expectations that keep within what the RFCs allow', () => {
    for (const verdict of verdicts) {
      const expected = table[verdict.name]
      if (expected === undefined) continue
      const { name, kind, codes } = verdict
      if ('refused' in expected) expect([name, codes?.includes(expected.refused)]).toEqual([name, true])
      if ('dropped' in expected) expect([name, kind]).toEqual([name, 'response'])
      // A message that must be refused and that the parser lets through is refused by a layer above, named in the table.
      if ('parsed' in expected && kind === 'invalid') expect([name, expected.above]).not.toEqual([name, undefined])
    }
  })

  for (const verdict of verdicts) {
    const expected = table[verdict.name]
    if (expected === undefined) continue
    const title = `${verdict.name} (RFC ${verdict.rfc})`
    const bytes = bytesOf(verdict)
    if ('parsed' in expected) {
      const above = expected.above === undefined ? '' : `; above it: ${expected.above}`
      it(`${title} is parsed${above}`, () => expected.parsed(parseMessage(bytes)))
      it(`${title} means the same after printing`, () => {
        const message = parseMessage(bytes)
        expect(meaning(parseMessage(printMessage(message)))).toEqual(meaning(message))
      })
    } else if ('refused' in expected) {
      const echoed = echoesIllegalValue[verdict.name]
      const answered = echoed === undefined ? 'a legal response' : `a response that echoes what is wrong: ${echoed}`
      it(`${title} is refused with ${expected.refused}, and answered by ${answered}`, () => {
        const error = refusalOf(bytes)
        expect(error).toMatchObject({ sipStatus: expected.refused, code: expected.code })
        if (expected.header !== undefined) expect(error.facts.header).toBe(expected.header)
        expect(error.facts.offset).toEqual(expect.any(Number))
        const { reply } = error
        if (reply === null) throw new Error('Nothing was saved of the request.')
        const answer = buildRefusal(reply, error.sipStatus, { toTag: 'ours' })
        expectLegalAnswer(verdict.name, answer, expected.refused)
      })
    } else {
      it(`${title} is dropped without an answer`, () => {
        const error = refusalOf(bytes)
        expect(error.code).toBe(expected.dropped)
        expect(error.reply).toBeNull()
      })
    }
  }
})

function expectLegalAnswer(name: string, answer: Uint8Array, status: number): void {
  const text = Buffer.from(answer).toString()
  expect(text.startsWith(`SIP/2.0 ${status} `)).toBe(true)
  if (name in echoesIllegalValue) expect(() => parseMessage(answer)).toThrow(MessageError)
  else {
    const message = parseMessage(answer)
    expect(message).toMatchObject({ kind: 'response', status })
    expect(message.to.parameters.has('tag')).toBe(true)
  }
}

describe('a malformed request', () => {
  it('is answered by what is legible of its Via', () => {
    const error = refusalOf(bytesOf({ rfc: 4475, name: 'badinv01', kind: 'invalid', codes: null }))
    expect(error.reply?.via).toMatchObject({ transport: 'UDP', host: '192.0.2.15', port: null })
  })

  it('is not answered when it is an ACK', () => {
    expect(salvageRequest('ACK sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nCSeq: 1 INVITE\r\n')).toBeNull()
  })

  it('lends no header field of its own making to the answer', () => {
    const reply = salvageRequest('INVITE x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nTo: <sip:a@b>\nEvil: yes\r\n')
    expect(reply).toMatchObject({ to: null })
    expect(Headers.from([['Via', reply?.vias[0] ?? '']]).count).toBe(1)
  })
})
