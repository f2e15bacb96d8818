import { describe, expect, it } from 'vitest'
import { SubscriberStage } from '../../../test/support/subscriber-stage.ts'
import { randomLoss } from '../../../test/support/transport-pair.ts'
import { SeededRandom } from '../../base/random.ts'
import { parseUri } from '../message/uri.ts'
import { notifierTable } from './notifier-table.ts'

const aor = { tenant: 'acme', extension: '101' }

describe('a subscription to a mailbox', () => {
  it('is challenged, accepted, told at once, told of each change, refreshed and ended', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    stage.waiting.set('acme 101', { unread: 2, read: 8 })
    expect(await phone.subscribe()).toBe(200)
    expect(phone.statuses).toEqual([401, 200])
    expect(phone.last?.headers.get('Expires')).toBe('600')
    expect(phone.last?.headers.get('Contact')).toBe('<sip:101@192.0.2.1:5060>')
    expect(phone.told).toMatchObject([{ state: 'active;expires=600', event: 'message-summary' }])
    expect(phone.told[0]?.body).toBe(
      'Messages-Waiting: yes\r\nMessage-Account: sip:101@acme.example\r\nVoice-Message: 2/8\r\n',
    )
    expect(phone.told[0]?.request.headers.get('Content-Type')).toBe('application/simple-message-summary')
    await stage.wait(100_000)
    stage.set('101', 0, 10)
    await stage.wait(50)
    expect([phone.counts, phone.states.at(-1)]).toEqual(['0/10', 'active;expires=500'])
    expect(phone.told.at(-1)?.body).toContain('Messages-Waiting: no')

    expect(await phone.again({ expires: '1200' })).toBe(200)
    expect(phone.last?.headers.get('Expires')).toBe('1200')
    expect(phone.states.at(-1)).toBe('active;expires=1200')
    expect(phone.told).toHaveLength(3)
    expect(new Set(phone.told.map(({ sipCallId }) => sipCallId)).size).toBe(1)
    expect(phone.told.map(({ cseq }) => cseq - (phone.told[0]?.cseq ?? 0))).toEqual([0, 1, 2])

    expect(await phone.again({ expires: '0' })).toBe(200)
    expect(phone.states.at(-1)).toBe('terminated;reason=timeout')
    expect(stage.notifier.count).toBe(0)
    stage.set('101', 1)
    await stage.wait(1000)
    expect(phone.told).toHaveLength(4)
    expect(await phone.again()).toBe(481)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('runs out, which is told with the last state; a refresh in time puts it off', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe({ expires: '60' })
    await stage.wait(50_000)
    await phone.again({ expires: '60' })
    await stage.wait(55_000)
    expect(phone.states).toEqual(['active;expires=60', 'active;expires=60'])
    stage.waiting.set('acme 101', { unread: 7, read: 0 })
    await stage.wait(6000)
    expect([phone.states.at(-1), phone.counts]).toEqual(['terminated;reason=timeout', '7/0'])
    expect(stage.notifier.count).toBe(0)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it.each([
    ['what it asks for', '300', '300'],
    ['an hour where it does not say', null, '3600'],
    ['the most that is allowed', '7201', '7200'],
    ['the most where it asks for 136 years', '4294967295', '7200'],
  ])('lasts for %s', async (_, expires, granted) => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    expect(await phone.subscribe({ expires })).toBe(200)
    expect(phone.last?.headers.get('Expires')).toBe(granted)
    await stage.end()
  })

  it('with Expires 0 is one look: 200, and one NOTIFY that is the last', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    stage.waiting.set('acme 101', { unread: 1, read: 1 })
    expect(await phone.subscribe({ expires: '0' })).toBe(200)
    expect([phone.states, phone.counts]).toEqual([['terminated;reason=timeout'], '1/1'])
    expect(stage.notifier.count).toBe(0)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('keeps its id, its Record-Route, and goes by TCP where it came by TCP', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    const headers = [['Record-Route', '<sip:192.0.2.9;lr>']] as const
    expect(await phone.subscribe({ event: 'Message-Summary;id=7', headers, protocol: 'tcp' })).toBe(200)
    expect(phone.last?.headers.get('Record-Route')).toBe('<sip:192.0.2.9;lr>')
    expect(phone.told[0]).toMatchObject({ event: 'message-summary;id=7' })
    expect(phone.told[0]?.request.headers.get('Route')).toBe('<sip:192.0.2.9;lr>')
    expect(stage.network.packets.filter(({ text }) => text === 'NOTIFY').map(({ protocol }) => protocol)).toEqual([
      'tcp',
    ])
    // Another id in the same dialog is another subscription, which RFC 6665 §4.5.2 forbids.
    expect(await phone.again({ event: 'message-summary;id=8', protocol: 'tcp' })).toBe(481)
    expect(await phone.again({ event: 'message-summary;id=7', protocol: 'tcp' })).toBe(200)
    await stage.end()
  })
})

describe('a NOTIFY', () => {
  it.each([
    ['is answered 481', 481],
    ['is answered 404', 404],
    ['is answered 500', 500],
    ['asks for a password', 407],
  ])('that %s ends the subscription', async (_, status) => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    phone.answer = () => ({ status })
    expect(await phone.subscribe()).toBe(200)
    expect(stage.notifier.count).toBe(0)
    stage.set('101', 1)
    await stage.wait(1000)
    expect(phone.told).toHaveLength(1)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('that nobody answers is sent again for 32 s, and then the subscription is gone', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    phone.answer = () => null
    await phone.subscribe()
    stage.set('101', 1)
    stage.set('101', 2)
    await stage.wait(31_000)
    expect(stage.notifier.count).toBe(1)
    // Changes do not add to what is under way.
    expect(
      new Set(stage.network.packets.filter(({ text }) => text === 'NOTIFY').map(({ message }) => message.cseq.number))
        .size,
    ).toBe(1)
    await stage.wait(2000)
    expect(stage.notifier.count).toBe(0)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('that is put off by Retry-After comes again then, with what is true by then', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    phone.answer = () => ({ status: 480, headers: [['Retry-After', '30']] })
    await phone.subscribe()
    stage.set('101', 5)
    await stage.wait(29_000)
    expect(phone.told).toHaveLength(1)
    phone.answer = () => ({ status: 200 })
    await stage.wait(2000)
    expect(phone.told).toHaveLength(2)
    expect(phone.counts).toBe('5/0')
    await stage.end()
  })

  it('is one at a time: many changes during one are told by one more, with the newest state', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe()
    for (let unread = 1; unread <= 50; unread++) stage.set('101', unread)
    await stage.wait(200)
    expect(phone.told.length).toBeLessThanOrEqual(3)
    expect(phone.counts).toBe('50/0')
    await stage.end()
  })

  it('goes without a body where the store fails, and the next one has it', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    const { count } = stage
    stage.count = () => Promise.reject(new Error('no database'))
    expect(await phone.subscribe()).toBe(200)
    expect(phone.told).toMatchObject([{ state: 'active;expires=600', body: '' }])
    stage.count = count
    stage.set('101', 3)
    await stage.wait(50)
    expect(phone.counts).toBe('3/0')
    await stage.end()
  })

  it('of the end waits for the one under way', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    phone.answer = () => null
    await phone.subscribe({ expires: '60' })
    phone.answer = () => ({ status: 200 })
    stage.network.script = ({ text }) => (text === '200 NOTIFY' ? 'lose' : undefined)
    await phone.again({ expires: '0' })
    expect(new Set(phone.told.map(({ cseq }) => cseq)).size).toBe(1)
    stage.network.script = () => undefined
    await stage.wait(40_000)
    expect(phone.states.at(-1)).toBe('terminated;reason=timeout')
    expect(stage.notifier.count).toBe(0)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('says that there is nothing more when the mailbox is taken away', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe()
    const [acme, other] = [...stage.directory.tenants.values()]
    if (!acme || !other) throw new Error('no tenants')
    const extensions = new Map([...acme.extensions].map(([name, one]) => [name, { ...one, mailbox: null }]))
    stage.directory.replace(
      new Map([
        ['acme', { ...acme, extensions }],
        ['other', other],
      ]),
    )
    stage.set('101', 1)
    await stage.wait(50)
    expect(phone.told.at(-1)).toMatchObject({ state: 'terminated;reason=noresource', body: '' })
    expect(stage.notifier.count).toBe(0)
    await stage.end()
  })
})

