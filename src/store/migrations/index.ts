import { calls } from './0001-calls.ts'
import { settings } from './0002-settings.ts'
import { outbox } from './0003-outbox.ts'
import { secondParty } from './0004-second-party.ts'
import { extensionCalls } from './0005-extension-calls.ts'
import { voicemail } from './0006-voicemail.ts'
import { ledger } from './0007-ledger.ts'
import { outboxAside } from './0008-outbox-aside.ts'
import { extensionCallsByTime } from './0009-extension-calls-by-time.ts'
import { voicemailMail } from './0010-voicemail-mail.ts'
import type { Migration } from './migration.ts'

/** In the order in which they are applied. Only ever append. */
export const migrations: readonly Migration[] = [
  calls,
  settings,
  outbox,
  secondParty,
  extensionCalls,
  voicemail,
  ledger,
  outboxAside,
  extensionCallsByTime,
  voicemailMail,
]
