import { isIP } from 'node:net'
import { type Cidr, type HostPort, isWildcard, type ListenAddress, parseCidr, parseHostPort } from './addresses.ts'
import type { DatabaseSettings, Language, NatSettings, PortRange } from './settings.ts'
import type { MailSettings, VoicemailSocket } from './settings-voicemail.ts'
import type { Shape } from './shape.ts'
import { oneOf, parsedText, secret } from './value-shapes.ts'

/** Names that operators choose: tenants, apps, trunks, partners, nodes. Safe in paths, logs and URLs. */
export const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/
export const nameExpected = '1 to 64 letters, digits, underscores, dots and hyphens, no dot or hyphen first'

/** The user part of an extension's address; digits mostly, since it is dialled. */
export const extensionPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/
export const extensionExpected = '1 to 32 letters, digits, underscores, dots and hyphens, a letter or digit first'

const comesLater: Readonly<Record<string, string>> = {
  tls: 'SIP over TLS comes later: this version listens on udp and tcp.',
  ws: 'SIP over WebSocket comes later, and then on the HTTP port: this version listens on udp and tcp.',
  wss: 'SIP over WebSocket comes later, and then on the HTTP port: this version listens on udp and tcp.',
}

/** `udp:127.0.0.1:5060`, `tcp:[::1]:5060`. */
export function listenAddress(protocols: readonly ListenAddress['protocol'][]): Shape<ListenAddress> {
  const expected = `${protocols.map((protocol) => `${protocol}:ADDRESS:PORT`).join(' or ')}, an IPv6 address in brackets`
  return parsedText(
    expected,
    (text) => {
      const colon = text.indexOf(':')
      const protocol = protocols.find((known) => known === text.slice(0, colon).toLowerCase())
      const socket = parseHostPort(text.slice(colon + 1))
      return protocol && socket ? { protocol, ...socket } : undefined
    },
    (text) => {
      const colon = text.indexOf(':')
      const [word, rest] = [text.slice(0, Math.max(0, colon)).toLowerCase(), text.slice(colon + 1)]
      if (Object.hasOwn(comesLater, word)) return comesLater[word]
      if (!protocols.some((known) => known === word)) return undefined
      return /^[A-Za-z][\w.-]*:\d+$/.test(rest) ? 'A socket listens on an IP address, not on a name.' : undefined
    },
  )
}

/** `127.0.0.1:8080`. */
export const hostPort: Shape<HostPort> = parsedText(
  'ADDRESS:PORT, an IPv6 address in brackets',
  (text) => parseHostPort(text) ?? undefined,
)

/** An IP literal that a peer can send to. */
export const ipAddress: Shape<string> = parsedText('an IP address', (text) => (isIP(text) === 0 ? undefined : text))

export const cidr: Shape<Cidr> = parsedText(
  'an IP address or a range such as 192.0.2.0/24',
  (text) => parseCidr(text) ?? undefined,
)

/** `203.0.113.7`, `203.0.113.7:5060`, `sip.example.com`, `[2001:db8::1]:5060`. */
export const advertisedAddress: Shape<NatSettings['signalling']> = parsedText(
  'the address or host name that peers should use, with or without :PORT',
  (text) => {
    if (isIP(text) !== 0) return isWildcard(text) ? undefined : { host: text, port: null }
    const socket = parseHostPort(text)
    if (socket)
      return isWildcard(socket.address) || socket.port === 0 ? undefined : { host: socket.address, port: socket.port }
    const [, host, port] = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/.exec(text) ?? []
    // A name ends in a label with a letter in it: 300.1.2.3 is a mistyped address.
    if (host === undefined || !/[A-Za-z][^.]*$/.test(host) || Number(port ?? 1) > 65535 || port === '0')
      return undefined
    return { host, port: port === undefined ? null : Number(port) }
  },
)

/** `20000-29999`. RTP takes the even ports, RTCP the odd ones behind them (RFC 3550 §11). */
export const portRange: Shape<PortRange> = parsedText(
  'FIRST-LAST from 1024 to 65535, with room for at least one even port and the odd one behind it',
  (text) => {
    const [, a, b] = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(text) ?? []
    const [first, last] = [Number(a), Number(b)]
    return first >= 1024 && last <= 65535 && last > first + (first % 2) ? { first, last } : undefined
  },
)

/** `http:` and `https:` with a host; no fragment. */
export const httpUrl: Shape<string> = parsedText('an http:// or https:// address', (text) =>
  isUrl(text, ['http:', 'https:']) ? text : undefined,
)

/** The address under which the world sees us: no path behind it but `/`, no query, no credentials. */
export const publicUrl: Shape<string> = parsedText(
  'http://HOST[:PORT] or https://HOST[:PORT], without path',
  (text) => {
    if (!isUrl(text, ['http:', 'https:'])) return undefined
    const url = new URL(text)
    return url.pathname === '/' && url.search === '' && url.username === '' ? url.origin : undefined
  },
)

