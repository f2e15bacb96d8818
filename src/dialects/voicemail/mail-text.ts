import type { AfterMail } from '../../config/settings-voicemail.ts'

export interface MessageFacts {
  readonly owner: string
  /** Empty where it was withheld. */
  readonly caller: string
  readonly forwardedBy: string | null
  /** Wall-clock ms. */
  readonly at: number
  /** IANA name. */
  readonly timeZone: string
  readonly durationSeconds: number
  /** What goes along. */
  readonly sound: 'attached' | 'not-wanted' | 'too-large' | 'missing'
  readonly after: AfterMail
  /** In the mailbox, and at most. */
  readonly held: number
  readonly max: number
}

export type FullFacts = Pick<MessageFacts, 'owner' | 'at' | 'timeZone' | 'held' | 'max'>

export interface MailText {
  readonly subject: string
  readonly text: string
}

/** All that is said by e-mail, in one language. */
interface Wording {
  readonly locale: string
  readonly withheld: string
  readonly labels: { readonly from: string; readonly forwardedBy: string; readonly at: string; readonly length: string }
  readonly subject: (caller: string, length: string) => string
  readonly opening: (owner: string) => string
  readonly sound: Readonly<Record<MessageFacts['sound'], string>>
  readonly after: Readonly<Record<AfterMail, string | null>>
  readonly held: (held: number, max: number) => string
  readonly isFull: (held: number, max: number) => string
  readonly fullSubject: string
  readonly turnedAway: (owner: string, at: string) => string
}

const wordings: Readonly<Record<'en' | 'id', Wording>> = {
  en: {
    locale: 'en-GB',
    withheld: 'a withheld number',
    labels: { from: 'From', forwardedBy: 'Forwarded by', at: 'Time', length: 'Length' },
    subject: (caller, length) => `Voice message from ${caller} (${length})`,
    opening: (owner) => `There is a new voice message in mailbox ${owner}.`,
    sound: {
      attached: 'The message is attached to this e-mail.',
      'not-wanted': 'Call your mailbox to hear it.',
      'too-large': 'It is too long to be sent by e-mail. Call your mailbox to hear it.',
      missing: 'Its sound has not arrived yet. Call your mailbox to hear it.',
    },
    after: {
      keep: null,
      read: 'In your mailbox it is now marked as heard.',
      delete: 'It is now deleted from your mailbox; for 24 hours it can be had back.',
    },
    held: (held, max) => `Your mailbox holds ${held} of ${max} messages.`,
    isFull: (held, max) =>
      `Your mailbox is full (${held} of ${max}): nobody can leave a message until you delete some.`,
    fullSubject: 'Your voice mailbox is full',
    turnedAway: (owner, at) => `Somebody wanted to leave a message in mailbox ${owner} on ${at} and could not.`,
  },
  id: {
    locale: 'id-ID',
    withheld: 'nomor yang disembunyikan',
    labels: { from: 'Dari', forwardedBy: 'Diteruskan oleh', at: 'Waktu', length: 'Durasi' },
    subject: (caller, length) => `Pesan suara dari ${caller} (${length})`,
    opening: (owner) => `Ada pesan suara baru di kotak pesan ${owner}.`,
    sound: {
      attached: 'Pesan terlampir pada e-mail ini.',
      'not-wanted': 'Hubungi kotak pesan Anda untuk mendengarkannya.',
      'too-large':
        'Pesan terlalu panjang untuk dikirim melalui e-mail. Hubungi kotak pesan Anda untuk mendengarkannya.',
      missing: 'Suaranya belum diterima. Hubungi kotak pesan Anda untuk mendengarkannya.',
    },
    after: {
      keep: null,
      read: 'Di kotak pesan Anda, pesan ini sudah ditandai sebagai didengar.',
      delete: 'Pesan ini sudah dihapus dari kotak pesan Anda; selama 24 jam masih dapat dikembalikan.',
    },
    held: (held, max) => `Kotak pesan Anda berisi ${held} dari ${max} pesan.`,
    isFull: (held, max) =>
      `Kotak pesan Anda penuh (${held} dari ${max}): tidak ada yang dapat meninggalkan pesan sebelum Anda menghapus sebagian.`,
    fullSubject: 'Kotak pesan suara Anda penuh',
    turnedAway: (owner, at) =>
      `Ada yang ingin meninggalkan pesan di kotak pesan ${owner} pada ${at}, tetapi tidak bisa.`,
  },
}

/** What the owner of a mailbox is written about a message. */
export function messageText(language: 'en' | 'id', facts: MessageFacts): MailText {
  const wording = wordings[language]
  const { labels } = wording
  const length = lengthOf(facts.durationSeconds)
  const caller = facts.caller === '' ? wording.withheld : facts.caller
  const rows: readonly (readonly [string, string])[] = [
    [labels.from, caller],
    ...(facts.forwardedBy === null ? [] : [[labels.forwardedBy, facts.forwardedBy] as const]),
    [labels.at, timeOf(facts, wording.locale)],
    [labels.length, length],
  ]
  const width = Math.max(...rows.map(([label]) => label.length)) + 1
  const lines = [
    wording.opening(facts.owner),
    '',
    ...rows.map(([label, value]) => `${`${label}:`.padEnd(width)} ${value}`),
    '',
    wording.sound[facts.sound],
    wording.after[facts.after],
    facts.held < facts.max ? wording.held(facts.held, facts.max) : wording.isFull(facts.held, facts.max),
  ]
  const text = `${lines.filter((line) => line !== null).join('\n')}\n`
  return { subject: wording.subject(caller, length), text }
}

/** What the owner of a mailbox is written when a caller has found it full. */
export function fullText(language: 'en' | 'id', facts: FullFacts): MailText {
  const wording = wordings[language]
  const lines = [wording.turnedAway(facts.owner, timeOf(facts, wording.locale)), wording.isFull(facts.held, facts.max)]
  return { subject: wording.fullSubject, text: `${lines.join('\n')}\n` }
}

/** `1:05`. */
function lengthOf(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function timeOf({ at, timeZone }: Pick<MessageFacts, 'at' | 'timeZone'>, locale: string): string {
  const day = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: 'full' }).format(at)
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium', hourCycle: 'h23' }).format(at)
  return `${day}, ${time} (${timeZone})`
}
