import { expect, it, vi } from 'vitest'
import type { PlanStep } from '../support/flows/two-sided.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { until } from './support/program.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { lastHeard, says } from './support/tones.ts'
import { captureOf, TwoSided } from './support/two-sided.ts'
import { callThrough, startCallee, theCallOf } from './support/two-sided-calls.ts'

vi.setConfig({ maxConcurrency: 12 })

const tones = [530, 790, 1110] as const
const isAnswered = [step.invite(), step.response(200), step.ack()]
const takesCall = [
  callee.invite(),
  callee.respond('180 Ringing'),
  callee.respond('200 OK', { sdp: sdpOf() }),
  callee.received('ACK'),
]

interface Speaker {
  readonly name: string
  readonly port: number
  readonly hz: number
}

for (const workers of [1, 2]) {
  // With two workers calls go to them in turn: of three legs, two are not where the third is.
  describeAtOnceWith(['sipp', 'tshark'], `several who hear each other, media workers: ${workers}`, () => {
    const two = new TwoSided({
      firstPort: workers === 1 ? 25_000 : 27_500,
      workers,
      lines: { listen: {}, whisper: {}, barge: {}, program: {} },
    })

    async function speakers(name: string, count: number): Promise<readonly Speaker[]> {
      const own = two.again(name)
      return await Promise.all(
        tones.slice(0, count).map(async (hz, index) => ({ name: `${own}-${index}`, port: await two.ports.take(), hz })),
      )
    }

    /** A caller that says its tone for so long and hangs up. */
    async function speak({ name, port, hz }: Speaker, number: string, ms: number): Promise<void> {
      const steps = [...isAnswered, await says(two.stage, hz), step.pause(ms), step.bye(2)]
      await callThrough(two.stage, { name, port, number, steps }, [])
    }

    it('three in a room: each hears the two others, and nobody itself', async () => {
      const all = await speakers('room', 3)
      const capture = await captureOf(
        two.stage,
        `${all[0]?.name}-audio`,
        all.map(({ port }) => port),
      )
      const since = new Date()
      await Promise.all(
        all.map(async (one) => await speak(one, await two.stage.plan({ do: 'conference', room: 'three' }), 3000)),
      )
      await capture.stop()
      for (const { name, port, hz } of all) {
        expect(await lastHeard(capture, port, tones), name).toEqual(tones.filter((other) => other !== hz))
        const call = await theCallOf(two.stage, name, since)
        expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      }
    })

    /** Who hears whom: the caller, the callee and the supervisor, each by its tone. */
    const modes = [
      { mode: 'listen', expected: [[790], [530], [530, 790]] },
      { mode: 'whisper', expected: [[790], [530, 1110], [530, 790]] },
      {
        mode: 'barge',
        expected: [
          [790, 1110],
          [530, 1110],
          [530, 790],
        ],
      },
    ] as const
    for (const { mode, expected } of modes) {
      it(`a supervisor by ${mode}`, async () => {
        const [caller, called, supervisor] = await speakers(mode, 3)
        if (!caller || !called || !supervisor) throw new Error('three are needed')
        const line = two.line(mode)
        const capture = await captureOf(two.stage, `${caller.name}-audio`, [caller.port, line.port, supervisor.port])
        const steps = [...takesCall, await says(two.stage, called.hz), callee.byeReceived()]
        const peer = await startCallee(two.stage, { name: called.name, port: line.port, steps })
        try {
          const speaking = speak(caller, await two.stage.plan({ do: 'dial', to: line.number }), 4000)
          const callId = await until(
            async () => await answeredCall(caller.name),
            () => `${caller.name} has no live call`,
          )
          await speak(supervisor, await two.stage.plan({ do: 'supervise', callId, mode }), 2200)
          // The two go on, and all are judged by when all three spoke: its BYE was answered just now.
          const at = Date.now() / 1000 - 0.3
          await speaking
          expect((await peer.ended).code, (await peer.ended).log).toBe(0)
          await capture.stop()
          const heard = await Promise.all(
            [caller.port, line.port, supervisor.port].map((port) => lastHeard(capture, port, tones, at)),
          )
          expect(heard).toEqual(expected)
        } finally {
          peer.kill()
        }
      })
    }

    it('a caller and one whom its program has dialled, spoken about and then joined with it', async () => {
      const [caller, called] = await speakers('program', 2)
      if (!caller || !called) throw new Error('two are needed')
      const line = two.line('program')
      const capture = await captureOf(two.stage, `${caller.name}-audio`, [caller.port, line.port])
      const plan: readonly PlanStep[] = [
        { do: 'answer' },
        { do: 'dial', to: line.number, options: { bridge: false } },
        { do: 'play', sound: 'key-1.wav' },
        { do: 'bridge' },
      ]
      const steps = [...takesCall, await says(two.stage, called.hz), step.pause(2800), callee.bye()]
      const peer = await startCallee(two.stage, { name: called.name, port: line.port, steps })
      const since = new Date()
      const toCaller = [...isAnswered, await says(two.stage, caller.hz), step.byeReceived()]
      await callThrough(
        two.stage,
        { name: caller.name, port: caller.port, number: await two.stage.plan(...plan), steps: toCaller },
        [peer],
      )
      await capture.stop()
      expect(await lastHeard(capture, caller.port, tones)).toEqual([called.hz])
      expect(await lastHeard(capture, line.port, tones)).toEqual([caller.hz])
      const call = await theCallOf(two.stage, caller.name, since)
      expect(call.planned.slice(0, 3)).toEqual(['answer answered', 'dial answered', 'play finished'])
    })

    async function answeredCall(from: string): Promise<string | null> {
      const { items } = (await two.stage.server.get('/api/v1/calls/live')) as {
        items: readonly { id: string; from: string; answeredAt: string | null }[]
      }
      return items.find((call) => call.from === from && call.answeredAt !== null)?.id ?? null
    }
  })
}
