import { describe, expect, it } from 'vitest'
import { ScriptedSip } from '../../../test/support/scripted-sip.ts'
import { createResponse } from '../message/build.ts'
import { parseUri, printUri } from '../message/uri.ts'
import { redirectTargets } from './redirect-targets.ts'

function targets(status: number, contacts: readonly string[], tried: readonly string[] = []): readonly string[] {
  const response = createResponse(new ScriptedSip().build('INVITE'), status, {
    headers: contacts.map((contact) => ['Contact', contact] as const),
  })
  return redirectTargets(
    response,
    tried.map((uri) => parseUri(uri)),
  ).map(({ uri }) => printUri(uri))
}

describe('the targets of a redirection', () => {
  it.each([
    ['the best first', ['<sip:a@x>;q=0.1, <sip:b@x>;q=0.9', '<sip:c@x>'], ['sip:c@x', 'sip:b@x', 'sip:a@x']],
    ['equal ones in their order', ['<sip:a@x>;q=0.5', '<sip:b@x>;q=0.5'], ['sip:a@x', 'sip:b@x']],
    ['each once', ['<sip:a@x>;q=0.5', '<sip:a@X>'], ['sip:a@x']],
    ['without method and header fields', ['<sip:a@x;method=BYE;user=phone?Route=%3Csip:y%3E>'], ['sip:a@x;user=phone']],
    ['telephone numbers too', ['<tel:+651>', '<mailto:a@x>', '<https://x/>'], ['tel:+651']],
    ['a q that is none last', ['<sip:a@x>;q=much', '<sip:b@x>;q=0.1'], ['sip:b@x', 'sip:a@x']],
    ['none for *', ['*'], []],
    ['none without Contact', [], []],
  ])('are read: %s', (_, contacts, expected) => {
    expect(targets(302, contacts)).toEqual(expected)
  })

  it.each([
    [300, 1],
    [301, 1],
    [302, 1],
    [305, 0],
    [380, 0],
    [486, 0],
  ])('of a %i are %i', (status, count) => {
    expect(targets(status, ['<sip:a@x>']).length).toBe(count)
  })

  it('leave out what was tried, so that there is no circle', () => {
    expect(targets(302, ['<sip:a@x>', '<sip:b@x>'], ['sip:a@X'])).toEqual(['sip:b@x'])
  })

  it('are few, however many stand there', () => {
    expect(
      targets(
        300,
        Array.from({ length: 100 }, (_, i) => `<sip:a${i}@x>`),
      ).length,
    ).toBe(8)
  })
})
