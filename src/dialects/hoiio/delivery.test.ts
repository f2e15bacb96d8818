import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { desk, HoiioStage, notifyUrl } from '../../../test/support/hoiio-stage.ts'
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts'
import { openTestStore, type TestStore } from '../../../test/support/test-store.ts'
import { SystemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { SeededRandom, SystemRandom } from '../../base/random.ts'
import { loadConfiguration } from '../../config/load.ts'
import { Deliveries } from '../../http/deliveries.ts'
import { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import { type Application, applicationOf } from './applications.ts'
import { Notifications } from './notifications.ts'

describe('notifications on their way', () => {
  const clock = new SystemClock()
  const random = new SystemRandom()
  let kept: TestStore
  let good: Receiver
  let bad: Receiver
  let http: OutgoingHttp
  let deliveries: Deliveries
  let notifications: Notifications
  let application: Application

  beforeEach(async () => {
    kept = await openTestStore('sqlite', { clock })
    good = await startReceiver()
    http = new OutgoingHttp({ clock, allowPrivateAddresses: false })
    notifications = new Notifications({ outbox: kept.store.outbox, random, log: silentLogger })
    deliveries = new Deliveries({
      outbox: kept.store.outbox,
      http,
      clock,
      random,
      log: silentLogger,
      sources: [notifications],
    })
    await deliveries.start()
    const text =
      'tenants: { acme: { apps: { desk: { dialect: hoiio, appId: A, accessToken: "0123456789abcdef01" } } } }'
    const { settings } = await loadConfiguration({ text, name: 'test.yaml' })
    const tenant = settings.tenants.get('acme')
    const app = tenant?.apps.get('desk')
    if (!tenant || app?.kind !== 'hoiio') throw new Error('no app')
    application = applicationOf(tenant, app)
  })

  afterEach(async () => {
    await bad.close()
    await good.close()
    http.close()
    await deliveries.close()
    await kept.remove()
  })

  const tell = (session: string, to: Receiver, step: number): void =>
    notifications.send(application, session, { url: `${to.url}/n?s=${step}`, isOwn: true }, { step: String(step) })

  it('one that hangs delays nobody else, and the order within a session is kept', async () => {
    bad = await startReceiver({ answer: () => {} })
    for (let step = 0; step < 5; step++) {
      tell('S1', bad, step)
      tell('S2', good, step)
    }
    await good.has(5)
    await bad.has(1)
    expect(good.received.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4].map((step) => `step=${step}&s=${step}`))
    expect(good.received[0]).toMatchObject({
      method: 'POST',
      path: '/n?s=0',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(bad.received).toHaveLength(1)
    // The vendor's page on verifying notifications: HMAC-SHA256 of the body with the access token, in hex.
    for (const { headers, body } of good.received) {
      const expected = createHmac('sha256', '0123456789abcdef01').update(body).digest('hex')
      expect(headers['x-hoiio-signature']).toBe(expected)
    }
  })

  it('one that fails is not sent again, and the next of the session follows', async () => {
    bad = await startReceiver({ answer: (_request, response) => void response.writeHead(500).end() })
    tell('S1', bad, 0)
    tell('S1', bad, 1)
    await bad.has(2)
    expect(bad.received.map(({ body }) => body)).toEqual(['step=0&s=0', 'step=1&s=1'])
  })

  it('are shown to operators without what was keyed, and sent with it', async () => {
    bad = await startReceiver()
    const target = { url: `${good.url}/n?digits=own`, isOwn: true }
    notifications.send(application, 'S1', target, { session: 'S1', digits: '4711', tag: 'a&digits=1' })
    await good.has(1)
    expect(good.received[0]?.body).toBe('session=S1&digits=4711&tag=a%26digits%3D1')
    const [event] = (await kept.store.outbox.list({})).items
    if (!event) throw new Error('no event')
    expect(notifications.show(event)).toBe('session=S1&digits=…&tag=a%26digits%3D1')
    expect(notifications.show({ ...event, kind: 'call.ended' })).toBeNull()
    // Sent again by hand it is whole.
    await eventually(
      () => kept.store.outbox.get(event.id),
      (sent) => sent?.state === 'delivered',
    )
    await kept.store.outbox.resend(event.id)
    await good.has(2)
    expect(good.received[1]?.body).toBe(good.received[0]?.body)
  })

  it('of an end is kept once, however often a server that was killed meanwhile tells it', async () => {
    bad = await startReceiver()
    const target = { url: `${good.url}/n`, isOwn: true }
    const ended = { session: 'S1', txn_ref: 'TX-1', call_state: 'ended' }
    for (let i = 0; i < 2; i++) {
      notifications.send(application, 'S1', target, { ...ended, call_state: 'ongoing' })
      notifications.send(application, 'S1', target, ended)
      notifications.send(application, 'S1', target, { ...ended, monitor_url: 'm' })
      notifications.send(application, 'TX-2', target, { txn_ref: 'TX-2' })
    }
    await good.has(5)
    expect((await kept.store.outbox.list({})).items).toHaveLength(5)
  })

  it('one to a private address that no operator chose is not sent', async () => {
    bad = await startReceiver()
    notifications.send(application, 'S1', { url: `${bad.url}/secret`, isOwn: false }, {})
    notifications.send(application, 'S1', { url: `${good.url}/next`, isOwn: true }, {})
    await good.has(1)
    expect(bad.received).toHaveLength(0)
  })
})

describe('links to recordings', () => {
  let folder: string
  let stage: HoiioStage

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hoiio-'))
    stage = await HoiioStage.start({ dataFolder: folder })
  })

  afterEach(async () => {
    await stage.close()
    await rm(folder, { recursive: true })
  })

  it('play as WAV, whole and in parts, without any credentials', async () => {
    const { leg, session } = await stage.answered()
    await stage.ask('ivr/middle/record', { ...desk, session, notify_url: notifyUrl })
    await stage.pass(1000)
    leg.press('#')
    await stage.pass(0)
    const [row] = stage.records.recordings.values()
    const file = join(folder, row?.file ?? '')
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, new SeededRandom(1).bytes(1000))
    const url = new URL(stage.last().fields['record_url'] ?? '').pathname.replace(/mp3$/, 'wav')
    const whole = await stage.server.inject({ url })
    expect([whole.statusCode, whole.headers['content-type'], whole.rawPayload.length]).toEqual([200, 'audio/wav', 1000])
    const part = await stage.server.inject({ url, headers: { range: 'bytes=10-19' } })
    expect([part.statusCode, part.rawPayload.length]).toEqual([206, 10])
    await rm(file)
    expect((await stage.server.inject({ url })).statusCode).toBe(404)
    leg.hangUp()
    await stage.pass(0)
  })
})
