import { describe, expect, it } from 'vitest'
import { SubscriberStage } from '../../../test/support/subscriber-stage.ts'
import { MessageError } from '../message/message-error.ts'
import { parseMessage } from '../message/parse.ts'
import { printMessage } from '../message/print.ts'

describe('a SUBSCRIBE is refused', () => {
  it.each([
    ['without an Event', { event: null }, 489, 'Allow-Events'],
    ['of a package that is not here', { event: 'presence' }, 489, 'Allow-Events'],
    ['of a package template', { event: 'message-summary.winfo' }, 489, 'Allow-Events'],
    ['with an Event that cannot be read', { event: 'message-summary;;=' }, 400, null],
    ['with two events in one', { event: 'message-summary, presence' }, 400, null],
    ['that is too brief', { expires: '59' }, 423, 'Min-Expires'],
    ['without a Contact', { contact: null }, 400, null],
    ['with several Contacts', { contact: '<sip:a@192.0.2.9>, <sip:b@192.0.2.9>' }, 400, null],
    ['with the Contact *', { contact: '*' }, 400, null],
    ['with a Contact that is no SIP address', { contact: '<mailto:a@example.net>' }, 400, null],
    ['that accepts other bodies only', { headers: [['Accept', 'application/pidf+xml']] as const }, 406, 'Accept'],
    ['that requires what we do not know', { headers: [['Require', 'eventlist']] as const }, 420, 'Unsupported'],
  ])('%s: nobody is asked for a password', async (_, options, status, header) => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    expect(await phone.subscribe(options)).toBe(status)
    expect(phone.statuses).toEqual([status])
    if (header !== null) expect(phone.last?.headers.get(header)).toBeTruthy()
    expect(stage.notifier.count).toBe(0)
    expect(phone.told).toEqual([])
    await stage.end()
  })

  it.each([
    ['two Events', { headers: [['Event', 'message-summary']] as const }],
    ['an Expires that is none', { expires: 'soon' }],
    ['a negative Expires', { expires: '-1' }],
    ['an Expires beyond any number', { expires: '9'.repeat(400) }],
  ])('as no message at all where it has %s', async (_, options) => {
    const stage = new SubscriberStage()
    const bytes = printMessage(stage.phone().request(options))
    let status = 0
    try {
      parseMessage(bytes)
    } catch (thrown) {
      status = thrown instanceof MessageError ? thrown.sipStatus : -1
    }
    expect(status).toBe(400)
  })

  it('names what would be right: the package, the least interval, the body', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe({ event: 'dialog' })
    expect(phone.last?.headers.get('Allow-Events')).toBe('message-summary')
    await phone.subscribe({ expires: '10' })
    expect(phone.last?.headers.get('Min-Expires')).toBe('60')
    await phone.subscribe({ headers: [['Accept', 'text/plain']] })
    expect(phone.last?.headers.get('Accept')).toBe('application/simple-message-summary')
    // What is asked for among other things is enough.
    expect(await phone.subscribe({ headers: [['Accept', 'text/plain, application/*;q=0.5']] })).toBe(200)
    await stage.end()
  })

  it.each([
    ['with a wrong password', { password: 'wrong' }, 401],
    ['of another tenant’s extension of the same number', { password: 'other-101' }, 401],
    ['for the mailbox of a colleague', { uri: 'sip:102@acme.example' }, 403],
    ['for what is nobody', { uri: 'sip:999@acme.example' }, 404],
    ['by an extension without a mailbox', { username: '103', uri: 'sip:103@acme.example' }, 404],
  ])('%s', async (_, options, status) => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    expect(await phone.subscribe(options)).toBe(status)
    expect(stage.notifier.count).toBe(0)
    expect(stage.counted).toBe(0)
    await stage.end()
  })

  it('in a dialog that is none, not its own, or one that has another sender', async () => {
    const stage = new SubscriberStage()
    const [phone, other] = [stage.phone(), stage.phone('192.0.2.10', '102')]
    expect(await phone.subscribe()).toBe(200)
    expect(await phone.again({ remoteTag: 'guessed' })).toBe(481)
    expect(await phone.again({ sipCallId: 'another' })).toBe(481)
    expect(await phone.again({ fromTag: 'another' })).toBe(481)
    // Who has seen all three still has to know the password of the very extension.
    expect(await phone.again({ username: '102', password: 'acme-102' })).toBe(403)
    expect(await phone.again({ password: 'wrong', expires: '0' })).toBe(401)
    expect(await other.subscribe()).toBe(200)
    expect(stage.notifier.count).toBe(2)
    expect([phone.told.length, other.told.length]).toEqual([1, 1])
    await stage.end()
  })

  it('that is older than one before it: 500, and nothing changes', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe()
    await phone.again({ expires: '300' })
    expect(await phone.again({ expires: '0', cseq: 1 })).toBe(500)
    expect(phone.states).toEqual(['active;expires=600', 'active;expires=300'])
    expect(stage.notifier.count).toBe(1)
    await stage.end()
  })

  it('in a dialog that an INVITE has opened, where it is not allowed', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    expect(await phone.send('SUBSCRIBE', {}, 'no-such-tag')).toBe(481)
    expect(await phone.send('OPTIONS')).toBe(200)
    expect(phone.last?.headers.get('Allow')).toContain('SUBSCRIBE')
    expect(phone.last?.headers.get('Allow-Events')).toBe('refer, message-summary')
    await stage.end()
  })
})
