import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fakeSounds, fakeSpeech } from '../../../../test/support/fake-sounds.ts'
import { sayDigits, sayNumber, sayParts } from '../../../action/playable.ts'
import { type NamedRecordings, PromptResolver } from '../../../action/prompts.ts'
import {
  spokenDate,
  spokenDigits,
  spokenNumber,
  spokenTelephone,
  spokenText,
  spokenTime,
} from '../../../speech/spoken/index.ts'
import { announcement, type VoicemailText, voicemailTextNames } from './texts.ts'

const languages = ['id', 'en'] as const

/** The table of prompts that was decided on; `vm-lang` is two here, since each is in its own language. */
const decided: readonly VoicemailText[] = [
  'vm-greet-default',
  'vm-tariff',
  'vm-saved',
  'vm-full',
  'vm-norecord',
  'vm-promo-press1',
  'vm-thanks',
  'vm-bye',
  'vm-youhave',
  'vm-new',
  'vm-old',
  'vm-none',
  'vm-main',
  'vm-msgkeys',
  'vm-from',
  'vm-date',
  'vm-deleted',
  'vm-undeleted',
  'vm-recgreet',
  'vm-review',
  'vm-lang-ina',
  'vm-lang-eng',
  'vm-pin',
  'vm-pinbad',
  'vm-noaccess',
  'vm-error',
  'vm-invalid',
]

function resolver(recordings: NamedRecordings): PromptResolver {
  return new PromptResolver({ sounds: fakeSounds, speech: fakeSpeech, recordings, folder: '/sounds' })
}

const none: NamedRecordings = { find: () => null }
/** A tenant that has recorded everything, in both languages. */
const all: NamedRecordings = { find: (tenant, name, language) => `/${tenant}/${language}/${name}.wav` }

const context = (language: 'id' | 'en') => ({ tenant: 'acme', language, timeZone: 'Asia/Jakarta' }) as const

async function ids(recordings: NamedRecordings, what: Parameters<PromptResolver['resolve']>[0], language: 'id' | 'en') {
  return (await resolver(recordings).resolve(what, context(language))).map(({ id }) => id)
}

describe('the announcements of voicemail', () => {
  it('are all that were decided on, and each is said somewhere', async () => {
    expect(voicemailTextNames).toEqual(expect.arrayContaining([...decided]))
    const sources = (await readdir(import.meta.dirname)).filter(
      (name) => /(?<!test)\.ts$/.test(name) && name !== 'texts.ts',
    )
    const code = (await Promise.all(sources.map((name) => readFile(`${import.meta.dirname}/${name}`, 'utf8')))).join()
    expect(voicemailTextNames.filter((name) => !code.includes(`'${name}'`))).toEqual([])
  })

  it.each(voicemailTextNames)(
    '%s is spoken in the language of the call, and a tenant’s recording of it wins',
    async (name) => {
      const spoken = new Set<string>()
      for (const language of languages) {
        // What chooses the language is said in both, each in its own.
        const own = name === 'vm-lang-ina' ? 'id' : name === 'vm-lang-eng' ? 'en' : language
        const what = announcement(name, language)
        const [said] = await ids(none, what, language)
        expect(said).toMatch(new RegExp(`^say:${own}:\\S.{2,}|^say:${own}:on$`))
        spoken.add(said ?? '')
        expect(await ids(all, what, language)).toEqual([`file:/acme/${own}/${name}.wav`])
        // One language recorded: the other is spoken still.
        const half: NamedRecordings = { find: (_tenant, _name, wanted) => (wanted === 'id' ? '/one.wav' : null) }
        expect(await ids(half, what, language)).toEqual([own === 'id' ? 'file:/one.wav' : said])
      }
      const isSame = name === 'vm-lang-ina' || name === 'vm-lang-eng'
      expect(spoken.size).toBe(isSame ? 1 : 2)
    },
  )

  it('has the digits of both languages', () => {
    const digits = (language: 'id' | 'en'): string =>
      spokenText(spokenDigits('0123456789', language)).replaceAll(',', '')
    expect(digits('id')).toBe('nol satu dua tiga empat lima enam tujuh delapan sembilan')
    expect(digits('en')).toBe('zero one two three four five six seven eight nine')
  })

  it.each(languages)(
    'says digits, numbers, months and hours in %s by a tenant’s recordings of their parts, where it has all',
    async (language) => {
      const at = new Date('2026-11-21T13:05:00Z')
      const phrases = {
        digits: [sayDigits('0815', { language }), spokenDigits('0815', language)],
        count: [sayNumber(21, { language }), spokenNumber(21, language)],
        sender: [sayParts(spokenTelephone('081234', language), { language }), spokenTelephone('081234', language)],
        day: [sayParts(spokenDate(at, language, 'UTC'), { language }), spokenDate(at, language, 'UTC')],
        hour: [sayParts(spokenTime(at, language, 'UTC'), { language }), spokenTime(at, language, 'UTC')],
      } as const
      for (const [phrase, [what, parts]] of Object.entries(phrases)) {
        expect(parts.length, phrase).toBeGreaterThan(0)
        expect(await ids(none, what, language), phrase).toEqual([`say:${language}:${spokenText(parts)}`])
        expect(await ids(all, what, language), phrase).toEqual(
          parts.map(({ name }) => `file:/acme/${language}/${name}.wav`),
        )
      }
      // Half of a phrase recorded sounds worse than none of it.
      const half: NamedRecordings = { find: (_tenant, name) => (name === phrases.day[1][0]?.name ? '/part.wav' : null) }
      expect(await ids(half, phrases.day[0], language)).toEqual([`say:${language}:${spokenText(phrases.day[1])}`])
    },
  )

  it('has every month by a name of its own in both languages', () => {
    for (const language of languages) {
      const months = Array.from({ length: 12 }, (_, month) =>
        spokenText(spokenDate(new Date(Date.UTC(2026, month, 3)), language, 'UTC')),
      )
      expect(new Set(months).size).toBe(12)
    }
  })
})
