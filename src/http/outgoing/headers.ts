/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** RFC 9110 §5.5: visible characters, blanks and tabs; anything else could end the line. Latin-1, as HTTP/1.1 sends it. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/

/** They say how the message is framed or where it goes, which is ours to say (RFC 9112 §6, RFC 9110 §7.6.1). */
const ours = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'accept-encoding',
])

/** What keeps a header from being sent, without its value; null when nothing does. */
export function headerProblem(name: string, value: string): string | null {
  if (!token.test(name)) return `${JSON.stringify(name.slice(0, 40))} is no name of a header.`
  if (ours.has(name.toLowerCase())) return `The header ${name} cannot be set.`
  return fieldValue.test(value) ? null : `The value of the header ${name} holds characters that HTTP does not allow.`
}

/** RFC 7617 §2, in UTF-8. */
export function basicCredentials(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}

/** Names in lower case, so that one given by the caller replaces ours. */
export function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
