import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { TestClock } from '../../../test/support/test-clock.ts'
import type { MailSettings } from '../../config/settings-voicemail.ts'
import type { Mail } from './mail.ts'
import { SmtpSender } from './smtp.ts'

const folder = mkdtempSync(join(tmpdir(), 'switchhook-smtp-'))
const certificate = readFileSync('test/fixtures/tls/localhost.pem', 'utf8')
const key = readFileSync('test/fixtures/tls/localhost.key', 'utf8')
const password = 'correct-horse-battery'

interface Taken {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly isSecure: boolean
}

describe('mail over SMTP', () => {
  const closers: (() => void)[] = []
  const taken: Taken[] = []
  const clock = new TestClock()
  afterEach(() => {
    for (const close of closers.splice(0)) close()
    taken.length = 0
    expect(clock.pending).toBe(0)
  })

  async function serve(options: SMTPServerOptions = {}): Promise<number> {
    const server = new SMTPServer({
      authOptional: true,
      disableReverseLookup: true,
      key,
      cert: certificate,
      onAuth: ({ username, password: given }, _session, done) =>
        username === 'hook' && given === password ? done(null, { user: 'hook' }) : done(new Error('No such account')),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope
          const to = rcptTo.map(({ address }) => address)
          const from = mailFrom ? mailFrom.address : ''
          taken.push({ from, to, text: Buffer.concat(chunks).toString('utf8'), isSecure: session.secure })
          done(null)
        })
      },
      ...options,
    })
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const address = server.server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  function sender(port: number, change: Partial<MailSettings> = {}, authority: string | null = certificate) {
    const settings: MailSettings = {
      host: '127.0.0.1',
      port,
      security: 'starttls',
      authority: null,
      login: null,
      from: { name: 'Voicemail', address: 'voicemail@acme.example' },
      attachmentBytes: 1e6,
      ...change,
    }
    return new SmtpSender({ settings, authority, clock })
  }

  const mail = (change: Partial<Mail> = {}): Mail => ({
    from: { name: 'Voicemail', address: 'voicemail@acme.example' },
    to: 'owner@acme.example',
    subject: 'Pesan suara dari 0812',
    text: 'Ada pesan baru.\n.\nBaris ketiga.\n',
    language: 'id',
    messageId: 'voicemail.mail-msg_1@acme.example',
    date: Date.UTC(2026, 0, 31, 20),
    ...change,
  })

  const send = (one: SmtpSender, what = mail()) => one.send(what, new AbortController().signal)

  it('goes encrypted, with its sound, and says what the server answered', async () => {
    const path = join(folder, 'sound')
    writeFileSync(path, Buffer.alloc(3000, 7))
    const port = await serve()
    const attachment = { open: () => createReadStream(path), name: 'voicemail.wav', mediaType: 'audio/wav' }
    const sent = await send(sender(port, { login: { user: 'hook', password } }), mail({ attachment }))
    expect(sent).toMatchObject({ verdict: { kind: 'delivered', problem: null }, status: 250 })
    const [one] = taken
    expect(one).toMatchObject({ from: 'voicemail@acme.example', to: ['owner@acme.example'], isSecure: true })
    expect(one?.text).toMatch(/^Message-ID: <voicemail\.mail-msg_1@acme\.example>$/im)
    expect(one?.text).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(one?.text).toContain('Content-Type: audio/wav; name=voicemail.wav')
    expect(one?.text).toContain('\r\nBaris ketiga.\r\n')
    const encoded = /filename=voicemail\.wav\r\n\r\n([\s\S]*?)\r\n--/.exec(one?.text ?? '')?.[1] ?? ''
    expect(Buffer.from(encoded, 'base64').equals(Buffer.alloc(3000, 7))).toBe(true)
  })

  it('begins with TLS where that is wanted', async () => {
    const port = await serve({ secure: true })
    expect(await send(sender(port, { security: 'tls' }))).toMatchObject({ verdict: { kind: 'delivered' } })
    expect(taken).toMatchObject([{ isSecure: true }])
  })

  it('does not fall back to readable, and believes no stranger with a certificate of its own', async () => {
    const plain = await serve({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    expect(await send(sender(plain))).toMatchObject({ verdict: { kind: 'failed' } })
    const own = await serve()
    const refused = await send(sender(own, {}, null))
    expect(refused).toMatchObject({ verdict: { kind: 'failed', problem: expect.stringMatching(/self.signed/i) } })
    expect(taken).toEqual([])
    expect(await send(sender(plain, { security: 'none' }))).toMatchObject({ verdict: { kind: 'delivered' } })
  })

  it('lets no text of others become a header or a receiver', async () => {
    const port = await serve()
    const evil = '0812\r\nBcc: evil@x.example\r\n\r\n<b>\u2028Reply-To: a@b\u202e'
    await send(sender(port), mail({ subject: `Pesan dari ${evil}` }))
    const [one] = taken
    const head = (one?.text ?? '').split('\r\n\r\n')[0] ?? ''
    expect(one?.to).toEqual(['owner@acme.example'])
    expect(head).not.toMatch(/^(bcc|reply-to):/im)
    expect(head).toContain('Bcc: evil@x.example')
  })

  it('gives up what the server will never take, and tries again what it may', async () => {
    const answers: [number, string, string][] = [
      [550, 'No such user here', 'refused-for-good'],
      [450, 'Greylisted', 'failed'],
    ]
    for (const [responseCode, sentence, kind] of answers) {
      const port = await serve({
        onRcptTo: (_address, _session, done) => done(Object.assign(new Error(sentence), { responseCode })),
      })
      expect(await send(sender(port))).toMatchObject({
        status: responseCode,
        verdict: { kind, problem: expect.stringContaining(sentence) },
        answer: expect.stringContaining(sentence),
      })
    }
    const tooLarge = await serve({
      onData: (stream, _session, done) => {
        stream.on('end', () => done(Object.assign(new Error('Too large'), { responseCode: 552 }))).resume()
      },
    })
    expect(await send(sender(tooLarge))).toMatchObject({ status: 552, verdict: { kind: 'refused-for-good' } })
  })

  it('tries a login that is refused again, and shows the password nowhere', async () => {
    const port = await serve({
      onAuth: ({ password: given }, _session, done) => done(new Error(`Wrong: ${given}`)),
    })
    const sent = await send(sender(port, { login: { user: 'hook', password } }))
    expect(sent).toMatchObject({ verdict: { kind: 'failed', problem: expect.stringContaining('535') } })
    expect(JSON.stringify(sent)).not.toContain(password)
    expect(taken).toEqual([])
  })

  it('ends with a server that says nothing, with one that is not there, and when it is stopped', async () => {
    const silent: Server = createServer((socket) => void closers.push(() => socket.destroy()))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closers.push(() => silent.close())
    const address = silent.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const sending = send(sender(port))
    expect(
      await eventually(
        () => clock.pending,
        (pending) => pending === 1,
      ),
    ).toBe(1)
    clock.advance(100_000)
    expect(await sending).toMatchObject({ verdict: { kind: 'failed', problem: expect.stringContaining('100 s') } })

    const stop = new AbortController()
    const stopped = sender(port).send(mail(), stop.signal)
    expect(
      await eventually(
        () => clock.pending,
        (pending) => pending === 1,
      ),
    ).toBe(1)
    stop.abort()
    expect(await stopped).toBeNull()
    silent.close()
    expect(await send(sender(1))).toMatchObject({ verdict: { kind: 'failed' }, status: null })
  })

  it('says which sound is not there', async () => {
    const port = await serve()
    const attachment = { open: () => createReadStream(join(folder, 'none')), name: 'a.wav', mediaType: 'audio/wav' }
    expect(await send(sender(port), mail({ attachment }))).toMatchObject({ verdict: { kind: 'failed' } })
    rmSync(folder, { recursive: true, force: true })
  })
})
