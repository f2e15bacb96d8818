import { describe, expect, it } from 'vitest'
import { fakeSounds, fakeSpeech, noRecordings } from '../../test/support/fake-sounds.ts'
import { LimitError } from '../base/errors.ts'
import type { Speech } from '../speech/types.ts'
import { SpokenCallSounds } from './call-sounds.ts'
import { PromptResolver } from './prompts.ts'

function sounds(speech: Speech): SpokenCallSounds {
  const prompts = new PromptResolver({ sounds: fakeSounds, speech, recordings: noRecordings, folder: '/sounds' })
  return new SpokenCallSounds({ prompts, contextOf: (tenant) => ({ tenant, language: 'vi', timeZone: 'UTC' }) })
}

describe('the sounds of a call', () => {
  it('are tones, and a sentence in the language of the tenant', async () => {
    const ids = async (name: 'music' | 'ringback' | 'unreached') =>
      (await sounds(fakeSpeech).load(name, 'acme')).map(({ id }) => id)
    expect(await ids('music')).toEqual(['tone:music'])
    expect(await ids('ringback')).toEqual(['tone:ringback'])
    expect(await ids('unreached')).toEqual([expect.stringMatching(/^say:vi:Người/)])
  })

  it('are the busy tone where there is no voice', async () => {
    const speak = async (): Promise<never> => {
      throw new LimitError('speech.unavailable', 'There is no voice.')
    }
    const [prompt] = await sounds({ ...fakeSpeech, speak }).load('unreached', 'acme')
    expect(prompt?.id).toBe('tone:busy')
  })
})
