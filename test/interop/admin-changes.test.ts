import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'
import { trunkAddress } from '../support/stage-two-sided.ts'
import { describeWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { until } from './support/program.ts'
import { type RunningSipp, runSipp, type SippResult, sipOffset, startSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { sdpOf, step } from './support/sipp-steps.ts'
import { inviteAs } from './support/two-sided-calls.ts'

/** The file has an extension, and nothing by which anything could go out. */
const config = `
database: null
voicemail: { listen: [] }
log: { level: info }
tenants:
  acme:
    extensions: { "101": { password: "secret-of-101" } }
`

const ports = new PeerPorts(31_000)
const number = '+6591234567'
const noRule = 'lets no calls out'

describeWith(['sipp'], 'a server whose file has no trunk', () => {
  let server: ServerProcess

  beforeAll(async () => {
    server = await startServer({ config, sipPort: await ports.take() })
  })

  afterAll(async () => {
    await server?.stop()
    if (server) await removeFolder(server)
  })

  async function change(method: 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<number> {
    const response = await fetch(`${server.httpUrl}/api/v1/tenants/acme/${path}`, {
      method,
      headers: { authorization: 'Bearer test-admin-token', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    await response.arrayBuffer()
    return response.status
  }

  const peer = (name: string, port: number) => ({
    ...{ folder: server.folder, name, port, serverPort: server.sipPort, number },
    caller: '101',
    credentials: { username: '101', password: 'secret-of-101' },
  })

  const behindTrunk = (name: string, port: number, steps: readonly string[]): Promise<RunningSipp> =>
    startSipp({ ...peer(name, port), address: trunkAddress, steps: [...steps, callee.end] })

  /** The newest call of the extension, ended. */
  async function ended(since: Date): Promise<{ cause: string; sentence: string; answeredAt: string | null }> {
    const path = `/api/v1/calls?limit=1&state=ended&startedFrom=${since.toISOString()}`
    return await until(
      async () =>
        ((await server.get(path)) as { items: { cause: string; sentence: string; answeredAt: string }[] }).items[0] ??
        null,
      () => `no call has ended; the server said:\n${server.output().slice(-4000)}`,
    )
  }

  function wentAsWritten(...results: readonly SippResult[]): void {
    const log = `${results.map((one) => one.log).join('\n=====\n')}\n${server.output().slice(-4000)}`
    expect(
      results.map(({ code }) => code),
      log,
    ).toEqual(results.map(() => 0))
  }

  const takesCall = [
    callee.invite(),
    callee.respond('180 Ringing'),
    callee.respond('200 OK', { sdp: sdpOf() }),
    callee.received('ACK'),
  ]

  it('calls out by a trunk that came over the API; taken away during the call, the call goes on and the next is refused', async () => {
    // Before: nothing goes out, and the call record says why.
    const beginning = new Date()
    const refusedAtFirst = await runSipp({
      ...peer('before', await ports.take()),
      steps: [...inviteAs('101'), step.response(404), step.ackRefusal(2)],
    })
    wentAsWritten(refusedAtFirst)
    expect((await ended(beginning)).sentence).toContain(noRule)

    const port = await ports.take()
    expect(await change('PUT', 'outbound', [{ prefix: '+', trunk: 'carrier' }])).toBe(422)
    const trunk = { uri: `sip:${trunkAddress}:${port + sipOffset}`, callerId: '+6560000001', health: 0 }
    expect(await change('PUT', 'trunks/carrier', trunk)).toBe(200)
    expect(await change('PUT', 'outbound', [{ prefix: '+', trunk: 'carrier' }])).toBe(200)

    const far = await behindTrunk('far', port, [...takesCall, callee.byeReceived()])
    const started = new Date()
    const caller = runSipp({
      ...peer('near', await ports.take()),
      steps: [...inviteAs('101'), step.response(200), step.ack(2), step.pause(6000), step.bye(3)],
    })
    await until(
      async () => {
        const { items } = (await server.get('/api/v1/calls/live')) as { items: { answeredAt: string | null }[] }
        return items.some(({ answeredAt }) => answeredAt !== null) ? true : null
      },
      () => `no call is up:\n${server.output().slice(-4000)}`,
    )
    // While a rule names it, it stays.
    expect(await change('DELETE', 'trunks/carrier')).toBe(409)
    expect(await change('DELETE', 'outbound')).toBe(204)
    expect(await change('DELETE', 'trunks/carrier')).toBe(204)
    expect((await server.get('/api/v1/trunks')) as object).toMatchObject({ items: [] })

    const second = await runSipp({
      ...peer('second', await ports.take()),
      steps: [...inviteAs('101'), step.response(404), step.ackRefusal(2)],
    })
    wentAsWritten(second)
    const { sentence } = await ended(started)
    expect(sentence).toContain(noRule)

    const results = [await caller, await far.ended]
    wentAsWritten(...results)
    // Its record is closed a moment behind its BYE.
    const whole = await until(
      async () => {
        const path = `/api/v1/calls?state=ended&startedFrom=${started.toISOString()}`
        const { items } = (await server.get(path)) as {
          items: { cause: string; talkSeconds: number | null; endedBy: string }[]
        }
        return items.find(({ talkSeconds }) => talkSeconds !== null) ?? null
      },
      () => 'the call that went on was not closed',
    )
    expect(whole).toMatchObject({ cause: 'normal', endedBy: 'caller' })
    // As long as its caller wanted.
    expect(whole.talkSeconds).toBeGreaterThan(5)
  })

  it('registers at a trunk as soon as it is set, and takes the registration back when it is removed', async () => {
    const port = await ports.take()
    const accepts = (expires: string): readonly string[] => [
      callee.received('REGISTER', { limitMs: 10_000 }),
      callee.answer('200 OK', { headers: ['[last_Contact:]', `Expires: ${expires}`] }),
    ]
    const steps = [...accepts('600'), ...accepts('0')]
    const registrar = await startSipp({ ...peer('registrar', port), address: trunkAddress, steps })
    const uri = `sip:${trunkAddress}:${port + sipOffset}`
    const account = { username: 'u', password: 'given-by-provider' }
    expect(await change('PUT', 'trunks/registered', { uri, ...account, register: true, health: 0 })).toBe(200)
    await until(
      async () => {
        const { items } = (await server.get('/api/v1/trunks')) as { items: { registeredUntil: string | null }[] }
        return items[0]?.registeredUntil ? true : null
      },
      () => `it is not registered:\n${server.output().slice(-3000)}`,
    )
    expect(await change('DELETE', 'trunks/registered')).toBe(204)
    const result = await registrar.ended
    wentAsWritten(result)
    expect(received(result, 'REGISTER').map((one) => header(one, 'Expires'))).toEqual(['600', '0'])
    expect(server.output()).not.toContain('given-by-provider')
  })

  it('still has after kill -9 what was set, and calls by it', async () => {
    const port = await ports.take()
    const uri = `sip:${trunkAddress}:${port + sipOffset}`
    expect(
      await change('PUT', 'trunks/again', {
        uri,
        username: 'u',
        password: 'given-by-provider',
        callerId: '+6560000001',
        health: 0,
      }),
    ).toBe(200)
    expect(await change('PUT', 'outbound', [{ prefix: '+', trunk: 'again' }])).toBe(200)
    expect(await change('PATCH', 'limits', { concurrentCalls: 9 })).toBe(404)
    expect(await change('PUT', 'limits', { concurrentCalls: 9 })).toBe(200)
    const { folder, sipPort } = server
    await server.kill()
    server = await startServer({ config, folder, sipPort })
    expect(await server.get('/api/v1/tenants/acme/limits')).toMatchObject({
      origin: 'api',
      value: { concurrentCalls: 9 },
    })
    expect(await server.get('/api/v1/tenants/acme/trunks/again')).toMatchObject({ secrets: ['password'] })

    const far = await behindTrunk('after', port, [...takesCall, callee.bye()])
    const since = new Date()
    const caller = await runSipp({
      ...peer('after-near', await ports.take()),
      steps: [...inviteAs('101'), step.response(200), step.ack(2), step.byeReceived()],
    })
    wentAsWritten(caller, await far.ended)
    expect(await ended(since)).toMatchObject({ cause: 'normal' })
  })
})
