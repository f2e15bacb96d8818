import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { type Answering, type Receiver, startReceiver } from '../../../test/support/receiver.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import {
  answer,
  hangUp,
  menuOf,
  startVoicenter,
  type VoicenterHarness,
} from '../../../test/support/voicenter-harness.ts'
import { type Clock, SystemClock } from '../../base/clock.ts'
import { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import { verifyHandler } from './verify.ts'

const examples = join(import.meta.dirname, '..', '..', '..', 'examples', 'voicenter')
const hasPython = spawnSync('python3', ['--version']).status === 0

/** A handler's own answers, one after the other, over HTTP. */
function saying(...bodies: readonly (object | string)[]): Answering {
  let count = 0
  return (_request, response) => {
    const body = bodies[Math.min(count++, bodies.length - 1)] ?? ''
    response.setHeader('content-type', 'application/json')
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

describe('a handler over HTTP', () => {
  const opened: { close(): unknown }[] = []

  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close()
  })

  async function receiver(answering: Answering): Promise<Receiver> {
    const made = await startReceiver({ answer: answering })
    opened.push(made)
    return made
  }

  function http(clock: Clock = new SystemClock()): OutgoingHttp {
    const made = new OutgoingHttp({ clock, allowPrivateAddresses: false })
    opened.push(made)
    return made
  }

  const lineOf = (harness: VoicenterHarness, line: string) =>
    eventually(
      () => harness.leg.lines,
      (lines) => lines.includes(line),
    )

  it('is asked by POST with the headers of the app, signed with its secret', async () => {
    const handler = await receiver(saying(menuOf('A'), hangUp()))
    const harness = await startVoicenter([], {
      handler: { url: `${handler.url}/ivr?key=1`, format: 'json', http: http() },
      app: 'headers: { "X-Key": "abc" }, secret: "a-secret-of-some-length-0123456789"',
    })
    await handler.has(1)
    const [request] = handler.received
    expect(request).toMatchObject({
      method: 'POST',
      path: '/ivr?key=1',
      headers: {
        'x-key': 'abc',
        'content-type': 'application/json; charset=utf-8',
        'switchhook-signature': expect.stringMatching(/^t=\d+,v1=[0-9a-f]{64}$/),
        'switchhook-event-id': expect.stringMatching(/^[0-9a-f]{32}-1$/),
      },
    })
    await lineOf(harness, 'play file:/rec/en/question.wav')
    harness.leg.press('1')
    await lineOf(harness, 'end normal Q.850 16')
    expect(handler.connections).toBe(1)
  })

  const wrong = [
    ['500', (_request, response) => void response.writeHead(500).end('oops'), /answered 500/],
    [
      'a redirect',
      (_request, response) => void response.writeHead(307, { location: '/there' }).end(),
      /answered 307; redirects/,
    ],
    ['10 MB', (_request, response) => void response.end('x'.repeat(10_000_000)), /more than 64 KiB/],
    [
      'half an answer',
      (_request, response) =>
        void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()),
      /broke|lost|closed/,
    ],
    ['no answer and a closed connection', (_request, response) => void response.destroy(), /without|closed|lost|broke/],
    ['nothing', (_request, response) => void response.end(), /It is empty/],
  ] as const satisfies readonly (readonly [string, Answering, RegExp])[]
  it.each(wrong)('that gives %s is asked once, and the caller gets 503', async (_what, answering, sentence) => {
    const handler = await receiver(answering)
    const harness = await startVoicenter([], { handler: { url: handler.url, format: 'json', http: http() } })
    await lineOf(harness, 'end flow-failed 503 Q.850 41')
    expect((await harness.call.ended).sentence).toMatch(sentence)
    expect(handler.received).toHaveLength(1)
  })

  const member = (name: string, value: string): string => `<member><name>${name}</name><value>${value}</value></member>`
  const response = (value: string): string =>
    `<?xml version="1.0"?><methodResponse><params><param><value>${value}</value></param></params></methodResponse>`
  const wrongXml = [
    [
      'a fault',
      `<methodResponse><fault><value><struct>${member('faultCode', '<int>4</int>')}</struct></value></fault></methodResponse>`,
      /fault: 4/,
    ],
    ['a bomb of entities', `<!DOCTYPE a [<!ENTITY b "bbbb">]>${response('<struct></struct>')}`, /DOCTYPE/],
    ['XML that is nested without end', '<value>'.repeat(9000), /nested too deeply/],
    ['JSON', '{"STATUS":0}', /no XML-RPC response/],
    ['a list', response('<array><data></data></array>'), /no struct but a list/],
  ] as const
  it.each(wrongXml)(
    'in XML-RPC that gives %s: the caller gets 503 and the journal what it gave',
    async (_what, body, sentence) => {
      const handler = await receiver(
        (_request, answering) => void answering.setHeader('content-type', 'text/xml').end(body),
      )
      const harness = await startVoicenter([], { handler: { url: handler.url, format: 'xmlrpc', http: http() } })
      await lineOf(harness, 'end flow-failed 503 Q.850 41')
      expect((await harness.call.ended).sentence).toMatch(sentence)
      expect(harness.noted('handlerFailed')).toEqual([
        { why: expect.stringMatching(sentence), answer: body.slice(0, 2048) },
      ])
      expect(harness.events).toHaveLength(1)
    },
  )

  it('in XML-RPC under another Content-Type, with illegal UTF-8 and strings for numbers, is understood', async () => {
    const members = ['STATUS', 'ACTION', 'LANGUAGE', 'DATA'].map((name, i) => {
      const data = `<struct>${member('HANGUP_CAUSE', '<string>17</string>')}${member('NOTE', '<string>@</string>')}</struct>`
      return member(name, ['0', 'HANGUP', 'he', data][i] ?? '')
    })
    const body = Buffer.from(response(`<struct>${members.join('')}</struct>`))
    body[body.indexOf('@')] = 0xff
    const handler = await receiver(
      (_request, answering) => void answering.setHeader('content-type', 'text/plain').end(body),
    )
    const harness = await startVoicenter([], { handler: { url: handler.url, format: 'xmlrpc', http: http() } })
    await lineOf(harness, 'end busy 486 Q.850 17')
    await harness.call.ended
    expect(harness.noted('handlerSlip').map(({ kindness }) => kindness)).toEqual([
      'charset',
      'content-type',
      'text-for-number',
      'unknown-field',
      'text-for-number',
    ])
  })

  it('that does not answer in time gets 503 for the caller', async () => {
    const handler = await receiver(() => {})
    const clock = new TestClock()
    const harness = await startVoicenter([], {
      handler: { url: handler.url, format: 'json', http: http(clock) },
      app: 'timeoutMs: 200',
    })
    await handler.has(1)
    clock.advance(200)
    await lineOf(harness, 'end flow-failed 503 Q.850 41')
    expect((await harness.call.ended).sentence).toMatch(/within|in time|200 ms/)
    expect(handler.received).toHaveLength(1)
  })

  it('that is not there is asked twice', async () => {
    const gone = await startReceiver()
    await gone.close()
    const harness = await startVoicenter([], { handler: { url: gone.url, format: 'json', http: http() } })
    await lineOf(harness, 'end flow-failed 503 Q.850 41')
    expect((await harness.call.ended).sentence).toMatch(/refused the connection|could not|ECONNREFUSED/i)
  })

  it('is told by verify what is wrong and what is tolerated', async () => {
    const handler = await receiver(
      saying(menuOf('A', { LOOP: '3' }), answer('menu', { MENU: 'B' }), '<html>', { STATUS: 1 }),
    )
    const options = { caller: '1', did: '2', keys: ['7', '8'], timeoutMs: 5000, uniqueId: 'x', now: 0 }
    const steps = []
    for await (const step of verifyHandler(http(), { url: handler.url, format: 'json', ...options })) steps.push(step)
    expect(steps.map(({ request, wrong: faults }) => [request, faults.length])).toEqual([
      ['GET_IVR_ACTION MENU -1, PREVIOUS_MENU -1, DTMF ""', 0],
      ['GET_IVR_ACTION MENU A, PREVIOUS_MENU -1, DTMF "7"', 0],
      ['GET_IVR_ACTION MENU B, PREVIOUS_MENU A, DTMF "8"', 1],
      ['HANGUP_CALL', 1],
    ])
    expect(steps[0]?.does).toBe('MENU A: plays question up to 3 times, 0 s between and takes one key.')
    expect(steps[0]?.tolerated).toEqual(['LOOP is "3" and not a number.'])
    expect(steps[1]?.tolerated).toContain('ACTION is written "menu"; published is MENU.')
    expect(steps[2]?.wrong[0]).toMatch(/^It is no JSON/)
    expect(steps[3]?.wrong[0]).toMatch(/^Its STATUS is 1\. It would be sent again/)
  })

  it.skipIf(!hasPython)(
    'in Python, of xmlrpc.server, understands every request and is understood',
    { timeout: 30_000 },
    async () => {
      const child = spawn('python3', [join(examples, 'handler.py'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
      opened.push({ close: () => child.kill() })
      const lines = createInterface(child.stdout)
      const [said] = (await once(lines, 'line')) as [string]
      const url = `http://127.0.0.1:${said.split(' ').at(-1)}/RPC2`
      const harness = await startVoicenter([], { handler: { url, format: 'xmlrpc', http: http() } })
      await lineOf(harness, 'play file:/rec/en/enter_code.wav')
      harness.leg.press('4711')
      const spoken = 'play file:/rec/en/you_entered.wav+file:/rec/en/digits/4.wav+file:/rec/en/digits/7.wav'
      await eventually(
        () => harness.leg.lines,
        (all) => all.some((line) => line.startsWith(spoken)),
      )
      harness.leg.press('1')
      await lineOf(harness, 'play file:/rec/en/goodbye.wav')
      await harness.pass(1000)
      await lineOf(harness, 'end normal Q.850 16')
      const [hangup] = harness.events
      const told = await http().request({
        url,
        method: 'POST',
        headers: { 'content-type': hangup?.contentType ?? '' },
        body: hangup?.body ?? '',
        timeoutMs: 5000,
        isTrusted: true,
      })
      expect(told).toMatchObject({ kind: 'answer', status: 200 })
    },
  )
})
