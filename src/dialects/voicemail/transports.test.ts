import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { connect as connectSecurely } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeKey, stageVoicemail, type VoicemailStage, voicemailSample } from '../../../test/support/voicemail-stage.ts'
import { silentLogger } from '../../base/log.ts'
import { createHttpServer, type HttpServer } from '../../http/server.ts'
import { mountVoicemail } from './routes.ts'
import { type TcpServerParts, VoicemailTcpServer } from './tcp-server.ts'
import { readSecureContext } from './tls-files.ts'

const tlsFiles = { certificate: 'test/fixtures/tls/localhost.pem', key: 'test/fixtures/tls/localhost.key' }
const init = voicemailSample('initleaving-request.published.txt')

class Client {
  readonly socket: Socket
  readonly closed: Promise<void>
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  constructor(port: number, isSecure: boolean) {
    const ca = isSecure ? readFileSync(tlsFiles.certificate) : undefined
    this.socket = ca
      ? connectSecurely({ host: '127.0.0.1', port, ca, servername: 'localhost' })
      : connect({ host: '127.0.0.1', port })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()))
    this.#reader = createInterface({ input: this.socket })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  async ask(text: string): Promise<Record<string, unknown>> {
    this.socket.write(text)
    return await this.next()
  }

  async next(): Promise<Record<string, unknown>> {
    const line = await this.#lines.next()
    return line.done ? { status: 'closed' } : JSON.parse(line.value)
  }
}

