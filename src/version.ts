import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of package.json, which stands beside `src/` and `dist/` alike. */
export const version: string = (
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version

/** What SIP's Server and User-Agent say. */
export const serverName = `Switchhook/${version}`
