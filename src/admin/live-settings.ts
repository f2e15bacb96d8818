import { isDeepStrictEqual } from 'node:util'
import type { ErrorActor } from '../base/error-catalogue.ts'
import { NotFoundError, StateError, SwitchhookError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import {
  isEntryKind,
  isNamedBy,
  nodeOf,
  pathOfSetting,
  type SettingDocument,
  type SettingKind,
  type SettingPlace,
  tenantKeys,
} from '../config/overlay.ts'
import { type ConfigProblem, SettingsError } from '../config/problem.ts'
import type { SecretBox } from '../config/secret-box.ts'
import { hashToken, isTokenHash } from '../config/secret-hash.ts'
import { OwnFile, plainValue, printPath, type SourceNode } from '../config/source-node.ts'
import type { Directory } from '../routing/directory.ts'
import type { DocumentKey, DocumentKind, Documents, Json, StoredDocument } from '../store/documents.ts'
import { fittingSettings, type Tenants } from './fitting-settings.ts'
import { mergePatch } from './merge-patch.ts'
import type { PromptFile, PromptFiles } from './prompt-files.ts'
import { openSecrets, type ShownSetting, sealSecrets, withoutSecrets } from './setting-secrets.ts'

export interface SettingEntry extends ShownSetting {
  readonly key: string
  readonly origin: 'file' | 'api'
  /** Changes with each change; null for what the file names. */
  readonly etag: string | null
}

/** `If-Match` and `If-None-Match` of RFC 9110 §13.1: without them the last one who writes wins. */
export interface Condition {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

export interface LiveSettingsParts {
  readonly documents: Documents
  readonly directory: Directory
  readonly log: Logger
  readonly random: Random
  readonly secrets: SecretBox
  readonly prompts: PromptFiles
  /** The file's own tree: what it names wins. */
  readonly fileRoot: SourceNode
  /** Reads the file's tree with these documents laid over it. Rejects with SettingsError. */
  read(documents: readonly SettingDocument[]): Promise<Tenants>
}

/** 412, RFC 9110 §15.5.13. */
class ChangedMeanwhileError extends SwitchhookError {
  readonly sipStatus = 491
  readonly httpStatus = 412
  readonly actor: ErrorActor = 'caller'
}

/** A document that is in force. */
interface Kept extends SettingDocument {
  /** As it is sent and shown; `value` is what the configuration reads. */
  readonly body: unknown
  readonly etag: string
}

const documentKinds: Readonly<Partial<Record<SettingKind, DocumentKind>>> = {
  tenant: 'tenant',
  trunks: 'trunk',
  extensions: 'extension',
  apps: 'app',
  numbers: 'number',
  partners: 'partner',
  recordings: 'recording',
  layers: 'layer',
}
/** The deepest place of a tenant is a third of that below it. */
const deepestBody = 16
/** A problem in what came over the API stands in no line of a file. */
const nowhere = { file: 'request', line: null, column: null } as const
/** Some 200 bits. */
const newSecretLength = 40
/** What is set as a whole is kept as documents of one kind, told apart by their key. */
const wholeDocument = 'setting'

/**
 * The settings as they stand now: the file, and over it what was set by the admin API and is kept in the database. Every
 * change is checked as the whole configuration would be before it is kept, and is in force once it is.
 */
export class LiveSettings {
  readonly #parts: LiveSettingsParts
  #kept: readonly Kept[] = []
  /** One change at a time: each is checked against the outcome of the one before. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(parts: LiveSettingsParts) {
    this.#parts = parts
  }

  /**
   * Reads what the database holds. What no longer fits the file (which may have been changed meanwhile) is left out and
   * logged, so that one old entry cannot keep the server from starting.
   */
  async load(): Promise<void> {
    const { documents, log, prompts } = this.#parts
    const stored: Kept[] = []
    for await (const document of documents.list()) {
      const place = placeOf(document)
      if (place) stored.push(this.#opened(place, document))
    }
    const { fitting, tenants } = await fittingSettings(
      stored,
      (some) => this.#parts.read(some),
      ({ tenant, kind, key }, err) =>
        log.error({ tenant, kind, name: key, err }, 'a setting of the admin API no longer fits the configuration'),
    )
    this.#apply(fitting, tenants)
    await prompts.sweep(new Set(stored.flatMap((one) => fileOf(one) ?? [])))
  }

  /** All of a kind in a tenant, by key. */
  list(tenant: string, kind: SettingKind): readonly SettingEntry[] {
    const found = this.#keysInFile(tenant, kind).map((key) => this.#fromFile({ tenant, kind, key }))
    for (const one of this.#kept) {
      if (one.tenant === tenant && one.kind === kind && !isNamedBy(this.#parts.fileRoot, one)) found.push(shown(one))
    }
    return found.filter((entry) => entry !== null).sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Throws NotFoundError `setting.unknown`. */
  get(place: SettingPlace): SettingEntry {
    const kept = this.#find(place)
    const entry = this.#fromFile(place) ?? (kept && shown(kept))
    if (!entry) throw unknown(place)
    return entry
  }

  /** Rejects with SettingsError, StateError `setting.from-file`, ChangedMeanwhileError `setting.changed`, StoreError. */
  put(place: SettingPlace, body: unknown, condition: Condition = {}): Promise<SettingEntry> {
    return this.#change(() => this.#put(place, body, condition))
  }

  /** Changes only what the patch names (RFC 7396). Rejects as `put`, and with NotFoundError `setting.unknown`. */
  patch(place: SettingPlace, patch: unknown, condition: Condition = {}): Promise<SettingEntry> {
    return this.#change(async () => {
      this.#mustNotBeNamed(place)
      const kept = this.#find(place)
      if (!kept) throw unknown(place)
      const body = isDeeper(patch, deepestBody) ? patch : mergePatch(kept.body, patch)
      return await this.#put(place, body, condition)
    })
  }

  /** Gives a partner a new secret, which is told here and never again. Rejects as `patch`. */
  async renewSecret(tenant: string, partner: string): Promise<string> {
    const secret = this.#parts.random.token(newSecretLength)
    await this.patch({ tenant, kind: 'partners', key: partner }, { secret })
    return secret
  }

  /** Sets a prompt. Rejects as `put` and `PromptFiles.store`. */
  async putPrompt(place: SettingPlace, sound: Uint8Array, condition: Condition = {}): Promise<SettingEntry> {
    const { prompts } = this.#parts
    this.#mustNotBeNamed(place)
    const file = await prompts.store(sound)
    try {
      return await this.put(place, file, condition)
    } catch (thrown) {
      prompts.retire(file.file)
      throw thrown
    }
  }

  /** Rejects with NotFoundError `setting.unknown`, SettingsError (something else still names it), StoreError. */
  remove(place: SettingPlace, condition: Condition = {}): Promise<void> {
    return this.#change(async () => {
      this.#mustNotBeNamed(place)
      const kept = this.#find(place)
      if (!kept) throw unknown(place)
      mustMatch(kept, condition)
      const rest = this.#kept.filter((one) => one !== kept)
      const tenants = await this.#parts.read(rest)
      await this.#parts.documents.remove(documentOf(place))
      this.#apply(rest, tenants)
    })
  }

  /**
   * Removes a tenant that came over the admin API, and all that was set in it.
   * Rejects with StateError `setting.from-file` or `setting.in-use` (it is not empty, and `isForced` is false).
   */
  removeTenant(tenant: string, isForced: boolean, condition: Condition = {}): Promise<void> {
    return this.#change(async () => {
      const place: SettingPlace = { tenant, kind: 'tenant', key: tenant }
      if (isNamedBy(this.#parts.fileRoot, place)) throw fromFile(place, `tenant ${tenant}`)
      const kept = this.#find(place)
      if (!kept) throw unknown(place)
      mustMatch(kept, condition)
      const own = this.#kept.filter((one) => one.tenant === tenant)
      const inside = [...new Set(own.filter((one) => one !== kept).map(({ kind }) => kind))]
      if (inside.length > 0 && !isForced) {
        const sentence = `Tenant ${tenant} still has ${inside.join(', ')}. Remove them first, or give force=true.`
        throw new StateError('setting.in-use', sentence, { facts: { tenant, inside: inside.join(', ') } })
      }
      const rest = this.#kept.filter((one) => one.tenant !== tenant)
      const tenants = await this.#parts.read(rest)
      // One statement: no half of a tenant is left, whenever the server ends.
      await this.#parts.documents.removeTenant(tenant)
      this.#apply(rest, tenants)
    })
  }

  /** Of a tenant itself: where it comes from, and what the admin API has set of it. Null: there is no such tenant. */
  tenant(tenant: string): { readonly origin: 'file' | 'api'; readonly etag: string | null } | null {
    const place: SettingPlace = { tenant, kind: 'tenant', key: tenant }
    const etag = this.#find(place)?.etag ?? null
    if (isNamedBy(this.#parts.fileRoot, place)) return { origin: 'file', etag }
    return etag === null ? null : { origin: 'api', etag }
  }

  close(): void {
    this.#parts.prompts.close()
  }

  async #put(place: SettingPlace, body: unknown, condition: Condition): Promise<SettingEntry> {
    this.#mustNotBeNamed(place)
    if (isDeeper(body, deepestBody)) {
      const path = printPath(pathOfSetting(place))
      const expected = `at most ${deepestBody} levels`
      throw new SettingsError([{ ...nowhere, path, sentence: 'This is nested too deeply.', expected }])
    }
    if (place.kind === 'tenant') this.#checkTenant(place.tenant, body)
    const old = this.#find(place)
    mustMatch(old, condition)
    const kept = place.kind === 'partners' ? withHash(body) : body
    // Told again what is so: nothing changes, and nobody's ETag runs out.
    if (old && isDeepStrictEqual(old.body, kept)) return shown(old)
    const { documents, read } = this.#parts
    const document = { ...place, value: this.#valueOf(place, body) }
    const others = this.#kept.filter((one) => one !== old)
    const tenants = await read([...others, document])
    const key = documentOf(place)
    const sealed = sealSecrets(kept, (secret) => this.#parts.secrets.encrypt(secret, purposeOf(place)))
    // What an earlier tenant of this name may have left, while the file had it, is not this one's.
    const isNewTenant = place.kind === 'tenant' && !old && !isNamedBy(this.#parts.fileRoot, place)
    if (isNewTenant) await documents.removeTenant(place.tenant)
    await documents.put({ ...key, body: sealed as Json })
    const stored = await documents.get(key)
    const now: Kept = { ...document, body: kept, etag: etagOf(stored) }
    this.#apply([...others, now], tenants)
    return shown(now)
  }

  #apply(kept: readonly Kept[], tenants: Tenants): void {
    const files = new Set(kept.flatMap((one) => fileOf(one) ?? []))
    const gone = this.#kept.flatMap((one) => fileOf(one) ?? []).filter((file) => !files.has(file))
    this.#kept = kept
    this.#parts.directory.replace(tenants)
    for (const file of gone) this.#parts.prompts.retire(file)
  }

  #change<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#changing.then(run)
    this.#changing = result.catch(() => {})
    return result
  }

  #find(place: SettingPlace): Kept | undefined {
    return this.#kept.find((one) => one.tenant === place.tenant && one.kind === place.kind && one.key === place.key)
  }

  #keysInFile(tenant: string, kind: SettingKind): readonly string[] {
    if (!isEntryKind(kind)) return [kind === 'tenant' ? tenant : kind]
    const map = nodeOf(this.#parts.fileRoot, { tenant, kind: 'tenant', key: tenant })
    const node = map?.kind === 'map' ? map.entries.get(kind)?.node : undefined
    return node?.kind === 'map' ? [...node.entries.keys()] : []
  }

  #fromFile(place: SettingPlace): SettingEntry | null {
    const node = nodeOf(this.#parts.fileRoot, place)
    if (!node) return null
    return { key: place.key, origin: 'file', etag: null, ...withoutSecrets(plainValue(node)) }
  }

  #mustNotBeNamed(place: SettingPlace): void {
    // A tenant of the file may be given what the file leaves open: see `#checkTenant`.
    if (place.kind === 'tenant' || !isNamedBy(this.#parts.fileRoot, place)) return
    const { tenant, kind, key } = place
    throw fromFile(
      place,
      isEntryKind(kind) ? `${key} under ${kind} of tenant ${tenant}` : `${kind} of tenant ${tenant}`,
    )
  }

  /** Of a tenant itself only its own keys can be set: what it holds has places of its own. */
  #checkTenant(tenant: string, body: unknown): void {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return
    const problems: ConfigProblem[] = []
    for (const key of Object.keys(body)) {
      const path = ['tenants', tenant, key]
      if (isNamedBy(this.#parts.fileRoot, { tenant, kind: key as SettingKind, key })) {
        throw fromFile({ tenant, kind: 'tenant', key: tenant }, `${key} of tenant ${tenant}`)
      }
      if ((tenantKeys as readonly string[]).includes(key)) continue
      const sentence = `The key ${JSON.stringify(key)} cannot be set with the tenant itself.`
      const expected = `one of ${tenantKeys.join(', ')}; everything else under the tenant's own path`
      problems.push({ ...nowhere, path: printPath(path), sentence, expected })
    }
    if (problems.length > 0) throw new SettingsError(problems)
  }

  #valueOf({ kind }: SettingPlace, body: unknown): unknown {
    return kind === 'recordings' ? new OwnFile(this.#parts.prompts.pathOf((body as PromptFile).file)) : body
  }

  #opened(place: SettingPlace, stored: StoredDocument): Kept {
    const purpose = purposeOf(place)
    const body = openSecrets(stored.body, (sealed) => this.#parts.secrets.decrypt(sealed, purpose))
    return { ...place, body, value: this.#valueOf(place, body), etag: etagOf(stored) }
  }
}

function shown({ key, body, etag, kind }: Kept): SettingEntry {
  // Where a prompt lies is of no use to anybody outside.
  const visible = kind === 'recordings' ? { ...(body as PromptFile), file: undefined } : body
  return { key, origin: 'api', etag, ...withoutSecrets(visible) }
}

function fileOf({ kind, body }: Kept): string | null {
  return kind === 'recordings' ? (body as PromptFile).file : null
}

/** What a partner proves itself with is kept as its hash alone. What is no partner is left to who reads it. */
function withHash(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('secret' in body) || typeof body.secret !== 'string') return body
  return { ...body, secret: isTokenHash(body.secret) ? body.secret : hashToken(body.secret) }
}

/** Looks no deeper than that itself: who sends brackets in brackets must not use up the stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

function mustMatch(kept: Kept | undefined, { ifMatch, ifNoneMatch }: Condition): void {
  const isExpected = ifMatch === undefined || (kept !== undefined && (ifMatch === '*' || lists(ifMatch, kept.etag)))
  const isUnwanted =
    ifNoneMatch !== undefined && kept !== undefined && (ifNoneMatch === '*' || lists(ifNoneMatch, kept.etag))
  if (isExpected && !isUnwanted) return
  const sentence = kept ? 'The setting is another one by now.' : 'There is no such setting of the admin API.'
  throw new ChangedMeanwhileError('setting.changed', sentence, { facts: { etag: kept?.etag ?? null } })
}

function lists(header: string, etag: string): boolean {
  return header.split(',').some((one) => one.trim() === etag)
}

/** With the time in it, so that what was removed and set anew has another one. */
function etagOf(stored: StoredDocument | null): string {
  return `"${stored?.version ?? 0}-${(stored?.updatedAt ?? 0).toString(36)}"`
}

function documentOf({ tenant, kind, key }: SettingPlace): DocumentKey {
  return { tenant, kind: documentKinds[kind] ?? wholeDocument, key }
}

/** Null: it is no setting. */
function placeOf({ tenant, kind, key }: StoredDocument): SettingPlace | null {
  if (kind === wholeDocument) return { tenant, kind: key as SettingKind, key }
  const found = Object.entries(documentKinds).find(([, one]) => one === kind)
  return found ? { tenant, kind: found[0] as SettingKind, key } : null
}

/** Bound into the encryption: a sealed secret cannot be moved to another entity. */
function purposeOf({ tenant, kind, key }: SettingPlace): string {
  return `setting:${tenant}/${kind}/${key}`
}

function unknown({ tenant, kind, key }: SettingPlace): NotFoundError {
  if (kind === 'tenant') return new NotFoundError('setting.unknown', `There is no tenant ${tenant} of the admin API.`)
  const sentence = isEntryKind(kind)
    ? `Tenant ${tenant} has no ${key} among its ${kind}.`
    : `Nothing is set for ${kind} of tenant ${tenant}; its defaults are in force.`
  return new NotFoundError('setting.unknown', sentence, { facts: { tenant, kind, key } })
}

function fromFile({ tenant, kind, key }: SettingPlace, what: string): StateError {
  const sentence = `The configuration file names ${what}, and the file wins.`
  return new StateError('setting.from-file', sentence, {
    facts: { tenant, kind, key, path: printPath(pathOfSetting({ tenant, kind, key })) },
  })
}