describe('subscriptions', () => {
  it('of an extension that has lost its password, or its mailbox, end; those of others go on', async () => {
    const stage = new SubscriberStage()
    const [phone, other] = [stage.phone(), stage.phone('192.0.2.10', '102')]
    await phone.subscribe()
    await other.subscribe()
    stage.notifier.revoke(({ extension }) => extension === '101')
    await stage.wait(50)
    expect([phone.states.at(-1), other.states.at(-1)]).toEqual(['terminated;reason=noresource', 'active;expires=600'])
    expect(stage.notifier.count).toBe(1)
    await stage.end()
  })

  it('have bounds: ten of an extension, where a telephone that has started again makes room itself', async () => {
    const stage = new SubscriberStage({ maxPerExtension: 3 })
    const phone = stage.phone()
    for (const user of ['a', 'b', 'c']) expect(await phone.subscribe({ contact: `<sip:${user}@192.0.2.9>` })).toBe(200)
    expect(await phone.subscribe({ contact: '<sip:d@192.0.2.9>' })).toBe(403)
    expect(await phone.subscribe({ contact: '<sip:a@192.0.2.9>' })).toBe(200)
    expect(stage.notifier.count).toBe(3)
    phone.told.length = 0
    stage.set('101', 1)
    await stage.wait(50)
    expect(phone.told).toHaveLength(3)
    // Others have bounds of their own.
    expect(await stage.phone('192.0.2.10', '102').subscribe()).toBe(200)
    await stage.end()
  })

  it('have bounds in all, beyond which comes 503 with Retry-After; what has ended makes room', async () => {
    const stage = new SubscriberStage({ maxInAll: 1 })
    const [phone, other] = [stage.phone(), stage.phone('192.0.2.10', '102')]
    await phone.subscribe()
    expect(await other.subscribe()).toBe(503)
    expect(other.last?.headers.get('Retry-After')).toBe('10')
    await phone.again({ expires: '0' })
    expect(await other.subscribe()).toBe(200)
    await stage.end()
  })

  it('leave nothing behind after sixty looks by a telephone that answers nothing', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    phone.answer = () => null
    let accepted = 0
    for (let i = 0; i < 60; i++)
      if ((await phone.subscribe({ expires: '0', contact: `<sip:n${i}@192.0.2.9>` })) === 200) accepted++
    expect(accepted).toBe(10)
    expect(stage.notifier.count).toBe(10)
    await stage.end()
    expect(stage.notifier.count).toBe(0)
    expect(stage.clock.pending).toBe(0)
  })

  it('are known by Contact and by source, for those who would tell a telephone unasked', async () => {
    const stage = new SubscriberStage()
    const phone = stage.phone()
    await phone.subscribe()
    const elsewhere = parseUri('sip:101@192.0.2.77')
    const at = { protocol: 'udp', remote: { address: '192.0.2.9', port: 5060 } } as const
    const is = (...args: Parameters<typeof stage.notifier.isSubscribed>) => stage.notifier.isSubscribed(...args)
    expect(is(aor, 'message-summary', parseUri('sip:101@192.0.2.9'), null)).toBe(true)
    expect(is(aor, 'message-summary', elsewhere, at)).toBe(true)
    expect(is(aor, 'message-summary', elsewhere, { ...at, remote: { ...at.remote, port: 5061 } })).toBe(false)
    expect(is({ ...aor, tenant: 'other' }, 'message-summary', parseUri('sip:101@192.0.2.9'), at)).toBe(false)
    await phone.again({ expires: '0' })
    expect(is(aor, 'message-summary', parseUri('sip:101@192.0.2.9'), at)).toBe(false)
    await stage.end()
  })

  it('are told when the server stops that they may come again, and nothing is sent afterwards', async () => {
    const stage = new SubscriberStage()
    const [phone, silent] = [stage.phone(), stage.phone('192.0.2.10', '102')]
    await phone.subscribe()
    await silent.subscribe()
    silent.answer = () => null
    const closing = stage.notifier.close()
    await stage.wait(1000)
    await closing
    expect(phone.states.at(-1)).toBe('terminated;reason=probation;retry-after=15')
    expect(stage.notifier.count).toBe(0)
    expect(await phone.subscribe()).toBe(503)
    await stage.end()
    expect(stage.clock.pending).toBe(0)
  })

  it('come through a network that loses a third of the packets and delays the rest', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const stage = new SubscriberStage()
      const phone = stage.phone()
      stage.network.script = randomLoss(new SeededRandom(seed), 0.33, 300)
      expect(await phone.subscribe(), `seed ${seed}\n${stage.network.ladder}`).toBe(200)
      for (let unread = 1; unread <= 5; unread++) {
        stage.set('101', unread)
        await stage.wait(700)
      }
      await stage.wait(20_000)
      expect(phone.counts, `seed ${seed}\n${stage.network.ladder}`).toBe('5/0')
      const cseqs = phone.told.map(({ cseq }) => cseq)
      expect(cseqs, `seed ${seed}`).toEqual([...cseqs].sort((one, other) => one - other))
      await stage.end()
    }
  }, 60_000)
})

describe('the table', () => {
  it('reaches every state, and lets nothing happen behind the end but the end of the last NOTIFY', () => {
    const rows = Object.values(notifierTable).flatMap((row) => Object.values(row))
    const reached = new Set(rows.map(({ state }) => state))
    expect(Object.keys(notifierTable).filter((state) => !reached.has(state as never))).toEqual(['init'])
    expect(Object.keys(notifierTable.terminated ?? {})).toEqual(['delivered', 'notifyFailed'])
    // Whoever leaves `active` takes the timer along.
    for (const row of Object.values(notifierTable.active ?? {})) {
      if (row.state === 'terminated')
        expect(row.effects[0] === 'stopExpiry' || row.effects.includes('stopExpiry')).toBe(true)
    }
  })
})
