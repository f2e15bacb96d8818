import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { type RunningPhone, startPhone } from '../../src/phone/start-phone.ts'
import { AnsweringPhone } from '../support/answering-phone.ts'
import { readWav, shareWith, sine } from '../support/hear.ts'
import { readMp3 } from '../support/hear-mp3.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { freePort, removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'
import { writeWav } from '../support/stage.ts'

type Fields = Readonly<Record<string, string>>

const credentials = { app_id: 'DESK', access_token: 'desk-token-desk-token' }
/** Where neither a voice nor music is loud. */
const [annHz, bobHz] = [2100, 2700]

/** A program against a server with real telephones, block by block, as a client library would. */
describe('a Hoiio application of a server with telephones', () => {
  let server: ServerProcess
  let program: Receiver
  let busy: AnsweringPhone
  let taken = 0
  let sipPort: number
  let config: string
  const phones: RunningPhone[] = []

  beforeAll(async () => {
    program = await startReceiver({ answer: (_request, response) => void response.writeHead(200).end() })
    sipPort = await freePort('127.0.0.1')
    config = `
log: { level: warn }
media: { workers: 1 }
tenants:
  acme:
    extensions: { "137": { password: "secret-of-137" }, "138": { password: "secret-of-138" } }
    numbers: { "6000": { app: desk } }
    apps:
      desk: { dialect: hoiio, appId: DESK, accessToken: desk-token-desk-token, notifyUrl: "${program.url}/in" }
`
    server = await startServer({ config, sipPort })
    busy = await AnsweringPhone.open({ address: '127.0.0.1', port: sipPort })
    await busy.register('137')
  }, 120_000)

  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await busy?.close()
    await program?.close()
    await server?.stop()
    if (server) await removeFolder(server)
  })

  async function ask(path: string, parameters: Fields): Promise<Fields> {
    const body = new URLSearchParams({ ...credentials, ...parameters })
    const response = await fetch(`${server.httpUrl}/open/${path}`, { method: 'POST', body })
    expect(response.status).toBe(200)
    return (await response.json()) as Fields
  }

  /** The next notification, which is of one session at a time here. */
  async function told(): Promise<{ readonly path: string; readonly fields: Fields }> {
    await program.has(++taken)
    const { path = '', body = '' } = program.received[taken - 1] ?? {}
    return { path, fields: Object.fromEntries(new URLSearchParams(body)) }
  }

  const notify = (state: string): string => `${program.url}/next?app_state=${state}`

  /** Somebody calls, says its tone, and presses. Resolves with its ear once the program is told, at the path it expects. */
  async function callIn(
    hz: number | null,
    press: string,
    expected = '/in',
  ): Promise<{ phone: RunningPhone; over: Promise<unknown>; fields: Fields }> {
    const at = { address: '127.0.0.1', port: server.sipPort, protocol: 'udp' as const }
    const phone = await startPhone({ server: at, maxSeconds: 90 })
    phones.push(phone)
    const file = hz === null ? null : join(server.folder, `${hz}.wav`)
    if (file && hz !== null) await writeWav(file, sine(hz, 60_000))
    const speak = await phone.speech({ text: null, language: 'en', file })
    const over = phone.call({ server: at, number: '6000', maxSeconds: 80, speak, press: parsePressScript(press) })
    const { path, fields } = await told()
    expect(path).toBe(expected)
    expect(fields).toEqual({
      session: expect.any(String),
      txn_ref: expect.any(String),
      call_state: 'ringing',
      ivr_block: 'answer',
      from: expect.any(String),
      to: '6000',
    })
    return { phone, over, fields }
  }

  it('steers an incoming call from its first ringing into a room where somebody waits', {
    timeout: 120_000,
  }, async () => {
    const bob = await callIn(bobHz, '')
    const bobSession = bob.fields['session'] ?? ''
    // He listens before he speaks.
    await ask('ivr/middle/play', { session: bobSession, msg: 'Please wait.', notify_url: notify('wait') })
    expect((await told()).fields).toMatchObject({ session: bobSession, ivr_block: 'play' })
    await ask('ivr/middle/gather', { session: bobSession, timeout: '2', notify_url: notify('quiet') })
    expect((await told()).fields).toMatchObject({ session: bobSession, ivr_block: 'gather' })
    const room = await ask('ivr/end/transfer', { session: bobSession, dest: 'room:R1' })
    expect(room).toEqual({ status: 'success_ok', room: 'R1' })

    const ann = await callIn(annHz, '!')
    const { session = '', txn_ref = '', from = '' } = ann.fields
    const standing = { session, txn_ref, from, to: '6000' }
    const block = async (path: string, parameters: Fields): Promise<Fields> => {
      expect(await ask(path, { session, ...parameters })).toEqual({ status: 'success_ok' })
      return (await told()).fields
    }
    expect(await block('ivr/middle/play', { msg: 'Welcome.', notify_url: notify('play'), tag: 'T' })).toEqual({
      ...standing,
      call_state: 'ongoing',
      ivr_block: 'play',
      tag: 'T',
      app_state: 'play',
    })
    expect(
      await block('ivr/middle/gather', { msg: 'Press.', timeout: '1', attempts: '2', notify_url: notify('gather') }),
    ).toEqual({ ...standing, call_state: 'ongoing', ivr_block: 'gather', digits: '', app_state: 'gather' })
    const recorded = await block('ivr/middle/record', { max_duration: '1', notify_url: notify('record') })
    expect(recorded).toEqual({
      ...standing,
      call_state: 'ongoing',
      ivr_block: 'record',
      record_url: expect.stringContaining('/open/recording/'),
      app_state: 'record',
    })
    const said = await recordingOf(recorded['record_url'])
    for (const [own = new Int16Array(), ...others] of [said.wav, said.mp3]) {
      expect(others).toEqual([])
      expect(shareWith(own, annHz, 8000, -30) * (own.length / 8000)).toBeGreaterThan(0.5)
    }

    expect(await block('ivr/middle/monitor', { notify_url: notify('monitor') })).toEqual({
      ...standing,
      call_state: 'ongoing',
      ivr_block: 'monitor',
      app_state: 'monitor',
    })
    busy.manner = 'busy'
    const transfer = { dest: '137', on_failure: 'continue', notify_url: notify('transfer') }
    expect(await block('ivr/end/transfer', transfer)).toEqual({
      ...standing,
      call_state: 'ongoing',
      ivr_block: 'transfer',
      transfer_status: 'busy',
      app_state: 'transfer',
    })
    expect(await block('ivr/middle/gather', { timeout: '1', notify_url: notify('again') })).toMatchObject({
      digits: '',
    })
    expect(await ask('ivr/end/transfer', { session, dest: 'room:R1', notify_url: notify('room') })).toEqual(room)
    await heardFor(ann.phone, bobHz, 1)
    await heardFor(bob.phone, annHz, 1)

    expect(await ask('ivr/end/hangup', { session, notify_url: notify('hangup'), tag: 'H' })).toEqual({
      status: 'success_ok',
    })
    const billing = {
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
      duration: '1',
      currency: 'SGD',
      rate: '0.000',
      debit: '0.000',
    }
    const [ended, file] = [await told(), await told()]
    expect(ended.fields).toEqual({
      ...standing,
      ...billing,
      call_state: 'ended',
      ivr_block: 'hangup',
      tag: 'H',
      transfer_status: 'answered',
      app_state: 'hangup',
    })
    expect(file.fields).toEqual({
      ...standing,
      ...billing,
      call_state: 'ended',
      ivr_block: 'monitor',
      monitor_url: expect.stringContaining('/open/recording/'),
      app_state: 'monitor',
    })
    expect(await ann.over).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    const whole = await recordingOf(file.fields['monitor_url'])
    for (const [own = new Int16Array(), others = new Int16Array()] of [whole.wav, whole.mp3]) {
      expect(shareWith(own, annHz, 8000, -30) * (own.length / 8000)).toBeGreaterThan(1)
      expect(shareWith(others, bobHz, 8000, -30) * (others.length / 8000)).toBeGreaterThan(0.5)
    }

    // Bob's last step had no notify_url: its end is told to the address that was known before.
    expect(await ask('voice/hangup', { txn_ref: bob.fields['txn_ref'] ?? '' })).toEqual({ status: 'success_ok' })
    expect((await told()).fields).toMatchObject({ session: bobSession, call_state: 'ended' })
    await bob.over
  })

  it('takes keys, without the hash', { timeout: 60_000 }, async () => {
    const caller = await callIn(null, '12#')
    const { session = '' } = caller.fields
    await ask('ivr/middle/gather', { session, msg: 'Your number, please.', timeout: '10', notify_url: notify('keys') })
    expect((await told()).fields).toMatchObject({ digits: '12', call_state: 'ongoing' })
    await ask('ivr/end/hangup', { session, notify_url: notify('bye') })
    expect((await told()).fields).toMatchObject({ call_state: 'ended', ivr_block: 'hangup' })
    await caller.over
  })

  it('dials: answered, busy, failed, and given up while it rings', { timeout: 60_000 }, async () => {
    const dial = async (dest: string): Promise<Fields> => {
      const answer = await ask('ivr/start/dial', { dest, notify_url: notify('dial') })
      expect(answer).toMatchObject({ status: 'success_ok' })
      return answer
    }
    busy.manner = 'answer'
    const { session = '' } = await dial('137')
    expect((await told()).fields).toMatchObject({
      session,
      call_state: 'ongoing',
      dial_status: 'answered',
      dest: '137',
    })
    await ask('ivr/end/hangup', { session, notify_url: notify('bye') })
    expect((await told()).fields).toMatchObject({ session, call_state: 'ended', duration: '1' })

    busy.manner = 'busy'
    await dial('137')
    expect((await told()).fields).toMatchObject({ call_state: 'ended', dial_status: 'busy', duration: '0' })

    await dial('138')
    expect((await told()).fields).toMatchObject({ call_state: 'ended', dial_status: 'failed' })

    busy.manner = 'ring'
    const ringing = await dial('137')
    await ask('ivr/end/hangup', { session: ringing['session'] ?? '', notify_url: notify('give-up') })
    expect((await told()).fields).toMatchObject({ call_state: 'ended', dial_status: 'unanswered' })
  })

  it('tells calls to a number elsewhere once it is forwarded there, also after a restart', {
    timeout: 240_000,
  }, async () => {
    const hangUp = async ({ fields, over }: Awaited<ReturnType<typeof callIn>>): Promise<void> => {
      await ask('ivr/end/hangup', { session: fields['session'] ?? '', notify_url: notify('bye') })
      await told()
      await over
    }
    const forward = { number: '6000', forward_to: `${program.url}/moved` }
    expect(await ask('number/update_forwarding', forward)).toEqual({ status: 'success_ok' })
    await hangUp(await callIn(null, '!', '/moved'))
    await server.stop()
    server = await startServer({ config, sipPort, folder: server.folder })
    await hangUp(await callIn(null, '!', '/moved'))
    expect(await ask('number/update_forwarding', { number: '6000' })).toEqual({ status: 'success_ok' })
    await hangUp(await callIn(null, '!', '/in'))
  })

  it('is told the end of a session by the next server when this one is killed', { timeout: 60_000 }, async () => {
    const caller = await callIn(null, '!')
    const { session = '', txn_ref = '' } = caller.fields
    await ask('ivr/middle/gather', { session, timeout: '60', notify_url: notify('killed'), tag: 'K' })
    await expect.poll(async () => (await ask('voice/query_status', { txn_ref }))['call_status_dest1']).toBe('ongoing')
    await server.kill()
    server = await startServer({ config, sipPort, folder: server.folder })
    expect((await told()).fields).toMatchObject({
      session,
      txn_ref,
      call_state: 'ended',
      currency: 'SGD',
      debit: '0.000',
    })
    expect(await ask('voice/query_status', { txn_ref })).toMatchObject({ debit: '0.000' })
  })

  /** The channels of a published link, as mp3 and as WAV. */
  async function recordingOf(url = ''): Promise<Readonly<Record<'mp3' | 'wav', readonly Int16Array[]>>> {
    expect(url).toMatch(/\/open\/recording\/rec_[0-9a-z]+-[0-9a-f]{32}\.mp3$/)
    const load = async (path: string, type: string): Promise<Uint8Array> => {
      const answer = await fetch(`${server.httpUrl}${path}`)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type])
      return new Uint8Array(await answer.arrayBuffer())
    }
    const { pathname } = new URL(url)
    return {
      mp3: (await readMp3(await load(pathname, 'audio/mpeg'))).channels,
      wav: readWav(await load(pathname.replace(/mp3$/, 'wav'), 'audio/wav')).channels,
    }
  }

  /** Waits until a phone has heard so many seconds of a tone: a busy machine is slow. */
  async function heardFor(phone: RunningPhone, hz: number, seconds: number): Promise<void> {
    await expect
      .poll(() => shareWith(phone.ear.heard(), hz, 8000, -30) * (phone.ear.heard().length / 8000), {
        timeout: 30_000,
        interval: 200,
      })
      .toBeGreaterThan(seconds)
  }
})
