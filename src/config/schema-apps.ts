import { choice, list, object, optional, record, required, section } from './compound-shapes.ts'
import { numberKey } from './numbers.ts'
import { requestHeaders } from './schema-headers.ts'
import { foreignSecret, httpUrl, strongSecret, timeZone, voicemailService } from './schema-values.ts'
import { hashToken, isTokenHash } from './secret-hash.ts'
import type { AppSettings, FallbackTarget, PartnerSettings } from './settings.ts'
import { type Reading, type Shape, tenantOf } from './shape.ts'
import { flag, mapped, nullable, number, oneOf, parsedText, text } from './value-shapes.ts'

/** An app as read: everything but its name, which is its key, and numbers still as written. */
export type ReadApp = AppSettings extends infer App ? (App extends AppSettings ? Omit<App, 'name'> : never) : never

/** A number to dial or show, as people write it: separators allowed, at least one digit. */
export const dialable: Shape<string> = parsedText('a telephone number, in E.164 or national', (value) =>
  /^[+(]?\d[\d\s().\-/]{0,31}$/.test(value) ? value : undefined,
)

/** The name of something of the same tenant; reported when nothing bears it. */
function nameOf(kind: Parameters<Reading['mustExist']>[0], what: string): Shape<string> {
  return mapped(text(`the name of ${what}`), (name, node, reading) => {
    reading.mustExist(kind, tenantOf(node), name, node)
    return name
  })
}

export const appName = nameOf('app', 'an app')
export const trunkName = nameOf('trunk', 'a trunk')

const layerNumber = mapped(number(0, 1_000_000), (layer, node, reading) => {
  reading.mustExist('layer', tenantOf(node), String(layer), node)
  return layer
})

const fallback: Shape<FallbackTarget> = choice<FallbackTarget>('where the call goes', [
  {
    key: 'layer',
    title: '{ layer: }',
    text: 'A layer of the tenant.',
    shape: mapped(object('a fallback', { layer: required(layerNumber, 'A layer of the tenant.') }), ({ layer }) => {
      return { kind: 'layer', layer }
    }),
  },
  {
    key: 'number',
    title: '{ number: }',
    text: 'A number that is dialled.',
    shape: mapped(object('a fallback', { number: required(dialable, 'A number that is dialled.') }), (read) => {
      return { kind: 'number', number: read.number }
    }),
  },
  {
    key: 'recording',
    title: '{ recording: }',
    text: 'A recording that is played before the call ends.',
    shape: mapped(
      object('a fallback', { recording: required(nameOf('recording', 'a recording'), 'A recording of the tenant.') }),
      ({ recording }) => ({ kind: 'recording', recording }),
    ),
  },
])

const voicenter = object('a Voicenter app', {
  dialect: required(oneOf('voicenter'), 'The published API it speaks.'),
  url: required(httpUrl, 'The handler that is asked what to do.'),
  format: optional(oneOf('xmlrpc', 'json'), 'xmlrpc', 'How it is asked.'),
  hangupUrl: optional(nullable(httpUrl), null, 'Where HANGUP_CALL goes; `null`: to `url`.'),
  timeoutMs: optional(number(100, 30_000, { unit: 'milliseconds' }), 5000, 'For its whole answer.'),
  connectTimeoutMs: optional(
    number(100, 30_000, { unit: 'milliseconds' }),
    2000,
    'For the connection to it; a part of `timeoutMs`.',
  ),
  headers: section(requestHeaders, 'Sent with each request, credentials for example.'),
  secret: optional(
    nullable(strongSecret),
    null,
    'Signs each request (`Switchhook-Signature`); `null`: none is signed.',
  ),
  answerFirst: optional(flag, false, 'Whether the call is answered before the handler is asked.'),
  answeredStatus: optional(oneOf('ANSWER', 'ANSWERED'), 'ANSWER', 'How CALL_STATUS spells an answered call.'),
  validationMode: optional(oneOf('digits', 'exact', 'confirm'), 'digits', 'What VALIDATION 1 means.'),
  noInputDigits: optional(text('up to 32 of 0-9, * and #', /^[0-9*#]{0,32}$/), '', 'DTMF when no key was pressed.'),
  interDigitMs: optional(
    number(500, 30_000, { unit: 'milliseconds' }),
    3000,
    'Quiet behind a key that ends the input.',
  ),
  sayDigitsEachLoop: optional(flag, false, 'Whether SAYDIGITS repeats the digits in each loop.'),
  numberFormat: optional(oneOf('national', 'e164'), 'national', 'How numbers are written in requests.'),
  fallback: optional(nullable(fallback), null, 'Where a call goes when the handler fails.'),
})

const rate = number(0, 1_000_000, { isWhole: false, unit: 'per minute' })

const hoiio = object('a Hoiio app', {
  dialect: required(oneOf('hoiio'), 'The published API it speaks.'),
  appId: required(text('the application id'), 'What its program sends as `app_id`.'),
  accessToken: required(strongSecret, 'What its program sends as `access_token`.'),
  notifyUrl: optional(nullable(httpUrl), null, 'Where incoming calls are told; `null`: it only dials.'),
  registeredNumber: optional(nullable(dialable), null, 'The number it shows and dials when none is given.'),
  currency: optional(text('a currency of ISO 4217, such as SGD', /^[A-Z]{3}$/), 'SGD', 'Of the rates.'),
  rates: section(
    record(rate, { keyName: 'prefix', keyExpected: '+ and up to 15 digits', keyPattern: /^\+\d{0,15}$/ }),
    'Price per minute by prefix, the longest that fits; nothing fits: 0.',
  ),
  idleSeconds: optional(number(1, 3600, { unit: 'seconds' }), 60, 'How long a session waits for its next block.'),
  notifyAttempts: optional(number(1, 36), 1, 'Attempts to deliver each notification; the original made one.'),
  concurrentCalls: optional(
    nullable(number(1, 10_000)),
    null,
    "Calls it may have placed at a time; `null`: the tenant's limit.",
  ),
  queriesPerMinute: optional(number(1, 100_000), 60, 'Requests for status, history, rates and balance.'),
  requestsPerMinute: optional(number(1, 100_000), 3000, 'All its requests.'),
})

const voicemail = object('a voicemail app', {
  dialect: required(oneOf('voicemail'), 'The voicemail node.'),
  flow: required(oneOf('leaving', 'retrieve'), 'Leaving or fetching messages.'),
  service: optional(voicemailService, { kind: 'local' }, 'The voicemail service it asks.', '"local"'),
  mailbox: optional(
    nullable(nameOf('mailbox', 'an extension with a mailbox')),
    null,
    '`null`: of who was called, or who calls.',
  ),
})

const moduleFile = mapped(
  parsedText('the path of a .ts, .js, .mts or .mjs file', (value) => (/\.m?[jt]s$/.test(value) ? value : undefined)),
  (path, node, reading) => reading.usesPath({ kind: 'module', path, node }).path,
)

const module = object('a flow of your own', {
  module: required(moduleFile, 'The file whose default export is the flow, relative to the configuration.'),
  idleSeconds: optional(
    number(1, 86_400, { unit: 'seconds' }),
    60,
    'How long it may do nothing with the call before it is taken for hung.',
  ),
})

/** An extension of the tenant by its name, or a number outside. */
const dialTarget: Shape<{ kind: 'extension'; extension: string } | { kind: 'number'; number: string }> = mapped(
  text('an extension of the tenant, or a number with + or 0 first'),
  (value, node, reading) => {
    if (/^[+0]/.test(value) && !reading.has('extension', tenantOf(node), value)) {
      if (dialable.read(node, reading) === undefined) return { kind: 'number', number: '' }
      return { kind: 'number', number: value }
    }
    reading.mustExist('extension', tenantOf(node), value, node)
    return { kind: 'extension', extension: value }
  },
)

const dial = object('a ring group', {
  dial: required(
    list(dialTarget, 'extensions and numbers', { least: 1, isSingleAllowed: true }),
    'Who rings, all at once.',
  ),
  seconds: optional(number(1, 600, { unit: 'seconds' }), 20, 'How long it rings.'),
  otherwise: optional(nullable(appName), null, 'The app that takes the call when nobody answers.'),
})

const builtin = object('a built-in flow', {
  builtin: required(oneOf('menu', 'echo'), 'The spoken menu of the demo, or the echo test.'),
})

/** What a number may lead to. */
export const app: Shape<ReadApp> = choice<ReadApp>('an app', [
  {
    key: 'dialect',
    value: 'voicenter',
    title: 'dialect: voicenter',
    text: 'A handler of the Voicenter External IVR is asked what to do.',
    shape: mapped(voicenter, ({ dialect: kind, ...rest }) => ({ kind, ...rest })),
  },
  {
    key: 'dialect',
    value: 'hoiio',
    title: 'dialect: hoiio',
    text: 'A program that speaks the Hoiio API steers the call.',
    shape: mapped(hoiio, ({ dialect: kind, ...rest }) => ({ kind, ...rest })),
  },
  {
    key: 'dialect',
    value: 'voicemail',
    title: 'dialect: voicemail',
    text: 'The caller leaves or fetches messages.',
    shape: mapped(voicemail, ({ dialect: kind, ...rest }) => ({ kind, ...rest })),
  },
  {
    key: 'module',
    title: 'module:',
    text: 'A flow in TypeScript or JavaScript, in process.',
    shape: mapped(module, ({ module: file, ...rest }) => ({ kind: 'module', file, ...rest })),
  },
  {
    key: 'dial',
    title: 'dial:',
    text: 'Extensions and numbers ring.',
    shape: mapped(dial, ({ dial: targets, ...rest }) => ({ kind: 'dial', targets, ...rest })),
  },
  {
    key: 'builtin',
    title: 'builtin:',
    text: 'A flow that comes with Switchhook.',
    shape: mapped(builtin, (read) => ({ kind: 'builtin', builtin: read.builtin })),
  },
])

/** As read: its secret is hashed at once, and nothing else keeps it. */
export type ReadPartner = Omit<PartnerSettings, 'name' | 'timeZone'> & { readonly timeZone: string | null }

const partnerSecret = mapped(strongSecret, (secret) => (isTokenHash(secret) ? secret : hashToken(secret)))

/** A partner's access: so far the one published API of this kind. */
export const partner = choice<ReadPartner>('a partner', [
  {
    key: 'dialect',
    value: 'voip24h',
    title: 'dialect: voip24h',
    text: 'A CRM that speaks the Voip24h partner API.',
    shape: mapped(
      object('a Voip24h partner', {
        dialect: required(oneOf('voip24h'), 'The published API it speaks.'),
        secret: required(partnerSecret, 'What it sends to prove itself; or its hash, as `sha256$...`.'),
        timeZone: optional(
          nullable(timeZone),
          null,
          "Of its dates; `null`: the tenant's, or Asia/Ho_Chi_Minh where the tenant names none.",
        ),
        numberFormat: optional(
          oneOf('national', 'e164'),
          'national',
          'How it is given telephone numbers: `0912345678` or `+84912345678`.',
        ),
        linkHours: optional(number(1, 8760, { unit: 'hours' }), 24, 'How long links to recordings are good.'),
      }),
      ({ secret, timeZone: zone, numberFormat, linkHours }) => {
        return { kind: 'voip24h', secretHash: secret, timeZone: zone, numberFormat, linkHours }
      },
    ),
  },
])

/** A trunk's credentials come from the provider; we do not judge them. */
export const trunkPassword = foreignSecret

/** Puts an app's numbers into key form. */
export function withNumberKeys(read: ReadApp, countryCode: string | null): ReadApp {
  const key = (value: string): string => numberKey(value, countryCode)
  if (read.kind === 'hoiio' && read.registeredNumber !== null)
    return { ...read, registeredNumber: key(read.registeredNumber) }
  if (read.kind === 'voicenter' && read.fallback?.kind === 'number') {
    return { ...read, fallback: { kind: 'number', number: key(read.fallback.number) } }
  }
  if (read.kind === 'dial') {
    const targets = read.targets.map((target) =>
      target.kind === 'number' ? { ...target, number: key(target.number) } : target,
    )
    return { ...read, targets }
  }
  return read
}
