import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { nameWrittenByUs, type ReferOptions, type ReferOutcome, replacesHeaders } from '../../src/sip/dialog/index.ts'
import { parseUri } from '../../src/sip/message/index.ts'
import { RecordingUser, sdp, settled } from '../support/scripted-sip.ts'
import { Ladder, Party } from '../support/sip-ladder.ts'
import { randomLoss } from '../support/transport-pair.ts'

const toCarol: ReferOptions = { target: parseUri('sip:carol@192.0.2.3'), referredBy: null, limitMs: 60_000 }

describe('a transfer by REFER over whole stacks', () => {
  it('is accepted, told of in order, and ended with the call', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    await ladder.establish()
    bob.user.onRefer = (refer) => {
      refer.accept()
      refer.notify(180)
      refer.notify(200)
    }
    const progress: number[] = []
    const outcome = alice.usage?.refer(toCarol, (status) => progress.push(status))
    await ladder.wait(1000)
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
    expect(progress).toEqual([100, 180, 200])
    alice.usage?.end()
    await ladder.wait(100)
    expect(ladder.texts.slice(3)).toEqual([
      'REFER',
      '202 REFER',
      'NOTIFY',
      '200 NOTIFY',
      'NOTIFY',
      '200 NOTIFY',
      'NOTIFY',
      '200 NOTIFY',
      'BYE',
      '200 BYE',
    ])
    await ladder.end()
  })

  it('leaves the first call as it was when the target is busy', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    await ladder.establish()
    bob.user.onRefer = (refer) => {
      refer.accept()
      refer.notify(486)
    }
    const outcome = alice.usage?.refer(toCarol)
    await ladder.wait(1000)
    expect(await outcome).toEqual({ kind: 'done', status: 486 })
    expect([alice.usage?.state, bob.usage?.state]).toEqual(['confirmed', 'confirmed'])
    alice.usage?.end()
    await ladder.end()
  })

  it('whose transferor hangs up right after its 202 leaves nothing behind', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    await ladder.establish()
    bob.user.onRefer = (refer) => refer.accept()
    const outcome = alice.usage?.refer(toCarol)
    // The 202 is there, the first NOTIFY on its way.
    await ladder.wait(15)
    alice.usage?.end()
    expect(await outcome).toEqual({ kind: 'ended' })
    await ladder.wait(5000)
    expect(bob.user.end).toMatchObject({ by: 'remote', how: 'bye' })
    bob.user.refers[0]?.notify(200)
    await ladder.end()
  })

  it('that was attended: the third party has its call replaced, and everybody knows', async () => {
    const ladder = new Ladder()
    const { alice, bob } = ladder
    const carol = new Party(ladder.network, '192.0.2.3', 3)
    const toBob = alice.call(bob)
    await ladder.wait(50)
    bob.invite?.accept({ sdp: sdp('answer') })
    const consultation = new RecordingUser()
    const usageOfCarol = alice.call(carol, {}, 'udp', consultation)
    await ladder.wait(50)
    const first = carol.invite
    first?.accept({ sdp: sdp('answer') })
    await ladder.wait(50)

    // Bob calls Carol in Alice's place.
    bob.user.onRefer = (refer) => {
      refer.accept()
      if (!refer.replaces) return refer.notify(603)
      const user = new RecordingUser()
      bob.call(carol, { headers: replacesHeaders(refer.replaces) }, 'udp', user)
      user.accepted = () => refer.notify(200)
    }
    const newUser = new RecordingUser()
    carol.onInvite = (invite) => {
      invite.attach(newUser)
      expect(invite.replaces).toBe(first?.usage)
      invite.accept({ sdp: sdp('answer') })
      invite.replaces?.end({ reasons: [{ protocol: 'SIP', cause: 200, text: 'Replaced' }] })
    }
    const name = nameWrittenByUs(usageOfCarol)
    const outcome = name && toBob.refer({ ...toCarol, replaces: name })
    await ladder.wait(2000)
    expect(await outcome).toEqual({ kind: 'done', status: 200 })
    expect(consultation.end).toMatchObject({ by: 'remote', how: 'bye', reasons: [{ text: 'Replaced' }] })
    expect(newUser.heard).toEqual(['confirmed'])
    toBob.end()
    bob.usage?.end()
    await ladder.end()
    carol.expectAtRest()
  })

  it.each(Array.from({ length: 24 }, (_, seed) => [seed]))(
    'has an outcome on a network that loses and reorders, and leaves nothing behind (seed %i)',
    async (seed) => {
      const ladder = new Ladder()
      const { alice, bob, network } = ladder
      await ladder.establish()
      network.script = randomLoss(new SeededRandom(seed + 1), 0.3, 300)
      bob.user.onRefer = (refer) => {
        refer.accept()
        refer.notify(180)
        ladder.clock.after(seed * 100, () => refer.notify(200))
      }
      const outcome = alice.usage?.refer(toCarol) ?? Promise.resolve<ReferOutcome>({ kind: 'ended' })
      const back = bob.usage?.refer(toCarol) ?? Promise.resolve<ReferOutcome>({ kind: 'ended' })
      await ladder.wait(seed * 500)
      if (seed % 3 === 0) bob.usage?.end()
      await ladder.wait(100_000)
      expect(await settled(outcome), network.ladder).not.toBe('pending')
      expect(await settled(back), network.ladder).not.toBe('pending')
      if (seed % 3 !== 0) expect(await outcome, network.ladder).toEqual({ kind: 'done', status: 200 })
      alice.usage?.end()
      await ladder.end()
    },
  )
})

describe('an INVITE that is given up for silence', () => {
  it('rings nowhere once the way is there again: the first response brings the CANCEL', async () => {
    const ladder = new Ladder()
    const { alice, bob, network } = ladder
    network.script = ({ sentMs }) => (sentMs < 5000 ? 'lose' : undefined)
    alice.call(bob, { firstResponseMs: 2000 })
    await ladder.wait(2000)
    expect(alice.user.end).toMatchObject({ by: 'network', how: 'no-response' })
    expect(alice.user.responsesSeen).toBe(0)
    await ladder.wait(20_000)
    expect(bob.user.end).toMatchObject({ by: 'remote', how: 'cancel' })
    expect(ladder.count('CANCEL')).toBe(1)
    await ladder.end()
  })

  it('is ended at once when it was answered in the meantime', async () => {
    const ladder = new Ladder()
    const { alice, bob, network } = ladder
    network.script = ({ text, sentMs }) => (text.endsWith(' INVITE') && sentMs < 3000 ? 'lose' : undefined)
    bob.onInvite = (invite) => {
      invite.attach(bob.user)
      invite.accept({ sdp: sdp('answer') })
    }
    alice.call(bob, { firstResponseMs: 2000 })
    await ladder.wait(10_000)
    expect(alice.user.heard).toEqual(['ended network'])
    expect(bob.user.heard).toEqual(['confirmed', 'ended remote'])
    await ladder.end()
  })
})