/** `sqlite:FILE[?synchronous=full]`, `postgres://user:password@host/db`. */
export const database: Shape<DatabaseSettings> = parsedText(
  'sqlite:FILE, sqlite:FILE?synchronous=full, or postgres://USER:PASSWORD@HOST/DATABASE',
  (text) => {
    const [, file, synchronous] = /^sqlite:([^?]+)(?:\?synchronous=(normal|full))?$/.exec(text) ?? []
    if (file !== undefined) return { kind: 'sqlite', file, synchronous: synchronous === 'full' ? 'full' : 'normal' }
    const isPostgres = isUrl(text, ['postgres:', 'postgresql:'])
    return isPostgres && new URL(text).pathname.length > 1 ? { kind: 'postgres', url: text } : undefined
  },
  // Its address holds a password.
  () => 'This is no address of a database.',
)

/** `sip:host[:port][;transport=udp|tcp]`, RFC 3261 §19.1, without user and headers. */
export const trunkUri: Shape<string> = parsedText(
  'sip:HOST[:PORT][;transport=udp|tcp]',
  (text) => {
    const [, host, v6, port] =
      /^sip:(?:([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?(?:;transport=(?:udp|tcp))?$/i.exec(
        text,
      ) ?? []
    if (host === undefined && (v6 === undefined || isIP(v6) !== 6)) return undefined
    return port === undefined || (Number(port) >= 1 && Number(port) <= 65535) ? text : undefined
  },
  (text) =>
    /^sips:|;transport=(tls|wss?)/i.test(text)
      ? 'SIP over TLS and WebSocket comes later: trunks are reached by udp or tcp.'
      : undefined,
)

/** As a trunk's address; `;lr` may stand behind it, and is meant where it does not. */
export const proxyUri: Shape<string> = {
  info: { kind: 'value', expected: 'sip:HOST[:PORT][;transport=udp|tcp][;lr]' },
  read(node, reading) {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') return trunkUri.read(node, reading)
    return trunkUri.read({ ...node, value: node.value.replace(/;lr$/i, '') }, reading)
  },
}

/** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`. */
export const dnsServer: Shape<HostPort> = parsedText(
  'the IP address of a DNS server, with or without :PORT',
  (text) => {
    if (isIP(text) !== 0) return { address: text, port: 53 }
    const socket = parseHostPort(text)
    return socket === null || socket.port === 0 ? undefined : socket
  },
)

/** `tcp://host:port`, `http(s)://…`, or `local`. */
export const voicemailService: Shape<
  { kind: 'local' } | { kind: 'tcp'; host: string; port: number } | { kind: 'http'; url: string }
> = parsedText('local, tcp://HOST:PORT, or an http:// or https:// address', (text) => {
  if (text === 'local') return { kind: 'local' }
  if (isUrl(text, ['http:', 'https:'])) return { kind: 'http', url: text }
  const [, host, v6, port] = /^tcp:\/\/(?:([A-Za-z0-9.-]+)|\[([0-9A-Fa-f:.]+)\]):(\d{1,5})$/.exec(text) ?? []
  const name = host ?? v6
  if (name === undefined || Number(port) < 1 || Number(port) > 65535) return undefined
  return { kind: 'tcp', host: name, port: Number(port) }
})

const sizeUnits: Readonly<Record<string, number>> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** `200 MB` to bytes. */
export const byteSize: Shape<number> = parsedText(
  'a size such as 200 MB (kB, MB, GB, KiB, MiB, GiB), at most 1000 GB',
  (text) => {
    const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?(kB|MB|GB|KiB|MiB|GiB)$/.exec(text) ?? []
    const bytes = Math.floor(Number(amount) * (sizeUnits[unit ?? ''] ?? Number.NaN))
    return bytes >= 0 && bytes <= 1e12 ? bytes : undefined
  },
)

/** An IANA name, as the running system knows them. */
export const timeZone: Shape<string> = parsedText('the IANA name of a time zone, such as Asia/Ho_Chi_Minh', (text) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).format(0) === '' ? undefined : text
  } catch {
    return undefined
  }
})

/** ITU-T E.164 country codes have one to three digits, none beginning with zero. */
export const countryCode: Shape<string> = parsedText('a country code of 1 to 3 digits, such as "84"', (text) =>
  /^\+?[1-9]\d{0,2}$/.test(text) ? text.replace('+', '') : undefined,
)

/** RFC 3261 §25.1 `hostname` or an IP literal: it stands in URIs and as the realm. */
export const sipDomain: Shape<string> = parsedText('a domain name or an IP address', (text) => {
  const isName =
    /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(text)
  return isName || isIP(text) !== 0 ? text.toLowerCase() : undefined
})

export const language: Shape<Language> = oneOf('en', 'id', 'he', 'vi')

