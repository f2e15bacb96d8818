import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../base/random.ts'
import { contactsOf, recordRoutesOf, routesOf } from './addresses.ts'
import { parseChallengeList } from './challenge.ts'
import { MessageError } from './message-error.ts'
import { bodyParts } from './multipart.ts'
import { parseNameAddressList } from './name-address.ts'
import { parseMessage } from './parse.ts'
import { printMessage } from './print.ts'
import { parseReasonList } from './reason.ts'
import { buildRefusal } from './refusal.ts'
import { StreamFramer } from './stream-framer.ts'
import { parseUri } from './uri.ts'
import { parseContentType, parseDeltaSeconds, parseRAck } from './values.ts'
import { parseViaList } from './via.ts'

const folder = new URL('../../../test/fixtures/torture/', import.meta.url)
const seeds = [4475, 5118].flatMap((rfc) => {
  const files = new URL(`rfc${rfc}/`, folder)
  return readdirSync(files).map((name) => readFileSync(new URL(name, files)))
})

// The test runner keeps 100 lines of stack with each error, which would be nine tenths of the time spent here.
const { stackTraceLimit } = Error
beforeAll(() => {
  Error.stackTraceLimit = 0
})
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit
})

/** Runs what may throw MessageError and nothing else; tells whether it did. */
function survives(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof MessageError) return false
    throw error
  }
}

/** In place of `expect` where it would be called a hundred thousand times. */
function must(condition: boolean, what: string, bytes: Uint8Array): void {
  if (!condition) throw new Error(`${what}: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`)
}

/** Parses, reads all that is read lazily, prints, and parses again; or builds the answer to what was refused. */
function exercise(bytes: Uint8Array): void {
  try {
    const message = parseMessage(bytes)
    // The parser has checked these: reading them may not fail any more.
    contactsOf(message)
    routesOf(message)
    recordRoutesOf(message)
    survives(() => bodyParts(message))
    survives(() => message.headers.list('Supported'))
    const printed = printMessage(message)
    const again = parseMessage(printed)
    must(Buffer.from(printMessage(again)).equals(printed), 'It is printed differently the second time', bytes)
  } catch (error) {
    if (!(error instanceof MessageError)) throw error
    const { offset } = error.facts
    must(
      typeof offset === 'number' && offset >= 0 && offset <= bytes.length + 2,
      `The offset ${offset} is outside`,
      bytes,
    )
    const { reply } = error
    if (reply === null) return
    const answer = Buffer.from(buildRefusal(reply, error.sipStatus, { toTag: 'ours', via: reply.via })).toString()
    const lines = answer.slice(0, -4).split('\r\n')
    const isWhole = answer.endsWith('\r\n\r\n') && !lines.includes('') && !/[\r\n]/.test(lines.join(''))
    must(isWhole, 'The answer has a line break of the request in it', bytes)
  }
}

/** Bytes that matter to the grammar, more often than chance would bring them. */
const marks = Buffer.from(' \t\r\n\0"\\<>;,:=?&@%/[]()*.-0129aZz\u007f\u00c3\u00ff', 'latin1')

function mutate(seed: Buffer, random: SeededRandom): Buffer {
  let bytes = Buffer.from(seed)
  for (let changes = 1 + (random.uint32() % 4); changes > 0; changes--) {
    const at = random.uint32() % Math.max(1, bytes.length)
    const length = random.uint32() % 12
    const mark = marks[random.uint32() % marks.length] ?? 0
    const before = bytes.subarray(0, at)
    const kind = random.uint32() % 5
    if (kind === 0) bytes[at] = mark
    else if (kind === 1) bytes = Buffer.concat([before, Buffer.of(mark), bytes.subarray(at)])
    else if (kind === 2) bytes = Buffer.concat([before, bytes.subarray(at + length)])
    else if (kind === 3) bytes = Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)])
    else bytes[at] = random.uint32() & 0xff
  }
  return bytes
}

