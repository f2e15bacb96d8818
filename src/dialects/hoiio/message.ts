import type { Playable } from '../../action/playable.ts'
import { say } from '../../action/playable.ts'
import type { Language } from '../../speech/types.ts'
import { Refusal } from './codec.ts'

/** A piece of `msg`. */
export type MessagePart =
  | { readonly kind: 'text'; readonly text: string; readonly language: string; readonly gender: Gender }
  | { readonly kind: 'url'; readonly url: string }

export type Gender = 'female' | 'male'

/** The older documentation says 500, the newer 1,000. */
const mostCharacters = 1000
const usualLanguage = 'en'

/**
 * Languages by BCP 47 tag (or its first part), to the voice of espeak-ng. The published list is not known: these are the
 * languages of the region and the large ones, as far as the voice speaks them.
 */
const voices: ReadonlyMap<string, string> = new Map([
  ['en', 'en-us'],
  ['en-gb', 'en'],
  ['en-au', 'en'],
  ['zh', 'cmn'],
  ['zh-hk', 'yue'],
  ['yue', 'yue'],
  ['cmn', 'cmn'],
  ['ms', 'ms'],
  ['ta', 'ta'],
  ['id', 'id'],
  ['vi', 'vi'],
  ['th', 'th'],
  ['ja', 'ja'],
  ['ko', 'ko'],
  ['hi', 'hi'],
  ['bn', 'bn'],
  ['he', 'he'],
  ['ar', 'ar'],
  ['fr', 'fr'],
  ['de', 'de'],
  ['es', 'es'],
  ['it', 'it'],
  ['nl', 'nl'],
  ['pt', 'pt'],
  ['pt-br', 'pt-br'],
  ['ru', 'ru'],
])

/** Variants of espeak-ng's voice. */
const variants: Readonly<Record<Gender, string>> = { female: '+f3', male: '+m3' }

/**
 * Takes a `msg` apart: plain text, `<speech language gender>…</speech>` and `<url>…</url>`, in any order and number.
 * Throws Refusal `error_msg_invalid_length`, `error_msg_invalid_xml`, `error_msg_invalid_language`, `error_msg_invalid_gender`,
 * `error_msg_invalid_url`.
 */
export function readMessage(msg: string): readonly MessagePart[] {
  if ([...msg].length > mostCharacters) throw new Refusal('error_msg_invalid_length')
  const parts: MessagePart[] = []
  let rest = msg
  for (;;) {
    const opening = /<(speech|url)\b([^<>]*)>/i.exec(rest)
    if (!opening) break
    const [whole, name = '', attributes = ''] = opening
    addText(parts, rest.slice(0, opening.index), usualLanguage, 'female')
    rest = rest.slice(opening.index + whole.length)
    if (attributes.trimEnd().endsWith('/')) throw new Refusal('error_msg_invalid_xml')
    const closing = new RegExp(`</${name}\\s*>`, 'i').exec(rest)
    if (!closing) throw new Refusal('error_msg_invalid_xml')
    const content = rest.slice(0, closing.index)
    if (/<\/?(speech|url)\b/i.test(content)) throw new Refusal('error_msg_invalid_xml')
    rest = rest.slice(closing.index + closing[0].length)
    if (name.toLowerCase() === 'url') parts.push({ kind: 'url', url: readUrl(content) })
    else addSpeech(parts, content, readAttributes(attributes))
  }
  if (/<\/?(speech|url)\b/i.test(rest)) throw new Refusal('error_msg_invalid_xml')
  addText(parts, rest, usualLanguage, 'female')
  return parts
}

/** Text to speak; the gender is that of a variant of the voice. */
export function spoken({ text, language, gender }: Extract<MessagePart, { kind: 'text' }>): Playable {
  const voice = `${voices.get(language) ?? 'en-us'}${variants[gender]}`
  return say(text, { language: ownLanguage(language), voice })
}

function ownLanguage(tag: string): Language {
  const [primary] = tag.split('-')
  return primary === 'id' || primary === 'he' || primary === 'vi' ? primary : 'en'
}

function addSpeech(parts: MessagePart[], content: string, attributes: ReadonlyMap<string, string>): void {
  const tag = (attributes.get('language') ?? usualLanguage).toLowerCase().replace('_', '-')
  const known = voices.has(tag) ? tag : (tag.split('-')[0] ?? '')
  if (!voices.has(known)) throw new Refusal('error_msg_invalid_language')
  const gender = (attributes.get('gender') ?? 'female').toLowerCase()
  if (gender !== 'female' && gender !== 'male') throw new Refusal('error_msg_invalid_gender')
  addText(parts, content, known, gender)
}

/** What cannot be said (blanks, or nothing) is left out. */
function addText(parts: MessagePart[], written: string, language: string, gender: Gender): void {
  const text = unescaped(written).trim()
  if (/[\p{L}\p{N}]/u.test(text)) parts.push({ kind: 'text', text, language, gender })
}

function readUrl(written: string): string {
  const text = unescaped(written).trim()
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) throw new Refusal('error_msg_invalid_url')
  return text
}

/** Quotes of either kind; anything that is no attribute makes the whole illegal. */
function readAttributes(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  const rest = text.replace(
    /\s([A-Za-z]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
    (_, name: string, a?: string, b?: string) => {
      attributes.set(name.toLowerCase(), unescaped(a ?? b ?? '').trim())
      return ' '
    },
  )
  if (rest.trim() !== '') throw new Refusal('error_msg_invalid_xml')
  return attributes
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '')
}
