import { expect, it } from 'vitest'
import { removeFolder } from '../support/server-process.ts'
import { setTwoSidedStage, type TwoSidedOptions, trunkAddress } from '../support/stage-two-sided.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { startPhone } from './support/phones.ts'
import { PeerPorts } from './support/ports.ts'
import { until } from './support/program.ts'
import { runSipp, sipOffset } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { expectNothingLeft, startCallee, theCallOf, wholeCall } from './support/two-sided-calls.ts'

const ports = new PeerPorts(29_000)
const isAnswered = [step.invite(), step.response(200), step.ack()]
const takesCall = [
  callee.invite(),
  callee.respond('180 Ringing'),
  callee.respond('200 OK', { sdp: sdpOf() }),
  callee.received('ACK'),
]

interface LiveCall {
  readonly id: string
  readonly from: string
  readonly answeredAt: string | null
}

describeAtOnceWith(['sipp', 'baresip'], 'two who talk', () => {
  it('are parted by kill -9 of the server: after its next start everything of the call is closed as interrupted', async () => {
    const [sipPort, line, caller] = [await ports.take(), await ports.take(), await ports.take()]
    const options: TwoSidedOptions = {
      sipPort,
      workers: 2,
      trunks: { out: { uri: `sip:${trunkAddress}:${line + sipOffset}` } },
      outbound: [{ prefix: '+65', trunk: 'out' }],
    }
    let stage = await setTwoSidedStage(options)
    const number = await stage.plan({ do: 'dial', to: '+6590000001' })
    // Both peers hear of nothing: that is the point, and they are ended by us.
    const peer = await startCallee(stage, {
      name: 'interrupted-callee',
      port: line,
      steps: [...takesCall, step.pause(30_000)],
    })
    const place = { folder: stage.folder, serverPort: sipPort, name: 'interrupted', number, port: caller }
    const calling = runSipp({ ...place, steps: [...isAnswered, step.pause(1500)] })
    try {
      const { id } = await until(
        async () =>
          ((await stage.server.get('/api/v1/calls/live')) as { items: readonly LiveCall[] }).items.find(
            ({ answeredAt }) => answeredAt !== null,
          ) ?? null,
        () => 'the call was not answered',
      )
      // Rows are written behind the call: a second is generous.
      await new Promise((resolve) => setTimeout(resolve, 1000))
      await stage.server.kill()
      stage = await setTwoSidedStage({ ...options, folder: stage.folder })
      const call = await wholeCall(stage, id)
      expect(call).toMatchObject({ cause: 'interrupted', endedBy: 'server' })
      expect(call.legs.map(({ role, cause }) => [role, cause]).sort()).toEqual([
        ['callee', 'interrupted'],
        ['caller', 'interrupted'],
      ])
      await expectNothingLeft(stage)
    } finally {
      peer.kill()
      await Promise.all([calling, peer.ended])
      await stage.server.stop()
      await removeFolder(stage.server)
    }
  })

  it('are parted by kill -9 of one: the other hangs up, and nothing is left', async () => {
    const stage = await setTwoSidedStage({ sipPort: await ports.take() })
    const since = new Date()
    const first = await startPhone(stage, ports, { name: 'stays', extension: '101', hz: 530 })
    const second = await startPhone(stage, ports, { name: 'dies', extension: '102', hz: 790 })
    try {
      first.dial('102')
      await second.saw('CALL_INCOMING')
      second.accept()
      await first.saw('CALL_ESTABLISHED')
      await new Promise((resolve) => setTimeout(resolve, 700))
      await second.kill()
      await new Promise((resolve) => setTimeout(resolve, 700))
      first.command('hangup')
      const call = await theCallOf(stage, '101', since)
      expect(call).toMatchObject({ cause: 'normal', endedBy: 'caller' })
      expect(call.legs).toHaveLength(2)
      await expectNothingLeft(stage)
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await stage.server.stop()
      await removeFolder(stage.server)
    }
  })
})
