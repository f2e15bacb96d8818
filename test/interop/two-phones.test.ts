import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { shareWith, sine } from '../support/hear.ts'
import { writeMulaw } from '../support/stage.ts'
import { trunkLogin } from '../support/stage-two-sided.ts'
import type { Baresip } from './support/baresip.ts'
import { Capture } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { nowSeconds, shareBetween, startPhone } from './support/phones.ts'
import { portsOfPeer } from './support/ports.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { TwoSided } from './support/two-sided.ts'
import { startCallee, theCallOf } from './support/two-sided-calls.ts'

vi.setConfig({ maxConcurrency: 8 })

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What each party says. More than 60 Hz apart, and none a multiple of another. */
const hz = { first: 530, second: 790, third: 1110 } as const

/** Enough for a voice that is there: some packets at both ends of a stretch belong to the change. */
const clearly = 0.7
const hardly = 0.1

for (const workers of [1, 2]) {
  describeAtOnceWith(['baresip', 'tshark', 'sipp'], `two telephones, media workers: ${workers}`, () => {
    const two = new TwoSided({ firstPort: workers === 1 ? 25_000 : 27_500, workers, lines: { far: {} } })

    /** Telephones of extensions, for as long as `use` takes. */
    async function withPhones(
      name: string,
      extensions: readonly string[],
      use: (phones: readonly [Baresip, Baresip, Baresip]) => Promise<void>,
    ): Promise<void> {
      const phones: Baresip[] = []
      try {
        for (const [index, extension] of extensions.entries()) {
          const tone = Object.values(hz)[index] ?? 0
          const options = { name: two.again(`${name}-${extension}`), extension, hz: tone }
          phones.push(await startPhone(two.stage, two.ports, options))
        }
        // As many as were asked for; no case looks at one that it has not asked for.
        await use(phones as unknown as readonly [Baresip, Baresip, Baresip])
      } finally {
        await Promise.all(phones.map((phone) => phone.stop()))
      }
    }

    /** Of the media ports of all of them. */
    function captureOf(name: string, phones: readonly Baresip[]): Promise<Capture> {
      const ranges = phones.map(({ port }) => `udp portrange ${port + 6}-${port + portsOfPeer}`)
      return Capture.start(two.stage.folder, two.again(`capture-${name}`), ranges.join(' or '))
    }

    async function talk(caller: Baresip, called: Baresip, number: string): Promise<void> {
      caller.dial(number)
      await called.saw('CALL_INCOMING')
      called.accept()
      await caller.saw('CALL_ESTABLISHED')
      await called.saw('CALL_ESTABLISHED')
    }

    it('each hears the tone of the other, not its own; hold silences, resume brings it back', async () => {
      const since = new Date()
      await withPhones('pair', ['101', '102'], async ([first, second]) => {
        const capture = await captureOf('pair', [first, second])
        const at: number[] = []
        try {
          await talk(first, second, '102')
          await pause(500)
          at.push(nowSeconds())
          await pause(1500)
          at.push(nowSeconds())
          first.command('hold')
          await first.saw('a=recvonly')
          await pause(300)
          at.push(nowSeconds())
          await pause(1500)
          at.push(nowSeconds())
          first.command('resume')
          await pause(700)
          at.push(nowSeconds())
          await pause(1500)
          at.push(nowSeconds())
          second.command('hangup')
          await first.saw('CALL_CLOSED')
        } finally {
          await capture.stop()
        }
        const [talkFrom = 0, talkTo = 0, holdFrom = 0, holdTo = 0, backFrom = 0, backTo = 0] = at
        const toFirst = await capture.rtpTo(first.mediaPort)
        const toSecond = await capture.rtpTo(second.mediaPort)
        for (const [from, to] of [
          [talkFrom, talkTo],
          [backFrom, backTo],
        ] as const) {
          expect(shareBetween(toFirst, hz.second, from, to), first.log).toBeGreaterThan(clearly)
          expect(shareBetween(toFirst, hz.first, from, to)).toBeLessThan(hardly)
          expect(shareBetween(toSecond, hz.first, from, to), second.log).toBeGreaterThan(clearly)
          expect(shareBetween(toSecond, hz.second, from, to)).toBeLessThan(hardly)
        }
        // The one that holds is sent nothing; the other does not hear it.
        expect(shareBetween(toFirst, hz.second, holdFrom, holdTo)).toBeLessThan(hardly)
        expect(shareBetween(toSecond, hz.first, holdFrom, holdTo)).toBeLessThan(hardly)
        // What the telephone itself wrote.
        expect(shareWith(await second.heard(), hz.first)).toBeGreaterThan(0.3)
        expect(shareWith(await first.heard(), hz.second)).toBeGreaterThan(0.3)
      })
      const call = await theCallOf(two.stage, '101', since)
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'callee', to: '102' })
      expect(call.legs).toHaveLength(2)
    })

    it('one behind the registrar and one behind a trunk with digest hear each other', async () => {
      const tone = join(two.stage.folder, 'far.ulaw')
      await writeMulaw(tone, sine(hz.third, 4000))
      const steps = [callee.inviteWithDigest(trunkLogin), callee.respond('180 Ringing'), step.pause(300)]
      steps.push(callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'), step.stream(tone, -1))
      const { number, port } = two.line('far')
      const since = new Date()
      const far = await startCallee(two.stage, {
        name: two.again('far'),
        port,
        // Held and resumed meanwhile, which is nothing to it: the one that holds is told from the others by us.
        steps: [...steps, callee.byeReceived(30_000)],
      })
      try {
        await withPhones('trunk', ['103'], async ([phone]) => {
          const ranges = `udp portrange ${phone.port + 6}-${phone.port + portsOfPeer} or udp portrange ${port}-${port + 7}`
          const capture = await Capture.start(two.stage.folder, two.again('capture-trunk'), ranges)
          const at: number[] = []
          try {
            phone.dial(number)
            await phone.saw('CALL_ESTABLISHED')
            await pause(500)
            at.push(nowSeconds())
            await pause(1500)
            at.push(nowSeconds())
            phone.command('hold')
            await phone.saw('a=recvonly')
            await pause(300)
            at.push(nowSeconds())
            await pause(1000)
            at.push(nowSeconds())
            phone.command('resume')
            await pause(700)
            at.push(nowSeconds())
            await pause(1000)
            at.push(nowSeconds())
            phone.command('hangup')
          } finally {
            await capture.stop()
          }
          const { code, log } = await far.ended
          expect(code, log).toBe(0)
          const [talkFrom = 0, talkTo = 0, holdFrom = 0, holdTo = 0, backFrom = 0, backTo = 0] = at
          const toPhone = await capture.rtpTo(phone.mediaPort)
          const toFar = await capture.rtpTo(port)
          for (const [from, to] of [
            [talkFrom, talkTo],
            [backFrom, backTo],
          ] as const) {
            expect(shareBetween(toPhone, hz.third, from, to), phone.log).toBeGreaterThan(clearly)
            expect(shareBetween(toFar, hz.first, from, to), log).toBeGreaterThan(clearly)
            expect(shareBetween(toFar, hz.third, from, to)).toBeLessThan(hardly)
          }
          expect(shareBetween(toFar, hz.first, holdFrom, holdTo)).toBeLessThan(hardly)
          expect(shareBetween(toPhone, hz.third, holdFrom, holdTo)).toBeLessThan(hardly)
        })
      } finally {
        far.kill()
      }
      const call = await theCallOf(two.stage, '103', since)
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller', to: number })
      expect(call.legs).toHaveLength(2)
    })

    it('one passes the other on to a third by blind transfer', async () => {
      // To a busy third only sipp can show it: baresip 1.0 hangs up when its transfer has failed.
      await withPhones('transfer', ['104', '105', '106'], async ([first, second, third]) => {
        const capture = await captureOf('transfer', [second, third])
        const at: number[] = []
        try {
          await talk(first, second, '105')
          await pause(500)
          first.transferTo('106')
          await third.saw('CALL_INCOMING')
          third.accept()
          await third.saw('CALL_ESTABLISHED')
          // That the transfer went well is told to the first, and it hangs up.
          await first.saw('CALL_CLOSED')
          await pause(500)
          at.push(nowSeconds())
          await pause(1500)
          at.push(nowSeconds())
          third.command('hangup')
          await second.saw('CALL_CLOSED')
        } finally {
          await capture.stop()
        }
        const [from = 0, to = 0] = at
        expect(shareBetween(await capture.rtpTo(second.mediaPort), hz.third, from, to), second.log).toBeGreaterThan(
          clearly,
        )
        expect(shareBetween(await capture.rtpTo(third.mediaPort), hz.second, from, to), third.log).toBeGreaterThan(
          clearly,
        )
      })
    })
  })
}
