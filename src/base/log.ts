import { destination, pino } from 'pino'

/** Fields of a log line. Digits and secrets only under the names in `maskedFields`. */
export type LogFields = Readonly<Record<string, unknown>>

export interface Logger {
  debug(fields: LogFields, text: string): void
  info(fields: LogFields, text: string): void
  warn(fields: LogFields, text: string): void
  error(fields: LogFields, text: string): void
  child(fields: LogFields): Logger
  /** Whether a debug line would be written; ask before building dear fields. */
  readonly isDebug: boolean
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Fields whose values never reach a log, wherever they stand up to two levels deep. */
const maskedFields = ['digits', 'digit', 'pin', 'password', 'secret', 'token', 'accessToken', 'authorization', 'key']

/** JSON lines on standard output, written in batches off the calling tick. */
export function createLogger(options: { level: LogLevel; fd?: number; sync?: boolean }): Logger {
  const masked = maskedFields.flatMap((name) => [name, `*.${name}`, `*.*.${name}`])
  const root = pino(
    {
      level: options.level,
      base: null,
      redact: { paths: masked, censor: '***' },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination({ fd: options.fd ?? 1, sync: options.sync ?? false }),
  )
  return wrap(root)
}

/** Says nothing. For tests and for the library when no log is asked for. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
  isDebug: false,
}

function wrap(inner: pino.Logger): Logger {
  return {
    debug: (fields, text) => inner.debug(fields, text),
    info: (fields, text) => inner.info(fields, text),
    warn: (fields, text) => inner.warn(fields, text),
    error: (fields, text) => inner.error(fields, text),
    child: (fields) => wrap(inner.child(fields)),
    get isDebug() {
      return inner.isLevelEnabled('debug')
    },
  }
}
