import { Type } from 'typebox'
import { NotFoundError, StateError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { Mailbox, MailboxChange, Mailboxes } from '../dialects/voicemail/mailboxes.ts'
import type { MediaStore } from '../dialects/voicemail/media-store.ts'
import type { VoicemailService } from '../dialects/voicemail/service.ts'
import type { WireObject } from '../dialects/voicemail/wire.ts'
import { sendFile } from '../http/send-file.ts'
import type { HttpServer } from '../http/server.ts'
import { looksLikeMp3 } from '../media/mp3-reader.ts'
import { readWavFormat } from '../media/wav-reader.ts'
import type { Voicemail, VoicemailMessageRow } from '../store/voicemail.ts'
import { ErrorSchema } from './schemas.ts'
import { MailboxChangeSchema, MailboxSchema, MessageChangeSchema, MessageSchema } from './voicemail-schemas.ts'

export interface MailboxRoutesParts {
  readonly mailboxes: Mailboxes
  readonly service: Pick<VoicemailService, 'handle'>
  readonly media: MediaStore
  readonly store: Voicemail
  readonly random: Random
}

const BoxParams = Type.Object({ tenant: Type.String({ maxLength: 64 }), owner: Type.String({ maxLength: 64 }) })
const MessageParams = Type.Object({ ...BoxParams.properties, id: Type.String({ maxLength: 64 }) })
const tags = ['voicemail']
/** A greeting of ten minutes is none. */
const longestGreetingBytes = 10 * 1024 * 1024

/** Mailboxes, their messages and their greetings. */
export function mailboxRoutes(api: HttpServer, parts: MailboxRoutesParts): void {
  const { mailboxes, store, media } = parts
  const find = async (tenant: string, owner: string): Promise<Mailbox> => {
    const mailbox = await mailboxes.get(tenant, owner)
    if (mailbox) return mailbox
    throw new NotFoundError('voicemail.mailbox-unknown', `Tenant ${tenant} has no mailbox ${owner}.`)
  }
  const findMessage = async (params: { tenant: string; owner: string; id: string }): Promise<VoicemailMessageRow> => {
    const row = await store.messageById(params.id)
    if (row && row.tenant === params.tenant && row.owner === params.owner) return row
    throw new NotFoundError('voicemail.message-unknown', `There is no message ${params.id} in this mailbox.`)
  }
  /** As a node would ask. Rejects with StateError `voicemail.refused` and the service's sentence. */
  const ask = async (tenant: string, request: WireObject): Promise<void> => {
    const reply = await parts.service.handle(request, { name: 'admin', tenant })
    if (reply.status === 'error') throw new StateError('voicemail.refused', reply.message)
  }
  const view = async (mailbox: Mailbox) => ({
    ...viewMailbox(mailbox),
    ...(await store.counts(mailbox.tenant, mailbox.owner)),
  })

  api.get(
    '/mailboxes',
    {
      schema: {
        summary: 'Mailboxes',
        tags,
        querystring: Type.Object({ tenant: Type.Optional(Type.String()) }),
        response: { 200: Type.Object({ items: Type.Array(MailboxSchema) }) },
      },
    },
    async ({ query }) => ({ items: await Promise.all((await mailboxes.list(query.tenant)).map(view)) }),
  )

  api.get(
    '/mailboxes/:tenant/:owner',
    { schema: { summary: 'A mailbox', tags, params: BoxParams, response: { 200: MailboxSchema, 404: ErrorSchema } } },
    async ({ params }) => await view(await find(params.tenant, params.owner)),
  )

  api.put(
    '/mailboxes/:tenant/:owner',
    {
      schema: {
        summary: 'Makes a mailbox for a number, or changes one',
        description: 'What is left out stays. Those of extensions are made in the configuration, and changed here.',
        tags,
        params: BoxParams,
        body: MailboxChangeSchema,
        response: { 200: MailboxSchema, 404: ErrorSchema },
      },
    },
    async ({ params, body }) => {
      const { tenant } = params
      const { pin, language, maxMessages, record, promos } = body
      const change: MailboxChange = {
        ...(language === undefined ? {} : { language }),
        ...(maxMessages === undefined ? {} : { max_messages: maxMessages }),
        ...(record?.isOn === undefined ? {} : { record_status: record.isOn ? 'on' : 'off' }),
        ...(record?.maxIdleSeconds === undefined ? {} : { max_idle: record.maxIdleSeconds }),
        ...(record?.maxSeconds === undefined ? {} : { max_record: record.maxSeconds }),
        ...(promos?.x === undefined ? {} : { promo_x: promos.x ? 1 : 0 }),
        ...(promos?.y === undefined ? {} : { promo_y: promos.y ? 1 : 0 }),
      }
      const owner = await mailboxes.create(tenant, params.owner, change)
      if (pin !== undefined) await mailboxes.setPin({ tenant, owner }, pin)
      return await view(await find(tenant, owner))
    },
  )

  api.delete(
    '/mailboxes/:tenant/:owner',
    {
      schema: {
        summary: 'Removes a mailbox that is not one of the configuration; its messages are deleted as if by its owner',
        tags,
        params: BoxParams,
        response: { 204: Type.Null(), 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => {
      const { tenant, owner } = params
      const mailbox = await find(tenant, owner)
      if (mailbox.isConfigured) {
        throw new NotFoundError(
          'voicemail.mailbox-unknown',
          'This mailbox stands in the configuration: remove it there.',
        )
      }
      for (const { voice } of await store.messages(tenant, owner)) {
        await ask(tenant, { command: 'DELMAIL', number: owner, voice })
      }
      await store.removeMailbox(tenant, owner)
      return reply.code(204).send(null)
    },
  )

  api.get(
    '/mailboxes/:tenant/:owner/messages',
    {
      schema: {
        summary: 'Messages of a mailbox, oldest first',
        tags,
        params: BoxParams,
        querystring: Type.Object({
          deleted: Type.Optional(Type.Boolean({ description: 'Those that can still be had back, too.' })),
        }),
        response: { 200: Type.Object({ items: Type.Array(MessageSchema) }), 404: ErrorSchema },
      },
    },
    async ({ params, query }) => {
      const { tenant, owner } = await find(params.tenant, params.owner)
      const rows = await store.messages(tenant, owner, { withDeleted: query.deleted ?? false })
      return { items: rows.map(viewMessage) }
    },
  )

  api.get(
    '/mailboxes/:tenant/:owner/messages/:id/audio',
    { schema: { summary: 'The sound of a message', tags, params: MessageParams, response: { 404: ErrorSchema } } },
    async ({ params, headers }, reply) => {
      const { tenant, voice } = await findMessage(params)
      const path = await media.find(tenant, voice)
      const sent = await sendFile(
        reply,
        { path, mediaType: 'audio/wav', name: `${voice}.wav`, disposition: 'inline' },
        headers.range,
      )
      if (sent) return sent
      throw new NotFoundError('voicemail.voice-unknown', `There is no voice ${voice}.`)
    },
  )

  api.put(
    '/mailboxes/:tenant/:owner/messages/:id',
    {
      schema: {
        summary: 'Marks a message as read or new, deletes it or restores it, or moves it to another mailbox',
        tags,
        params: MessageParams,
        body: MessageChangeSchema,
        response: { 200: MessageSchema, 404: ErrorSchema, 409: ErrorSchema },
      },
    },
    async ({ params, body }) => {
      const { tenant, owner, voice, id } = await findMessage(params)
      const about = { number: owner, voice }
      if (body.isDeleted === false) await ask(tenant, { command: 'UNDELMAIL', ...about })
      if (body.isRead !== undefined) await ask(tenant, { command: body.isRead ? 'READMAIL' : 'UNREADMAIL', ...about })
      if (body.moveTo !== undefined) await ask(tenant, { command: 'FWDMAIL', ...about, to: body.moveTo })
      if (body.isDeleted === true || body.moveTo !== undefined) await ask(tenant, { command: 'DELMAIL', ...about })
      return viewMessage((await store.messageById(id)) ?? (await findMessage(params)))
    },
  )

  greetingRoutes(api, parts, find, ask)
}

function greetingRoutes(
  api: HttpServer,
  { media, random }: MailboxRoutesParts,
  find: (tenant: string, owner: string) => Promise<Mailbox>,
  ask: (tenant: string, request: WireObject) => Promise<void>,
): void {
  api.delete(
    '/mailboxes/:tenant/:owner/greeting',
    {
      schema: {
        summary: 'Deletes the personal greeting; the standard one plays',
        tags,
        params: BoxParams,
        response: { 204: Type.Null(), 404: ErrorSchema },
      },
    },
    async ({ params }, reply) => {
      const { tenant, owner } = await find(params.tenant, params.owner)
      await ask(tenant, { command: 'RECGREETING', number: owner, filename: '', active: false })
      return reply.code(204).send(null)
    },
  )

  api.register(async (scope) => {
    const inner = scope as HttpServer
    inner.removeAllContentTypeParsers()
    inner.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: longestGreetingBytes }, (_request, body, done) =>
      done(null, body),
    )
    inner.put(
      '/mailboxes/:tenant/:owner/greeting',
      {
        schema: {
          summary: 'Sets the personal greeting: a WAV or mp3 file as the body',
          tags,
          params: BoxParams,
          response: { 204: Type.Null(), 400: ErrorSchema, 404: ErrorSchema },
        },
      },
      async ({ params, body }, reply) => {
        const { tenant, owner } = await find(params.tenant, params.owner)
        const file = body instanceof Uint8Array ? body : new Uint8Array()
        // Refused now rather than passed over by each call.
        if (!looksLikeMp3(file)) readWavFormat(file)
        const voice = `greet_${random.token(20)}`
        await media.put(tenant, voice, oneOf(file))
        await ask(tenant, { command: 'RECGREETING', number: owner, filename: voice, active: true })
        return reply.code(204).send(null)
      },
    )
  })
}

async function* oneOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function viewMailbox(mailbox: Mailbox) {
  const { tenant, owner, isConfigured, maxMessages, hasPin, missed, greeting, promos } = mailbox
  return {
    tenant,
    owner,
    origin: isConfigured ? ('file' as const) : ('api' as const),
    language: mailbox.language === 'ina' ? ('id' as const) : ('en' as const),
    maxMessages,
    record: {
      isOn: mailbox.isRecordOn,
      maxIdleSeconds: mailbox.maxIdleSeconds,
      maxSeconds: mailbox.maxRecordSeconds,
    },
    hasPin,
    hasGreeting: greeting !== null,
    isGreetingUsed: greeting?.isActive ?? false,
    promos: { ...promos },
    missedCalls: missed,
  }
}

function viewMessage(row: VoicemailMessageRow) {
  const { id, tenant, owner, voice, caller } = row
  return {
    id,
    from: caller,
    receivedAt: new Date(row.received_at).toISOString(),
    durationSeconds: row.duration_seconds,
    isRead: row.is_read === 1,
    deletedAt: row.deleted_at === null ? null : new Date(row.deleted_at).toISOString(),
    forwardedBy: row.forwarded_by,
    voice,
    audio: `/api/v1/mailboxes/${encodeURIComponent(tenant)}/${encodeURIComponent(owner)}/messages/${id}/audio`,
  }
}
