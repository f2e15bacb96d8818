import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { NotFoundError, StateError } from '../base/errors.ts'
import type { SettingPlace } from '../config/overlay.ts'
import type { SettingsError } from '../config/problem.ts'
import type { Directory } from '../routing/directory.ts'
import type { Condition, LiveSettings, SettingEntry } from './live-settings.ts'

export interface SettingRoutesParts {
  readonly directory: Directory
  readonly settings: LiveSettings
}

/** The configuration's own reader checks bodies, and knows paths and names; the schema is for those who read about it. */
export const allButBodies: FastifySchemaCompiler<TSchema> = (route) =>
  route.httpPart === 'body' ? () => true : TypeBoxValidatorCompiler(route)

/** Throws NotFoundError `setting.unknown`. */
export function mustExist(directory: Directory, tenant: string): void {
  if (directory.tenant(tenant)) return
  throw new NotFoundError('setting.unknown', `There is no tenant ${tenant}.`, { facts: { tenant } })
}

export function conditionOf(headers: unknown): Condition {
  const given = headers as Readonly<Record<string, string | undefined>>
  return { ifMatch: given['if-match'], ifNoneMatch: given['if-none-match'] }
}

export function withEtag(reply: FastifyReply, entry: SettingEntry) {
  if (entry.etag !== null) reply.header('etag', entry.etag)
  const { key, origin, etag, value, secrets } = entry
  return { key, origin, etag, value, secrets: [...secrets] }
}

/** 422 with every problem. */
export function answerProblems(reply: FastifyReply, { code, problems: found }: SettingsError): FastifyReply {
  const problems = found.map(({ path, sentence, expected }) => ({ path, sentence, expected }))
  const message = problems.map(({ path, sentence, expected }) => `${path}: ${sentence} Expected ${expected}.`).join(' ')
  return reply.code(422).send({ error: { code, message, facts: { problems } } })
}

/** Without it the rest would no longer be a configuration: something still names it. */
export function inUse(what: string, { problems }: SettingsError, facts: SettingPlace): StateError {
  const why = problems.map(({ path, sentence }) => `${path}: ${sentence}`).join(' ')
  return new StateError('setting.in-use', `${what} is still in use. ${why}`, { facts: { ...facts } })
}