describe('the voicemail service over TCP', () => {
  let stage: VoicemailStage
  let server: VoicemailTcpServer
  let port: number
  const clients: Client[] = []
  const open = (isSecure = false): Client => {
    const client = new Client(port, isSecure)
    clients.push(client)
    return client
  }
  const start = async (addresses: readonly string[], more: Partial<TcpServerParts> = {}): Promise<void> => {
    stage = await stageVoicemail('sqlite', { addresses })
    const { service, nodes, clock } = stage
    server = new VoicemailTcpServer({ service, nodes, clock, log: silentLogger, ...more })
    port = await server.listen('127.0.0.1', 0)
  }
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy()
    await server.close()
    expect(stage.clock.pending).toBe(1) // The store's own heartbeat.
    await stage.close()
  })

  it('answers the published requests, over many lines, in one packet and byte by byte, in their order', async () => {
    await start(['127.0.0.1'])
    const client = open()
    expect(await client.ask(init)).toMatchObject({ status: 'ok', record_message: 'on' })
    const together = [
      voicemailSample('recmail-request.corrected.json'),
      voicemailSample('recgreeting-request.published.txt'),
      voicemailSample('cfglang-request.published.txt'),
      voicemailSample('initretrieve-request.published.txt'),
      voicemailSample('getpromo-request.published.txt'),
      '{"command":"NONE"}',
      '{"command":"INITLEAVING","number":{"a":"1","b":"08182938"},}\n',
    ]
    client.socket.write(together.join(''))
    expect(await client.next()).toMatchObject({ status: 'ok' })
    expect(await client.next()).toMatchObject({ status: 'ok' })
    expect(await client.next()).toEqual({ status: 'ok' })
    expect(await client.next()).toMatchObject({ status: 'ok', access: true })
    expect(await client.next()).toEqual({ status: 'ok', voice: '' })
    expect(await client.next()).toMatchObject({ reason: 'UNKNOWN_COMMAND' })
    expect(await client.next()).toMatchObject({ status: 'ok', mailbox: { total: 1, max: 20 } })
    for (const byte of Buffer.from(init)) client.socket.write(Uint8Array.of(byte))
    expect(await client.next()).toMatchObject({ status: 'ok' })
  })

  it('answers the published RECMAIL, whose brace is missing, with BAD_JSON when nothing more has come, and closes', async () => {
    await start(['127.0.0.1'])
    const client = open()
    expect(await client.ask(init)).toMatchObject({ status: 'ok' })
    await client.ask(`${init}${voicemailSample('recmail-request.published.txt')}`)
    stage.clock.advance(4999)
    stage.clock.advance(1)
    expect(await client.next()).toMatchObject({ status: 'error', reason: 'BAD_JSON' })
    await client.closed
  })

  it('answers what is no JSON with BAD_JSON and closes; quotes that are missing are not guessed', async () => {
    await start(['127.0.0.1'])
    for (const bad of ['GET / HTTP/1.1\r\n\r\n', '{command:"INITLEAVING"}', '[{}]']) {
      const client = open()
      expect(await client.ask(bad), bad).toMatchObject({ status: 'error', reason: 'BAD_JSON' })
    }
    const large = open()
    expect(await large.ask(`{"a":"${'x'.repeat(70_000)}`)).toMatchObject({ reason: 'BAD_JSON' })
    await large.closed
  })

  it('goes on behind an object that is whole but no JSON', async () => {
    await start(['127.0.0.1'])
    const client = open()
    client.socket.write(`{nonsense}${init}`)
    expect(await client.next()).toMatchObject({ reason: 'BAD_JSON' })
    expect(await client.next()).toMatchObject({ status: 'ok' })
  })

  it('answers what was asked before the client closed its half', async () => {
    await start(['127.0.0.1'])
    const client = open()
    client.socket.end(`${init}${init}`)
    expect(await client.next()).toMatchObject({ status: 'ok' })
    expect(await client.next()).toMatchObject({ status: 'ok' })
    await client.closed
  })

  it('closes a connection on which nothing is asked for a minute', async () => {
    await start(['127.0.0.1'])
    const client = open()
    expect(await client.ask(init)).toMatchObject({ status: 'ok' })
    stage.clock.advance(60_000)
    await client.closed
  })

  it('asks a stranger for a key, and believes only the right one', async () => {
    await start(['192.0.2.7'])
    const stranger = open()
    expect(await stranger.ask(init)).toMatchObject({ status: 'error', reason: 'UNAUTHORIZED' })
    await stranger.closed
    const wrong = open()
    expect(await wrong.ask('{"command":"AUTH","ivr_name":"SBY","key":"guess"}')).toMatchObject({
      reason: 'UNAUTHORIZED',
    })
    await wrong.closed
    const right = open()
    expect(await right.ask(JSON.stringify({ command: 'auth', ivr_name: 'SBY', key: nodeKey }))).toEqual({
      status: 'ok',
    })
    expect(await right.ask(init)).toMatchObject({ status: 'ok' })
  })

  it('serves the same over TLS, byte by byte too, and drops who does not shake hands', async () => {
    await start(['127.0.0.1'], { tls: await readSecureContext(tlsFiles) })
    const client = open(true)
    expect(await client.ask(init)).toMatchObject({ status: 'ok', record_message: 'on' })
    for (const byte of Buffer.from(init)) client.socket.write(Uint8Array.of(byte))
    expect(await client.next()).toMatchObject({ status: 'ok' })
    client.socket.end(voicemailSample('recmail-request.corrected.json'))
    expect(await client.next()).toMatchObject({ status: 'ok' })
    await client.closed
    const readable = open()
    readable.socket.write(init)
    await readable.closed
    const silent = open()
    await new Promise((resolve) => silent.socket.once('connect', resolve))
    expect(await open(true).ask(init)).toMatchObject({ status: 'ok' })
    stage.clock.advance(5000)
    await silent.closed
  })

  it('names the file of a certificate or key that cannot be used', async () => {
    await start(['127.0.0.1'])
    const folder = 'test/fixtures/tls'
    const wrong = [
      [{ ...tlsFiles, key: `${folder}/none.key` }, /none\.key cannot be read/],
      [{ ...tlsFiles, key: `${folder}/other.key` }, /other\.key is not the key of the certificate/],
      [{ ...tlsFiles, certificate: `${folder}/README.md` }, /README\.md holds no certificate/],
      [{ ...tlsFiles, key: `${folder}/README.md` }, /README\.md holds no private key/],
    ] as const
    for (const [files, sentence] of wrong) {
      const read = readSecureContext(files)
      await expect(read).rejects.toMatchObject({
        code: 'voicemail.tls-files',
        message: expect.stringMatching(sentence),
      })
    }
  })

  it('does not wait for one who sends an object a byte at a time, nor for a stranger who says nothing', async () => {
    await start(['127.0.0.1'])
    const slow = open()
    slow.socket.write('{')
    expect(await open().ask(init)).toMatchObject({ status: 'ok' })
    for (let at = 0; at < 30_000; at += 3000) {
      slow.socket.write(' ')
      await new Promise((resolve) => setImmediate(resolve))
      stage.clock.advance(3000)
    }
    expect(await slow.next()).toMatchObject({ reason: 'BAD_JSON' })
    await slow.closed
    await server.close()
    await stage.close()

    await start(['192.0.2.7'])
    const stranger = open()
    await new Promise((resolve) => stranger.socket.once('connect', resolve))
    const known = open()
    expect(await known.ask(JSON.stringify({ command: 'AUTH', key: nodeKey }))).toEqual({ status: 'ok' })
    stage.clock.advance(10_000)
    expect(await stranger.next()).toMatchObject({ status: 'error', reason: 'UNAUTHORIZED' })
    await stranger.closed
    expect(await known.ask(init)).toMatchObject({ status: 'ok' })
  })

  it('lets one address take its share of the connections and no more', async () => {
    await start(['127.0.0.1'], { limits: { connectionsPerAddress: 3 } })
    const three = [open(), open(), open()]
    for (const client of three) expect(await client.ask(init)).toMatchObject({ status: 'ok' })
    await open().closed
    three[0]?.socket.destroy()
    await three[1]?.ask(init)
    expect(await open().ask(init)).toMatchObject({ status: 'ok' })
  })

  it('does not look at keys any more after twenty wrong ones, until a minute has passed', async () => {
    await start(['192.0.2.7'])
    for (let index = 0; index < 20; index++) expect(stage.nodes.byKey('guess', '127.0.0.1')).toBeNull()
    expect(stage.nodes.byKey(nodeKey, '127.0.0.1')).toBeNull()
    expect(stage.nodes.byKey(nodeKey, '127.0.0.2')).toMatchObject({ name: 'SBY' })
    stage.clock.advance(60_000)
    expect(stage.nodes.byKey(nodeKey, '127.0.0.1')).toMatchObject({ name: 'SBY', tenant: 'acme' })
  })
})

