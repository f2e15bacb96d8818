import { afterEach, describe, expect, it } from 'vitest'
import { TestClock } from '../../test/support/test-clock.ts'
import { voicemailTenant } from '../../test/support/voicemail-stage.ts'
import { Events } from '../base/events.ts'
import { silentLogger } from '../base/log.ts'
import { SeededRandom } from '../base/random.ts'
import { Directory } from '../routing/directory.ts'
import { isSipUri, parseMessage, parseUri, printMessage, type SipRequest } from '../sip/message/index.ts'
import type { RegisteredContact, RegistrarEvents } from '../sip/registrar/registrar.ts'
import type { Binding } from '../sip/registrar/types.ts'
import type { ClientTransactionUser } from '../sip/transaction/types.ts'
import { MessageSummary } from './message-summary.ts'
import { MessageWaiting } from './message-waiting.ts'

function contactOf(extension: string, host: string): RegisteredContact {
  const uri = parseUri(`sip:${extension}@${host}:5070`)
  if (!isSipUri(uri)) throw new Error('no SIP URI')
  const remote = { address: host, port: 5070 }
  const contactText = `sip:${extension}@${host}:5070`
  const binding = { aor: { tenant: 'acme', extension }, contact: uri, contactText } as Binding
  return { binding, flow: null, target: { destination: { protocol: 'udp', remote } } }
}

function stage() {
  const clock = new TestClock()
  const events = new Events<RegistrarEvents>(silentLogger)
  const sent: { readonly request: SipRequest; readonly user: ClientTransactionUser }[] = []
  const contacts = new Map([
    ['101', [contactOf('101', '192.0.2.1'), contactOf('101', '192.0.2.2')]],
    ['103', [contactOf('103', '192.0.2.3')]],
  ])
  const counted: string[] = []
  const told: string[] = []
  const subscribed = new Set<string>()
  const directory = new Directory(new Map([['acme', voicemailTenant()]]))
  const waiting = new MessageWaiting({
    clock,
    random: new SeededRandom(5),
    log: silentLogger,
    directory,
    registrar: { events, lookup: ({ extension }) => contacts.get(extension) ?? [] },
    transactions: {
      request: (request, _target, user) => {
        sent.push({ request, user })
        return { request, flow: null, cancel: () => {} }
      },
    },
    transport: { localAddress: () => ({ address: '192.0.2.100', port: 5060 }) },
    serverName: 'Switchhook test',
    summary: new MessageSummary({
      directory,
      count: async (tenant, extension) => {
        counted.push(`${tenant} ${extension}`)
        return { unread: 2, read: 8 }
      },
    }),
    notifier: {
      changed: ({ extension }, event) => void told.push(`${extension} ${event}`),
      isSubscribed: (_aor, _event, contact) => isSipUri(contact) && subscribed.has(contact.host),
    },
  })
  return { clock, events, sent, waiting, counted, told, subscribed }
}

describe('message-waiting', () => {
  let running: ReturnType<typeof stage> | null = null
  afterEach(() => {
    running?.waiting.close()
    expect(running?.clock.pending).toBe(0)
  })

  it('is told to every telephone of the extension, once for several changes in a row', async () => {
    running = stage()
    const { clock, sent, waiting, counted } = running
    for (let i = 0; i < 5; i++) waiting.changed('acme', '101')
    await clock.advanceAsync(250)
    expect(counted).toEqual(['acme 101'])
    expect(sent.map(({ request }) => isSipUri(request.uri) && request.uri.host)).toEqual(['192.0.2.1', '192.0.2.2'])
    waiting.changed('acme', '101')
    await clock.advanceAsync(250)
    expect(sent).toHaveLength(4)
  })

  it('is a NOTIFY that any telephone can read: RFC 3842 with new and old', async () => {
    running = stage()
    const { clock, sent, waiting } = running
    waiting.changed('acme', '101')
    await clock.advanceAsync(250)
    const parsed = parseMessage(printMessage(sent[0]?.request as SipRequest))
    const { headers, body } = parsed
    expect(parsed).toMatchObject({ kind: 'request', method: 'NOTIFY' })
    expect(headers.get('Event')).toBe('message-summary')
    expect(headers.get('Subscription-State')).toBe('active')
    expect(headers.get('Content-Type')).toBe('application/simple-message-summary')
    expect(headers.get('To')).toBe('<sip:101@acme.example>')
    expect(headers.get('Contact')).toBe('<sip:101@192.0.2.100:5060>')
    expect(Buffer.from(body).toString()).toBe(
      'Messages-Waiting: yes\r\nMessage-Account: sip:101@acme.example\r\nVoice-Message: 2/8\r\n',
    )
  })

  it('is told to a telephone that has registered and does not subscribe, to that one alone, and not at each refresh', async () => {
    running = stage()
    const { clock, events, sent } = running
    const { binding } = contactOf('101', '192.0.2.1')
    events.emit('registered', { binding, flow: null as never, isNew: false, note: null })
    await clock.advanceAsync(5000)
    expect(sent).toHaveLength(0)
    events.emit('registered', { binding, flow: null as never, isNew: true, note: null })
    events.emit('registered', { binding, flow: null as never, isNew: true, note: null })
    await clock.advanceAsync(1999)
    expect(sent).toHaveLength(0)
    await clock.advanceAsync(1)
    expect(sent.map(({ request }) => isSipUri(request.uri) && request.uri.host)).toEqual(['192.0.2.1'])
  })

  it('is told by its subscription to a telephone that has one, and to the others unasked: to nobody twice', async () => {
    running = stage()
    const { clock, events, sent, waiting, told, subscribed } = running
    const { binding } = contactOf('101', '192.0.2.1')
    events.emit('registered', { binding, flow: null as never, isNew: true, note: null })
    subscribed.add('192.0.2.1')
    await clock.advanceAsync(2000)
    expect(sent).toHaveLength(0)
    waiting.changed('acme', '101')
    await clock.advanceAsync(250)
    expect(told).toEqual(['101 message-summary'])
    expect(sent.map(({ request }) => isSipUri(request.uri) && request.uri.host)).toEqual(['192.0.2.2'])
  })

  it('is not told for an extension without a mailbox, for a number, or after the end', async () => {
    running = stage()
    const { clock, sent, waiting } = running
    waiting.changed('acme', '103')
    waiting.changed('acme', '+628182938')
    waiting.changed('nobody', '101')
    waiting.changed('acme', '102')
    await clock.advanceAsync(250)
    waiting.changed('acme', '101')
    waiting.close()
    await clock.advanceAsync(1000)
    expect(sent).toHaveLength(0)
  })
})
