import { describe, expect, it } from 'vitest'
import { makeFlow, ScriptedServerTransaction, ScriptedSip, sdp } from '../../../test/support/scripted-sip.ts'

describe('a request outside a dialog', () => {
  it.each([
    ['an unknown method', 'FROBNICATE', {}, 405, 'Allow'],
    ['a method the user does not serve', 'PUBLISH', {}, 405, 'Allow'],
    ['an unknown scheme', 'INVITE', { uri: 'nobodyknows:totally' }, 416, null],
    [
      'a required extension we do not know',
      'INVITE',
      { headers: [['Require', '100rel, gruu, nothing']] },
      420,
      'Unsupported',
    ],
    ['a required extension with OPTIONS', 'OPTIONS', { headers: [['Require', 'gruu']] }, 420, 'Unsupported'],
    ['a body we do not know', 'INVITE', { body: sdp('x'), contentType: 'application/unknown' }, 415, 'Accept'],
    ['a coded body', 'INVITE', { body: sdp('x'), headers: [['Content-Encoding', 'gzip']] }, 415, 'Accept-Encoding'],
    ['an Accept without SDP', 'INVITE', { body: sdp('x'), headers: [['Accept', 'text/plain']] }, 406, null],
    ['a To tag of no dialog', 'INVITE', { toTag: 'nobody' }, 481, null],
    ['a BYE', 'BYE', {}, 481, null],
    ['an INFO', 'INFO', {}, 481, null],
    ['an UPDATE', 'UPDATE', {}, 481, null],
    ['a PRACK', 'PRACK', {}, 481, null],
    ['a REFER', 'REFER', { headers: [['Refer-To', '<sip:bob@example.net>']] }, 603, null],
    ['a NOTIFY of a REFER', 'NOTIFY', { headers: [['Event', 'refer;id=1']] }, 481, null],
    ['a NOTIFY of anything else', 'NOTIFY', { headers: [['Event', 'message-summary']] }, 489, 'Allow-Events'],
    ['a NOTIFY without Event', 'NOTIFY', {}, 489, 'Allow-Events'],
    ['a SUBSCRIBE', 'SUBSCRIBE', { headers: [['Event', 'presence']] }, 405, 'Allow'],
    ['a Replaces that is none', 'INVITE', { headers: [['Replaces', 'call;to-tag=a']] }, 400, null],
    ['a Replaces of no call', 'INVITE', { headers: [['Replaces', 'call;to-tag=a;from-tag=b']] }, 481, null],
    ['a Replaces out of place', 'OPTIONS', { headers: [['Replaces', 'call;to-tag=a;from-tag=b']] }, 400, null],
  ] as const)('with %s is refused before any user hears of it', (_, method, parts, status, header) => {
    const sip = new ScriptedSip()
    const { last } = sip.receive(method, parts)
    expect(last.status).toBe(status)
    if (header) expect(last.headers.has(header)).toBe(true)
    expect(last.headers.get('Server')).toBe('Switchhook test')
    expect(sip.invites).toEqual([])
    expect(sip.agent.usageCount).toBe(0)
  })

  it('names in Unsupported only what is unknown', () => {
    const { last } = new ScriptedSip().receive('INVITE', { headers: [['Require', '100rel, gruu, Other']] })
    expect(last.headers.get('Unsupported')).toBe('gruu, Other')
  })

  it('is checked for its method first, and for its extensions before its body', () => {
    const sip = new ScriptedSip()
    const parts = { body: sdp('x'), contentType: 'application/unknown', headers: [['Require', 'gruu']] } as const
    expect(sip.receive('FROBNICATE', { ...parts, uri: 'nobodyknows:totally' }).statuses).toEqual([405])
    expect(sip.receive('INVITE', { ...parts, uri: 'nobodyknows:totally' }).statuses).toEqual([416])
    expect(sip.receive('INVITE', parts).statuses).toEqual([420])
    expect(sip.receive('INVITE', { ...parts, headers: [['Accept', 'text/plain']] }).statuses).toEqual([415])
  })

  it('is passed to the user when it serves the method', () => {
    const sip = new ScriptedSip()
    expect(sip.receive('REGISTER').statuses).toEqual([])
    expect(sip.others.map(({ request }) => request.method)).toEqual(['REGISTER'])
  })

  it('of a user that throws gets 500', () => {
    const sip = new ScriptedSip({
      user: {
        inviteReceived: () => {},
        requestReceived: () => {
          throw new Error('no')
        },
      },
    })
    expect(sip.receive('REGISTER').statuses).toEqual([500])
  })

  it('for our capabilities tells them', () => {
    const sip = new ScriptedSip({ sessionTimers: { expiresSeconds: 1800, minSeconds: 90 } })
    const transaction = new ScriptedServerTransaction(sip.build('OPTIONS'), sip.flow)
    sip.agent.answerOptions(transaction)
    const { status, headers } = transaction.last
    expect(status).toBe(200)
    expect(headers.get('Allow')).toContain('REGISTER')
    expect(headers.get('Accept')).toContain('application/sdp')
    expect(headers.get('Supported')).toBe('100rel, timer, replaces, norefersub')
  })

  it('finds its SDP inside multipart, and skips what stands beside it', () => {
    const sip = new ScriptedSip()
    const body = new TextEncoder().encode(
      '--b\r\nContent-Type: application/isup\r\n\r\nxx\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0 inner\r\n--b--\r\n',
    )
    sip.receive('INVITE', { body, contentType: 'multipart/mixed;boundary=b' })
    expect(new TextDecoder().decode(sip.invite.offer ?? undefined)).toBe('v=0 inner')
  })

  it('with a part that must be understood and is not gets 415', () => {
    const sip = new ScriptedSip()
    const body = new TextEncoder().encode(
      '--b\r\nContent-Type: application/isup\r\nContent-Disposition: signal;handling=required\r\n\r\nxx\r\n' +
        '--b\r\nContent-Type: application/sdp\r\n\r\nv=0 inner\r\n--b--\r\n',
    )
    expect(sip.receive('INVITE', { body, contentType: 'multipart/mixed;boundary=b' }).statuses).toEqual([415])
  })

  it('with a damaged multipart gets 400', () => {
    const sip = new ScriptedSip()
    const body = new TextEncoder().encode('--b\r\nContent-Type: application/sdp\r\n\r\nv=0')
    expect(sip.receive('INVITE', { body, contentType: 'multipart/mixed;boundary=b' }).statuses).toEqual([400])
    expect(sip.agent.usageCount).toBe(0)
  })
})

