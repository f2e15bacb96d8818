import type { Cidr, ListenAddress } from './addresses.ts'
import { list, object, optional, record, section } from './compound-shapes.ts'
import { tenant } from './schema-tenant.ts'
import * as values from './schema-values.ts'
import { voicemail } from './schema-voicemail.ts'
import { describeNode, type Shape } from './shape.ts'
import { flag, nullable, number, oneOf, text } from './value-shapes.ts'

const named = { keyExpected: values.nameExpected, keyPattern: values.namePattern }

const privateAddresses = 'false, true, or a list of IP addresses and ranges'
const allowPrivateAddresses: Shape<boolean | readonly Cidr[]> = {
  info: { kind: 'value', expected: privateAddresses },
  read(node, reading) {
    const isFlag = node.kind === 'scalar' && (typeof node.value === 'boolean' || node.isFromEnvironment)
    if (isFlag) return flag.read(node, reading)
    if (node.kind === 'list') return list(values.cidr, 'IP addresses and ranges').read(node, reading)
    reading.report(node, `This is ${describeNode(node)}.`, privateAddresses)
    return undefined
  },
}

const defaultSip: readonly ListenAddress[] = [
  { protocol: 'udp', address: '127.0.0.1', port: 5060 },
  { protocol: 'tcp', address: '127.0.0.1', port: 5060 },
]

/** The whole file. Every key has a default. */
export const settingsShape = object('the configuration', {
  log: section(
    object('log', {
      level: optional(
        oneOf('debug', 'info', 'warn', 'error', 'silent'),
        'info',
        'The least severe line that is written.',
      ),
    }),
    'JSON lines on standard output.',
  ),
  http: section(
    object('http', {
      listen: optional(
        values.hostPort,
        { address: '127.0.0.1', port: 8080 },
        'Where the HTTP server listens.',
        '"127.0.0.1:8080"',
      ),
      publicUrl: optional(
        nullable(values.publicUrl),
        null,
        'The address under which others reach it: links in answers begin with it; `null`: made from `listen`.',
      ),
    }),
    'The HTTP server: APIs, console, health.',
  ),
  sip: section(
    object('sip', {
      listen: optional(
        list(values.listenAddress(['udp', 'tcp']), 'sockets', { least: 1, isSingleAllowed: true }),
        defaultSip,
        'Sockets of the SIP server. TLS and WebSocket come later.',
        '["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]',
      ),
      anonymous: optional(
        oneOf('none', 'loopback', 'any'),
        'loopback',
        'Who may call numbers without credentials. Never outbound.',
      ),
      reliableProvisional: optional(
        oneOf('required', 'supported'),
        'required',
        'When 18x responses are sent reliably (RFC 3262): only when the peer requires it, or also when it can.',
      ),
      digest: optional(
        oneOf('md5', 'sha-256', 'both'),
        'md5',
        'By which digest passwords are asked for (RFC 8760). Many telephones know MD5 alone and give up where SHA-256 is offered beside it.',
      ),
      dns: optional(
        list(values.dnsServer, 'DNS servers', { isSingleAllowed: true }),
        [],
        "DNS servers that are asked where calls go. None: the system's.",
      ),
    }),
    'The SIP server.',
  ),
  nat: section(
    object('nat', {
      signalling: optional(
        nullable(values.advertisedAddress),
        null,
        'In Via and Contact, to peers outside the local networks.',
      ),
      media: optional(nullable(values.ipAddress), null, 'In SDP, to peers outside the local networks.'),
      localNetworks: optional(
        list(values.cidr, 'addresses or ranges', { isSingleAllowed: true }),
        [],
        "Peers that get the socket's own address.",
      ),
    }),
    'Addresses advertised to peers outside the local networks.',
  ),
  rtp: section(
    object('rtp', {
      portRange: optional(
        values.portRange,
        { first: 20000, last: 29999 },
        'UDP ports of calls; each takes two.',
        '"20000-29999"',
      ),
      listen: optional(
        nullable(values.ipAddress),
        null,
        'The address of media sockets; `null`: that of the SIP socket.',
      ),
    }),
    'The audio.',
  ),
  media: section(
    object('media', {
      workers: optional(nullable(number(1, 64)), null, 'Threads that move audio; `null`: cores - 1, at least 1.'),
    }),
    'The media plane.',
  ),
  data: optional(text('the path of a folder'), './data', 'Recordings, prompts, cache, keys.'),
  database: optional(
    nullable(values.database),
    null,
    'Where records are kept; `null`: a file in the data folder. `synchronous=full` survives a power cut to the last call.',
    '"sqlite:./data/switchhook.db"',
  ),
  speech: section(
    object('speech', {
      engine: optional(oneOf('espeak-ng', 'none'), 'espeak-ng', 'The voice.'),
      cache: optional(values.byteSize, 200e6, 'How much spoken text is kept on disk.', '"200 MB"'),
    }),
    'Text to speech.',
  ),
  voicemail: section(voicemail, 'The voicemail service.'),
  admin: section(
    object('admin', {
      token: optional(
        nullable(values.strongSecret),
        null,
        'Bearer token of the admin API; `null`: generated at the first start and kept in the data folder.',
      ),
    }),
    'The admin API.',
  ),
  webhooks: section(
    object('webhooks', {
      allowPrivateAddresses: optional(
        allowPrivateAddresses,
        false,
        'Whether addresses that arrive over an API may be private ones: none, all, or those in a list.',
      ),
    }),
    'Requests to addresses that arrive over an API. Those in this file are trusted.',
  ),
  tenants: section(
    record(tenant, { ...named, keyName: 'tenant', declares: 'tenant' }),
    'The customers of this server, who see nothing of each other.',
  ),
})

type Read<S> = S extends Shape<infer T> ? T : never

/** The file as read: defaults applied, texts parsed; paths still relative, numbers still as written. */
export type ReadSettings = Read<typeof settingsShape>
export type ReadTenant = Read<typeof tenant>
