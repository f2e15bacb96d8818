import { isIP } from 'node:net'
import { isInCidr, parseCidr } from './addresses.ts'
import { list, object, optional, record, required, section } from './compound-shapes.ts'
import * as values from './schema-values.ts'
import {
  afterMail,
  type MailboxMailSettings,
  type MailboxSettings,
  type VoicemailSocket,
} from './settings-voicemail.ts'
import { orShort, type Shape, tenantOf } from './shape.ts'
import type { SourceNode } from './source-node.ts'
import { flag, mapped, nullable, number, oneOf, text } from './value-shapes.ts'

const named = { keyExpected: values.nameExpected, keyPattern: values.namePattern }

const mailAddresses = list(values.mailAddress, 'e-mail addresses', { least: 1, isSingleAllowed: true })

const mailboxMailFields = object('e-mail of a mailbox', {
  to: required(mailAddresses, 'Who is sent its messages: an address, or a list.'),
  language: optional(nullable(values.mailboxLanguage), null, "Of the text; `null`: the mailbox's."),
  attach: optional(flag, true, 'Whether the sound goes along.'),
  format: optional(oneOf('wav', 'mp3'), 'wav', 'As it was recorded, or as mp3, of an eighth of the size.'),
  after: optional(
    oneOf(...afterMail),
    'keep',
    'What becomes of the message once the mail server has it: `keep` it as new, mark it as `read`, or `delete` it.',
  ),
})

/** An address, or a list of them, is e-mail with the defaults. */
const mailboxMail: Shape<MailboxMailSettings> = {
  info: orShort(mailboxMailFields.info, 'string', 'array'),
  read(node, reading) {
    if (node.kind === 'map') return mailboxMailFields.read(node, reading)
    const to = mailAddresses.read(node, reading)
    return to && { to, language: null, attach: true, format: 'wav', after: 'keep' }
  },
}

const days = nullable(number(1, 36_500, { unit: 'days' }))

const mailboxFields = object('a mailbox', {
  language: optional(values.mailboxLanguage, 'en', 'Of its announcements.', '"eng"'),
  max: optional(number(1, 10_000, { unit: 'messages' }), 20, 'How many messages it holds.'),
  record: optional(number(1, 3600, { unit: 'seconds' }), 60, 'The longest message.'),
  pin: optional(nullable(values.pin), null, 'Asked for when it is called from elsewhere; `null`: never.'),
  email: optional(
    nullable(mailboxMail),
    null,
    'Where its messages are sent to; needs `voicemail.mail`. `null`: nowhere.',
  ),
  retention: section(
    object('the retention of a mailbox', {
      newDays: optional(days, null, 'Messages that nobody has heard; `null`: as the tenant has it.'),
      savedDays: optional(days, null, 'Messages since they were heard; `null`: as the tenant has it.'),
    }),
    "By what age its messages are deleted; over the tenant's `messageRetention`.",
  ),
})

export const messageRetention = object('the retention of voicemail messages', {
  newDays: optional(days, null, 'Messages that nobody has heard, since they came; `null`: never.'),
  savedDays: optional(days, null, 'Messages since they were heard; `null`: never.'),
})

/** `true` is a mailbox with its defaults; `false` and `null` are none. */
export const mailbox: Shape<MailboxSettings | null> = {
  info: orShort(mailboxFields.info, 'boolean', 'null'),
  read(node, reading) {
    if (node.kind === 'scalar' && (node.value === null || node.value === false)) return null
    const extension = node.path.at(-2)
    if (extension !== undefined) reading.declare('mailbox', tenantOf(node), extension)
    const isDefault = node.kind === 'scalar' && node.value === true
    const whole: SourceNode = isDefault ? { ...node, kind: 'map', entries: new Map() } : node
    return mailboxFields.read(whole, reading)
  },
}

const tenantName = mapped(text('the name of a tenant'), (name, node, reading) => {
  reading.mustExist('tenant', tenantOf(node), name, node)
  return name
})