describe('a request within a dialog', () => {
  it.each([
    ['a wrong From tag', { fromTag: 'forged' }],
    ['a wrong To tag', { toTag: 'forged' }],
    ['a wrong Call-ID', { sipCallId: 'forged@example.net' }],
  ])('with %s gets 481, and the call goes on', (_, parts) => {
    const sip = new ScriptedSip()
    sip.established()
    expect(sip.receive('BYE', parts).statuses).toEqual([481])
    expect(sip.user.end).toBeNull()
  })

  it('that ends it is answered, and its reasons are passed on', () => {
    const sip = new ScriptedSip()
    sip.established()
    const headers = [
      ['Reason', 'Q.850;cause=16;text="Normal call clearing", X.25;cause=3'],
      ['Reason', 'SIP;cause=200'],
    ] as const
    expect(sip.receive('BYE', { headers }).statuses).toEqual([200])
    expect(sip.user.end).toEqual({
      by: 'remote',
      how: 'bye',
      reasons: [
        { protocol: 'Q.850', cause: 16, text: 'Normal call clearing' },
        { protocol: 'SIP', cause: 200, text: '' },
      ],
    })
    expect(sip.agent.usageCount).toBe(0)
    expect(sip.receive('BYE').statuses).toEqual([481])
  })

  it('with a lower CSeq than the one before gets 500', () => {
    const sip = new ScriptedSip()
    sip.established({ cseq: 1000 })
    expect(sip.receive('INFO', { cseq: 1002 }).statuses).toEqual([200])
    expect(sip.receive('INFO', { cseq: 1001 }).statuses).toEqual([500])
    expect(sip.receive('INFO', { cseq: 1003 }).statuses).toEqual([200])
  })

  it('that is INFO is answered as its user says', () => {
    const sip = new ScriptedSip()
    sip.established()
    const info = { body: sdp('Signal=1'), contentType: 'application/dtmf-relay' }
    expect(sip.receive('INFO', info).statuses).toEqual([200])
    expect(sip.user.heard.at(-1)).toBe('info application/dtmf-relay v=0 Signal=1')
    sip.user.infoStatus = 415
    expect(sip.receive('INFO', info).last.headers.get('Accept')).toContain('application/dtmf-relay')
  })

  it('that is OPTIONS is answered, and one with an unknown method gets 405', () => {
    const sip = new ScriptedSip()
    sip.established()
    expect(sip.receive('OPTIONS').last.headers.get('Allow')).toContain('INVITE')
    expect(sip.receive('MESSAGE').last.status).toBe(405)
    expect(sip.receive('BYE', { headers: [['Require', 'gruu']] }).last.status).toBe(420)
  })

  it('that crosses our BYE is answered 200 when it is BYE, else 481', () => {
    const sip = new ScriptedSip()
    sip.established()
    sip.invite.usage.end()
    expect(sip.receive('INFO').statuses).toEqual([481])
    expect(sip.receive('BYE').statuses).toEqual([200])
    expect(sip.user.heard.filter((line) => line.startsWith('ended'))).toEqual(['ended local'])
    sip.transactions.last('BYE').reply(200)
    expect(sip.agent.usageCount).toBe(0)
  })
})

