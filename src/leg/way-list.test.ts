import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answer, LegHarness, nothingLeft, progress } from '../../test/support/leg-harness.ts'
import type { SentRequest } from '../../test/support/scripted-sip.ts'
import { TransportError } from '../base/errors.ts'
import type { Way } from './way.ts'

let harness: LegHarness

beforeEach(async () => {
  harness = await LegHarness.start()
})

afterEach(async () => {
  await harness.close()
})

/** The peer answers the last request that went out. */
function accept(method: string): void {
  harness.sip.transactions.last(method).reply(200, { toTag: 'callee' })
}

const unreachable = new TransportError('transport.send-failed', 'no route')

describe('failover', () => {
  /** Two ways, and the INVITE by the first. */
  async function twoWays(changes: Partial<Way> = {}) {
    const ways = [harness.way({ label: 'first', ...changes }), harness.way({ label: 'second' })] as const
    const { leg, invite } = await harness.started(ways)
    return { leg, invite, first: ways[0], second: ways[1] }
  }

  const invites = (): readonly SentRequest[] =>
    harness.sip.transactions.sent.filter(({ request }) => request.method === 'INVITE')

  it('goes on after 503 to a new dialog, and tells the way when it wants to be left alone', async () => {
    const { leg, invite, first, second } = await twoWays()
    invite.reply(503, { toTag: 'full', headers: [['Retry-After', '30 (maintenance)']] })
    await harness.pass(0)
    expect(first.told).toEqual([
      expect.objectContaining({ kind: 'failed', why: 'overloaded', retryAfterSeconds: 30 }),
      'released',
    ])
    const [one, two] = invites()
    expect(two?.request.sipCallId).not.toBe(one?.request.sipCallId)
    expect(leg.sipCallId).toBe(two?.request.sipCallId)
    if (two) answer(two)
    expect(harness.user.lines).toEqual(['answered'])
    expect(second.told).toEqual([{ kind: 'alive', status: 200 }])
    leg.end('normal')
    accept('BYE')
    expect(second.told).toEqual([{ kind: 'alive', status: 200 }, 'released'])
    await harness.pass(0)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('goes on after a transport error', async () => {
    const { invite, first } = await twoWays()
    invite.user.failed(unreachable)
    await harness.pass(0)
    expect(invites().length).toBe(2)
    expect(first.told[0]).toMatchObject({ kind: 'failed', why: 'unreachable' })
  })

  it('goes on after silence, and a 200 that comes too late is acknowledged and ended', async () => {
    const { invite, first } = await twoWays({ firstResponseMs: 4000 })
    await harness.pass(3999)
    expect(invites().length).toBe(1)
    await harness.pass(1)
    expect(invites().length).toBe(2)
    expect(first.told[0]).toMatchObject({ kind: 'failed', why: 'silent' })
    const second = invites()[1]
    if (second) answer(second)
    answer(invite, { tag: 'late' })
    expect(harness.sip.transactions.methods).toEqual(['INVITE', 'INVITE', 'BYE'])
    expect(harness.sip.transactions.last('BYE').request.sipCallId).toBe(invite.request.sipCallId)
    expect(harness.user.lines).toEqual(['answered'])
  })

  it('does not go on once a telephone may be ringing', async () => {
    for (const status of [180, 183, 199]) {
      const one = await LegHarness.start()
      const { invite } = await one.started([one.way(), one.way()])
      progress(invite, status)
      invite.reply(503, { toTag: 'callee' })
      await one.pass(0)
      expect([status, one.user.end?.cause, one.user.end?.sipStatus]).toEqual([status, 'congestion', 503])
      expect(one.sip.transactions.methods).toEqual(['INVITE'])
      await one.close()
    }
  })

  it('does not go on when the way is lost after so much as 100', async () => {
    const { invite } = await twoWays()
    invite.reply(100)
    invite.user.failed(unreachable)
    await harness.pass(0)
    expect(invites().length).toBe(1)
    expect(harness.user.end).toMatchObject({ by: 'network', cause: 'network-failure' })
  })

  it('does not go on after the errors of a gateway behind which a telephone may have rung', async () => {
    for (const status of [500, 502, 504, 408]) {
      const one = await LegHarness.start()
      const { invite } = await one.started([one.way(), one.way()])
      invite.reply(status, { toTag: 'callee' })
      await one.pass(0)
      expect([status, one.sip.transactions.methods.length]).toEqual([status, 1])
      await one.close()
    }
  })

  it('says what was tried when nothing was of use', async () => {
    const { invite } = await twoWays()
    invite.user.failed(unreachable)
    await harness.pass(0)
    invites()[1]?.user.failed(unreachable)
    await harness.pass(0)
    expect(harness.user.end).toMatchObject({ by: 'network', cause: 'network-failure', sipStatus: null })
    expect(harness.user.end?.sentence).toMatch(/first: .+ second: /)
    expect(harness.left).toEqual(nothingLeft)
  })

  it('ends with what the last one said when all are overloaded', async () => {
    const { invite } = await twoWays()
    invite.reply(503, { toTag: 'a' })
    await harness.pass(0)
    invites()[1]?.reply(503, { toTag: 'b' })
    await harness.pass(0)
    expect(harness.user.end).toMatchObject({ by: 'remote', cause: 'congestion', sipStatus: 503 })
  })

  it('asks for a way only when it needs one, and says why it cannot go on when that fails', async () => {
    const asked: unknown[] = []
    const { invite } = await harness.started(async (previous) => {
      asked.push(previous)
      if (previous) throw new TransportError('locate.dns-failed', 'The name server did not answer.')
      return harness.way()
    })
    expect(asked).toEqual([null])
    invite.reply(503, { toTag: 'a' })
    await harness.pass(0)
    expect(asked[1]).toMatchObject({ kind: 'failed', why: 'overloaded' })
    expect(harness.user.end).toMatchObject({ by: 'network', cause: 'network-failure' })
    expect(harness.user.end?.sentence).toContain('The name server did not answer.')
    expect(harness.left).toEqual(nothingLeft)
  })

  it('ends at once when there is no way at all', async () => {
    const leg = harness.outbound([])
    leg.start()
    await harness.pass(0)
    expect(harness.user.end).toMatchObject({ by: 'network', cause: 'network-failure' })
    expect(harness.left).toEqual(nothingLeft)
  })

  it('moves its media to another local address where a way needs it, and passes a way over that has none', async () => {
    const other = { bindAddress: '192.0.2.2', advertisedAddress: '203.0.113.1' }
    const none = { bindAddress: '10.9.9.9', advertisedAddress: '10.9.9.9' }
    const ways = [harness.way(), harness.way({ label: 'nowhere', media: none }), harness.way({ media: other })]
    const { invite } = await harness.started(ways)
    invite.reply(503, { toTag: 'a' })
    await harness.pass(0)
    expect(invites().length).toBe(2)
    expect(new TextDecoder().decode(invites()[1]?.request.body)).toContain('c=IN IP4 203.0.113.1')
    expect(ways[1]?.told).toEqual([{ kind: 'cancelled' }, 'released'])
    expect(harness.plane.counts.endpoints).toBe(1)
  })
})

describe('redirection', () => {
  const moved = (invite: SentRequest, contacts: readonly string[]): void =>
    invite.reply(302, { toTag: 'callee', headers: contacts.map((value) => ['Contact', value] as const) })

  /** A way that allows redirections, as far as `mayFollow` does. */
  function redirecting(max: number, mayFollow: (uri: string) => boolean = () => true): Way {
    const way: Way = harness.way({
      redirects: {
        max,
        follow: async ({ uri }) =>
          'user' in uri && mayFollow(uri.user ?? '') ? { ...way, uri, label: 'target' } : null,
      },
    })
    return way
  }

  it('is the answer where the way does not allow it', async () => {
    const { invite } = await harness.started()
    moved(invite, ['<sip:200@192.0.2.50>'])
    await harness.pass(0)
    expect(harness.sip.transactions.methods).toEqual(['INVITE'])
    expect(harness.user.end).toMatchObject({ by: 'remote', sipStatus: 302 })
  })

  it('is followed to its best target, also after the first telephone has rung', async () => {
    const { invite } = await harness.started([redirecting(1)])
    progress(invite, 180)
    moved(invite, ['<sip:200@192.0.2.50>;q=0.2', '<sip:201@192.0.2.51>;q=0.9'])
    await harness.pass(0)
    const next = harness.sip.transactions.last('INVITE')
    expect(next.request.uri).toMatchObject({ user: '201' })
    progress(next, 180)
    answer(next)
    expect(harness.user.lines).toEqual(['progressed 180', 'progressed 180', 'answered'])
  })

  it('is not followed to where the rules do not allow it', async () => {
    const { invite } = await harness.started([redirecting(1, () => false), harness.way()])
    moved(invite, ['<sip:+88213@192.0.2.50>'])
    await harness.pass(0)
    expect(harness.sip.transactions.methods).toEqual(['INVITE'])
    expect(harness.user.end).toMatchObject({ by: 'remote', sipStatus: 302 })
  })

  it('is not followed in a circle, nor more often than allowed', async () => {
    const { invite } = await harness.started([redirecting(5)])
    moved(invite, ['<sip:200@192.0.2.50>'])
    await harness.pass(0)
    moved(harness.sip.transactions.last('INVITE'), ['<sip:137@192.0.2.9>'])
    await harness.pass(0)
    expect(harness.sip.transactions.methods).toEqual(['INVITE', 'INVITE'])
    expect(harness.user.end).toMatchObject({ sipStatus: 302 })

    const once = await LegHarness.start()
    harness = once
    const second = await once.started([redirecting(1)])
    moved(second.invite, ['<sip:200@192.0.2.50>'])
    await once.pass(0)
    moved(once.sip.transactions.last('INVITE'), ['<sip:201@192.0.2.50>'])
    await once.pass(0)
    expect(once.sip.transactions.methods).toEqual(['INVITE', 'INVITE'])
  })
})
