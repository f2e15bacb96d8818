import type { VoicemailMessageRow } from '../../store/voicemail.ts'
import type { Mailbox } from './mailboxes.ts'
import type { OkReply, WireMessage, WirePromo } from './wire.ts'

export interface MailboxCounts {
  readonly total: number
  readonly read: number
  readonly unread: number
}

interface Promos {
  readonly x: WirePromo
  readonly y: WirePromo
}

/** The published table has `record`, the published sample `record_message`: both are sent. */
export function leavingReply(
  mailbox: Mailbox,
  counts: Pick<MailboxCounts, 'total'>,
  promos: Promos,
  isTariffOn: boolean,
): OkReply {
  const status = mailbox.isRecordOn ? 'on' : 'off'
  const { greeting } = mailbox
  return {
    status: 'ok',
    record: { status, max_idle: mailbox.maxIdleSeconds, max_record: mailbox.maxRecordSeconds },
    record_message: status,
    mailbox: { total: counts.total, max: mailbox.maxMessages },
    language: mailbox.language,
    greeting: greeting?.isActive ? { type: 'personal', voice: greeting.voice } : { type: 'default', voice: '' },
    play_promo_x: { ...promos.x },
    play_promo_y: { ...promos.y },
    play_tarif_call: isTariffOn ? 'on' : 'off',
  }
}

/** @param messages - oldest first. Lists are complete, and counted as listed. */
export function retrieveReply(
  mailbox: Mailbox,
  messages: readonly VoicemailMessageRow[],
  promos: Promos,
  timeZone: string,
): OkReply {
  const list = (isRead: number): readonly WireMessage[] =>
    messages.filter((row) => row.is_read === isRead).map((row) => toWireMessage(row, timeZone))
  const read = list(1)
  const unread = list(0)
  return {
    status: 'ok',
    access: true,
    mailbox: {
      total: read.length + unread.length,
      read: read.length,
      unread: unread.length,
      max: mailbox.maxMessages,
    },
    message_read: read.map((message) => ({ ...message })),
    message_unread: unread.map((message) => ({ ...message })),
    language: mailbox.language,
    play_promo_x: { ...promos.x },
    play_promo_y: { ...promos.y },
    personal_greeting: { active: mailbox.greeting?.isActive ?? false, voice: mailbox.greeting?.voice ?? '' },
    pin: mailbox.hasPin,
  }
}

function toWireMessage(row: VoicemailMessageRow, timeZone: string): WireMessage {
  const { date, time } = dateAndTime(row.received_at, timeZone)
  return { number: row.caller, date, voice: row.voice, id: row.id, time, duration: row.duration_seconds }
}

/** `2026-01-31` and `23:59:59` on the clocks of that zone (IANA name). */
function dateAndTime(wallTime: number, timeZone: string): { readonly date: string; readonly time: string } {
  const two = '2-digit'
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: two,
    day: two,
    hour: two,
    minute: two,
    second: two,
  })
  const parts = new Map(format.formatToParts(wallTime).map(({ type, value }) => [type as string, value]))
  const at = (name: string): string => parts.get(name) ?? ''
  return {
    date: `${at('year').padStart(4, '0')}-${at('month')}-${at('day')}`,
    time: `${at('hour')}:${at('minute')}:${at('second')}`,
  }
}
