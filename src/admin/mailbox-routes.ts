import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { NotFoundError, ParseError, StateError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { isMailAddress } from '../config/schema-values.ts'
import type { MailboxMailSettings } from '../config/settings-voicemail.ts'
import type { Mailbox, MailboxChange, Mailboxes } from '../dialects/voicemail/mailboxes.ts'
import type { MediaStore } from '../dialects/voicemail/media-store.ts'
import { viewMessage } from '../dialects/voicemail/message-view.ts'
import type { MessageRetention } from '../dialects/voicemail/retention.ts'
import type { VoicemailService } from '../dialects/voicemail/service.ts'
import type { WireObject } from '../dialects/voicemail/wire.ts'
import { sendFile } from '../http/send-file.ts'
import type { HttpServer } from '../http/server.ts'
import { looksLikeMp3, readMp3Format } from '../media/mp3-reader.ts'
import { readWavFormat } from '../media/wav-reader.ts'
import type { Voicemail, VoicemailMessageRow } from '../store/voicemail.ts'
import { ErrorSchema } from './schemas.ts'
import {
  AgedSchema,
  MailboxChangeSchema,
  MailboxSchema,
  MessageChangeSchema,
  MessageSchema,
} from './voicemail-schemas.ts'

export interface MailboxRoutesParts {
  readonly mailboxes: Mailboxes
  readonly service: Pick<VoicemailService, 'handle'>
  readonly media: MediaStore
  readonly store: Voicemail
  readonly random: Random
  readonly retention: Pick<MessageRetention, 'run'>
}

const BoxParams = Type.Object({ tenant: Type.String({ maxLength: 64 }), owner: Type.String({ maxLength: 64 }) })
const MessageParams = Type.Object({ ...BoxParams.properties, id: Type.String({ maxLength: 64 }) })
const tags = ['voicemail']
const usualMail: Omit<MailboxMailSettings, 'to'> = {
  language: null,
  attach: true,
  format: 'wav',
  after: 'keep',
}
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
        response: { 200: MailboxSchema, 400: ErrorSchema, 404: ErrorSchema },
      },
    },
    async ({ params, body }) => {
      const { tenant } = params
      const { pin, language, maxMessages, record, promos, email, retention } = body
      const badAddress = email?.to.find((address) => !isMailAddress(address))
      if (badAddress !== undefined) {
        throw new ParseError('http.bad-request', `body/email/to: ${JSON.stringify(badAddress)} is no e-mail address.`)
      }
      const change: MailboxChange = {
        ...(language === undefined ? {} : { language }),
        ...(maxMessages === undefined ? {} : { max_messages: maxMessages }),
        ...(record?.isOn === undefined ? {} : { record_status: record.isOn ? 'on' : 'off' }),
        ...(record?.maxIdleSeconds === undefined ? {} : { max_idle: record.maxIdleSeconds }),
        ...(record?.maxSeconds === undefined ? {} : { max_record: record.maxSeconds }),
        ...(promos?.x === undefined ? {} : { promo_x: promos.x ? 1 : 0 }),
        ...(promos?.y === undefined ? {} : { promo_y: promos.y ? 1 : 0 }),
        ...(email === undefined ? {} : { email: JSON.stringify(email && { ...usualMail, ...email }) }),
        ...(retention?.newDays === undefined ? {} : { new_days: retention.newDays }),
        ...(retention?.savedDays === undefined ? {} : { saved_days: retention.savedDays }),
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
      await ask(tenant, { command: 'RECGREETING', number: owner, filename: '', active: false })
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
    {
      schema: {
        summary: 'The sound of a message: whole, or the range that is asked for',
        description: 'As it is stored: `audio/wav` of our own recordings, else what the node has put there.',
        tags,
        params: MessageParams,
        response: { 404: ErrorSchema },
      },
    },
    async ({ params, headers }, reply) => {
      const { tenant, voice } = await findMessage(params)
      return await sendVoice(reply, media, tenant, voice, headers.range)
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

  api.post(
    '/retention/messages',
    {
      schema: {
        summary: 'Deletes voicemail messages that are older than their mailboxes keep them',
        description:
          'With `dryRun=true` nothing is deleted: the answer says what would be. It also runs by itself every hour. ' +
          'What it deletes can be had back for 24 hours.',
        tags,
        querystring: Type.Object({
          dryRun: Type.Boolean({ description: 'To be said, so that nothing is deleted by a slip.' }),
        }),
        response: { 200: AgedSchema },
      },
    },
    async ({ query }) => {
      const items = await parts.retention.run({ isDryRun: query.dryRun })
      return { isDryRun: query.dryRun, items: [...items] }
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
  api.get(
    '/mailboxes/:tenant/:owner/greeting',
    {
      schema: {
        summary: 'The sound of the personal greeting, whether it is used or not: whole, or the range that is asked for',
        tags,
        params: BoxParams,
        response: { 404: ErrorSchema },
      },
    },
    async ({ params, headers }, reply) => {
      const { tenant, greeting } = await find(params.tenant, params.owner)
      if (greeting === null) throw new NotFoundError('voicemail.voice-unknown', 'There is no personal greeting.')
      return await sendVoice(reply, media, tenant, greeting.voice, headers.range)
    },
  )

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
        checkGreeting(file)
        const voice = `greet_${random.token(20)}`
        await media.put(tenant, voice, oneOf(file))
        await ask(tenant, { command: 'RECGREETING', number: owner, filename: voice, active: true })
        return reply.code(204).send(null)
      },
    )
  })
}

/** Rejects with NotFoundError `voicemail.voice-unknown`. */
async function sendVoice(
  reply: FastifyReply,
  media: MediaStore,
  tenant: string,
  voice: string,
  range: string | undefined,
): Promise<FastifyReply> {
  const path = await media.find(tenant, voice)
  const { mediaType, ending } = await media.formatOf(tenant, voice)
  const name = voice.endsWith(ending) ? voice : `${voice}${ending}`
  const sent = await sendFile(reply, { path, mediaType, name, disposition: 'inline' }, range)
  if (sent) return sent
  throw new NotFoundError('voicemail.voice-unknown', `There is no voice ${voice}.`)
}

/**
 * Refused now rather than passed over by each call. Throws ParseError `media.wav-malformed`, `media.wav-unsupported`,
 * `media.audio-empty`, `media.mp3-malformed`.
 */
function checkGreeting(file: Uint8Array): void {
  if (looksLikeMp3(file)) readMp3Format(file)
  else readWavFormat(file)
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
    email: mailbox.email && { ...mailbox.email, to: [...mailbox.email.to] },
    retention: { ...mailbox.retention },
    hasPin,
    hasGreeting: greeting !== null,
    isGreetingUsed: greeting?.isActive ?? false,
    promos: { ...promos },
    missedCalls: missed,
  }
}
