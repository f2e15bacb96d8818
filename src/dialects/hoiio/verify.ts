import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import type { OutgoingOutcome } from '../../http/outgoing/types.ts'
import { signNotification, writeDate, writeNotification } from './codec.ts'
import { type NotificationFields, signatureHeader } from './wire.ts'

/** One notification, and what became of it. */
export interface NotifyCheck {
  readonly request: string
  readonly durationMs: number
  /** What the program has done, in one sentence; null: nothing that can be used. */
  readonly does: string | null
  readonly wrong: readonly string[]
  readonly tolerated: readonly string[]
}

export interface NotifyCheckOptions {
  readonly url: string
  readonly caller: string
  readonly number: string
  readonly timeoutMs: number
  readonly session: string
  readonly txnRef: string
  /** Signs what is sent, as the server does; null: it is not signed. */
  readonly accessToken: string | null
  /** Wall-clock ms. */
  readonly now: number
}

/** From here on the caller notices that it waits for the program. */
const slowMs = 2000

/**
 * Sends a program what a call would: it rings, keys are pressed, it is over. Whether it then asks for blocks cannot be told from
 * its answers, which mean only that they were received.
 */
export async function* verifyNotifyUrl(
  http: Pick<OutgoingHttp, 'request'>,
  options: NotifyCheckOptions,
): AsyncGenerator<NotifyCheck, void, undefined> {
  const { url, caller: from, number: to, session, txnRef: txn_ref, timeoutMs, accessToken } = options
  const standing = { session, txn_ref, from, to }
  const billing = { date: writeDate(options.now), duration: '1', currency: 'SGD', rate: '0.000', debit: '0.000' }
  const notifications: readonly { readonly name: string; readonly fields: NotificationFields }[] = [
    { name: 'a call comes in', fields: { ...standing, call_state: 'ringing', ivr_block: 'answer' } },
    {
      name: 'keys were pressed',
      fields: { ...standing, call_state: 'ongoing', ivr_block: 'gather', tag: 'verify', digits: '12' },
    },
    {
      name: 'nothing was pressed',
      fields: { ...standing, call_state: 'ongoing', ivr_block: 'gather', tag: 'verify', digits: '' },
    },
    {
      name: 'a transfer failed',
      fields: { ...standing, call_state: 'ongoing', ivr_block: 'transfer', transfer_status: 'busy' },
    },
    { name: 'the call is over', fields: { ...standing, call_state: 'ended', ivr_block: 'hangup', ...billing } },
  ]
  for (const { name, fields } of notifications) {
    const body = writeNotification(url, { ...fields })
    const signature = accessToken === null ? {} : { [signatureHeader]: signNotification(body, accessToken) }
    const outcome = await http.request({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...signature },
      body,
      timeoutMs,
      isTrusted: true,
    })
    const request = `POST ${fields.ivr_block} call_state=${fields.call_state}: ${name}`
    yield { request, durationMs: outcome.durationMs, ...judge(outcome, accessToken !== null) }
  }
}

function judge(outcome: OutgoingOutcome, isSigned: boolean): Pick<NotifyCheck, 'does' | 'wrong' | 'tolerated'> {
  if (outcome.kind === 'failure') return { does: null, wrong: [outcome.sentence], tolerated: [] }
  const { status, durationMs, body } = outcome
  if (status >= 300 && status < 400) {
    const wrong = [`It answered ${status}: redirects are not followed; give the address that it leads to.`]
    return { does: null, wrong, tolerated: [] }
  }
  if ((status === 401 || status === 403) && !isSigned) {
    const wrong = [
      `It answered ${status}. If it checks X-Hoiio-Signature, give --access-token: what is sent is signed then.`,
    ]
    return { does: null, wrong, tolerated: [] }
  }
  if (status < 200 || status >= 300) {
    const wrong = [
      `It answered ${status}: the notification counts as lost, and is not sent again unless so configured.`,
    ]
    return { does: null, wrong, tolerated: [] }
  }
  const tolerated: string[] = []
  if (status !== 200) tolerated.push(`It answered ${status}; the documentation asks for 200.`)
  if (body.length > 0)
    tolerated.push('Its answer has a body, which nobody reads: what comes next is asked for by a request.')
  if (durationMs > slowMs) {
    tolerated.push(`It took ${Math.round(durationMs)} ms: the next notification of the session waits for it.`)
  }
  return { does: 'It was received.', wrong: [], tolerated }
}
