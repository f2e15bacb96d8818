import { ConfigError } from '../base/errors.ts'

export type DatabaseUrl =
  | { readonly dialect: 'sqlite'; readonly file: string }
  | { readonly dialect: 'postgres'; readonly url: string; readonly name: string }

/**
 * Reads the setting `database`: `sqlite:PATH`, or `postgres://user:password@host:port/name?options`.
 * Throws ConfigError `store.database-setting`; the text itself is not repeated, since it may hold a password.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (text.startsWith('sqlite:')) {
    const file = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '')
    if (file === '' || file.startsWith(':') || file.endsWith('/') || file.includes('\0')) {
      throw wrong('After "sqlite:" the path of a file is expected, as in sqlite:./data/switchhook.db.')
    }
    return { dialect: 'sqlite', file }
  }
  if (/^postgres(ql)?:\/\//.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : null
    const database = url?.pathname.slice(1) ?? ''
    if (url === null || url.hostname === '' || database === '') {
      throw wrong('Host and database are expected, as in postgres://user:password@host:5432/switchhook.')
    }
    return {
      dialect: 'postgres',
      url: text,
      name: `the PostgreSQL database ${database} at ${url.hostname}:${url.port || 5432}`,
    }
  }
  throw wrong('It has to begin with "sqlite:" or "postgres://".')
}

function wrong(expected: string): ConfigError {
  return new ConfigError('store.database-setting', `The setting "database" cannot be used. ${expected}`)
}
