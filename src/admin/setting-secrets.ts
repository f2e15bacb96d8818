import { OwnFile } from '../config/source-node.ts'

/** Members that are secrets wherever they stand. */
const secretMembers: ReadonlySet<string> = new Set(['password', 'accessToken', 'secret', 'key', 'pin'])
/** Every value in it may be a credential. */
const secretMaps: ReadonlySet<string> = new Set(['headers'])

/** What of a setting is shown, and the paths of the secrets that are set and not shown: `password`, `headers.Authorization`. */
export interface ShownSetting {
  readonly value: unknown
  readonly secrets: readonly string[]
}

/** A setting without its secrets. Of an address with credentials in it (`https://user:password@host/`) the rest is shown. */
export function withoutSecrets(value: unknown): ShownSetting {
  const secrets: string[] = []
  const shown = mapSecrets(value, [], (secret, path) => {
    secrets.push(path.join('.'))
    return hasCredentials(secret) ? withoutCredentials(secret) : undefined
  })
  return { value: shown, secrets: [...new Set(secrets)] }
}

/** Each secret becomes `{ sealed }`. */
export function sealSecrets(value: unknown, seal: (secret: string) => string): unknown {
  return mapSecrets(value, [], (secret) => ({ sealed: seal(secret) }))
}

/** The reverse of `sealSecrets`. */
export function openSecrets(value: unknown, open: (sealed: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => openSecrets(item, open))
  if (typeof value !== 'object' || value === null) return value
  if ('sealed' in value && typeof value.sealed === 'string') return open(value.sealed)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, openSecrets(inner, open)]))
}

function mapSecrets(
  value: unknown,
  path: readonly string[],
  change: (secret: string, path: readonly string[]) => unknown,
): unknown {
  if (typeof value === 'string') return isSecret(path) || hasCredentials(value) ? change(value, path) : value
  if (Array.isArray(value)) {
    return value.map((item) => mapSecrets(item, path, change)).filter((item) => item !== undefined)
  }
  if (typeof value !== 'object' || value === null || value instanceof OwnFile) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    mapSecrets(inner, [...path, key], change),
  ])
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined))
}

function isSecret(path: readonly string[]): boolean {
  return secretMembers.has(path.at(-1) ?? '') || secretMaps.has(path.at(-2) ?? '')
}

function hasCredentials(text: string): boolean {
  return /^https?:\/\/[^/?#]*@/i.test(text)
}

function withoutCredentials(text: string): string {
  return text.replace(/^(https?:\/\/)[^/?#]*@/i, '$1')
}
