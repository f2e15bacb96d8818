import { connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createTransport } from 'nodemailer'
import type { Clock } from '../../base/clock.ts'
import { toError } from '../../base/errors.ts'
import type { MailSettings } from '../../config/settings-voicemail.ts'
import type { SentOtherwise } from '../deliveries.ts'
import { headerText, type Mail } from './mail.ts'

export interface SmtpParts {
  readonly settings: MailSettings
  /** PEM, of authorities that are trusted besides the usual ones. */
  readonly authority: string | null
  readonly clock: Clock
}

/** RFC 5321 §4.5.3.2 has minutes for each step; one that takes longer than this is tried again. */
const connectMs = 10_000
const wholeMs = 100_000

/** What a mail server says to one whom it will never know: no use in asking again. RFC 5321 §4.2.2, §4.2.3. */
const refusedForGood = new Set([550, 551, 552, 553, 554, 556])

/** Sends mail by the operator's mail server, RFC 5321, one connection a mail. */
export class SmtpSender {
  readonly #parts: SmtpParts

  constructor(parts: SmtpParts) {
    this.#parts = parts
  }

  /** Null when the signal fired. Never rejects. */
  async send(mail: Mail, signal: AbortSignal): Promise<SentOtherwise | null> {
    const { clock } = this.#parts
    const began = clock.now()
    const line = new Line(this.#parts, signal)
    const content = mail.attachment?.open() ?? null
    try {
      const answer = await this.#transmit(mail, line, content)
      const status = Number(/^\d{3}/.exec(answer)?.[0] ?? 250)
      return { verdict: { kind: 'delivered', problem: null }, durationMs: clock.now() - began, status, answer }
    } catch (thrown) {
      if (signal.aborted) return null
      return { ...this.#failure(thrown, line), durationMs: clock.now() - began }
    } finally {
      content?.destroy()
      line.close()
    }
  }

  async #transmit(mail: Mail, line: Line, content: Readable | null): Promise<string> {
    const { host, port, security, login } = this.#parts.settings
    const { from, to, attachment } = mail
    const transport = createTransport({
      host,
      port,
      secure: security === 'tls',
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
      tls: { minVersion: 'TLSv1.2', ...(this.#parts.authority ? { ca: [this.#parts.authority] } : {}) },
      disableFileAccess: true,
      disableUrlAccess: true,
      // The connection is ours, so that it can be ended in time and at the end of the program.
      getSocket: (_options, done) => line.open(done),
    })
    const sent = await transport.sendMail({
      from: { name: headerText(from.name), address: from.address },
      to: { name: '', address: to },
      envelope: { from: from.address, to: [to] },
      subject: headerText(mail.subject),
      text: mail.text,
      date: new Date(mail.date),
      messageId: `<${mail.messageId}>`,
      // RFC 3834 §5: programs that answer by themselves leave it alone.
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': mail.language },
      ...(attachment && content
        ? { attachments: [{ filename: attachment.name, content, contentType: attachment.mediaType }] }
        : {}),
    })
    return shown(sent.response, login?.password)
  }

  #failure(thrown: unknown, line: Line): Omit<SentOtherwise, 'durationMs'> {
    const { host, port, login } = this.#parts.settings
    const error = toError(thrown) as Error & { responseCode?: number; response?: string; command?: string }
    const status = error.responseCode ?? null
    const answer = error.response === undefined ? null : shown(error.response, login?.password)
    const step = error.command ?? ''
    const what = answer === null ? (line.problem ?? shown(error.message, login?.password)) : `${step}: ${answer}`
    const problem = `The mail server ${host}:${port} did not take it: ${what}`
    // Of this mail or its receiver. A login or a sender that is refused is for the operator to put right.
    const isOfThisMail = step === 'RCPT TO' || step === 'DATA' || step === ''
    const isForGood = status !== null && refusedForGood.has(status) && isOfThisMail
    return { verdict: { kind: isForGood ? 'refused-for-good' : 'failed', problem, askedMs: null }, status, answer }
  }
}

type Opened = (error: Error | null, found?: { connection: Socket }) => void

/** One connection with its end: by the clock, by the signal, or when the mail is sent. */
class Line {
  readonly #parts: SmtpParts
  readonly #signal: AbortSignal
  #socket: Socket | null = null
  /** Why we have ended it ourselves. */
  problem: string | null = null
  #cancel = (): void => {}
  readonly #stop = (): void => this.#end('Switchhook is stopping.')

  constructor(parts: SmtpParts, signal: AbortSignal) {
    this.#parts = parts
    this.#signal = signal
  }

  open(done: Opened): void {
    const { settings, clock } = this.#parts
    const { host, port } = settings
    if (this.#signal.aborted) return done(new Error('Switchhook is stopping.'))
    const socket = connect({ host, port })
    this.#socket = socket
    this.#signal.addEventListener('abort', this.#stop)
    const cancelConnect = clock.after(connectMs, () => this.#end(`no connection within ${connectMs / 1000} s.`))
    const cancelWhole = clock.after(wholeMs, () => this.#end(`not done within ${wholeMs / 1000} s.`))
    this.#cancel = () => {
      cancelConnect()
      cancelWhole()
    }
    const failed = (error: Error): void => done(error)
    socket.once('error', failed)
    socket.once('connect', () => {
      cancelConnect()
      socket.off('error', failed)
      done(null, { connection: socket })
    })
  }

  #end(problem: string): void {
    this.problem ??= problem
    this.#socket?.destroy(new Error(problem))
  }

  close(): void {
    this.#cancel()
    this.#signal.removeEventListener('abort', this.#stop)
    // After an answer was read nothing else is to come; errors of the way out are nobody's.
    this.#socket?.on('error', () => {})
    this.#socket?.destroy()
  }
}

/** What a server has said, as it may be kept: in one line, and without our password, should it repeat that. */
function shown(text: string, password: string | undefined): string {
  let line = headerText(text)
  for (const secret of password === undefined ? [] : [password, Buffer.from(password).toString('base64')]) {
    line = line.replaceAll(secret, '…')
  }
  return line
}
