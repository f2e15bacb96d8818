import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { startPhone } from '../../src/phone/start-phone.ts'
import type { PhoneResult } from '../../src/phone/test-phone.ts'
import { eventually } from '../support/eventually.ts'
import { MediaSocket, okFor } from '../support/raw-call.ts'
import { Registrant } from '../support/registrant.ts'
import { removeFolder } from '../support/server-process.ts'
import { metricsOf, residentBytes, troubles } from '../support/server-watch.ts'
import { answersOptions, type RequestText, requestText, sdpText, token } from '../support/sip-text.ts'
import { loopbackAddress, TcpWire, UdpWire } from '../support/sip-wire.ts'
import { type Stage, setStage } from '../support/stage.ts'

const flood = { sockets: 20, perKind: 3000, perSecond: 4000 } as const
const concurrentCalls = 30
/** Of the whole server, over what it takes at rest: 25 MiB are usual, the rest is for the moods of the garbage collector. */
const mostGrowthBytes = 128 * 1024 * 1024

/** Only telephones with a password: what a server on the internet is. */
let guarded: Stage
/** Anybody may call, so many at once. */
let open: Stage

beforeAll(async () => {
  ;[guarded, open] = await Promise.all([
    setStage({ sip: 'anonymous: none' }),
    setStage({ limits: `concurrentCalls: ${concurrentCalls}, callsPerSecond: 1000` }),
  ])
})

afterAll(async () => {
  // What a failed test left is not waited for.
  await Promise.all([guarded.server.kill(), open.server.kill()])
  await Promise.all([removeFolder(guarded.server), removeFolder(open.server)])
})

const at = (stage: Stage) => ({ address: '127.0.0.1', port: stage.server.sipPort })

/** Does it so often, in small lots, at a pace that this machine's sockets can take. */
async function paced(count: number, perSecond: number, send: (index: number) => void): Promise<void> {
  const lot = Math.max(1, Math.round(perSecond / 100))
  const startMs = performance.now()
  for (let index = 0; index < count; ) {
    for (let i = 0; i < lot && index < count; i++) send(index++)
    const aheadMs = startMs + (index / perSecond) * 1000 - performance.now()
    await new Promise((resolve) => (aheadMs > 0 ? setTimeout(resolve, aheadMs) : setImmediate(resolve)))
  }
}

/** Sockets of the attacker, from addresses that are not those of the telephone. */
async function attackers(stage: Stage, block: number, count = flood.sockets as number): Promise<readonly UdpWire[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, i) => UdpWire.open(at(stage), { address: loopbackAddress(block, i + 1) })),
  )
}

async function requestFlood(
  stage: Stage,
  block: number,
  count: number,
  parts: (i: number) => RequestText,
): Promise<readonly UdpWire[]> {
  const wires = await attackers(stage, block)
  await paced(count, flood.perSecond / 4, (i) => {
    const wire = wires[i % wires.length]
    wire?.send(requestText(wire, parts(i)))
  })
  return wires
}

/** The same wrong credentials for a telephone that exists, in the form of right ones. */
function wrongCredentials(): string {
  const fields = [
    'username="101"',
    'realm="switchhook"',
    `nonce="${token()}"`,
    'uri="sip:127.0.0.1"',
    `response="${token()}${token()}"`,
  ]
  return `Authorization: Digest ${[...fields, 'algorithm=MD5', 'qop=auth', 'nc=00000001', `cnonce="${token()}"`].join(', ')}`
}

async function garbageFlood(stage: Stage): Promise<void> {
  const wires = await attackers(stage, 84)
  const random = new SeededRandom(1)
  await paced(flood.perKind, flood.perSecond / 4, (i) => {
    const wire = wires[i % wires.length]
    const kind = i % 3
    if (kind === 0) wire?.send(random.bytes(1 + (i % 1400)))
    else if (kind === 1) wire?.send(Buffer.concat([Buffer.from('INVITE sip:1@x SIP/2.0\r\nVia: '), random.bytes(300)]))
    else wire?.send(Buffer.alloc(i % 2 === 0 ? 0 : 65_000, 'A: b\r\n'))
  })
  await Promise.all(wires.map((wire) => wire.close()))
}

