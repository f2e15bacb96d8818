import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { DigestServer } from '../../src/sip/auth/index.ts'
import type { OfferOutcome } from '../../src/sip/dialog/index.ts'
import { sdp, settled, text } from '../support/scripted-sip.ts'
import { Ladder, Party } from '../support/sip-ladder.ts'
import { randomLoss } from '../support/transport-pair.ts'

function answerOf(outcome: OfferOutcome | undefined): string | null {
  return outcome?.kind === 'answered' ? text(outcome.sdp) : null
}

describe('a call over two whole stacks', () => {
  it('rings, is answered, acknowledged and ended', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    alice.call(bob)
    await ladder.wait(50)
    bob.invite?.provisional(180)
    await ladder.wait(1000)
    bob.invite?.accept({ sdp: sdp('answer') })
    await ladder.wait(100)
    expect(alice.user.heard).toEqual(['180', 'accepted v=0 answer', 'confirmed'])
    expect(bob.user.heard).toEqual(['confirmed'])
    bob.usage?.end({ reasons: [{ protocol: 'Q.850', cause: 16, text: 'Normal call clearing' }] })
    await ladder.wait(100)
    expect(alice.user.end).toMatchObject({ by: 'remote', how: 'bye', reasons: [{ protocol: 'Q.850', cause: 16 }] })
    expect(ladder.texts).toEqual(['INVITE', '180 INVITE', '200 INVITE', 'ACK', 'BYE', '200 BYE'])
    await ladder.end()
  })

  it('goes by TCP, and its BYE by a new connection when that was lost', async () => {
    const ladder = new Ladder()
    await ladder.establish({}, 'tcp')
    ladder.network.cutConnections()
    ladder.bob.usage?.end()
    await ladder.wait(100)
    expect(ladder.alice.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    expect(ladder.network.packets.at(-1)).toMatchObject({ protocol: 'tcp', text: '200 BYE' })
    await ladder.end()
  })

  it('reaches a telephone behind a NAT by the flow it last used, also after the NAT has changed it', async () => {
    const ladder = new Ladder()
    const phone = new Party(ladder.network, '192.168.1.5', 3)
    const nat = ladder.network.nat('192.168.1.5', '203.0.113.9')
    const usage = phone.call(ladder.bob)
    await ladder.wait(50)
    ladder.bob.invite?.accept({ sdp: sdp('answer') })
    await ladder.wait(50)
    expect(phone.user.heard).toEqual(['accepted v=0 answer', 'confirmed'])
    nat.rebind()
    void usage.info('application/dtmf-relay', sdp('1'))
    await ladder.wait(50)
    ladder.bob.usage?.end()
    await ladder.wait(50)
    expect(phone.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    await ladder.end()
  })

  it('is authenticated: 401, and the INVITE again with credentials', async () => {
    const ladder = new Ladder()
    const { alice, bob, clock } = ladder
    const digest = new DigestServer({ clock, random: new SeededRandom(9) })
    const lookup = (): { password: string } => ({ password: 'secret' })
    bob.onInvite = (invite) => {
      void digest.verify(invite.request, 'bob.example', lookup, { address: 'a' }).then((verdict) => {
        if (verdict.outcome !== 'accepted')
          return invite.reject(401, { headers: digest.challengeHeaders('bob.example') })
        invite.attach(bob.user)
        invite.accept({ sdp: sdp('answer') })
      })
    }
    alice.call(bob, { credentials: { username: 'alice', password: 'secret' } })
    await ladder.wait(200)
    expect(alice.user.heard).toEqual(['accepted v=0 answer', 'confirmed'])
    expect(ladder.texts).toEqual(['INVITE', '401 INVITE', 'ACK', 'INVITE', '200 INVITE', 'ACK'])
    alice.usage?.end()
    await ladder.end()
  })
})

describe('races', () => {
  it('CANCEL and 200 cross: the call is answered and ended at once', async () => {
    const ladder = new Ladder({ latencyMs: 100 })
    const { alice, bob } = ladder
    alice.call(bob)
    await ladder.wait(150)
    bob.invite?.provisional(180)
    await ladder.wait(150)
    bob.invite?.accept({ sdp: sdp('answer') })
    alice.usage?.end()
    await ladder.wait(1000)
    expect(alice.user.heard).toEqual(['180', 'ended local'])
    expect(bob.user.heard).toEqual(['confirmed', 'ended remote'])
    expect(ladder.count('CANCEL')).toBe(1)
    expect(ladder.count('BYE')).toBe(1)
    await ladder.end()
  })

  it('CANCEL before any answer waits for one, and then gets 487', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    alice.call(bob)
    await ladder.wait(1)
    alice.usage?.end()
    await ladder.wait(1000)
    expect(ladder.texts).toEqual(['INVITE', '100 INVITE', 'CANCEL', '200 CANCEL', '487 INVITE', 'ACK'])
    expect(bob.user.end).toMatchObject({ by: 'remote', how: 'cancel' })
    await ladder.end()
  })

  it('a lost 200 comes again, and the repeated INVITE opens no second call', async () => {
    const ladder = new Ladder()
    const { alice, bob, network } = ladder
    network.script = ({ text, sentMs }) =>
      (text === '200 INVITE' && sentMs < 1500) || (text === '100 INVITE' && sentMs < 600) ? 'lose' : undefined
    let invites = 0
    bob.onInvite = (invite) => {
      invites++
      invite.attach(bob.user)
      invite.accept({ sdp: sdp('answer') })
    }
    alice.call(bob)
    await ladder.wait(3000)
    expect(invites).toBe(1)
    expect(ladder.count('INVITE')).toBeGreaterThan(1)
    expect(alice.user.heard).toEqual(['accepted v=0 answer', 'confirmed'])
    alice.usage?.end()
    await ladder.end()
  })

  it('a lost ACK is made good by the repeated 200', async () => {
    const ladder = new Ladder()
    const { alice, bob, network } = ladder
    network.script = ({ text, sentMs }) => (text === 'ACK' && sentMs < 1000 ? 'lose' : undefined)
    await ladder.establish()
    await ladder.wait(3000)
    expect(bob.user.heard).toEqual(['confirmed'])
    expect(ladder.count('200 INVITE')).toBe(ladder.count('ACK'))
    alice.usage?.end()
    await ladder.end()
  })

  it('BYE before the ACK: the callee stops repeating its 200', async () => {
    const ladder = new Ladder()
    const { alice, bob, network } = ladder
    network.script = ({ text }) => (text === 'ACK' ? 'lose' : undefined)
    await ladder.establish()
    alice.usage?.end()
    await ladder.wait(100)
    expect(bob.user.heard).toEqual(['ended remote'])
    const before = ladder.count('200 INVITE')
    await ladder.wait(10_000)
    expect(ladder.count('200 INVITE')).toBe(before)
    await ladder.end()
  })

  it('an ACK that never comes: BYE after 64·T1, and the sentence says so', async () => {
    const ladder = new Ladder()
    const { bob, network } = ladder
    network.script = ({ text }) => (text === 'ACK' ? 'lose' : undefined)
    await ladder.establish()
    await ladder.wait(33_000)
    expect(bob.user.end).toMatchObject({ by: 'network', how: 'ack-missing', sentence: expect.stringContaining('ACK') })
    expect(ladder.alice.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    await ladder.end()
  })

  it('a BYE that nobody answers ends the call all the same', async () => {
    const ladder = new Ladder()
    await ladder.establish()
    ladder.network.script = () => 'lose'
    ladder.bob.usage?.end()
    expect(ladder.bob.user.end).toMatchObject({ by: 'local', how: 'bye' })
    ladder.alice.usage?.end()
    await ladder.end()
  })

  it('a lost PRACK is repeated; the 200 waits for it', async () => {
    const ladder = new Ladder({ bob: { reliableProvisional: 'when-supported' } })
    const { alice, bob, network } = ladder
    network.script = ({ text, sentMs }) => (text === 'PRACK' && sentMs < 1000 ? 'lose' : undefined)
    alice.call(bob)
    await ladder.wait(50)
    bob.invite?.provisional(183, { sdp: sdp('answer') })
    bob.invite?.accept({ sdp: sdp('answer') })
    await ladder.wait(500)
    expect(ladder.count('200 INVITE')).toBe(0)
    await ladder.wait(3000)
    expect(alice.user.heard).toEqual(['183 v=0 answer', 'accepted null', 'confirmed'])
    expect(bob.user.heard).toEqual(['confirmed'])
    alice.usage?.end()
    await ladder.end()
  })

  it('an UPDATE before the answer changes the session both know', async () => {
    const ladder = new Ladder({ bob: { reliableProvisional: 'when-supported' } })
    const { alice, bob } = ladder
    alice.call(bob)
    await ladder.wait(50)
    bob.invite?.provisional(183, { sdp: sdp('answer') })
    await ladder.wait(100)
    const held = alice.usage?.offer(sdp('hold'))
    await ladder.wait(100)
    expect(answerOf(await held)).toBe('v=0 answer to v=0 hold')
    const moved = bob.usage?.offer(sdp('move'))
    await ladder.wait(100)
    expect(answerOf(await moved)).toBe('v=0 answer to v=0 move')
    expect(ladder.count('UPDATE')).toBe(2)
    bob.invite?.reject(486)
    await ladder.end()
  })

  it('two re-INVITEs at once: both get 491, and the callee’s second try comes first', async () => {
    const ladder = new Ladder({ latencyMs: 100 })
    const { alice, bob } = ladder
    await ladder.establish()
    await ladder.wait(1000)
    const ofAlice = alice.usage?.offer(sdp('from alice'))
    const ofBob = bob.usage?.offer(sdp('from bob'))
    await ladder.wait(300)
    expect(ladder.count('491 INVITE')).toBe(2)
    await ladder.wait(6000)
    expect(await ofBob).toMatchObject({ kind: 'answered' })
    // Made before bob's, from what no longer holds: it is given back.
    expect(await ofAlice).toEqual({ kind: 'refused', status: 491 })
    expect(alice.user.heard).toContain('offer v=0 from bob')
    alice.usage?.end()
    await ladder.end()
  })

  it('a session that is refreshed lives; one whose peer has vanished ends before it expires', async () => {
    const sessionTimers = { expiresSeconds: 90, minSeconds: 90 }
    const ladder = new Ladder({ alice: { sessionTimers }, bob: { sessionTimers } })
    const { alice, bob, network } = ladder
    await ladder.establish()
    await ladder.wait(600_000)
    expect([alice.usage?.state, bob.usage?.state]).toEqual(['confirmed', 'confirmed'])
    expect(ladder.count('200 UPDATE')).toBeGreaterThan(10)
    network.script = () => 'lose'
    await ladder.wait(120_000)
    expect(bob.user.end).toMatchObject({ by: 'network', how: 'session-expired' })
    expect(alice.user.end).toMatchObject({ by: 'network' })
    await ladder.end()
  })
})

describe('a network that loses, delays and reorders', () => {
  it.each(Array.from({ length: 24 }, (_, seed) => [seed]))(
    'leaves nothing behind, whoever hangs up (seed %i)',
    async (seed) => {
      const reliableProvisional = seed % 2 === 0 ? 'when-supported' : 'required-only'
      const ladder = new Ladder({ bob: { reliableProvisional } })
      const { alice, bob, network } = ladder
      network.script = randomLoss(new SeededRandom(seed + 1), 0.3, 300)
      alice.call(bob)
      await ladder.wait(2000)
      bob.invite?.provisional(183, { sdp: sdp('answer') })
      await ladder.wait(seed * 200)
      bob.invite?.accept({ sdp: sdp('answer') })
      await ladder.wait(seed * 100)
      const offer = alice.usage?.offer(sdp('hold'))
      void bob.usage?.offer(sdp('move'))
      void bob.usage?.info('application/dtmf-relay', sdp('1'))
      await ladder.wait(seed * 300)
      for (const party of seed % 3 === 0 ? [alice, bob] : seed % 3 === 1 ? [alice] : [bob]) party.usage?.end()
      await ladder.wait(100_000)
      // An INVITE that got through only now would ring for ever.
      alice.usage?.end()
      await ladder.wait(100_000)
      expect(alice.user.end, network.ladder).not.toBeNull()
      if (offer) expect(await settled(offer)).not.toBe('pending')
      if (bob.usage) expect(bob.user.end, network.ladder).not.toBeNull()
      await ladder.end()
    },
  )
})
