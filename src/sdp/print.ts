import type { Attribute, Connection, MediaDescription, OtherLine, SessionDescription } from './session-description.ts'

/** Lines that we only carry, in the places RFC 8866 §9 gives them: before c=, before t= (b), before a= (z, k). */
const beforeConnection = 'iuep'
const beforeTimings = 'b'
const beforeAttributes = 'zk'

const encoder = new TextEncoder()

/**
 * Writes a description to the letter: CRLF, lines in the order of RFC 8866 §9.
 * @returns UTF-8 bytes of application/sdp.
 */
export function printSdp(description: SessionDescription): Uint8Array {
  return encoder.encode(printSdpText(description))
}

/** The same as text. */
export function printSdpText(description: SessionDescription): string {
  const { origin, otherLines } = description
  const family = origin.family.toUpperCase()
  const lines = [
    'v=0',
    `o=${origin.username} ${origin.sessionId} ${origin.version} IN ${family} ${origin.address}`,
    // RFC 8866 §5.3: one character at least.
    `s=${description.sessionName === '' ? '-' : description.sessionName}`,
  ]
  pushOthers(lines, otherLines, beforeConnection)
  if (description.connection) lines.push(connectionLine(description.connection))
  pushOthers(lines, otherLines, beforeTimings)
  lines.push(...(description.timings.length === 0 ? ['t=0 0'] : description.timings))
  pushOthers(lines, otherLines, beforeAttributes)
  lines.push(...description.attributes.map(attributeLine))
  for (const media of description.media) pushMedia(lines, media)
  return `${lines.join('\r\n')}\r\n`
}

function pushMedia(lines: string[], media: MediaDescription): void {
  const count = media.portCount > 1 ? `/${media.portCount}` : ''
  // A format must be there even where the stream is refused.
  const formats = media.formats.length === 0 ? '0' : media.formats.join(' ')
  lines.push(`m=${media.media} ${media.port}${count} ${media.protocol} ${formats}`)
  pushOthers(lines, media.otherLines, beforeConnection)
  if (media.connection) lines.push(connectionLine(media.connection))
  pushOthers(lines, media.otherLines, beforeTimings)
  pushOthers(lines, media.otherLines, beforeAttributes)
  lines.push(...media.attributes.map(attributeLine))
}

function pushOthers(lines: string[], others: readonly OtherLine[], types: string): void {
  for (const { type, value } of others) if (types.includes(type)) lines.push(`${type}=${value}`)
}

function connectionLine(connection: Connection): string {
  return `c=IN ${connection.family.toUpperCase()} ${connection.address}${connection.suffix}`
}

function attributeLine({ name, value }: Attribute): string {
  return value === null ? `a=${name}` : `a=${name}:${value}`
}