const voicemailNode = mapped(
  object('a voicemail node', {
    tenant: required(tenantName, 'Whose mailboxes it serves.'),
    key: optional(nullable(values.strongSecret), null, 'What it sends to prove itself.'),
    addresses: optional(
      list(values.cidr, 'addresses or ranges', { isSingleAllowed: true }),
      [],
      'From which it is believed without a key.',
    ),
    media: optional(
      oneOf('lenient', 'strict'),
      'lenient',
      'Whether a voice that it names may come later (`lenient`: "audio pending"), or must be in the store (`strict`: NO_FILE).',
    ),
  }),
  (read, node, reading) => {
    if (read.key === null && read.addresses.length === 0) {
      reading.report(node, 'Nothing proves who this node is.', 'a key, or addresses, or both')
    }
    const { media, ...rest } = read
    return { ...rest, isStrict: media === 'strict' }
  },
)

const defaultSocket: VoicemailSocket = { protocol: 'tcp', address: '127.0.0.1', port: 7070 }

const pemFile = text('the path of a PEM file')

/** RFC 6409 §3.1, RFC 8314 §3.3, RFC 5321 §4.5.4.2. */
const usualPorts = { starttls: 587, tls: 465, none: 25 } as const

const mail = mapped(
  object('the mail server', {
    host: required(values.hostName, 'The server that takes our mail.'),
    port: optional(nullable(number(1, 65_535)), null, '`null`: 587 with `starttls`, 465 with `tls`, 25 with `none`.'),
    security: optional(
      oneOf('starttls', 'tls', 'none'),
      'starttls',
      '`starttls` is required, not tried; `tls` from the first byte; `none` sends readably, and no password but to this machine.',
    ),
    authority: optional(
      nullable(pemFile),
      null,
      'Certificates of authorities that are trusted besides the usual ones, for a server with one of its own.',
    ),
    user: optional(nullable(text('the name of an account')), null, 'For servers that want a login.'),
    password: optional(
      nullable(values.foreignSecret),
      null,
      'Of the account. "${NAME}" takes it from the environment.',
    ),
    from: required(values.mailSender, 'Who the mail is from.'),
    maxAttachment: optional(
      values.byteSize,
      10e6,
      'A message with more sound is told of without it. Written as mail, sound grows by a third.',
      '"10 MB"',
    ),
  }),
  ({ port, user, password, maxAttachment, ...rest }, node, reading) => {
    if ((user === null) !== (password === null)) {
      reading.report(node, 'An account has a user and a password.', 'both, or neither')
    }
    if (password !== null && rest.security === 'none' && !isLoopback(rest.host)) {
      reading.report(node, `The password would travel readably to ${rest.host}.`, '`security` starttls or tls')
    }
    return {
      ...rest,
      port: port ?? usualPorts[rest.security],
      login: user === null || password === null ? null : { user, password },
      attachmentBytes: maxAttachment,
    }
  },
)

/** Of the whole server. */
export const voicemail = object('voicemail', {
  listen: optional(
    nullable(list(values.voicemailSocket, 'sockets', { isSingleAllowed: true })),
    [defaultSocket],
    'Sockets of the voicemail service, for `nodes`; `null`: none, over HTTP only.',
    '"tcp:127.0.0.1:7070"',
  ),
  tls: optional(
    nullable(
      object('the certificate', {
        certificate: required(pemFile, 'The certificate, and behind it those up to the authority.'),
        key: required(pemFile, 'Its private key, not encrypted.'),
      }),
    ),
    null,
    'For sockets of `tls:`. Read when the server starts.',
  ),
  nodes: section(record(voicemailNode, { ...named, keyName: 'name' }), 'IVR nodes that may ask the service.'),
  nodeName: optional(
    text('1 to 64 letters, digits, underscores, dots and hyphens', /^[A-Za-z0-9_.-]{1,64}$/),
    'SWITCHHOOK',
    'How our own node calls itself to services (`ivr_name`).',
  ),
  mail: optional(nullable(mail), null, 'The mail server that takes messages for `email` of mailboxes; `null`: none.'),
})

const loopback = ['127.0.0.0/8', '::1'].flatMap((range) => parseCidr(range) ?? [])

function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && loopback.some((range) => isInCidr(range, host)))
}