/** To every port that a call may have: live ones are among them. */
async function mediaFlood(): Promise<void> {
  const socket = await MediaSocket.open(loopbackAddress(85, 1))
  const random = new SeededRandom(2)
  await paced(6000, flood.perSecond / 4, (i) => {
    const bytes = random.bytes(20 + (i % 200))
    bytes[0] = 0x80
    socket.send(bytes, { address: '127.0.0.1', port: 20_000 + (i % 400) })
  })
  await socket.close()
}

interface Connections {
  readonly silent: readonly TcpWire[]
  readonly slow: readonly TcpWire[]
  readonly huge: readonly TcpWire[]
  readonly endless: readonly TcpWire[]
  stop(): void
}

async function halfOpenConnections(stage: Stage): Promise<Connections> {
  const many = (block: number, count: number): Promise<readonly TcpWire[]> =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        TcpWire.open(at(stage), { address: loopbackAddress(block, 1 + (i % 4)) }),
      ),
    )
  const [silent, slow, huge, endless] = [
    await many(86, 300),
    await many(87, 60),
    await many(88, 20),
    await many(89, 60),
  ]
  const request = requestText({ protocol: 'tcp', local: at(stage) }, { method: 'OPTIONS', user: null })
  let at_ = 0
  // One byte of a good request every 50 ms: it would take a quarter of a minute, and never be whole in time.
  const slowly = setInterval(() => {
    const byte = request.subarray(at_, ++at_)
    for (const wire of slow) wire.send(byte)
    for (const wire of endless) wire.send('x')
  }, 50)
  for (const wire of huge) wire.send(`OPTIONS sip:x SIP/2.0\r\nX-Long: ${'y'.repeat(70_000)}`)
  const head = request.toString().replace('Content-Length: 0', 'Content-Length: 60000')
  for (const wire of endless) wire.send(head)
  return { silent, slow, huge, endless, stop: () => clearInterval(slowly) }
}

async function placeCall(stage: Stage, number: string, maxSeconds: number): Promise<PhoneResult> {
  const server = { ...at(stage), protocol: 'udp' as const }
  const phone = await startPhone({ server, maxSeconds })
  try {
    return await phone.call({
      server,
      number,
      identity: { extension: '101', password: 'secret-of-101' },
      maxSeconds,
    })
  } finally {
    await phone.close()
  }
}

/** Dials again when it is told to come back later, as people do. */
async function callUntilThrough(stage: Stage, maxSeconds = 20): Promise<PhoneResult> {
  return await eventually(
    () => placeCall(stage, '4', maxSeconds),
    ({ sipStatus }) => sipStatus !== 503,
    10_000,
  )
}

/** Who sent the INVITEs that are never acknowledged; they hear of their end half a minute later. */
let flooders: readonly UdpWire[] = []

describe('a server where anybody may call', () => {
  it('answers as many INVITEs that are never acknowledged as it has calls, and turns the rest away until later', async () => {
    const wires = await requestFlood(open, 90, 2000, () => ({ method: 'INVITE', user: '2', body: sdpText(at(open)) }))
    // Its BYE is answered: a flooder that does not would only cost it one more transaction each.
    for (const wire of wires)
      wire.onMessage = (message) => message.startLine.startsWith('BYE ') && wire.send(okFor(message))
    const answers = (status: number) => wires.flatMap(({ received }) => received.filter((one) => one.status === status))
    const taken = await eventually(
      () => new Set(answers(200).map((one) => one.get('call-id'))).size,
      (count) => count === concurrentCalls,
    )
    expect(taken).toBe(concurrentCalls)
    const refused = answers(503)
    expect(refused.length).toBeGreaterThan(1000)
    expect(refused.every((one) => Number(one.get('retry-after')) > 0)).toBe(true)
    expect((await metricsOf(open.server)).get('switchhook_calls_live')).toBe(concurrentCalls)
    // Not ours to close before the end: the BYEs are still to come.
    flooders = wires
  })
})