describe('the voicemail service over HTTP', () => {
  let stage: VoicemailStage
  let http: HttpServer
  const authorization = `Bearer ${nodeKey}`
  const post = (payload: string, headers: Record<string, string> = { authorization }) =>
    http.inject({ method: 'POST', url: '/voicemail', payload, headers: { 'content-type': 'text/plain', ...headers } })
  beforeEach(async () => {
    stage = await stageVoicemail('sqlite', { addresses: ['192.0.2.7'] })
    http = await createHttpServer({ log: silentLogger, version: 'test' })
    await mountVoicemail(http, { ...stage, log: silentLogger })
  })
  afterEach(async () => {
    await http.close()
    await stage.close()
  })

  it('answers the published requests whatever their Content-Type, with 200 for refusals too', async () => {
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
      const answer = await post(init, { authorization, 'content-type': type })
      expect(answer.statusCode, type).toBe(200)
      expect(answer.headers['content-type']).toMatch(/^application\/json/)
      expect(answer.json()).toMatchObject({ status: 'ok', record: { status: 'on' } })
    }
    expect((await post(voicemailSample('cfglang-request.published.txt'))).json()).toEqual({ status: 'ok' })
    const refused = await post('{"command":"INITLEAVING","number":{"a":"1","b":"999"}}')
    expect(refused.statusCode).toBe(200)
    expect(refused.json()).toMatchObject({ status: 'error', reason: 'NO_MAILBOX' })
  })

  it('answers 400 to what is no object, the published RECMAIL among it', async () => {
    for (const bad of [voicemailSample('recmail-request.published.txt'), '', '[]', 'x', init + init]) {
      const answer = await post(bad)
      expect(answer.statusCode, bad).toBe(400)
      expect(answer.json()).toMatchObject({ status: 'error', reason: 'BAD_JSON' })
    }
  })

  it('answers 401 without a key, with a wrong one, and with a wrong one from a listed address', async () => {
    expect((await post(init, {})).statusCode).toBe(401)
    expect((await post(init, { authorization: 'Bearer guess' })).json()).toMatchObject({ reason: 'UNAUTHORIZED' })
    const listed = { method: 'POST', url: '/voicemail', payload: init, remoteAddress: '192.0.2.7' } as const
    expect((await http.inject(listed)).statusCode).toBe(200)
    const wrong = await http.inject({ ...listed, headers: { authorization: 'Bearer guess' } })
    expect(wrong.statusCode).toBe(401)
  })

  it('takes voices and gives them back, and nothing from outside of its folder', async () => {
    const url = '/voicemail/media/msg_12345_54321'
    const payload = Buffer.from('RIFF and more')
    expect((await http.inject({ method: 'PUT', url, payload, headers: { authorization } })).json()).toEqual({
      status: 'ok',
    })
    const got = await http.inject({ method: 'GET', url, headers: { authorization } })
    expect(got.rawPayload.equals(payload)).toBe(true)
    expect((await http.inject({ method: 'GET', url })).statusCode).toBe(401)
    const missing = await http.inject({ method: 'GET', url: '/voicemail/media/none', headers: { authorization } })
    expect(missing.statusCode).toBe(404)
    expect(missing.json()).toMatchObject({ status: 'error', reason: 'NO_FILE' })
    for (const name of ['..%2F..%2Fkeys', '.part-1', 'a..b', '%00', 'x'.repeat(129)]) {
      const put = await http.inject({
        method: 'PUT',
        url: `/voicemail/media/${name}`,
        payload,
        headers: { authorization },
      })
      expect(put.statusCode, name).toBe(400)
    }
  })
})
