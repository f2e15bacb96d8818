import { CharClass, isToken, skipClass } from './char-classes.ts'
import { MessageError } from './message-error.ts'
import { readParameters } from './parameters.ts'
import { Scanner } from './scanner.ts'

/** A dialog by its three ids, as the one who receives the Replaces knows them: RFC 3891 §6.1. */
export interface Replaces {
  readonly sipCallId: string
  readonly toTag: string
  readonly fromTag: string
  /** Only while that dialog is early: else 486. */
  readonly isEarlyOnly: boolean
}

/**
 * Reads Replaces: `Call-ID;to-tag=…;from-tag=…[;early-only]`.
 * @throws MessageError `sip-message.header` unless there is exactly one tag of each kind.
 */
export function parseReplaces(value: string): Replaces {
  const text = value.trim()
  // No character of a Call-ID is a semicolon, so the first one ends it.
  const semicolon = text.indexOf(';')
  const idEnd = semicolon < 0 ? text.length : semicolon
  const sipCallId = text.slice(0, idEnd).trimEnd()
  if (!isCallId(sipCallId)) fail('A Call-ID was expected.')
  const scanner = new Scanner(text, idEnd)
  const parameters = readParameters(scanner)
  scanner.expectEnd()
  const toTag = parameters.get('to-tag')
  const fromTag = parameters.get('from-tag')
  if (!isTag(toTag) || !isTag(fromTag)) fail('It needs a to-tag and a from-tag.')
  return { sipCallId, toTag, fromTag, isEarlyOnly: parameters.has('early-only') }
}

export function printReplaces({ sipCallId, toTag, fromTag, isEarlyOnly }: Replaces): string {
  return `${sipCallId};to-tag=${toTag};from-tag=${fromTag}${isEarlyOnly ? ';early-only' : ''}`
}

function isTag(value: string | null | undefined): value is string {
  return typeof value === 'string' && isToken(value)
}

/** `callid`: word [ "@" word ], RFC 3261 §25.1. */
function isCallId(text: string): boolean {
  const [local = '', host, ...others] = text.split('@')
  return others.length === 0 && isWord(local) && (host === undefined || isWord(host))
}

function isWord(text: string): boolean {
  return text.length > 0 && skipClass(text, 0, text.length, CharClass.word) === text.length
}

function fail(sentence: string): never {
  throw new MessageError('sip-message.header', `Replaces: ${sentence}`, { facts: { header: 'Replaces' } })
}
