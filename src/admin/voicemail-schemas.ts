import { Type } from 'typebox'
import { nullable, time } from './schemas.ts'

const language = Type.Union([Type.Literal('id'), Type.Literal('en')])
const isOn = Type.Boolean({ description: 'Whether callers may leave messages.' })
const maxIdleSeconds = Type.Integer({ minimum: 1, maximum: 60, description: 'Silence that ends a message.' })
const maxSeconds = Type.Integer({ minimum: 1, maximum: 3600, description: 'Of one message.' })

const days = { minimum: 1, maximum: 36_500 }
const newDays = {
  ...days,
  description: 'Messages that nobody has heard, since they came. `null`: as configured, or never.',
}
const savedDays = { ...days, description: 'Messages since they were heard. `null`: as configured, or never.' }
const attach = Type.Boolean({ description: 'Whether the sound goes along; true where left out.' })
const format = Type.Union([Type.Literal('wav'), Type.Literal('mp3')], {
  description: 'Of the sound; wav where left out.',
})
const after = Type.Union([Type.Literal('keep'), Type.Literal('read'), Type.Literal('delete')], {
  description: 'What becomes of a message whose sound has been sent; keep where left out.',
})
const mailLanguage = nullable(language)

export const MailboxSchema = Type.Object({
  tenant: Type.String(),
  owner: Type.String({ description: 'An extension, or a number in E.164.' }),
  origin: Type.Union([Type.Literal('file'), Type.Literal('api')]),
  language,
  maxMessages: Type.Integer(),
  record: Type.Object({ isOn, maxIdleSeconds, maxSeconds }),
  hasPin: Type.Boolean(),
  hasGreeting: Type.Boolean({ description: 'Whether a personal greeting is stored.' }),
  isGreetingUsed: Type.Boolean(),
  promos: Type.Object({ x: Type.Boolean(), y: Type.Boolean() }),
  missedCalls: Type.Integer({ description: 'Callers who left no message.' }),
  read: Type.Integer(),
  unread: Type.Integer(),
  email: nullable(
    Type.Object(
      { to: Type.Array(Type.String()), language: mailLanguage, attach, format, after },
      { description: 'Where its messages are sent to; null: nowhere.' },
    ),
  ),
  retention: Type.Object(
    { newDays: nullable(Type.Integer(newDays)), savedDays: nullable(Type.Integer(savedDays)) },
    { description: 'By what age its messages are deleted.' },
  ),
})

export const MailboxChangeSchema = Type.Object(
  {
    language: Type.Optional(language),
    maxMessages: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    record: Type.Optional(
      Type.Object(
        {
          isOn: Type.Optional(isOn),
          maxIdleSeconds: Type.Optional(maxIdleSeconds),
          maxSeconds: Type.Optional(maxSeconds),
        },
        { additionalProperties: false },
      ),
    ),
    pin: Type.Optional(Type.String({ pattern: '^\\d{4,12}$', description: 'Kept as a hash; never shown.' })),
    promos: Type.Optional(
      Type.Object(
        { x: Type.Optional(Type.Boolean()), y: Type.Optional(Type.Boolean()) },
        { additionalProperties: false },
      ),
    ),
    email: Type.Optional(
      nullable(
        Type.Object(
          {
            to: Type.Array(Type.String({ minLength: 3, maxLength: 254 }), { minItems: 1, maxItems: 20 }),
            language: Type.Optional(mailLanguage),
            attach: Type.Optional(attach),
            format: Type.Optional(format),
            after: Type.Optional(after),
          },
          { additionalProperties: false, description: 'Needs `voicemail.mail` in the configuration. null: nowhere.' },
        ),
      ),
    ),
    retention: Type.Optional(
      Type.Object(
        {
          newDays: Type.Optional(nullable(Type.Integer(newDays))),
          savedDays: Type.Optional(nullable(Type.Integer(savedDays))),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

export const AgedSchema = Type.Object({
  isDryRun: Type.Boolean(),
  items: Type.Array(
    Type.Object({
      tenant: Type.String(),
      owner: Type.String(),
      newDays: nullable(Type.Integer()),
      savedDays: nullable(Type.Integer()),
      unread: Type.Integer({ description: 'Messages that nobody has heard.' }),
      read: Type.Integer(),
      isBusy: Type.Boolean({
        description: 'Its messages were asked for in the last half hour: nothing was deleted, a later run does it.',
      }),
    }),
    { description: 'Mailboxes in which nothing is too old are left out.' },
  ),
})

export const MessageSchema = Type.Object({
  id: Type.String(),
  from: Type.String({ description: 'Empty where the caller withheld its number.' }),
  receivedAt: time,
  durationSeconds: Type.Integer(),
  isRead: Type.Boolean(),
  deletedAt: nullable(time),
  forwardedBy: nullable(Type.String()),
  voice: Type.String(),
  audio: Type.String({ description: 'Path of the sound.' }),
})

export const MessageChangeSchema = Type.Object(
  {
    isRead: Type.Optional(Type.Boolean()),
    isDeleted: Type.Optional(Type.Boolean({ description: 'Deleted messages can be restored for 24 hours.' })),
    moveTo: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Owner of another mailbox.' })),
  },
  { additionalProperties: false },
)

export const PromoSchema = Type.Object(
  {
    isOn: Type.Boolean(),
    voice: Type.String({ maxLength: 128, description: 'A voice in the media store.' }),
    message: Type.String({ maxLength: 1000, description: 'The text message; sent only where that is switched on.' }),
    activeFrom: nullable(time),
    activeUntil: nullable(time),
  },
  { additionalProperties: false },
)
