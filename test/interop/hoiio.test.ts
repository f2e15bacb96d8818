import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { frequenciesIn, hears, readWav, shareWith, sine } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { troubles } from '../support/server-watch.ts'
import { writeWav } from '../support/stage.ts'
import { tonesIn } from '../support/stage-tones.ts'
import { trunkAddress } from '../support/stage-two-sided.ts'
import { Baresip } from './support/baresip.ts'
import { Capture } from './support/capture.ts'
import { HoiioProgram, type HoiioStage, setHoiioStage, type Told } from './support/hoiio-peers.ts'
import { Lines } from './support/lines.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { until } from './support/program.ts'
import { type RunningSipp, runSipp, startSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { sdpOf, step } from './support/sipp-steps.ts'

vi.setConfig({ maxConcurrency: 6, testTimeout: 120_000 })

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** What the telephones say. */
const hz = { first: 330, second: 1340, third: 1840, fourth: 1140 } as const
/** What the program plays, and how long each lasts. */
const playedTones: ReadonlyMap<number, number> = new Map([440, 540, 640, 740].map((one) => [one, 800]))

/** Notifications of a session: what each of them has that is its own. */
const common = (told: Told | undefined) => ({ session: told?.fields['session'], txn_ref: told?.fields['txn_ref'] })
const bill = {
  date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) as string,
  duration: expect.stringMatching(/^[01]$/) as string,
  currency: 'SGD',
}
const free = { ...bill, rate: '0.000', debit: '0.000' }

