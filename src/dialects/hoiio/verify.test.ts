import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { OutgoingOutcome, OutgoingRequest } from '../../http/outgoing/types.ts'
import { type NotifyCheck, verifyNotifyUrl } from './verify.ts'

const options = {
  url: 'http://127.0.0.1:9100/in?app_state=start',
  caller: '+6591110000',
  number: '+6560000001',
  timeoutMs: 5000,
  session: 'S1',
  txnRef: 'TX-1',
  accessToken: null,
  now: Date.UTC(2026, 0, 1),
}

async function verify(
  outcome: Partial<OutgoingOutcome>,
  accessToken: string | null = null,
): Promise<{ checks: NotifyCheck[]; asked: OutgoingRequest[] }> {
  const asked: OutgoingRequest[] = []
  const http = {
    request: async (request: OutgoingRequest): Promise<OutgoingOutcome> => {
      asked.push(request)
      const usual = { kind: 'answer', status: 200, headers: new Map(), body: new Uint8Array(), durationMs: 5 }
      return { ...usual, isTruncated: false, url: request.url, ...outcome } as OutgoingOutcome
    },
  }
  const checks: NotifyCheck[] = []
  for await (const check of verifyNotifyUrl(http, { ...options, accessToken })) checks.push(check)
  return { checks, asked }
}

describe('verifying a notify_url', () => {
  it('sends what a call would, with the parameters of the address', async () => {
    const { checks, asked } = await verify({})
    expect(checks.flatMap(({ wrong, tolerated }) => [...wrong, ...tolerated])).toEqual([])
    const forms = asked.map(({ body }) => Object.fromEntries(new URLSearchParams(String(body))))
    expect(forms.map((form) => form['call_state'])).toEqual(['ringing', 'ongoing', 'ongoing', 'ongoing', 'ended'])
    expect(forms[0]).toMatchObject({ session: 'S1', from: '+6591110000', to: '+6560000001', app_state: 'start' })
    expect(forms[4]).toMatchObject({ date: '2026-01-01 08:00:00', debit: '0.000' })
  })

  it('signs what it sends with the token that it is given', async () => {
    const { asked } = await verify({}, 'token-of-the-application')
    for (const { headers, body } of asked) {
      const expected = createHmac('sha256', 'token-of-the-application').update(String(body)).digest('hex')
      expect(headers?.['x-hoiio-signature']).toBe(expected)
    }
    const unsigned = await verify({ status: 403 })
    expect(unsigned.asked[0]?.headers).not.toHaveProperty('x-hoiio-signature')
    expect(unsigned.checks[0]?.wrong[0]).toContain('--access-token')
  })

  it.each([
    ['a failure', { kind: 'failure', sentence: 'Nobody is there.' }, 'Nobody is there.'],
    ['a redirect', { status: 301 }, 'It answered 301: redirects are not followed; give the address that it leads to.'],
    [
      'an error',
      { status: 500 },
      'It answered 500: the notification counts as lost, and is not sent again unless so configured.',
    ],
  ])('finds %s wrong', async (_, outcome, sentence) => {
    const { checks } = await verify(outcome as Partial<OutgoingOutcome>)
    expect(checks[0]).toMatchObject({ wrong: [sentence], does: null })
  })

  it('tolerates another 2xx, a body, and slowness', async () => {
    const { checks } = await verify({ status: 202, body: new Uint8Array(1), durationMs: 3000 })
    expect(checks[0]?.tolerated).toHaveLength(3)
  })
})
