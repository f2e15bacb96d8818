import { CharClass, isToken, skipClass } from './char-classes.ts'
import { maxListValues, maxParameters } from './limits.ts'
import { MessageError } from './message-error.ts'
import { noParameters, tooMany } from './parameters.ts'
import { isBlank, quote, Scanner } from './scanner.ts'
import type { Challenge, Parameters } from './types.ts'

/** Written without quotes in challenges and in credentials alike: RFC 3261 §25.1, RFC 7616 §3.3, §3.4. */
const alwaysBare = new Set(['algorithm', 'stale', 'nc', 'userhash', 'charset'])

/**
 * Reads one value of WWW-Authenticate, Proxy-Authenticate, Authorization or Proxy-Authorization: a scheme and its
 * parameters. RFC 3261 §20.7, §20.44, §25.1.
 * @throws MessageError `sip-message.header`.
 */
export function parseChallenge(value: string): Challenge {
  const [first, second] = parseChallengeList(value)
  if (first === undefined || second !== undefined) {
    throw new MessageError('sip-message.header', 'One scheme was expected.')
  }
  return first
}

/**
 * Reads a line with one or more challenges. Each should have a line of its own (§7.3.1), yet some servers put several in
 * one, as HTTP does; a name that no `=` follows then begins the next.
 * @throws MessageError `sip-message.header`.
 */
export function parseChallengeList(value: string): Challenge[] {
  const scanner = new Scanner(value)
  const found: Challenge[] = []
  scanner.skipBlanks()
  while (!scanner.isAtEnd) {
    if (found.length >= maxListValues) tooMany()
    found.push(readChallenge(scanner))
  }
  return found
}

/**
 * Reads parameters with commas between and no scheme: Authentication-Info (§20.6).
 * @throws MessageError `sip-message.header`.
 */
export function parseAuthParameters(value: string): Parameters {
  const scanner = new Scanner(value)
  scanner.skipBlanks()
  const parameters = readAuthParameters(scanner)
  scanner.expectEnd()
  return parameters
}

function readChallenge(scanner: Scanner): Challenge {
  const scheme = scanner.token('A scheme')
  if (!scanner.isAtEnd && !isBlank(scanner.peek())) scanner.fail('A blank was expected.')
  scanner.skipBlanks()
  return { scheme, parameters: readAuthParameters(scanner) }
}

function readAuthParameters(scanner: Scanner): Parameters {
  let found: Map<string, string> | null = null
  while (!scanner.isAtEnd && isParameter(scanner)) {
    const name = scanner.token('A parameter name').toLowerCase()
    scanner.takeSeparator(0x3d)
    const value = scanner.peek() === 0x22 ? scanner.quotedString() : scanner.token('A parameter value')
    found ??= new Map()
    if (found.has(name)) scanner.fail('A parameter stands twice.')
    if (found.size >= maxParameters) tooMany()
    found.set(name, value)
    scanner.skipBlanks()
    if (scanner.isAtEnd) break
    if (!scanner.takeSeparator(0x2c)) scanner.fail('A comma was expected.')
    if (scanner.isAtEnd) scanner.fail('Nothing follows the comma.')
  }
  return found ?? noParameters
}

/** Whether `token =` stands here; else it is the scheme of the next challenge. */
function isParameter(scanner: Scanner): boolean {
  const { text, end } = scanner
  let i = skipClass(text, scanner.position, end, CharClass.token)
  while (i < end && isBlank(text.charCodeAt(i))) i++
  return i < end && text.charCodeAt(i) === 0x3d
}

/**
 * Writes a challenge or credentials, each parameter quoted or not as RFC 3261 §25.1 has it. `qop` is quoted in a
 * challenge, a list, and bare in credentials, which are told by their `response`.
 */
export function printChallenge(challenge: Challenge): string {
  const isCredentials = challenge.parameters.has('response')
  return `${challenge.scheme} ${printAuthParameters(challenge.parameters, isCredentials)}`
}

/** Writes parameters as in credentials and in Authentication-Info. */
export function printAuthParameters(parameters: Parameters, hasBareQop = true): string {
  let out = ''
  for (const [name, value] of parameters) {
    const text = value ?? ''
    const isBare = (alwaysBare.has(name) || (name === 'qop' && hasBareQop)) && isToken(text)
    out += `${out === '' ? '' : ', '}${name}=${isBare ? text : quote(text)}`
  }
  return out
}
