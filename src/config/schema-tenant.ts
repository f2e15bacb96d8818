import { list, object, optional, record, required, section } from './compound-shapes.ts'
import { app, appName, dialable, partner } from './schema-apps.ts'
import { events } from './schema-events.ts'
import { outboundRule, trunk } from './schema-trunks.ts'
import * as values from './schema-values.ts'
import { mailbox, messageRetention } from './schema-voicemail.ts'
import { type PathUse, type Reading, type Shape, tenantOf } from './shape.ts'
import type { SourceNode } from './source-node.ts'
import { mapped, nullable, number, oneOf, parsedText, text } from './value-shapes.ts'

const named = { keyExpected: values.nameExpected, keyPattern: values.namePattern }

const recordingPolicy = oneOf('off', 'on', 'on-demand')

const callRecording = object('the recording of calls', {
  policy: optional(
    recordingPolicy,
    'off',
    'Of calls of extensions: `on` records each on two channels; `on-demand`: when an extension presses `*1` during the call, or over the admin API.',
  ),
  retentionDays: optional(
    nullable(number(1, 36_500, { unit: 'days' })),
    null,
    'After so many days the sound of every recording is deleted; `null`: never.',
  ),
})

const extension = object('an extension', {
  password: required(values.strongSecret, 'Of its telephone. Stored encrypted.'),
  name: optional(nullable(text('a display name')), null, 'Shown to who is called.'),
  record: optional(
    nullable(recordingPolicy),
    null,
    "Whether its calls are recorded: off, on or on-demand; `null`: the tenant's `callRecording`.",
  ),
  mailbox: optional(mailbox, null, 'Its voicemail; `true`: with the defaults below; `null`: none.'),
})

const callerIds: Shape<'any' | readonly string[]> = {
  info: { kind: 'value', expected: 'a list of telephone numbers, or any' },
  read(node, reading) {
    const isAny = (inner: SourceNode): boolean => inner.kind === 'scalar' && inner.value === 'any'
    if (isAny(node) || (node.kind === 'list' && node.items.length > 0 && node.items.every(isAny))) return 'any'
    return list(dialable, 'telephone numbers, or any', { isSingleAllowed: true }).read(node, reading)
  },
}

const numberEntry = object('a number', {
  app: required(appName, 'The app that takes its calls.'),
  language: optional(nullable(values.language), null, "Of system texts; `null`: the tenant's."),
})

/** The name of an app; or an extension, where no app has that name. */
const layer = mapped(text('the name of an app, or an extension'), (name, node, reading) => {
  reading.later(() => {
    if (!reading.has('extension', tenantOf(node), name)) reading.mustExist('app', tenantOf(node), name, node)
  })
  return { name, isExtension: (): boolean => isExtensionOnly(reading, node, name) }
})

const recordingPath = parsedText('the path of a .wav or .mp3 file, or of a folder', (value) =>
  value === '' ? undefined : value,
)

const located: Shape<PathUse> = mapped(recordingPath, (path, node, reading) => {
  return reading.usesPath({ kind: 'recording', path, node })
})

const recordings = record(located, {
  keyName: 'name',
  keyExpected: 'a name of letters, digits, dots, hyphens, underscores, blanks and slashes, or a language',
  keyPattern: /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9 ._/-]{0,127}$/,
  declares: 'recording',
})

const limits = object('limits', {
  concurrentCalls: optional(number(1, 100_000), 50, 'Calls at the same time.'),
  callsPerSecond: optional(number(0.01, 10_000, { isWhole: false }), 5, 'New calls per second.'),
  minutesPerDay: optional(number(0, 10_000_000), 1000, 'Minutes of outbound calls per day.'),
})

/** One tenant. Names given here are known only in it. */
export const tenant = object('a tenant', {
  domain: optional(nullable(values.sipDomain), null, 'SIP domain and realm; required when there are several tenants.'),
  timeZone: optional(nullable(values.timeZone), null, 'For dates that are spoken or given out; `null`: UTC.'),
  countryCode: optional(nullable(values.countryCode), null, 'Makes national numbers (`0...`) comparable with E.164.'),
  language: optional(values.language, 'en', 'Of system texts: en, id, he or vi.'),
  callerIds: optional(callerIds, [], 'Numbers besides its own that it may show.', '[]'),
  extensions: section(
    record(extension, {
      keyName: 'extension',
      keyExpected: values.extensionExpected,
      keyPattern: values.extensionPattern,
      declares: 'extension',
    }),
    'Telephones that register.',
  ),
  trunks: section(record(trunk, { ...named, keyName: 'name', declares: 'trunk' }), 'Ways to the outside.'),
  outbound: optional(
    list(outboundRule, 'outbound rules'),
    [],
    'Which numbers go out, and by which trunks; the first that fits. None: nothing goes out.',
  ),
  numbers: section(
    record(numberEntry, {
      keyName: 'number',
      keyExpected: 'a telephone number: + or digits first, in quotes',
      keyPattern: /^(?=.*\d)[+\d*#][\d\s().\-/*#]{0,31}$/,
    }),
    'Numbers that can be called. Unique over all tenants.',
  ),
  apps: section(record(app, { ...named, keyName: 'name', declares: 'app' }), 'What a number may lead to.'),
  partners: section(record(partner, { ...named, keyName: 'name' }), 'Programs that read call records and dial.'),
  callRecording: section(callRecording, 'Whether calls are recorded, and how long that is kept.'),
  messageRetention: section(
    messageRetention,
    'By what age voicemail messages are deleted. As with every deletion, they can be had back for 24 hours.',
  ),
  recordings: section(
    recordings,
    'Prompts by name. A key that is a language (en, id, he, vi) stands for a folder: each file in it is a prompt of that language.',
  ),
  layers: section(
    record(layer, {
      keyName: 'layer number',
      keyExpected: 'a whole number from 0 to 9999999',
      keyPattern: /^(0|[1-9]\d{0,6})$/,
      declares: 'layer',
    }),
    "What the numbered layers of Voicenter's VO action are: an app, or an extension.",
  ),
  events: optional(
    nullable(events),
    null,
    'Where it is told of calls and recordings; `null`: nowhere. See docs/events.md.',
  ),
  limits: section(limits, 'Bounds of this tenant.'),
})

function isExtensionOnly(reading: Reading, node: SourceNode, name: string): boolean {
  return !reading.has('app', tenantOf(node), name) && reading.has('extension', tenantOf(node), name)
}
