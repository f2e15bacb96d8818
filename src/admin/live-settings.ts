import { NotFoundError, StateError, toError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { isNamedBy, type SettingDocument } from '../config/overlay.ts'
import { SettingsError } from '../config/problem.ts'
import type { SecretBox } from '../config/secret-box.ts'
import type { TenantSettings } from '../config/settings.ts'
import { type MapNode, plainValue, type SourceNode } from '../config/source-node.ts'
import type { Directory } from '../routing/directory.ts'
import type { DocumentKind, Documents, Json } from '../store/documents.ts'

export type SettingKind = SettingDocument['kind']

export interface SettingEntry {
  readonly key: string
  readonly origin: 'file' | 'api'
  readonly value: unknown
}

export interface LiveSettingsParts {
  readonly documents: Documents
  readonly directory: Directory
  readonly log: Logger
  readonly secrets: SecretBox
  /** The file's own tree: what it names wins. */
  readonly fileRoot: SourceNode
  /** Reads the file's tree with these documents laid over it. Rejects with SettingsError. */
  read(documents: readonly SettingDocument[]): Promise<ReadonlyMap<string, TenantSettings>>
}

const documentKinds: Readonly<Record<SettingKind, DocumentKind>> = {
  extensions: 'extension',
  numbers: 'number',
  apps: 'app',
}

/** Members that are kept encrypted and never shown. */
const secretMembers = ['password', 'accessToken', 'secret', 'key', 'pin']

/**
 * The settings as they stand now: the file, and over it what was set by the admin API and is kept in the database. Every
 * change is checked as the whole configuration would be before it is kept, and is in force once it is.
 */
export class LiveSettings {
  readonly #parts: LiveSettingsParts
  #documents: readonly SettingDocument[] = []
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
    const documents: SettingDocument[] = []
    for (const kind of Object.keys(documentKinds) as SettingKind[]) {
      for await (const { tenant, key, body } of this.#parts.documents.list({ kind: documentKinds[kind] })) {
        documents.push({ tenant, kind, key, value: this.#open(body, purposeOf(tenant, kind, key)) })
      }
    }
    const { fitting, tenants } = await this.#whatFits(documents)
    this.#apply(fitting, tenants)
  }

  async #whatFits(
    documents: readonly SettingDocument[],
  ): Promise<{ fitting: readonly SettingDocument[]; tenants: ReadonlyMap<string, TenantSettings> }> {
    try {
      return { fitting: documents, tenants: await this.#parts.read(documents) }
    } catch (thrown) {
      if (!(thrown instanceof SettingsError)) throw thrown
    }
    // Apps before the numbers that name them; each is kept if the rest still is a configuration with it.
    const order: readonly SettingKind[] = ['extensions', 'apps', 'numbers']
    let fitting: readonly SettingDocument[] = []
    let tenants = await this.#parts.read([])
    for (const document of order.flatMap((kind) => documents.filter((one) => one.kind === kind))) {
      try {
        tenants = await this.#parts.read([...fitting, document])
        fitting = [...fitting, document]
      } catch (thrown) {
        const { tenant, kind, key } = document
        const err = toError(thrown)
        this.#parts.log.error(
          { tenant, kind, name: key, err },
          'a setting of the admin API no longer fits the configuration',
        )
      }
    }
    return { fitting, tenants }
  }

  *list(tenant: string, kind: SettingKind): Generator<SettingEntry> {
    for (const [key, { node }] of fileEntries(this.#parts.fileRoot, tenant, kind)) {
      yield { key, origin: 'file', value: withoutSecrets(plainValue(node)) }
    }
    for (const document of this.#documents) {
      if (document.tenant !== tenant || document.kind !== kind || isNamedBy(this.#parts.fileRoot, document)) continue
      yield { key: document.key, origin: 'api', value: withoutSecrets(document.value) }
    }
  }

  /** Rejects with SettingsError, StateError `setting.from-file`, StoreError. */
  put(tenant: string, kind: SettingKind, key: string, value: unknown): Promise<SettingEntry> {
    return this.#change(async () => {
      this.#mustNotBeNamed(tenant, kind, key)
      const others = this.#documents.filter((one) => !isSame(one, tenant, kind, key))
      const documents = [...others, { tenant, kind, key, value }]
      const tenants = await this.#parts.read(documents)
      const body = this.#seal(value, purposeOf(tenant, kind, key))
      await this.#parts.documents.put({ tenant, kind: documentKinds[kind], key, body })
      this.#apply(documents, tenants)
      return { key, origin: 'api', value: withoutSecrets(value) }
    })
  }

  /** Rejects with NotFoundError `setting.unknown`, SettingsError (something else still names it), StoreError. */
  remove(tenant: string, kind: SettingKind, key: string): Promise<void> {
    return this.#change(async () => {
      this.#mustNotBeNamed(tenant, kind, key)
      const documents = this.#documents.filter((one) => !isSame(one, tenant, kind, key))
      if (documents.length === this.#documents.length) {
        throw new NotFoundError('setting.unknown', `Tenant ${tenant} has no ${key} among its ${kind}.`)
      }
      const tenants = await this.#parts.read(documents)
      await this.#parts.documents.remove({ tenant, kind: documentKinds[kind], key })
      this.#apply(documents, tenants)
    })
  }

  #apply(documents: readonly SettingDocument[], tenants: ReadonlyMap<string, TenantSettings>): void {
    this.#documents = documents
    this.#parts.directory.replace(tenants)
  }

  #change<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#changing.then(run)
    this.#changing = result.catch(() => {})
    return result
  }

  #mustNotBeNamed(tenant: string, kind: SettingKind, key: string): void {
    if (!isNamedBy(this.#parts.fileRoot, { tenant, kind, key })) return
    const sentence = `The configuration file names ${key} under ${kind} of tenant ${tenant}, and the file wins.`
    throw new StateError('setting.from-file', sentence, { facts: { tenant, kind, key } })
  }

  #seal(value: unknown, purpose: string): Json {
    return mapSecrets(value, (secret) => ({ sealed: this.#parts.secrets.encrypt(secret, purpose) })) as Json
  }

  #open(value: Json, purpose: string): unknown {
    if (Array.isArray(value)) return value.map((item: Json) => this.#open(item, purpose))
    if (typeof value !== 'object' || value === null) return value
    if ('sealed' in value && typeof value.sealed === 'string') return this.#parts.secrets.decrypt(value.sealed, purpose)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#open(inner, purpose)]))
  }
}

function isSame(document: SettingDocument, tenant: string, kind: SettingKind, key: string): boolean {
  return document.tenant === tenant && document.kind === kind && document.key === key
}

/** Bound into the encryption: a sealed secret cannot be moved to another entity. */
function purposeOf(tenant: string, kind: SettingKind, key: string): string {
  return `setting:${tenant}/${kind}/${key}`
}

function fileEntries(root: SourceNode, tenant: string, kind: SettingKind): MapNode['entries'] {
  let node: SourceNode | undefined = root
  for (const key of ['tenants', tenant, kind]) node = node?.kind === 'map' ? node.entries.get(key)?.node : undefined
  return node?.kind === 'map' ? node.entries : new Map()
}

function withoutSecrets(value: unknown): unknown {
  return mapSecrets(value, () => undefined)
}

function mapSecrets(value: unknown, change: (secret: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapSecrets(item, change))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] =>
    secretMembers.includes(key) && typeof inner === 'string' ? [key, change(inner)] : [key, mapSecrets(inner, change)],
  )
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined))
}
