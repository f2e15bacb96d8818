import { describe, expect, it } from 'vitest'
import { ScriptedSip, sdp } from '../../../test/support/scripted-sip.ts'
import { printReplaces } from '../message/replaces.ts'
import { nameWrittenByPeer, nameWrittenByUs, replacesHeaders } from './dialog-name.ts'
import type { DialogName, InviteUsage } from './types.ts'

/** An INVITE of somebody else, with that Replaces. */
function replace(sip: ScriptedSip, name: DialogName) {
  const headers = [['Replaces', printReplaces(name)]] as const
  return sip.call({ sipCallId: 'new@example.net', fromTag: 'newcomer', toTag: null, cseq: 1, headers })
}

function nameOf(usage: InviteUsage, isEarlyOnly = false): DialogName {
  const name = nameWrittenByPeer(usage, isEarlyOnly)
  if (!name) throw new Error('no name')
  return name
}

/** An answered call of ours. */
function placed(sip: ScriptedSip): InviteUsage {
  const usage = sip.place()
  const answer = { body: sdp('answer'), contentType: 'application/sdp' }
  sip.transactions.last('INVITE').reply(200, { toTag: 'bobs', headers: [['Contact', '<sip:b@192.0.2.9>']], ...answer })
  return usage
}

describe('an INVITE with Replaces', () => {
  it('finds the call that came in, and both are there until its user decides', () => {
    const sip = new ScriptedSip()
    sip.established()
    const { usage } = sip.invite
    const transaction = replace(sip, nameOf(usage))
    expect(transaction.statuses).toEqual([])
    expect(sip.invites.length).toBe(2)
    expect(sip.invite.replaces).toBe(usage)
    expect(usage.state).toBe('confirmed')
  })

  it('finds the call that went out', () => {
    const sip = new ScriptedSip()
    const usage = placed(sip)
    replace(sip, nameOf(usage))
    expect(sip.invite.replaces).toBe(usage)
  })

  it('finds a call of ours that only rings, by the tag of any of its forks', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    const sent = sip.transactions.last('INVITE')
    sent.reply(180, { toTag: 'first' })
    sent.reply(180, { toTag: 'second' })
    for (const fromTag of ['first', 'second']) {
      replace(sip, { ...nameOf(usage, true), fromTag })
      expect(sip.invite.replaces).toBe(usage)
      sip.invite.reject(486)
    }
  })

  it('is not taken for one that has none', () => {
    const sip = new ScriptedSip()
    sip.established()
    sip.call({ sipCallId: 'new@example.net', toTag: null })
    expect(sip.invite.replaces).toBeNull()
  })

  it.each([
    ['another Call-ID', { sipCallId: 'other@example.net' }],
    ['a wrong to-tag', { toTag: 'forged' }],
    ['a wrong from-tag', { fromTag: 'forged' }],
    ['no from-tag', { fromTag: '0' }],
  ])('of %s gets 481', (_, wrong) => {
    const sip = new ScriptedSip()
    sip.established()
    expect(replace(sip, { ...nameOf(sip.invite.usage), ...wrong }).statuses).toEqual([481])
    expect(sip.invites.length).toBe(1)
  })

  it('that has the tags the wrong way round gets 481', () => {
    const sip = new ScriptedSip()
    sip.established()
    const name = nameWrittenByUs(sip.invite.usage)
    expect(name && replace(sip, name).statuses).toEqual([481])
  })

  it('early-only of a call that was answered gets 486', () => {
    const sip = new ScriptedSip()
    sip.established()
    expect(replace(sip, nameOf(sip.invite.usage, true)).statuses).toEqual([486])
    expect(replace(sip, nameOf(placed(sip), true)).statuses).toEqual([486])
  })

  it('of a call that rings here gets 481: we did not place it', () => {
    const sip = new ScriptedSip()
    sip.call()
    expect(replace(sip, nameOf(sip.invite.usage)).statuses).toEqual([481])
  })

  it('of a call that has just ended gets 603', () => {
    const sip = new ScriptedSip()
    sip.established()
    const name = nameOf(sip.invite.usage)
    sip.invite.usage.end()
    expect(replace(sip, name).statuses).toEqual([603])
    sip.transactions.last('BYE').reply(200)
    expect(replace(sip, name).statuses).toEqual([481])
  })

  it('with Join beside it gets 400', () => {
    const sip = new ScriptedSip()
    sip.established()
    const value = printReplaces(nameOf(sip.invite.usage))
    const headers = [
      ['Replaces', value],
      ['Join', value],
    ] as const
    expect(sip.call({ sipCallId: 'new@example.net', toTag: null, headers }).statuses).toEqual([400])
  })
})

describe('the name of a dialog', () => {
  it('as its peer writes it leads back to its usage; as we write it, it is the peer’s', () => {
    const sip = new ScriptedSip()
    sip.established()
    const { usage } = sip.invite
    expect(sip.agent.findUsage(nameOf(usage))).toBe(usage)
    expect(nameWrittenByUs(usage)).toEqual({
      sipCallId: 'call@example.net',
      toTag: 'theirs',
      fromTag: usage.localTag,
      isEarlyOnly: false,
    })
    expect(sip.agent.findUsage({ ...nameOf(usage), sipCallId: 'x' })).toBeNull()
  })

  it('is unknown until the peer has given its tag', () => {
    const sip = new ScriptedSip()
    const usage = sip.place()
    expect(nameWrittenByUs(usage)).toBeNull()
    expect(nameWrittenByPeer(usage)).toBeNull()
  })

  it('goes into an INVITE of ours', () => {
    const sip = new ScriptedSip()
    sip.place({ headers: replacesHeaders({ sipCallId: 'a@b', toTag: '1', fromTag: '2', isEarlyOnly: true }) })
    const { headers } = sip.transactions.last('INVITE').request
    expect(headers.get('Replaces')).toBe('a@b;to-tag=1;from-tag=2;early-only')
    expect(headers.get('Require')).toBe('replaces')
  })
})