describe('no bytes make the parser throw anything but MessageError', () => {
  it('torture messages cut at every byte', () => {
    for (const seed of seeds) for (let end = 0; end <= seed.length; end++) exercise(seed.subarray(0, end))
  }, 60_000)

  it('torture messages with a few bytes changed', () => {
    const random = new SeededRandom(4475)
    for (let round = 0; round < 8000; round++) {
      exercise(mutate(seeds[random.uint32() % seeds.length] ?? Buffer.alloc(0), random))
    }
  }, 60_000)

  it('random bytes', () => {
    const random = new SeededRandom(3261)
    for (let round = 0; round < 3000; round++) exercise(random.bytes(random.uint32() % 200))
  })

  it('random marks as the value of each header field', () => {
    const random = new SeededRandom(5118)
    const readers = [
      parseViaList,
      parseNameAddressList,
      parseUri,
      parseChallengeList,
      parseReasonList,
      parseContentType,
      parseDeltaSeconds,
      parseRAck,
    ]
    for (let round = 0; round < 3000; round++) {
      const picks = random.bytes(random.uint32() % 40)
      const text = Buffer.from(picks.map((byte) => marks[byte % marks.length] ?? 0)).toString('latin1')
      for (const reader of readers) survives(() => reader(text))
      survives(() => parseUri(`sip:${text}`))
      survives(() => parseViaList(`SIP/2.0/UDP ${text}`))
    }
  })

  it('mutated streams in chunks', () => {
    const random = new SeededRandom(5626)
    for (let round = 0; round < 1500; round++) {
      const pick = (): Buffer => mutate(seeds[random.uint32() % seeds.length] ?? Buffer.alloc(0), random)
      const stream = Buffer.concat([pick(), pick()])
      const framer = new StreamFramer()
      survives(() => {
        for (let at = 0; at < stream.length; ) {
          const size = 1 + (random.uint32() % 400)
          framer.push(stream.subarray(at, at + size))
          at += size
          for (let item = framer.next(); item !== null; item = framer.next()) {
            if (item.kind === 'message') exercise(item.bytes)
          }
        }
      })
    }
  })
})

describe('the largest message of the worst kind is read or refused like any other', () => {
  const start = 'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n'
  const fill = (unit: string, bytes = 65_000): string => unit.repeat(Math.floor(bytes / unit.length))

  // Each is some 65 KB that a careless parser would go through again and again: 65,000 squared steps are minutes.
  it.each([
    ['quotes', `${start}To: ${fill('"')}\r\n\r\n`],
    ['backslashes', `${start}To: "${fill('\\')}\r\n\r\n`],
    ['open <', `${start}Contact: ${fill('<')}\r\n\r\n`],
    ['commas', `${start}Contact: ${fill(',')}\r\n\r\n`],
    ['semicolons', `${start}To: <sip:a@b>${fill(';a')}\r\n\r\n`],
    ['blanks', `${start}To: ${fill(' ')}x\r\n\r\n`],
    ['folds', `${start}To:${fill('\r\n ')}\r\n\r\n`],
    ['folds of one letter', `${start}X:${fill('\r\n a')}\r\n\r\n`],
    ['escapes', `INVITE sip:${fill('%ff')}@b SIP/2.0\r\n\r\n`],
    ['colons', `${start}To: <sip:a@[${fill(':')}]>\r\n\r\n`],
    ['broken Vias', `${start}${fill('Via: SIP/2.0/UDP h;;,;;,;;\r\n')}\r\n`],
    ['Vias in one line', `INVITE sip:a@b SIP/2.0\r\nVia: ${fill('SIP/2.0/UDP h,')}\r\n\r\n`],
    ['parameters of a broken Via', `INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h${fill(';a=')}\r\n\r\n`],
    ['header fields', `${start}${fill('a:\r\n')}\r\n`],
    ['bare CR', `${start}X: ${fill('\r')}\r\n\r\n`],
    ['bare LF', `${start}X: ${fill('\n')}\r\n\r\n`],
    ['dots', `INVITE sip:${fill('a.')} SIP/2.0\r\n\r\n`],
    ['empty lines', `${fill('\r\n')}${start}\r\n`],
    ['nothing but letters', fill('a')],
  ])('%s', (_, text) => {
    const bytes = Buffer.from(text)
    for (let round = 0; round < 5; round++) {
      expect(survives(() => parseMessage(bytes))).toBe(false)
      exercise(bytes)
    }
    const framer = new StreamFramer()
    framer.push(bytes)
    survives(() => framer.next())
  })

  it('a multipart body made of delimiters', () => {
    const head = `${start}From: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n`
    for (const unit of ['--b', '\r\n--b', '--b\r\n', '\r\n--b \r\n\r\n']) {
      const message = parseMessage(Buffer.from(head + fill(unit, 60_000)))
      expect(survives(() => bodyParts(message))).toBe(false)
    }
  })
})