describe('a server that lets in nobody without a password', () => {
  let before = 0
  let connections: Connections

  it('serves a registered telephone while it is flooded with requests, garbage, RTP and half-open connections', async () => {
    const wire = await UdpWire.open(at(guarded))
    const registrant = new Registrant(wire, '101', 'secret-of-101')
    expect(await registrant.register()).toBe(200)
    before = await residentBytes(guarded.server)
    connections = await halfOpenConnections(guarded)
    const progress = { isOver: false }
    const floods = Promise.all([
      requestFlood(guarded, 80, flood.perKind, () => ({ method: 'INVITE', user: '1', body: sdpText(at(guarded)) })),
      requestFlood(guarded, 81, flood.perKind, (i) => ({ method: 'REGISTER', user: null, from: String(i) })),
      requestFlood(guarded, 82, flood.perKind, () => ({
        method: 'REGISTER',
        user: null,
        from: '101',
        headers: [wrongCredentials()],
      })),
      requestFlood(guarded, 83, flood.perKind, () => ({ method: 'OPTIONS', user: null })),
      garbageFlood(guarded),
      mediaFlood(),
    ]).then((all) => {
      progress.isOver = true
      return all
    })
    const calling = callUntilThrough(guarded)
    let rounds = 0
    while (!progress.isOver) {
      expect(await registrant.register()).toBe(200)
      rounds++
    }
    expect(rounds).toBeGreaterThan(1)
    expect(await calling).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    const [invites] = await floods
    // Each was challenged, none was let in.
    const statuses = new Set(invites.flatMap(({ received }) => received.map(({ status }) => status)))
    expect([...statuses].filter((status) => status !== 100).every((status) => status === 401 || status === 503)).toBe(
      true,
    )
    for (const wires of (await floods).slice(0, 4)) for (const one of wires ?? []) await one.close()
  }, 30_000)

  it('has not grown beyond its bound', async () => {
    const growth = (await residentBytes(guarded.server)) - before
    expect(growth).toBeLessThan(mostGrowthBytes)
  })

  it('does not count the 401 rounds of a right telephone as failures', async () => {
    const wire = await TcpWire.open(at(guarded))
    const registrant = new Registrant(wire, '102', 'secret-of-102')
    for (let round = 0; round < 60; round++) expect(await registrant.register()).toBe(200)
    await wire.close()
  })

  it('has closed the connections that never said a whole message', async () => {
    const { silent, slow, huge, endless } = connections
    for (const wires of [silent, slow, huge, endless]) {
      const closed = await Promise.all(wires.map((wire) => wire.closed(15_000)))
      expect(closed.filter((is) => !is)).toEqual([])
    }
    connections.stop()
    // Whoever speaks at once is served.
    const wire = await TcpWire.open(at(guarded))
    expect(await answersOptions(wire)).toBe(true)
    await wire.close()
  }, 20_000)
})

describe('when their 64·T1 are over', () => {
  it('those calls are given up, and their records say that the ACK never came', async () => {
    const live = await eventually(
      async () => (await metricsOf(open.server)).get('switchhook_calls_live'),
      (count) => count === 0,
      36_000,
    )
    expect(live).toBe(0)
    const { items } = (await open.server.get('/api/v1/calls?limit=100&cause=ack-missing')) as {
      items: readonly { sentence: string }[]
    }
    expect(items).toHaveLength(concurrentCalls)
    expect(items[0]?.sentence).toBe('The ACK for our 200 OK never came, so Switchhook hung up.')
    for (const wire of flooders) await wire.close()
  }, 50_000)
})

describe('when it is over', () => {
  it.each([
    ['guarded', () => guarded],
    ['open', () => open],
  ] as const)(
    'the %s server remembers nothing of it',
    async (_which, stage) => {
      const left = await eventually(
        async () => {
          const metrics = await metricsOf(stage().server)
          return ['server', 'client'].map((side) => metrics.get(`switchhook_sip_${side}_transactions`))
        },
        (counts) => counts.every((count) => count === 0),
        40_000,
      )
      expect(left).toEqual([0, 0])
      expect((await metricsOf(stage().server)).get('switchhook_media_endpoints')).toBe(0)
    },
    45_000,
  )

  it('calls are taken as before', async () => {
    const [one, other] = await Promise.all([callUntilThrough(guarded, 1), callUntilThrough(open, 1)])
    expect([one.outcome, other.outcome]).toEqual(['completed', 'completed'])
  })

  it('nothing of it was logged as an error', () => {
    expect(troubles(guarded.server)).toEqual([])
    expect(troubles(open.server)).toEqual([])
  })
})