describe('what nobody should send', () => {
  const garbage = ['', ';', '=', '"', '-1', '99999999999999', '0', ',,', '<', '\u0000', 'a b', '*']
  const fields = ['Session-Expires', 'Min-SE', 'RAck', 'RSeq', 'Reason', 'Require', 'Supported', 'Accept', 'Allow']
  const others = ['Expires', 'Contact', 'Record-Route', 'Content-Type', 'Content-Encoding', 'Content-Disposition']

  const ofTransfers = ['Refer-To', 'Referred-By', 'Refer-Sub', 'Replaces', 'Event', 'Subscription-State']

  it.each([...fields, ...others, ...ofTransfers])('in %s is answered or accepted, and throws nowhere', (name) => {
    for (const value of garbage) {
      for (const method of ['INVITE', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY', 'BYE']) {
        const sip = new ScriptedSip({ sessionTimers: { expiresSeconds: 1800, minSeconds: 90 } })
        sip.onInvite = (invite) => {
          invite.attach(sip.user)
          invite.provisional(183, { sdp: sdp('answer') })
          invite.accept({ sdp: sdp('answer') })
        }
        sip.user.onRefer = (refer) => refer.accept()
        for (const isInDialog of [false, true]) {
          if (isInDialog) sip.established()
          // Past the parser, which would refuse most of it.
          const headers = method === 'REFER' ? [['Refer-To', '<sip:a@b>'] as const] : []
          const request = sip.build(method, { body: sdp('offer'), headers })
          request.headers.set(name, value)
          const transaction = new ScriptedServerTransaction(request, sip.flow)
          sip.agent.requestReceived(transaction)
          expect(transaction.responses.length).toBeGreaterThan(0)
        }
        expect(sip.clock.pending).toBeLessThan(12)
      }
    }
  })

  it.each(['Session-Expires', 'Min-SE', 'Supported', 'Allow'])('in %s costs nobody its call', (name) => {
    const sip = new ScriptedSip({ sessionTimers: { expiresSeconds: 1800, minSeconds: 90 } })
    const invite = sip.established({ headers: [[name, '"']] })
    expect(invite.last.status).toBe(200)
    const reInvite = sip.receive('INVITE', { body: sdp('offer'), headers: [[name, '"']] })
    expect(reInvite.last.status).toBe(200)
    sip.ack(reInvite)
    sip.receive('BYE')
    expect(sip.clock.pending).toBe(0)
  })

  it('in a header field that we are asked to send is left out', () => {
    const sip = new ScriptedSip()
    const invite = sip.call()
    sip.invite.reject(486, {
      headers: [
        ['X-Injected', 'a\r\nX-More: b'],
        ['X-Fine', 'c'],
      ],
    })
    expect(invite.last.headers.has('X-Injected')).toBe(false)
    expect(invite.last.headers.get('X-Fine')).toBe('c')
  })
})

describe('requests of ours in a dialog', () => {
  it('go to the flow the telephone last used while its Contact is private', () => {
    const sip = new ScriptedSip()
    const headers = [['Contact', '<sip:101@192.168.1.5:5062>']] as const
    sip.established({ headers, flow: makeFlow({ port: 40_000 }) })
    sip.receive('INFO', { flow: makeFlow({ port: 40_001 }) })
    sip.invite.usage.end()
    const { request, target } = sip.transactions.last('BYE')
    expect(target.flow?.remote).toEqual({ address: '192.0.2.9', port: 40_001 })
    expect(request.uri).toMatchObject({ host: '192.168.1.5', port: 5062 })
  })

  it('go to a new remote target once a re-INVITE has named it', () => {
    const sip = new ScriptedSip()
    sip.established()
    const contact = { headers: [['Contact', '<sip:101@198.51.100.7:5070>']], body: sdp('offer') } as const
    const reInvite = sip.receive('INVITE', contact)
    sip.ack(reInvite)
    sip.invite.usage.end()
    expect(sip.transactions.last('BYE').target.destination?.remote).toEqual({ address: '198.51.100.7', port: 5070 })
  })

  it('resolve INFO with its status, and end the dialog on 481, 408 and silence', async () => {
    for (const [status, how] of [
      [200, null],
      [415, null],
      [481, 'dialog-gone'],
      [408, 'no-response'],
    ] as const) {
      const sip = new ScriptedSip()
      sip.established()
      const info = sip.invite.usage.info('application/dtmf-relay', sdp('Signal=1'))
      sip.transactions.last('INFO').reply(status)
      expect(await info).toBe(status)
      if (how === null) expect(sip.user.end).toBeNull()
      else expect(sip.user.end).toMatchObject({ by: 'network', how })
    }
  })
})
