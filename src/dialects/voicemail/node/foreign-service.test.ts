import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type FlowHarness, startFlow } from '../../../../test/support/flow-harness.ts'
import { settle } from '../../../../test/support/test-clock.ts'
import { type FakeService, fakeService } from '../../../../test/support/voicemail-service.ts'
import type { Clock } from '../../../base/clock.ts'
import { OutgoingHttp } from '../../../http/outgoing/outgoing-http.ts'
import { clientOf, type ServiceSettings, type VoicemailClient } from '../client.ts'
import { leavingFlow } from './leaving.ts'
import { retrieveFlow } from './retrieve.ts'

const good = {
  INITLEAVING: '{"status":"ok","record":{"status":"on","max_idle":2,"max_record":10},"language":"eng"}',
  INITRETRIEVE: '{"status":"ok","access":true,"language":"eng"}',
  RECMAIL: '{"status":"ok"}',
}
const tenMegabytes = `{"status":"ok","filler":"${'x'.repeat(10_000_000)}"}`

/** What a service does instead of answering, and what the record is to say of it. */
const badManners = {
  'is down': { how: 'refuse', says: /cannot be reached|could not be reached|refused|connect/i },
  'says nothing': { how: 'silent', says: /did not answer|no answer|within/i },
  'closes without an answer': { how: 'close', says: /closed|ended|answer/i },
  'answers garbage': { how: 'write', text: 'it is \u0001 not JSON {{{\n', says: /cannot be read/ },
  'answers half an object, and closes': {
    how: 'half',
    text: '{"status":"ok","record":{"st',
    says: /cannot be read|closed/,
  },
  'answers half an object, and waits': {
    how: 'stall',
    text: '{"status":"ok","record":{"st',
    says: /did not answer|within|time/i,
  },
  'answers with a list': { how: 'write', text: '[1,2,3]\n', says: /cannot be read|status/ },
  'answers with a string': { how: 'write', text: '"ok"\n', says: /cannot be read|status/ },
  'answers something else': { how: 'write', text: '{"result":"fine"}\n', says: /status/ },
  'answers with a status that is none': { how: 'write', text: '{"status":"maybe"}\n', says: /status/ },
  'answers ten megabytes': { how: 'write', text: tenMegabytes, says: /cannot be read|larger|too large|bytes|64/i },
} as const satisfies Record<string, { how: string; text?: string; says: RegExp }>

type Manner = (typeof badManners)[keyof typeof badManners]

const open: { close(): void }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) one.close()
  await settle(5)
})

/** A service over TCP or HTTP that answers as it should but for one command. */
async function foreignService(transport: 'tcp' | 'http', command: string, manner: { current: Manner | null }) {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  /** Over HTTP a body of its own; null: as it stands, over TCP. */
  const answer = (text: string, write: (text: string) => void, close: () => void, end: () => void): void => {
    const request = JSON.parse(text) as { command: keyof typeof good }
    asked.push(request.command)
    const bad = request.command === command ? manner.current : null
    if (bad === null) {
      write(`${good[request.command] ?? '{"status":"ok"}'}\n`)
      return end()
    }
    switch (bad.how) {
      case 'silent':
        return
      case 'refuse':
      case 'close':
        return close()
      case 'half':
        write(bad.text)
        return close()
      case 'stall':
        return write(bad.text)
      case 'write':
        write(bad.text)
        return end()
    }
  }
  const server =
    transport === 'tcp'
      ? createServer((socket) => {
          socket.on('data', (chunk) => {
            answer(
              chunk.toString(),
              (text) => void socket.write(text),
              () => socket.end(),
              () => {},
            )
          })
        })
      : createHttp((request, response) => {
          let text = ''
          request.on('data', (chunk: Buffer) => (text += chunk.toString()))
          request.on('end', () => {
            answer(
              text,
              (part) => void response.write(part),
              () => void request.socket.destroy(),
              () => void response.end(),
            )
          })
        })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  open.push({ close })
  const settings: ServiceSettings =
    transport === 'tcp'
      ? { kind: 'tcp', host: '127.0.0.1', port }
      : { kind: 'http', url: `http://127.0.0.1:${port}/vms` }
  return { asked, settings, close }
}

function clientFor(settings: ServiceSettings, clock: Clock): VoicemailClient {
  const http = new OutgoingHttp({ clock, allowPrivateAddresses: false })
  open.push({ close: () => http.close() })
  const service = { handle: () => Promise.reject(new Error('not ours')) }
  return clientOf(settings, 'acme', { service, http, clock, isTrusted: () => true, nodeName: 'SWITCHHOOK' })
}

interface Call {
  readonly harness: FlowHarness
  readonly service: FakeService
  said(): readonly string[]
  problems(): readonly Readonly<Record<string, unknown>>[]
}

