import { list, object, optional, required, section } from './compound-shapes.ts'
import { requestHeaders } from './schema-headers.ts'
import { httpUrl, strongSecret } from './schema-values.ts'
import { type EventKind, eventKinds, usualEventKinds } from './settings.ts'
import type { Shape } from './shape.ts'
import { mapped, nullable, oneOf } from './value-shapes.ts'

/** The receiver is told with both while it changes from one to the other. */
const mostSecrets = 2

const secrets: Shape<readonly string[]> = mapped(
  nullable(list(strongSecret, 'secrets', { least: 1, isSingleAllowed: true })),
  (read, node, reading) => {
    if (read !== null && read.length > mostSecrets) {
      reading.report(node, `There are ${read.length} secrets.`, 'one secret, or two while it is changed')
    }
    return read ?? []
  },
)

const kinds: Shape<readonly EventKind[]> = mapped(
  list(oneOf(...eventKinds), 'kinds of events', { least: 1, isSingleAllowed: true }),
  (read) => [...new Set(read)],
)

/** Where a tenant is told of what has happened. */
export const events = object('events', {
  url: required(httpUrl, 'The program that is told, by POST.'),
  secret: optional(
    secrets,
    [],
    'Signs each request (`Switchhook-Signature`). Two in a list while it is changed: then both sign.',
    'null',
  ),
  kinds: optional(
    kinds,
    usualEventKinds,
    'What it is told of. `voicemail.promo` (send this promo to that number) only where it is named.',
  ),
  headers: section(requestHeaders, 'Sent with each request, credentials for example.'),
})