/** The voicemail protocol writes `eng` and `ina`, which are not of ISO 639. */
export const mailboxLanguage: Shape<'en' | 'id'> = parsedText('eng or ina (or en, id)', (text) => {
  if (text === 'eng' || text === 'en') return 'en'
  return text === 'ina' || text === 'in' || text === 'id' ? 'id' : undefined
})

/** What everybody tries first. */
const commonPasswords = new Set(
  'password passw0rd password1 password123 12345678 123456789 1234567890 87654321 qwertyui qwertyuiop asdfghjk changeme changeit letmein1 admin123 administrator switchhook secret123 iloveyou welcome1'.split(
    ' ',
  ),
)
const leastPasswordLength = 8

/** Why a secret will not do, or undefined. */
export function weakness(value: string, name: string | undefined): string | undefined {
  if (value === '') return 'The secret is empty.'
  if (/\p{Cc}/u.test(value)) return 'The secret contains a control character.'
  if (value.length > 256) return 'The secret has more than 256 characters.'
  if (value.length < leastPasswordLength) return `The secret has fewer than ${leastPasswordLength} characters.`
  const lower = value.toLowerCase()
  if (commonPasswords.has(lower)) return 'The secret is among those that everybody tries first.'
  if (new Set(value).size < 3) return 'The secret repeats one or two characters.'
  if (name && lower.split(name.toLowerCase()).join('') === '') return 'The secret is its own name, repeated.'
  return undefined
}

/** A password or key of 8 to 256 characters that is not among the first guesses. */
export const strongSecret: Shape<string> = secret(
  'a secret of 8 to 256 characters that is not easily guessed; "${NAME}" takes it from the environment',
  (value, node) => weakness(value, node.path.at(-2)),
)

/** A secret that another side has chosen: it must only be there. */
export const foreignSecret: Shape<string> = secret('the secret that the other side has given you', (value) => {
  if (value === '') return 'The secret is empty.'
  return /\p{Cc}/u.test(value) || value.length > 1024
    ? 'The secret is too long or contains a control character.'
    : undefined
})

/**
 * An address to which mail is sent: the plain form of RFC 5321 §4.1.2 (`Dot-string@Domain`), without comments, quotes and
 * routes, so that it can stand in a header and in a command of SMTP and mean nothing else.
 */
export const mailAddress: Shape<string> = parsedText('an e-mail address such as owner@example.com', (text) =>
  isMailAddress(text) ? text : undefined,
)

/** `Voicemail <voicemail@example.com>`, or the address alone. */
export const mailSender: Shape<MailSettings['from']> = parsedText(
  'NAME <ADDRESS>, or an e-mail address such as voicemail@example.com',
  (text) => {
    const [, name = '', address = text] = /^([^<>\p{Cc}]*)<([^<>]+)>$/u.exec(text.trim()) ?? []
    return isMailAddress(address) ? { name: name.trim().replaceAll('"', ''), address } : undefined
  },
)

/** `tcp:127.0.0.1:7070`, `tls:0.0.0.0:7071`: sockets of the voicemail service. */
export const voicemailSocket: Shape<VoicemailSocket> = parsedText(
  'tcp:ADDRESS:PORT or tls:ADDRESS:PORT, an IPv6 address in brackets',
  (text) => {
    const [, protocol, rest = ''] = /^(tcp|tls):(.*)$/i.exec(text) ?? []
    const socket = parseHostPort(rest)
    return protocol && socket ? { protocol: protocol.toLowerCase() === 'tls' ? 'tls' : 'tcp', ...socket } : undefined
  },
  (text) =>
    /^(?:tcp|tls):[A-Za-z][\w.-]*:\d+$/i.test(text) ? 'A socket listens on an IP address, not on a name.' : undefined,
)

/** A name or an IP address of another machine. */
export const hostName: Shape<string> = parsedText('a host name or an IP address', (text) =>
  isIP(text) !== 0 || /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text) ? text : undefined,
)

/** A voicemail PIN. */
export const pin: Shape<string> = secret(
  '4 to 12 digits in quotes, not all the same, not the extension',
  (value, node) => {
    if (!/^\d{4,12}$/.test(value)) return 'The PIN is not 4 to 12 digits.'
    if (new Set(value).size === 1) return 'The PIN is one digit repeated.'
    return node.path.at(-3) === value ? 'The PIN is the extension.' : undefined
  },
)

/** Also what the admin API takes for one. */
export function isMailAddress(text: string): boolean {
  const [, local = ''] =
    /^([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?=.{1,253}$)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.exec(
      text,
    ) ?? []
  return local !== '' && !local.startsWith('.') && !local.endsWith('.') && !local.includes('..')
}

function isUrl(text: string, protocols: readonly string[]): boolean {
  if (!URL.canParse(text) || /\s/.test(text)) return false
  const url = new URL(text)
  return protocols.includes(url.protocol) && url.host !== '' && url.hash === ''
}