async function callTo(settings: ServiceSettings, flow: 'leaving' | 'retrieve'): Promise<Call> {
  const service = fakeService()
  const harness = await startFlow(
    async (call) => {
      const { deposits, media, log } = service
      const retrieve = retrieveFlow({
        client: service.client,
        media: { ...media, adopt: async () => {}, remove: async () => {} },
        dataFolder: '/data',
        log,
        owner: () => '101',
        isOwner: () => true,
      })
      const leaving = leavingFlow({
        client: service.client,
        service: 'foreign',
        deposits,
        media,
        log,
        owner: () => '137',
        retrieve: null,
      })
      await (flow === 'leaving' ? leaving : retrieve)(call)
    },
    {
      before: ({ clock }) => {
        const foreign = clientFor(settings, clock)
        service.client.ask = (request) => foreign.ask(request)
      },
    },
  )
  return {
    harness,
    service,
    said: () =>
      harness.leg.lines.flatMap((line) => (line.startsWith('play say:') ? [line.replace(/^play say:\w\w:/, '')] : [])),
    problems: () =>
      harness.records.journal.flatMap(({ kind, what, facts }) =>
        kind === 'problem' && what === 'voicemail' ? [facts] : [],
      ),
  }
}

/** Lets sockets speak between two steps of virtual time, which is so slow that they always come to it. */
async function passUntil({ harness }: Call, isOver: () => boolean, longestMs = 60_000): Promise<void> {
  for (let waitedMs = 0; !isOver() && waitedMs < longestMs; waitedMs += 20) {
    await settle(20)
    await harness.pass(20)
  }
}

for (const transport of ['tcp', 'http'] as const) {
  describe(`a foreign service over ${transport}`, () => {
    it.each(Object.entries(badManners))(
      'that %s: the caller hears an apology, and the record says why',
      async (_, manner) => {
        const foreign = await foreignService(transport, 'INITLEAVING', { current: manner })
        if (manner.how === 'refuse') foreign.close()
        const call = await callTo(foreign.settings, 'leaving')
        await passUntil(call, () => call.harness.call.isEnded)
        await call.harness.pass(6000)
        expect(call.said(), JSON.stringify(call.problems())).toEqual(['The service is not available.'])
        expect(call.harness.leg.lines).not.toContain('record')
        expect(foreign.asked.filter((command) => command === 'RECMAIL')).toEqual([])
        expect(call.problems()).toMatchObject([{ command: 'INITLEAVING', problem: expect.stringMatching(manner.says) }])
        expect(String(call.problems()[0]?.['problem']).length).toBeLessThan(400)
        expect(call.harness.record).toMatchObject({ cause: 'normal', endedBy: 'program' })
        expect(call.harness.record.sentence).toMatch(/^No message could be left\. /)
        expect(call.harness.record.sentence).toMatch(manner.says)
        expect(call.service.owed.size).toBe(0)
      },
    )

    it.each(Object.entries(badManners))(
      'that %s when the message is told: it is kept, owed, and told later',
      async (_, manner) => {
        const current: { current: Manner | null } = { current: manner }
        const foreign = await foreignService(transport, 'RECMAIL', current)
        const call = await callTo(foreign.settings, 'leaving')
        await passUntil(call, () => call.harness.leg.lines.includes('record'))
        if (manner.how === 'refuse') foreign.close()
        await call.harness.pass(2500)
        call.harness.leg.press('#')
        await passUntil(call, () => call.harness.call.isEnded)
        await call.harness.pass(6000)
        const [kept] = call.service.adopted
        expect(call.service.adopted).toHaveLength(1)
        expect([...call.service.owed.values()]).toMatchObject([{ voice: kept?.voice, duration_seconds: 3 }])
        expect(call.problems()).toMatchObject([{ command: 'RECMAIL', problem: expect.stringMatching(manner.says) }])
        // It is saved here, and that is what the caller is told.
        expect(call.said().slice(-2)).toEqual(['Your message has been saved.', 'Goodbye.'])
        if (manner.how === 'refuse') return
        const before = foreign.asked.length
        current.current = null
        let isSettled = false
        const settling = call.service.deposits.settle().then(() => {
          isSettled = true
        })
        await passUntil(call, () => isSettled)
        await settling
        expect(foreign.asked.slice(before)).toEqual(['RECMAIL'])
        expect(call.service.owed.size).toBe(0)
        expect(call.service.adopted).toHaveLength(1)
      },
    )

    it.each(Object.entries(badManners))(
      'that %s when messages are fetched: an apology, and goodbye',
      async (_, manner) => {
        const foreign = await foreignService(transport, 'INITRETRIEVE', { current: manner })
        if (manner.how === 'refuse') foreign.close()
        const call = await callTo(foreign.settings, 'retrieve')
        await passUntil(call, () => call.harness.call.isEnded)
        await call.harness.pass(6000)
        expect(call.said()).toEqual(['The service is not available.', 'Goodbye.'])
        expect(call.problems()).toMatchObject([
          { command: 'INITRETRIEVE', problem: expect.stringMatching(manner.says) },
        ])
        expect(call.harness.record.endedAt).not.toBeNull()
      },
    )

    it('that hangs while the caller hangs up: the call is over at once, and nothing is left', async () => {
      const foreign = await foreignService(transport, 'INITLEAVING', { current: badManners['says nothing'] })
      const call = await callTo(foreign.settings, 'leaving')
      await passUntil(call, () => foreign.asked.length === 1)
      call.harness.leg.hangUp()
      await passUntil(call, () => call.harness.clock.pending === 0)
      expect(call.harness.record).toMatchObject({ cause: 'cancelled' })
      expect(call.service.requests).toEqual([])
      expect(call.harness.clock.pending).toBe(0)
    })
  })
}