describeAtOnceWith(['sipp', 'baresip', 'tshark', 'python3'], 'a Hoiio application in Python', () => {
  const ports = new PeerPorts(28_400)
  const lines = new Lines(ports)
  let program: HoiioProgram
  let stage: HoiioStage

  beforeAll(async () => {
    for (const name of ['busy', 'answers', 'taken', 'rings', 'missing', 'leaves']) {
      await lines.add(name, { health: 0, callerId: '+6560000001' })
    }
    program = await HoiioProgram.start(lines.get('busy').number)
    const { trunks, outbound } = lines
    stage = await setHoiioStage({ program, sipPort: await ports.take(), trunks, outbound })
  })

  afterAll(async () => {
    expect(troubles(stage.server).filter((line) => !line.includes('an event was given up'))).toEqual([])
    // Digits may be PINs.
    expect(stage.server.output()).not.toMatch(/digits/)
    program.close()
    await stage.server.stop()
    await removeFolder(stage.server)
  })

  /** A registered telephone that says its own tone. */
  async function phone(extension: string, tone: number): Promise<Baresip> {
    const speaks = join(stage.folder, `tone-${tone}.wav`)
    await writeWav(speaks, sine(tone, 60_000))
    const place = { folder: stage.folder, serverPort: stage.server.sipPort, port: await ports.take() }
    const name = `phone-${extension}-${place.port}`
    const one = await Baresip.start({ ...place, name, extension, password: `secret-of-${extension}`, speaks })
    await one.saw('200 OK (Switchhook')
    return one
  }

  /** Who is behind a line. */
  function behind(name: string, steps: readonly string[]): Promise<RunningSipp> {
    const { port } = lines.get(name)
    const place = { folder: stage.folder, serverPort: stage.server.sipPort, port, address: trunkAddress }
    return startSipp({ ...place, name: `callee-${name}`, number: 'callee', steps: [...steps, callee.end] })
  }

  const incoming = (from: string, since: number): Promise<Told> =>
    program.toldThat(
      ({ at, fields }) => at >= since && fields['call_state'] === 'ringing' && fields['from'] === from,
      `a call of ${from}`,
    )

  async function sound(url: string | undefined): Promise<ReturnType<typeof readWav>> {
    const wav = new URL(url ?? '').pathname.replace(/\.mp3$/, '.wav')
    const response = await fetch(`${stage.server.httpUrl}${wav}`)
    expect(response.status, url).toBe(200)
    return readWav(new Uint8Array(await response.arrayBuffer()))
  }

  it('leads one session through all blocks, and is told every step field by field', async () => {
    const since = Date.now()
    const phones = await Promise.all([
      phone('101', hz.first),
      phone('102', hz.second),
      phone('103', hz.third),
      phone('104', hz.fourth),
    ])
    const [caller, inRoom, stranger, companion] = phones
    try {
      inRoom.dial('7001')
      stranger.dial('7002')
      companion.dial('7002')
      const waiting = await incoming('102', since)
      const elsewhere = await incoming('103', since)
      const joined = await program.askedFor(waiting.fields['session'] ?? '', 'ivr/end/transfer')
      expect(joined.answer).toEqual({ status: 'success_ok', room: 'R1' })
      await program.askedFor(elsewhere.fields['session'] ?? '', 'ivr/end/transfer')

      const busy = await behind('busy', [callee.invite(), callee.refuse('486 Busy Here')])
      caller.dial('7000')
      const first = await incoming('101', since)
      const { session = '', txn_ref: reference = '' } = first.fields
      await program.askedFor(session, 'ivr/middle/gather')
      for (const key of ['1', '2', '3', '#']) {
        await pause(300)
        await caller.press(key)
      }
      await program.askedFor(session, 'ivr/middle/gather', 2)
      await pause(500)
      await caller.press('7')
      await program.askedFor(session, 'ivr/end/transfer', 2)
      // They talk.
      await pause(3500)
      const bye = { session, notify_url: `${program.url}/desk?app_state=bye`, tag: 'tag bye' }
      expect(await program.ask('desk', 'ivr/end/hangup', bye)).toEqual({ status: 'success_ok' })
      await caller.saw('CALL_CLOSED')
      const last = await program.toldThat(
        ({ fields }) => fields['session'] === session && fields['monitor_url'] !== undefined,
        'the end of the monitored call',
      )
      expect((await busy.ended).code).toBe(0)

      const told = program.told(session)
      const always = { ...common(first), from: '101', to: '7000' }
      const ongoing = (block: string, state: string) => {
        return { ...always, call_state: 'ongoing', ivr_block: block, tag: `tag ${state}`, app_state: state }
      }
      expect(told.map(({ fields }) => fields)).toEqual([
        { ...always, call_state: 'ringing', ivr_block: 'answer' },
        ongoing('play', 'played'),
        { ...ongoing('gather', 'keyed'), digits: '123' },
        { ...ongoing('record', 'recorded'), record_url: expect.stringContaining('http://127.0.0.1:8080/') as string },
        ongoing('monitor', 'monitored'),
        { ...ongoing('transfer', 'transferred'), transfer_status: 'busy' },
        { ...ongoing('gather', 'again'), digits: '7' },
        { ...ongoing('hangup', 'bye'), call_state: 'ended', transfer_status: 'answered', ...free },
        {
          ...ongoing('monitor', 'file'),
          tag: 'tag monitored',
          call_state: 'ended',
          monitor_url: expect.stringContaining('http://127.0.0.1:8080/') as string,
          ...free,
        },
      ])
      expect(session).toMatch(/^S[a-z0-9]{16}$/)
      expect(reference).toMatch(/^TX-[a-z0-9]{16}$/)
      for (const { method, type, path, fields } of told) {
        expect([method, type]).toEqual(['POST', 'application/x-www-form-urlencoded'])
        expect(path).toBe(fields['app_state'] === undefined ? '/desk' : `/desk?app_state=${fields['app_state']}`)
      }

      // What was said, and heard.
      const recorded = await sound(told.find(({ fields }) => fields['record_url'])?.fields['record_url'])
      const [said = new Int16Array(), ...others] = recorded.channels
      expect(others).toHaveLength(0)
      expect(said.length / 8000).toBeGreaterThan(1.8)
      expect(said.length / 8000).toBeLessThan(2.2)
      expect(shareWith(said, hz.first)).toBeGreaterThan(0.8)
      const monitored = await sound(last.fields['monitor_url'])
      const [left = new Int16Array(), right = new Int16Array()] = monitored.channels
      expect(monitored.channels).toHaveLength(2)
      expect(shareWith(left, hz.first)).toBeGreaterThan(0.7)
      expect(shareWith(left, hz.second)).toBeLessThan(0.05)
      const talk = 3 * 8000
      expect(hears(right.subarray(-talk), [hz.second])).toBe(true)
      expect(shareWith(right, hz.first)).toBeLessThan(0.05)

      const { items: rooms } = (await stage.server.get('/api/v1/live/rooms')) as {
        items: readonly { members: unknown[] }[]
      }
      expect(rooms.map(({ members }) => members.length).toSorted()).toEqual([1, 2])
      for (const one of [stranger, companion, inRoom]) {
        one.command('hangup')
        await one.saw('CALL_CLOSED')
      }
      const heard = await caller.heard()
      expect(tonesIn(heard, playedTones)).toEqual([440, 540, 640, 740])
      expect(shareWith(await inRoom.heard(), hz.first)).toBeGreaterThan(0.05)
      // A room of the same name is another application's own.
      for (const [ears, partner, others] of [
        [heard, hz.second, [hz.third, hz.fourth]],
        [await stranger.heard(), hz.fourth, [hz.first, hz.second]],
      ] as const) {
        const end = ears.subarray(-2 * 8000)
        expect(hears(end, [partner])).toBe(true)
        // What stands out there: gaps of a busy machine splatter a little, a voice would stand out as much as the partner's.
        const loud = frequenciesIn(end, 8000, { withinDb: 12 }).map((one) => one.hz)
        expect(loud.filter((one) => others.some((other) => Math.abs(one - other) < 40))).toEqual([])
      }
      const leaving = await program.toldThat(
        ({ fields }) => fields['session'] === waiting.fields['session'] && fields['call_state'] === 'ended',
        'the end of who was in the room',
      )
      expect(leaving.fields).toEqual({
        ...common(waiting),
        from: '102',
        to: '7001',
        call_state: 'ended',
        ivr_block: 'transfer',
        tag: 'tag joined',
        app_state: 'joined',
        transfer_status: 'answered',
        ...free,
      })
    } finally {
      for (const one of phones) await one.stop()
    }
  })

  it('dials: answered, said something, and hung up', async () => {
    const { port, number } = lines.get('answers')
    const capture = await Capture.start(stage.folder, 'dialled', `udp portrange ${port}-${port + 7}`)
    const takes = [callee.invite(), callee.respond('180 Ringing'), step.pause(500)]
    const talks = [callee.respond('200 OK', { sdp: sdpOf() }), callee.received('ACK'), callee.byeReceived()]
    const far = await behind('answers', [...takes, ...talks])
    const notify_url = `${program.url}/desk?app_state=dialled`
    const msg = `<url>${program.url}/tone/440/800.wav</url>`
    const answer = await program.ask('desk', 'ivr/start/dial', { dest: number, notify_url, msg, tag: 'tag dialled' })
    expect(answer).toEqual({
      status: 'success_ok',
      session: expect.stringMatching(/^S[a-z0-9]{16}$/) as string,
      txn_ref: expect.stringMatching(/^TX-[a-z0-9]{16}$/) as string,
    })
    const { session = '', txn_ref = '' } = answer
    const over = await program.toldThat(
      ({ fields }) => fields['session'] === session && fields['call_state'] === 'ended',
      'its end',
    )
    expect((await far.ended).code).toBe(0)
    await capture.stop()
    const always = { session, txn_ref, dest: number }
    const ongoing = { ...always, call_state: 'ongoing' }
    expect(program.told(session).map(({ fields }) => fields)).toEqual([
      { ...ongoing, ivr_block: 'dial', tag: 'tag dialled', app_state: 'dialled', dial_status: 'answered' },
      { ...ongoing, ivr_block: 'play', tag: 'tag said', app_state: 'said' },
      {
        ...always,
        call_state: 'ended',
        ivr_block: 'hangup',
        tag: 'tag bye',
        app_state: 'bye',
        ...bill,
        duration: '1',
        rate: '0.020',
        debit: '0.020',
      },
    ])
    expect(over.fields['date']).toBeDefined()
    expect(tonesIn(await capture.audioTo(port), playedTones)).toEqual([440, 640])
  })

  it.each([
    ['taken', [callee.invite(), callee.refuse('486 Busy Here')], 'busy'],
    ['missing', [callee.invite(), callee.refuse('404 Not Found')], 'failed'],
    ['rings', [callee.invite(), callee.respond('180 Ringing'), callee.cancelReceived(49_000)], 'unanswered'],
  ] as const)('dials one who is %s, and is told so once', async (line, steps, status) => {
    const far = await behind(line, steps)
    const notify_url = `${program.url}/desk?app_state=over`
    const { number: dest } = lines.get(line)
    const answer = await program.ask('desk', 'ivr/start/dial', { dest, notify_url, tag: line, msg: 'Never heard' })
    const { status: asked, session = '', txn_ref = '' } = answer
    expect(asked).toBe('success_ok')
    const isItsOwn = ({ fields }: Told): boolean => fields['session'] === session
    await program.toldThat(isItsOwn, `the end of ${session}`, 60_000)
    expect((await far.ended).code).toBe(0)
    const end = { call_state: 'ended', ivr_block: 'dial', tag: line, app_state: 'over' }
    const unpaid = { ...bill, duration: '0', rate: '0.020', debit: '0.000' }
    expect(program.told(session).map(({ fields }) => fields)).toEqual([
      { session, txn_ref, dest, ...end, dial_status: status, ...unpaid },
    ])
  })

  /** A caller by sipp that is answered and hears what it hears, until it is hung up. */
  async function call(name: string, number: string, steps: readonly string[]) {
    const port = await ports.take()
    const capture = await Capture.start(stage.folder, name, `udp portrange ${port}-${port + 7}`)
    const place = { folder: stage.folder, serverPort: stage.server.sipPort, port }
    const result = await runSipp({ ...place, name, number, steps })
    await capture.stop()
    expect(result.code, `${result.log}\n${stage.server.output().slice(-4000)}`).toBe(0)
    return tonesIn(await capture.audioTo(port), playedTones)
  }

  it('a notify_url that hangs delays neither the call nor what others of its host are told', async () => {
    const rings = [step.invite(), step.response(180), step.pause(6000)]
    const cancel = { method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' } as const
    const givesUp = [step.request(cancel), step.only(200), step.only(487), step.ackRefusal()]
    // More than would have a place at once, each with a session of its own.
    const sick = Array.from({ length: 12 }, async (_, i) => call(`sick${i}`, '7003', [...rings, ...givesUp]))
    await program.toldThat(({ path }) => path.startsWith('/hang'), 'the first that hangs')
    await pause(1500)
    const since = Date.now()
    // Its first block is told to an address that hangs; the next one is asked for meanwhile, and heard.
    const hanging = call('late', '7004', [step.invite(), step.response(200), step.ack(), step.pause(4500), step.bye(2)])
    const first = await incoming('late', since)
    expect(first.at - since).toBeLessThan(2500)
    const { session = '' } = first.fields
    const second = await program.toldThat(
      ({ fields, path }) => fields['session'] === session && path.startsWith('/hang'),
      'what hangs',
    )
    expect(second.fields).toMatchObject({ ivr_block: 'play', app_state: 'lost', call_state: 'ongoing' })
    const asked = await program.askedFor(session, 'ivr/middle/play', 2)
    expect(asked.answer).toEqual({ status: 'success_ok' })
    expect(await hanging).toEqual([440, 540])
    await Promise.all(sick)
    // Behind what was given up after ten seconds, its order kept.
    const rest = await program.toldThat(
      ({ fields }) => fields['session'] === session && fields['call_state'] === 'ended',
      'its end',
    )
    expect(program.told(session).map(({ fields }) => [fields['app_state'], fields['call_state']])).toEqual([
      [undefined, 'ringing'],
      ['lost', 'ongoing'],
      ['late', 'ongoing'],
      ['late', 'ended'],
    ])
    expect(rest.at - second.at).toBeGreaterThan(9000)
  })

  it('no application sees, steers or guesses what is another’s', async () => {
    const far = await behind('leaves', [
      callee.invite(),
      callee.respond('200 OK', { sdp: sdpOf() }),
      callee.received('ACK'),
      callee.byeReceived(),
    ])
    const notify_url = `${program.url}/quiet`
    const dial = { dest: lines.get('leaves').number, notify_url }
    const { session = '', txn_ref = '' } = await program.ask('desk', 'ivr/start/dial', dial)
    await program.toldThat(({ fields }) => fields['session'] === session, 'that it is answered')
    const record = { session, notify_url, max_duration: '1' }
    expect(await program.ask('desk', 'ivr/middle/record', record)).toEqual({ status: 'success_ok' })
    const isRecorded = ({ fields }: Told): boolean => fields['session'] === session && 'record_url' in fields
    const { fields } = await program.toldThat(isRecorded, 'its recording')

    const refused = async (path: string, parameters: Readonly<Record<string, string>>) =>
      (await program.ask('other', path, parameters))['status']
    const target = { session, notify_url, dest: '+6590000001', max_digits: '1' }
    for (const path of ['play', 'gather', 'record', 'monitor', 'hold', 'unhold'].map((one) => `ivr/middle/${one}`)) {
      expect([path, await refused(path, target)]).toEqual([path, 'error_session_access_denied'])
    }
    for (const path of ['ivr/end/transfer', 'ivr/end/hangup']) {
      expect([path, await refused(path, { ...target, force: 'enabled' })]).toEqual([
        path,
        'error_session_access_denied',
      ])
    }
    const guess = `${session.slice(0, -1)}${session.endsWith('a') ? 'b' : 'a'}`
    expect(await refused('ivr/end/hangup', { session: guess })).toBe('error_invalid_session')
    for (const path of ['voice/query_status', 'voice/hangup']) {
      expect(await refused(path, { txn_ref })).toMatch(/^error_.*(denied|invalid)$/)
    }
    const history = await program.ask('other', 'voice/get_history', {})
    expect(JSON.stringify(history)).not.toContain(txn_ref)
    // Its recording is found by who was given the link, and by nobody who has to guess a single figure of it.
    const { pathname } = new URL(fields['record_url'] ?? '')
    const wav = pathname.replace(/mp3$/, 'wav')
    const open = async (path: string): Promise<number> => (await fetch(`${stage.server.httpUrl}${path}`)).status
    expect(await open(wav)).toBe(200)
    const figure = wav.at(-5) === '0' ? '1' : '0'
    expect(await open(`${wav.slice(0, -5)}${figure}.wav`)).toBe(404)

    expect(await program.ask('desk', 'ivr/end/hangup', { session })).toEqual({ status: 'success_ok' })
    expect((await far.ended).code).toBe(0)
    const isOver = async (): Promise<true | null> =>
      (await program.ask('desk', 'ivr/end/hangup', { session }))['status'] === 'error_session_ended' ? true : null
    await until(isOver, () => 'the session does not end')
    expect(await refused('ivr/end/hangup', { session })).toBe('error_session_access_denied')
  })
})

describeAtOnceWith(['sipp', 'python3'], 'a server that is killed', () => {
  it('owes the end of each session under way, and tells it once when it is back', async () => {
    const ports = new PeerPorts(29_600)
    const lines = new Lines(ports)
    for (const name of ['rings', 'talks']) await lines.add(name, { health: 0, callerId: '+6560000001' })
    const program = await HoiioProgram.start('+6590999999')
    const { trunks, outbound } = lines
    const options = { program, sipPort: await ports.take(), trunks, outbound }
    let stage = await setHoiioStage(options)
    const far: RunningSipp[] = []
    try {
      const place = { folder: stage.folder, serverPort: stage.server.sipPort }
      const behind = async (name: string, steps: readonly string[]): Promise<string> => {
        const { port, number } = lines.get(name)
        const peer = { ...place, name: `callee-${name}`, number: 'callee', port, address: trunkAddress }
        far.push(await startSipp({ ...peer, steps: [...steps, step.pause(40_000)] }))
        return number
      }
      const rings = await behind('rings', [callee.invite(), callee.respond('180 Ringing')])
      const talks = await behind('talks', [
        callee.invite(),
        callee.respond('200 OK', { sdp: sdpOf() }),
        callee.received('ACK'),
      ])
      const answered = [step.invite(), step.response(200), step.ack(), step.pause(40_000)]
      far.push(
        await startSipp({ ...place, name: 'gathers', number: '7000', port: await ports.take(), steps: answered }),
      )
      const notify_url = `${program.url}/desk?app_state=cut`
      const dialled = await program.ask('desk', 'ivr/start/dial', { dest: rings, notify_url })
      const recorded = await program.ask('desk', 'ivr/start/dial', { dest: talks, notify_url })
      await program.toldThat(({ fields }) => fields['session'] === recorded['session'], 'that one has answered')
      await program.ask('desk', 'ivr/middle/record', { session: recorded['session'] ?? '', notify_url })
      const gathers = await program.toldThat(({ fields }) => fields['from'] === 'gathers', 'the call')
      await program.askedFor(gathers.fields['session'] ?? '', 'ivr/middle/gather')
      await pause(2500)
      await stage.server.kill()
      stage = await setHoiioStage({ ...options, folder: stage.folder })
      const sessions = [dialled['session'], recorded['session'], gathers.fields['session']]
      const ends = await Promise.all(
        sessions.map((session) =>
          program.toldThat(({ fields }) => fields['session'] === session && fields['call_state'] === 'ended', 'an end'),
        ),
      )
      expect(ends.map(({ fields }) => [fields['ivr_block'], fields['dial_status']])).toEqual([
        ['dial', 'failed'],
        ['record', undefined],
        ['gather', undefined],
      ])
      for (const { fields } of ends) expect(fields).toMatchObject(bill)
      const wav = new URL(ends[1]?.fields['record_url'] ?? '').pathname.replace(/\.mp3$/, '.wav')
      const response = await fetch(`${stage.server.httpUrl}${wav}`)
      const { channels } = readWav(new Uint8Array(await response.arrayBuffer()))
      expect((channels[0]?.length ?? 0) / 8000).toBeGreaterThan(1)
      // Again, and nothing is owed any more.
      await stage.server.kill()
      stage = await setHoiioStage({ ...options, folder: stage.folder })
      await pause(2000)
      const told = sessions.map((session) =>
        program.told(session).filter(({ fields }) => fields['call_state'] === 'ended'),
      )
      expect(told.map(({ length }) => length)).toEqual([1, 1, 1])
    } finally {
      for (const one of far) one.kill()
      program.close()
      await stage.server.stop()
      await removeFolder(stage.server)
    }
  })
})
