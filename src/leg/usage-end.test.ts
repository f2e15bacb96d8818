import { describe, expect, it } from 'vitest'
import { sipRequest } from '../../test/support/sip-peer.ts'
import type { UsageEnd } from '../sip/dialog/types.ts'
import { createResponse } from '../sip/message/build.ts'
import { parseMessage } from '../sip/message/parse.ts'
import { printMessage } from '../sip/message/print.ts'
import { endOfUsage, reasonsFor } from './usage-end.ts'

function refused(status: number, headers: readonly (readonly [string, string])[] = [], reason?: string): UsageEnd {
  const request = sipRequest('INVITE', { branch: 'z9hG4bK1' })
  const bytes = printMessage(
    createResponse(request, status, { toTag: 'to1', headers, ...(reason === undefined ? {} : { reason }) }),
  )
  const response = parseMessage(bytes)
  if (response.kind !== 'response') throw new Error('not a response')
  return { by: 'peer-refused', status, response }
}

describe('the end of a leg', () => {
  it('goes by the Q.850 cause of a response where it says more than the status, and keeps it', () => {
    const end = endOfUsage(refused(480, [['Reason', 'Q.850;cause=20;text="absent"']]))
    expect(end).toEqual({ by: 'remote', cause: 'not-registered', sipStatus: 480, q850: 20, sentence: null })
    expect(endOfUsage(refused(503, [['Reason', 'Q.850;cause=1']]))).toMatchObject({ cause: 'number-unknown' })
  })

  it('goes by the status where the cause says nothing or is none', () => {
    for (const value of ['Q.850;cause=16', 'Q.850;cause=127', 'Q.850', 'SIP;cause=486', 'Q.850;cause=x', ';']) {
      expect([value, endOfUsage(refused(486, [['Reason', value]])).cause]).toEqual([value, 'busy'])
    }
  })

  it('knows do-not-disturb by the phrase of those statuses that may mean it, and by no other', () => {
    for (const phrase of ['Do Not Disturb', 'Temporarily Unavailable (DND)', 'do-not-disturb']) {
      expect([phrase, endOfUsage(refused(480, [], phrase)).cause]).toEqual([phrase, 'do-not-disturb'])
    }
    expect(endOfUsage(refused(404, [], 'Do Not Disturb')).cause).toBe('number-unknown')
    expect(endOfUsage(refused(486, [], 'Handndown')).cause).toBe('busy')
  })

  it('knows a CANCEL because another branch was answered', () => {
    const cancelled = (protocol: 'SIP' | 'Q.850', cause: number): UsageEnd => ({
      by: 'remote',
      how: 'cancel',
      reasons: [{ protocol, cause, text: '' }],
    })
    expect(endOfUsage(cancelled('SIP', 200)).cause).toBe('answered-elsewhere')
    expect(endOfUsage(cancelled('Q.850', 26)).cause).toBe('answered-elsewhere')
    expect(endOfUsage(cancelled('SIP', 487)).cause).toBe('cancelled')
  })

  it('is told to the peer by Q.850, but for a call that another telephone took', () => {
    expect(reasonsFor('answered-elsewhere')).toEqual([
      { protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' },
    ])
    expect(reasonsFor('normal', { q850: 127, text: 'Interworking unspecified' })).toEqual([
      { protocol: 'Q.850', cause: 127, text: 'Interworking unspecified' },
    ])
    expect(reasonsFor('busy', { text: 'In a meeting' })).toEqual([
      { protocol: 'Q.850', cause: 17, text: 'In a meeting' },
    ])
  })
})
