import type { CatalogueEntry } from './catalogue-entry.ts'

/** Codes of operating the server: configuration, databases, HTTP, and what is told to programs outside. */
export const operationErrors = {
  'defect.assertion': {
    meaning: 'Switchhook found itself in a state that should be impossible.',
    remedy: 'This is a defect of ours: please report it with the log lines around it.',
  },
  'http.unauthorized': {
    meaning: 'A request to the admin API carried no bearer token, or a wrong one.',
    remedy: 'Send `Authorization: Bearer TOKEN`; the token is in the configuration or in the data folder.',
  },
  'http.bad-request': {
    meaning: 'A request does not have the form that the API documents.',
    remedy: 'The sentence names the parameter or member; see /api/v1/openapi.json.',
  },
  'http.not-found': {
    meaning: 'There is nothing at this path.',
    remedy: 'See /api/v1/openapi.json for the paths there are.',
  },
  'http.too-many-requests': {
    meaning: 'An address sends more requests than it may, or too many with a wrong token.',
    remedy: 'Wait as long as Retry-After says.',
  },
  'http.address-in-use': {
    meaning: 'The HTTP port is taken by another program.',
    remedy: 'Stop that program, or give another port under `http.listen`.',
  },
  'outgoing.url-invalid': {
    meaning: 'A request was to go to an address that is no http or https address.',
    remedy: 'Correct the address; the sentence shows it without its credentials and the values of its query.',
  },
  'outgoing.header-invalid': {
    meaning: 'A request was to carry a header that HTTP does not allow, or that steers the connection.',
    remedy: 'Correct the name or the value: no line breaks, and none of Host, Content-Length, Connection and the like.',
  },
  'outgoing.address-refused': {
    meaning: 'An address that arrived over an API, or a redirect, leads into a private network.',
    remedy: 'If the receiver may be there, allow its range under `webhooks.allowPrivateAddresses`.',
  },
  'outgoing.name-unknown': {
    meaning: 'The host name of a receiver has no address in DNS.',
    remedy: 'Check the spelling, and that this machine can resolve the name.',
  },
  'outgoing.connect-failed': {
    meaning: 'A connection to a receiver was refused, or there is no way to it.',
    remedy: 'Check that the receiver runs and listens there, and the firewalls between.',
  },
  'outgoing.connect-timed-out': {
    meaning: 'A receiver did not take a connection in time.',
    remedy: 'Check the address of the receiver and the firewalls between.',
  },
  'outgoing.tls-failed': {
    meaning:
      'TLS could not be agreed on with a receiver: mostly its certificate is not trusted, or it speaks plain HTTP.',
    remedy: 'Correct the certificate, or name its authority in NODE_EXTRA_CA_CERTS.',
  },
  'outgoing.timed-out': {
    meaning: 'A receiver took the request and did not answer in time, or not to the end.',
    remedy: 'Look at the receiver: it should answer first and work afterwards.',
  },
  'outgoing.connection-lost': {
    meaning: 'A receiver closed the connection before its answer was whole.',
    remedy: 'Look at the log of the receiver, or of the proxy before it.',
  },
  'outgoing.answer-malformed': {
    meaning: 'A receiver answered with something that is not HTTP.',
    remedy: 'Check the port: another kind of server may listen there.',
  },
  'outgoing.answer-encoded': {
    meaning: 'A receiver compressed its answer although none had been asked for.',
    remedy: 'Let it heed Accept-Encoding: identity.',
  },
  'outgoing.redirect-refused': {
    meaning: 'A receiver redirected too often, to nowhere, or from https to http.',
    remedy: 'Configure the address at which the redirects end.',
  },
  'outgoing.busy': {
    meaning: 'A request was not sent because as many as may be are under way, to this receiver or in all.',
    remedy: 'Look for a receiver that answers slowly.',
  },
  'outgoing.stopped': {
    meaning: 'A request was given up: what it was for has ended, or the server stops.',
    remedy: 'Nothing.',
  },
  'store.database-setting': {
    meaning: 'The setting `database` is neither a SQLite file nor a PostgreSQL address.',
    remedy: 'Write sqlite:PATH or postgres://user:password@host:port/database.',
  },
  'store.in-use': {
    meaning: 'Another Switchhook already writes to this database.',
    remedy: 'Stop the other one, or give this one a database of its own.',
  },
  'store.schema-newer': {
    meaning: 'The database was brought forward by a newer version of Switchhook.',
    remedy: 'Start that version or a later one; the schema is never taken back.',
  },
  'store.migration-failed': {
    meaning: 'A step of the database schema could not be applied; the database is as it was before it.',
    remedy: 'Look at the cause: a table of the same name by another program, missing rights, or a full disk.',
  },
  'store.disk-full': {
    meaning: 'The disk that holds the database is full.',
    remedy: 'Free space; calls go on, and what could not be written is in the log.',
  },
  'store.disk-failed': {
    meaning: 'The operating system could not read or write the database file.',
    remedy: 'Check the disk and the mount; restore a copy if the file was damaged.',
  },
  'store.locked': {
    meaning: 'Another program kept the database locked for longer than we wait.',
    remedy: 'Close the program (a backup, a database shell with an open transaction) that holds it.',
  },
  'store.corrupted': {
    meaning: 'The database is damaged, or the file is no database.',
    remedy: 'Restore a copy, or move the file away and start with an empty one.',
  },
  'store.not-writable': {
    meaning: 'Switchhook lacks the right to create or write the database, or it is read-only.',
    remedy: 'Give the user that runs Switchhook the right to write the file and its folder, or the tables.',
  },
  'store.conflict': {
    meaning: 'A write broke a rule of the schema: a key that is taken, or a row whose owner is missing.',
    remedy: 'When an API call caused it, correct the call; otherwise please report it.',
  },
  'store.unreachable': {
    meaning: 'The database server cannot be reached or the connection to it was lost.',
    remedy: 'Check that it runs and that the address is right; Switchhook connects again by itself.',
  },
  'store.refused': {
    meaning: 'The database server refused user, password or database name.',
    remedy: 'Correct the setting `database`.',
  },
  'store.driver': {
    meaning: 'The database driver is compiled code, and was installed for another version of Node.',
    remedy: 'Run `npm ci` with the Node that is to run the server.',
  },
  'store.failed': {
    meaning: 'The database could not do what was asked, for a reason without a code of its own.',
    remedy: 'Look at the cause in the log; please report it if it comes again.',
  },
  'store.overloaded': {
    meaning: 'The database does not keep up: too much is waiting to be written or read.',
    remedy: 'Look at the disk or the database server; lower the allowed calls per second.',
  },
  'store.closed': {
    meaning: 'Something was to be written or read after the store was closed.',
    remedy: 'Nothing, while the server stops; otherwise please report it.',
  },
  'store.cursor': {
    meaning: 'The cursor of a page was not made by this API.',
    remedy: 'Send `nextCursor` of the page before, unchanged, or none.',
  },
  'store.range': {
    meaning: 'Statistics were asked for over too long a time, or in a time zone that does not exist.',
    remedy: 'Ask for fewer days, and name the time zone as in Asia/Singapore.',
  },
  'store.document-changed': {
    meaning: 'The entity was changed by somebody else since it was read.',
    remedy: 'Read it again, and repeat the change on what is there now.',
  },
  'store.document-taken': {
    meaning: 'The key is in use: the entity exists already, or the number belongs to another tenant.',
    remedy: 'Choose another key, or change the one that exists.',
  },
  'config.invalid': {
    meaning: 'The configuration has problems; each is named with its file, line, key and what was expected.',
    remedy: 'Correct every problem that is listed, then run `switchhook check`.',
  },
  'config.keys-exposed': {
    meaning: 'A file of keys can be read by other users of the machine, and that could not be changed.',
    remedy: 'Give the data folder to the user that runs the server, and the file mode 600.',
  },
  'config.keys-unusable': {
    meaning: 'A file of keys in the data folder cannot be read or written, or holds something else.',
    remedy: 'Restore the file from a backup. Without it, stored SIP passwords must be set anew.',
  },
  'config.secret-unreadable': {
    meaning: 'A stored secret cannot be decrypted: it was encrypted with another key, or changed.',
    remedy: 'Restore the key file that belongs to the database, or set the secret anew.',
  },
  'event.unknown': {
    meaning: 'No event has this id, or it was delivered so long ago that it is forgotten.',
    remedy: 'List the events with GET /api/v1/events.',
  },
  'event.not-resendable': {
    meaning: 'An event was to be sent again that is being sent just now, or has its first turn still before it.',
    remedy: 'Wait for it: GET /api/v1/events/{id} says how it stands.',
  },
  'http.too-slow': {
    meaning: 'The head or the body of an HTTP request took too long to arrive.',
    remedy: 'Look at the network between the program and the server, or send less at once.',
  },
  'setting.unknown': {
    meaning: 'There is no such tenant, number, extension, app, trunk or other setting.',
    remedy: 'List them first; names are case-sensitive.',
  },
  'setting.from-file': {
    meaning: 'A change over the admin API touches something that the configuration file names, and the file wins.',
    remedy: 'Change it in the file, or remove it there first.',
  },
  'setting.in-use': {
    meaning: 'Something that is to be removed is still named by something else.',
    remedy: 'Remove or change first what names it; the sentence says which.',
  },
  'setting.changed': {
    meaning: 'A setting is not as it was when the one who changes it has read it (If-Match, If-None-Match).',
    remedy: 'Read it again, and send the change with the new ETag.',
  },
  'setting.sound-unusable': {
    meaning: 'What was uploaded as a prompt is not a WAV or mp3 file that can be played.',
    remedy: 'The sentence says what is wrong with it. PCM of 8 to 48 kHz, G.711 and mp3 of up to an hour are good.',
  },
} as const satisfies Record<string, CatalogueEntry>
