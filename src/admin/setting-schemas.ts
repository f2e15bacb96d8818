import { type Static, type TSchema, Type } from 'typebox'
import { type EntryKind, entryKinds, type SettingKind, type WholeKind } from '../config/overlay.ts'
import { tenant } from '../config/schema-tenant.ts'
import type { ShapeInfo } from '../config/shape.ts'
import { nullable } from './schemas.ts'

export const TenantParams = Type.Object({ tenant: Type.String({ maxLength: 64, examples: ['acme'] }) })

export const ConditionHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      description: 'The ETag that the setting must still have; else 412. Without it the last change wins.',
    }),
  ),
  'if-none-match': Type.Optional(Type.String({ description: '`*`: only where nothing is set yet; else 412.' })),
})

export const OriginSchema = Type.Union([Type.Literal('file'), Type.Literal('api')], {
  description: 'What the file names wins and cannot be changed here.',
})
export const EtagSchema = nullable(
  Type.String({ description: 'Changes with each change; null for what the file names.', examples: ['"3-mh1k2x9c"'] }),
)

export const EntrySchema = Type.Object({
  key: Type.String(),
  origin: OriginSchema,
  etag: EtagSchema,
  value: Type.Unknown({ description: 'As it would stand in the configuration file; secrets are left out.' }),
  secrets: Type.Array(Type.String(), { description: 'Paths of the secrets that are set and not shown.' }),
})
export type EntryView = Static<typeof EntrySchema>

const ProblemSchema = Type.Object({
  path: Type.String({ examples: ['tenants.acme.trunks.provider1.uri'] }),
  sentence: Type.String(),
  expected: Type.String(),
})

/** 422: every problem at once, as `switchhook check` would tell them. */
export const InvalidSchema = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ examples: ['config.invalid'] }),
      message: Type.String(),
      facts: Type.Object({ problems: Type.Optional(Type.Array(ProblemSchema)) }),
    }),
  },
  { description: 'The configuration would be none with it: every problem, with its path and what was expected.' },
)

/** One of each kind as it would stand in the file. */
const examples: Readonly<Record<Exclude<SettingKind, 'tenant'>, readonly unknown[]>> = {
  trunks: [{ uri: 'sip:sip.provider.example', username: 'acme', password: 'given-by-it', register: true }],
  extensions: [{ password: 'long-and-random', name: 'Lan', mailbox: true }],
  apps: [{ dial: ['137', '138'], seconds: 20, otherwise: 'leave' }],
  numbers: [{ app: 'menu' }],
  partners: [{ dialect: 'voip24h', secret: 'long-and-random' }],
  recordings: [],
  layers: ['ring'],
  callerIds: [['+6560000001'], 'any'],
  outbound: [[{ prefix: '+65', trunk: ['provider1', 'provider2'] }]],
  callRecording: [{ policy: 'on', retentionDays: 90 }],
  messageRetention: [{ newDays: 30, savedDays: 90 }],
  events: [{ url: 'https://hooks.example/calls', secret: 'long-and-random', kinds: ['call.ended'] }],
  limits: [{ concurrentCalls: 20, callsPerSecond: 2, minutesPerDay: 600 }],
}

/** What stands at a kind's place, for those who read the document; it is checked by the configuration's own reader. */
export function bodySchema(kind: EntryKind | WholeKind): TSchema {
  const info = tenantField(kind)
  const of = info.kind === 'record' && isEntry(kind) ? info.of : info
  return Type.Unsafe<unknown>({ ...jsonSchema(of), examples: [...examples[kind]] })
}

/** As `bodySchema`, with nothing required: what the patch leaves out stays. */
export function patchSchema(kind: EntryKind | WholeKind): TSchema {
  return Type.Unsafe<unknown>({
    type: 'object',
    description: 'A merge patch (RFC 7396): what it names is changed, null takes away, what it leaves out stays.',
    examples: [kind === 'limits' ? { minutesPerDay: 1200 } : {}],
  })
}

/** The body of `PUT /tenants/{tenant}`. */
export const TenantBodySchema = Type.Unsafe<unknown>({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    (['domain', 'timeZone', 'countryCode', 'language'] as const).map((key) => [key, fieldSchema(key)]),
  ),
  examples: [{ domain: 'acme.example', timeZone: 'Asia/Ho_Chi_Minh', countryCode: '84', language: 'vi' }],
})

function isEntry(kind: EntryKind | WholeKind): kind is EntryKind {
  return (entryKinds as readonly string[]).includes(kind)
}

function tenantField(key: string): ShapeInfo {
  const { info } = tenant
  const field = info.kind === 'object' ? info.fields.find((one) => one.key === key) : undefined
  if (!field) throw new TypeError(`a tenant has no ${key}`)
  return field.of
}

function fieldSchema(key: string): object {
  const { info } = tenant
  const field = info.kind === 'object' ? info.fields.find((one) => one.key === key) : undefined
  return { ...jsonSchema(tenantField(key)), description: field?.text ?? '' }
}

function jsonSchema(info: ShapeInfo): object {
  switch (info.kind) {
    case 'value':
      return { ...typeOf(info.expected), description: `Expected: ${info.expected}.` }
    case 'list':
      return { type: 'array', items: jsonSchema(info.of) }
    case 'record':
      return { type: 'object', additionalProperties: jsonSchema(info.of) }
    case 'choice':
      return {
        oneOf: info.options.map(({ title, text, of }) => ({ title, ...jsonSchema(of), description: text })),
      }
    case 'object': {
      const required = info.fields.filter(({ fallback }) => fallback === null).map(({ key }) => key)
      const whole = {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(
          info.fields.map(({ key, text, fallback, of }) => {
            const inner = jsonSchema(of) as { readonly description?: string }
            const description = [text, inner.description].filter((part) => part !== undefined).join(' ')
            return [key, { ...inner, description, ...defaultOf(fallback) }]
          }),
        ),
        ...(required.length > 0 && { required }),
      }
      return info.short ? { anyOf: [whole, { type: info.short }] } : whole
    }
  }
}

/**
 * The type of a value, as far as its words tell it: those of `number`, `flag` and `oneOf` of the configuration are always
 * the same. Everything else is said in words alone.
 */
function typeOf(expected: string): object {
  const [, words = expected, orNull] = /^(.*?)(, or null)?$/s.exec(expected) ?? []
  const typed = (type: string): string | readonly string[] => (orNull === undefined ? type : [type, 'null'])
  const [, whole, minimum, maximum] = /^a (whole )?number from ([\d.]+) to ([\d.]+)/.exec(words) ?? []
  if (minimum !== undefined) {
    return { type: typed(whole ? 'integer' : 'number'), minimum: Number(minimum), maximum: Number(maximum) }
  }
  if (words === 'true or false') return { type: typed('boolean') }
  const choices = /^one of ([\w.-]+(?:, [\w.-]+)*)$/.exec(words)?.[1]?.split(', ')
  return choices ? { enum: orNull === undefined ? choices : [...choices, null] } : {}
}

/** The default as the reference page writes it: JSON, but for a few that are plain words. */
function defaultOf(fallback: string | null): { readonly default?: unknown } {
  if (fallback === null) return {}
  try {
    return { default: JSON.parse(fallback) as unknown }
  } catch {
    return {}
  }
}
