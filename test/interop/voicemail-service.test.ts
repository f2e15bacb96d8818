import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { connect as connectSecurely } from 'node:tls'
import { SMTPServer } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'
import { readWav, shareWith, sine } from '../support/hear.ts'
import { freePort, removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'
import { metricsOf } from '../support/server-watch.ts'
import { writeMulaw, writeWav } from '../support/stage.ts'
import { voicemailSample } from '../support/voicemail-stage.ts'
import { describeWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { startProgram, until } from './support/program.ts'
import { readSippMessages, sipOffset } from './support/sipp.ts'

const ports = new PeerPorts(25_200)
const callerHz = 1110
/** Each takes as many pairs as it has callers. */
const mediaPorts = { short: 13_000, long: 14_000 } as const
const nodeKey = 'a-long-enough-node-key'
const tlsFolder = resolve('test/fixtures/tls')

interface Message {
  readonly id: string
  readonly from: string
  readonly durationSeconds: number
  readonly voice: string
  readonly audio: string
}

/** One call that leaves a message: a tone for `talkMs`, then it hangs up. Its caller's name holds its number. */
function leavingScenario(name: string, tone: string, talkMs: number): string {
  const via = 'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport'
  const from = `From: <sip:${name}-[call_number]@[local_ip]:[local_port]>;tag=[call_number]`
  const target = 'sip:[service]@[remote_ip]:[remote_port]'
  const head = (method: string, cseq: number, uri: string, to: string) =>
    [
      `${method} ${uri} SIP/2.0`,
      via,
      from,
      to,
      'Call-ID: [call_id]',
      `CSeq: ${cseq} ${method}`,
      'Max-Forwards: 70',
    ].join('\n')
  const sdp = [
    'v=0',
    'o=sipp 1 1 IN IP4 [local_ip]',
    's=-',
    'c=IN IP4 [media_ip]',
    't=0 0',
    'm=audio [rtpstream_audio_port] RTP/AVP 0',
    'a=rtpmap:0 PCMU/8000',
  ].join('\n')
  const contact = 'Contact: <sip:sipp@[local_ip]:[local_port]>'
  const invite = `${head('INVITE', 1, target, `To: <${target}>`)}\n${contact}\nContent-Type: application/sdp\nContent-Length: [len]\n\n${sdp}`
  const inDialog = (method: string, cseq: number) =>
    `${head(method, cseq, '[next_url]', 'To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]')}\nContent-Length: 0\n`
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="${name}">
<send retrans="500"><![CDATA[
${invite}
]]></send>
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
${inDialog('ACK', 1)}
]]></send>
<nop><action><exec rtp_stream="${tone},-1,0"/></action></nop>
<pause milliseconds="${talkMs}"/>
<send retrans="500"><![CDATA[
${inDialog('BYE', 2)}
]]></send>
<recv response="200"/>
</scenario>
`
}

describeWith(['sipp'], 'a hundred callers at once', () => {
  let server: ServerProcess | null = null
  let database: TestDatabase | null = null
  afterEach(async () => {
    await server?.kill()
    if (server) await removeFolder(server)
    await database?.remove()
    server = null
  })

  it.each(databaseKinds)(
    'kill -9 among them: each message is there once and whole, and the counts are right, on %s',
    async (kind) => {
      const folder = await mkdtemp(join(tmpdir(), 'switchhook-hundred-'))
      database = await createTestDatabase(kind)
      await mkdir(join(folder, 'en'))
      for (const name of ['vm-greet-default', 'vm-saved', 'vm-bye']) {
        await writeWav(join(folder, 'en', `${name}.wav`), sine(440, 200))
      }
      const tone = join(folder, 'tone.ulaw')
      await writeMulaw(tone, sine(callerHz, 10_000))
      const tenant = {
        limits: { callsPerSecond: 1000, concurrentCalls: 200 },
        extensions: { 101: { password: 'secret-of-101', mailbox: { language: 'eng', max: 1000, record: 120 } } },
        numbers: { 1100: { app: 'leave' } },
        apps: { leave: { dialect: 'voicemail', flow: 'leaving', mailbox: '101' } },
        recordings: { en: join(folder, 'en') },
      }
      const config = [
        'media: { workers: 1 }',
        'rtp: { portRange: "10000-12999" }',
        'speech: { engine: none }',
        ...(kind === 'postgres' ? [`database: ${JSON.stringify(database.url)}`] : []),
        `tenants: ${JSON.stringify({ test: tenant })}`,
      ].join('\n')
      const sipPort = await ports.take()
      server = await startServer({ config, folder, sipPort })
      const first = server

      const startCallers = async (name: keyof typeof mediaPorts, calls: number, talkMs: number) => {
        const port = await ports.take()
        const scenario = join(folder, `${name}.xml`)
        await writeFile(scenario, leavingScenario(name, tone, talkMs))
        const args = [`127.0.0.1:${sipPort}`, '-sf', scenario, '-s', '1100', '-m', String(calls), '-l', String(calls)]
        args.push(
          '-r',
          String(Math.ceil(calls / 3)),
          '-i',
          '127.0.0.1',
          '-mi',
          '127.0.0.1',
          '-p',
          String(port + sipOffset),
        )
        args.push('-mp', String(mediaPorts[name]))
        args.push('-nostdin', '-timeout', '55s', '-trace_msg', '-message_file', join(folder, `${name}-messages.log`))
        return startProgram('sipp', args, { cwd: folder, limitMs: 58_000 })
      }
      const isCalm = async () =>
        ((await metricsOf(first)).get('switchhook_main_thread_lateness_ms') ?? 0) < 20 ? true : null
      await until(isCalm, () => 'the server is not calm', 30_000)
      const callers = [await startCallers('short', 40, 7000), await startCallers('long', 60, 50_000)]
      try {
        const messages = async (): Promise<readonly Message[]> => {
          const read = (await server?.get('/api/v1/mailboxes/test/101/messages')) as
            | { items: readonly Message[] }
            | undefined
          return read?.items ?? []
        }
        // In the middle of those that hang up; the others speak on, each for more than a second by now.
        const told = async () => ((await messages()).length >= 5 ? true : null)
        await until(told, () => `no messages come:\n${first.output().slice(-3000)}`, 40_000)
        const before = await messages()
        await first.kill()

        server = await startServer({ config, folder, sipPort })
        // Whom a busy server let in: it refuses those beyond (503), as it should.
        const answered = new Set<string>()
        for (const name of Object.keys(mediaPorts)) {
          for (const { direction, first: line, text } of await readSippMessages(folder, name)) {
            const [, caller] = /^From: <sip:([a-z]+-\d+)@/m.exec(text) ?? []
            if (direction === 'sent' && line.startsWith('ACK') && caller) answered.add(caller)
          }
        }
        expect(answered.size).toBeGreaterThan(60)
        const isWhole = async () => ((await messages()).length >= answered.size - 2 ? true : null)
        const inVain = async () => `${(await messages()).length} of ${answered.size}:\n${server?.output().slice(-3000)}`
        await until(isWhole, () => 'messages are missing', 30_000).catch(async () => {
          throw new Error(await inVain())
        })
        await new Promise((done) => setTimeout(done, 2000))
        const after = await messages()
        const froms = after.map(({ from }) => from)
        expect(new Set(froms).size, 'each caller has one').toBe(froms.length)
        expect(new Set(after.map(({ voice }) => voice)).size).toBe(after.length)
        expect(froms.filter((from) => !answered.has(from))).toEqual([])
        // What was told before the end is there as it was.
        for (const one of before) expect(after).toContainEqual(one)
        let heard = 0
        for (const { from, durationSeconds, audio } of after) {
          const pcm = readWav(await server.download(audio)).channels[0] ?? new Int16Array()
          expect(pcm.length, from).toBeGreaterThanOrEqual(8000)
          expect(Math.abs(pcm.length / 8000 - durationSeconds), from).toBeLessThanOrEqual(1)
          if (shareWith(pcm, callerHz) > 0.8) heard++
        }
        expect(heard, 'the tone is heard in each').toBe(after.length)
        // Nobody spoke for less than a second, except who was let in within the last moments.
        expect(answered.size - after.length).toBeLessThanOrEqual(2)
        expect(await server.get('/api/v1/mailboxes/test/101')).toMatchObject({ unread: after.length, read: 0 })
        const names = await readdir(join(folder, 'data', 'voicemail', 'test'))
        expect(names.filter((name) => name.startsWith('.'))).toEqual([])
        expect(new Set(names)).toEqual(new Set(after.map(({ voice }) => voice)))
      } finally {
        for (const one of callers) one.kill()
      }
    },
    150_000,
  )
})

describe('the voicemail service as it is built', () => {
  let server: ServerProcess | null = null
  const closers: (() => void)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) close()
    await server?.kill()
    if (server) await removeFolder(server)
    server = null
  })

  const configOf = (tcp: number, tls: number, smtp: number) =>
    [
      'rtp: { portRange: "10000-12999" }',
      'speech: { engine: none }',
      'voicemail:',
      `  listen: ["tcp:127.0.0.1:${tcp}", "tls:127.0.0.1:${tls}"]`,
      `  tls: { certificate: "${tlsFolder}/localhost.pem", key: "${tlsFolder}/localhost.key" }`,
      `  nodes: { SBY: { tenant: test, key: ${nodeKey} } }`,
      `  mail: { host: localhost, port: ${smtp}, authority: "${tlsFolder}/localhost.pem", from: "Voicemail <vm@test.example>" }`,
      'tenants:',
      '  test:',
      '    countryCode: "62"',
      '    extensions:',
      '      "101": { password: secret-of-101, mailbox: { language: ina, email: owner@test.example } }',
    ].join('\n')

  /** A connection of a node: what it sends, and the lines that come back. */
  function nodeOver(port: number, isSecure: boolean) {
    const ca = isSecure ? readFileSync(join(tlsFolder, 'localhost.pem')) : undefined
    const socket = ca
      ? connectSecurely({ host: '127.0.0.1', port, ca, servername: 'localhost' })
      : connectPlain({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    closers.push(() => socket.destroy())
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const next = async (): Promise<Record<string, unknown>> => {
      const { done, value } = await lines.next()
      return done ? { status: 'closed' } : JSON.parse(value)
    }
    return { socket, next }
  }

  it('answers the published samples over TCP, TLS and HTTP: whole, together, byte by byte, broken and too long', async () => {
    const [tcp, tls] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')]
    server = await startServer({ config: configOf(tcp, tls, 1) })
    const sentAndAnswered: readonly (readonly [string, object])[] = [
      ['initleaving-request.published.txt', { status: 'ok', record_message: 'on', language: 'ina' }],
      ['recmail-request.corrected.json', { status: 'ok' }],
      ['recgreeting-request.published.txt', { status: 'ok' }],
      ['cfglang-request.published.txt', { status: 'ok' }],
      ['getpromo-request.published.txt', { status: 'ok', voice: '' }],
    ]
    for (const owner of ['08182938', '0818123123', '08123456']) {
      const put = await fetch(`${server.httpUrl}/api/v1/mailboxes/test/${owner}`, {
        method: 'PUT',
        headers: { authorization: 'Bearer test-admin-token', 'content-type': 'application/json' },
        body: JSON.stringify({ language: 'id', maxMessages: 50 }),
      })
      expect(put.status).toBe(200)
    }
    for (const isSecure of [false, true]) {
      const { socket, next } = nodeOver(isSecure ? tls : tcp, isSecure)
      socket.write(JSON.stringify({ command: 'AUTH', ivr_name: 'SBY', key: nodeKey }))
      expect(await next()).toEqual({ status: 'ok' })
      for (const [sample, answer] of sentAndAnswered) {
        socket.write(voicemailSample(sample))
        expect(await next(), sample).toMatchObject(answer)
      }
      socket.write(sentAndAnswered.map(([sample]) => voicemailSample(sample)).join('\n'))
      for (const [sample] of sentAndAnswered) expect(await next(), sample).toMatchObject({ status: 'ok' })
      for (const byte of Buffer.from(voicemailSample('initleaving-request.published.txt')))
        socket.write(Uint8Array.of(byte))
      expect(await next()).toMatchObject({ status: 'ok', record: { status: 'on' } })
      socket.write(voicemailSample('recmail-request.published.txt'))
      socket.end()
      expect(await next()).toMatchObject({ status: 'error', reason: 'BAD_JSON' })
      const long = nodeOver(isSecure ? tls : tcp, isSecure)
      long.socket.write(`{"command":"${'x'.repeat(70_000)}`)
      expect(await long.next()).toMatchObject({ status: 'error', reason: 'BAD_JSON' })
      const stranger = nodeOver(isSecure ? tls : tcp, isSecure)
      stranger.socket.write(voicemailSample('initleaving-request.published.txt'))
      expect(await stranger.next()).toMatchObject({ status: 'error', reason: 'UNAUTHORIZED' })
      expect(await stranger.next()).toEqual({ status: 'closed' })
      const wrong = nodeOver(isSecure ? tls : tcp, isSecure)
      wrong.socket.write('{"command":"AUTH","ivr_name":"SBY","key":"a-wrong-node-key"}')
      expect(await wrong.next()).toMatchObject({ status: 'error', reason: 'UNAUTHORIZED' })
    }
    const post = (body: string, key = nodeKey) =>
      fetch(`${server?.httpUrl}/voicemail`, { method: 'POST', body, headers: { authorization: `Bearer ${key}` } })
    for (const [sample, answer] of sentAndAnswered) {
      const reply = await post(voicemailSample(sample))
      expect([reply.status, await reply.json()], sample).toMatchObject([
        200,
        { status: (answer as { status: string }).status },
      ])
    }
    expect((await post(voicemailSample('recmail-request.published.txt'))).status).toBe(400)
    expect((await post(`{"a":"${'x'.repeat(70_000)}"}`)).status).toBeGreaterThanOrEqual(400)
    expect((await post('{}', 'a-wrong-node-key')).status).toBe(401)
  })

  it('sends a message by e-mail once the mail server is there, over a kill -9 too, and keeps what became of it', async () => {
    const [tcp, tls, smtpPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1'), await freePort('127.0.0.1')]
    const config = configOf(tcp, tls, smtpPort)
    server = await startServer({ config })
    const sound = Buffer.alloc(44 + 16_000)
    sound.write('RIFF')
    const authorization = `Bearer ${nodeKey}`
    const put = await fetch(`${server.httpUrl}/voicemail/media/msg_1`, {
      method: 'PUT',
      body: sound,
      headers: { authorization },
    })
    expect(put.status).toBe(200)
    const told = await fetch(`${server.httpUrl}/voicemail`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify({
        command: 'RECMAIL',
        number: { a: '0812\r\nBcc: x@y.example', b: '101', c: '222' },
        deposit: true,
        filename: 'msg_1',
        duration: 1,
      }),
    })
    expect(await told.json()).toEqual({ status: 'ok' })
    // As soon as it is answered, the message is owed.
    await server.kill()

    const mails: { readonly to: string; readonly text: string; readonly isSecure: boolean }[] = []
    const smtp = new SMTPServer({
      authOptional: true,
      disableReverseLookup: true,
      key: readFileSync(join(tlsFolder, 'localhost.key')),
      cert: readFileSync(join(tlsFolder, 'localhost.pem')),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address).join()
          mails.push({ to, text: Buffer.concat(chunks).toString('utf8'), isSecure: session.secure })
          done(null)
        })
      },
    })
    smtp.on('error', () => {})
    await new Promise<void>((done) => smtp.listen(smtpPort, 'localhost', done))
    closers.push(() => smtp.close())
    server = await startServer({ config, folder: server.folder })
    await until(
      async () => (mails.length > 0 ? true : null),
      () => `no mail comes:\n${server?.output().slice(-3000)}`,
      30_000,
    )
    const [mail] = mails
    expect(mail).toMatchObject({ to: 'owner@test.example', isSecure: true })
    expect(mail?.text).toMatch(/^Subject: Pesan suara dari/m)
    expect(mail?.text).not.toMatch(/^Bcc:/m)
    expect(mail?.text).toMatch(/filename=voicemail-\d{8}T\d{6}Z-\w+\.wav/)
    const delivered = async () => {
      const read = (await server?.get('/api/v1/events?kind=voicemail.mail')) as
        | { items: readonly { id: string; state: string }[] }
        | undefined
      return read?.items[0]?.state === 'delivered' ? read.items : null
    }
    const items = await until(delivered, () => `the mail is not seen as delivered:\n${server?.output().slice(-3000)}`)
    expect(items).toHaveLength(1)
    const id = encodeURIComponent(items[0]?.id ?? '')
    const { history } = (await server.get(`/api/v1/events/${id}`)) as { history: readonly { status: number | null }[] }
    expect(history.at(-1)).toMatchObject({ status: 250, problem: null })
    const again = await fetch(`${server.httpUrl}/api/v1/events/${id}/resend`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-admin-token' },
    })
    expect(again.status).toBe(202)
    await until(
      async () => (mails.length > 1 ? true : null),
      () => 'no second mail comes',
    )
  })
})
