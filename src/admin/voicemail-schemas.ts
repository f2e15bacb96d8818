import { Type } from 'typebox'
import { nullable, time } from './schemas.ts'

const language = Type.Union([Type.Literal('id'), Type.Literal('en')])
const isOn = Type.Boolean({ description: 'Whether callers may leave messages.' })
const maxIdleSeconds = Type.Integer({ minimum: 1, maximum: 60, description: 'Silence that ends a message.' })
const maxSeconds = Type.Integer({ minimum: 1, maximum: 3600, description: 'Of one message.' })

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
  },
  { additionalProperties: false },
)

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
