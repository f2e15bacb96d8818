import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SystemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { PromptLibrary } from '../../src/media/prompt-library.ts'
import { parsePressScript } from '../../src/phone/press-script.ts'
import { eventually } from '../support/eventually.ts'
import { peakOf, readWav, shareWith, sine, timeline } from '../support/hear.ts'
import { callByPhone, type PhoneCall, type PhoneCallRequest } from '../support/phone-call.ts'
import { RawCall } from '../support/raw-call.ts'
import { Registrant } from '../support/registrant.ts'
import { removeFolder, type ServerProcess, startServer } from '../support/server-process.ts'
import { UdpWire, type WireMessage } from '../support/sip-wire.ts'
import { writeWav } from '../support/stage.ts'
import { tonesIn } from '../support/stage-tones.ts'

const greetingHz = 440
const callerHz = 330
const newMessagesHz = 550

const key = 'a-key-of-the-node-1'

/** 20 ms of a loud square in mu-law. */
const loud = Uint8Array.from({ length: 160 }, (_, index) => (index % 16 < 8 ? 0x10 : 0x90))

/** Prompts of the tenant's own, so that what is heard can be told by its frequency, and no voice is needed. */
const tones = {
  'vm-greet-default': greetingHz,
  'vm-saved': 660,
  'vm-bye': 770,
  'vm-youhave': newMessagesHz,
  'vm-main': 880,
  'vm-msgkeys': 990,
  'vm-noaccess': 1100,
  'vm-tooshort': 1210,
  'vm-again': 1320,
  'vm-new-one': 1430,
  'vm-none': 1510,
  'vm-pin': 1620,
  'vm-pinbad': 1730,
} as const

/** The prompts that were heard, in their order. */
function saidTo(pcm: Int16Array): readonly string[] {
  const lengths = new Map<number, number>(Object.values(tones).map((hz) => [hz, 600]))
  const nameOf = new Map<number, string>(Object.entries(tones).map(([name, hz]) => [hz, name]))
  return tonesIn(pcm, lengths).flatMap((hz) => nameOf.get(hz) ?? [])
}

function respond(wire: UdpWire, request: WireMessage, status: string): void {
  const copied = ['Via', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
    request.all(name).map((value) => `${name}: ${value}`),
  )
  const lines = [`SIP/2.0 ${status}`, ...copied, `To: ${request.get('to')};tag=busy1`, 'Content-Length: 0']
  wire.send(`${lines.join('\r\n')}\r\n\r\n`)
}

describe('voicemail over the wire', () => {
  let server: ServerProcess
  let folder: string
  let config: string
  let speech: PromptLibrary

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchhook-voicemail-'))
    const recordings: string[] = []
    for (const [name, hz] of Object.entries(tones)) {
      await writeWav(join(folder, `${name}.wav`), sine(hz, 600))
      recordings.push(`      ${name}: ${JSON.stringify(join(folder, `${name}.wav`))}`)
    }
    await writeWav(join(folder, 'caller.wav'), sine(callerHz, 3000))
    config = `
media: { workers: 1 }
speech: { engine: none }
voicemail: { listen: null, nodes: { SBY: { tenant: acme, key: ${key} } } }
tenants:
  acme:
    limits: { concurrentCalls: 500, callsPerSecond: 500 }
    extensions:
      "101": { password: "secret-of-101" }
      "102": { password: "secret-of-102", mailbox: { max: 500 } }
      "103": { password: "secret-of-103", mailbox: { pin: "4711" } }
      "104": { password: "secret-of-104", mailbox: { pin: "8402763915" } }
    numbers: { "1100": { app: leave }, "1101": { app: fetch }, "1103": { app: fetch103 }, "1104": { app: fetch104 } }
    apps:
      leave: { dialect: voicemail, flow: leaving, mailbox: "102" }
      fetch: { dialect: voicemail, flow: retrieve }
      fetch103: { dialect: voicemail, flow: retrieve, mailbox: "103" }
      fetch104: { dialect: voicemail, flow: retrieve, mailbox: "104" }
    recordings:
${recordings.join('\n')}
`
    server = await startServer({ config, folder })
    speech = new PromptLibrary({ clock: new SystemClock(), log: silentLogger })
  })

  afterAll(async () => {
    await speech?.close()
    await server?.stop()
    if (server) await removeFolder(server)
  })

  function call(options: Omit<PhoneCallRequest, 'sipPort'>): Promise<PhoneCall> {
    return callByPhone({ sipPort: server.sipPort, ...options })
  }

  async function ask(request: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`${server.httpUrl}/voicemail`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify(request),
    })
    return (await answer.json()) as Record<string, unknown>
  }

  const messages = async () => {
    const { message_unread, message_read } = await ask({ command: 'INITRETRIEVE', number: { a: '102', b: '1101' } })
    return { unread: message_unread as Record<string, string>[], read: message_read as Record<string, string>[] }
  }

  async function voiceOf(name: string): Promise<Int16Array> {
    const answer = await fetch(`${server.httpUrl}/voicemail/media/${name}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    return readWav(new Uint8Array(await answer.arrayBuffer())).channels[0] as Int16Array
  }

  it('keeps what a caller says behind the beep, whose tone is in the stored file, and plays it to its owner', async () => {
    const caller = await speech.load(join(folder, 'caller.wav'))
    const left = await call({
      number: '1100',
      identity: { extension: '101', password: 'secret-of-101' },
      speak: [caller],
    })
    expect(left.result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(shareWith(left.pcm, greetingHz)).toBeGreaterThan(0)
    expect(shareWith(left.pcm, 660)).toBeGreaterThan(0)
    const { unread } = await messages()
    expect(unread).toMatchObject([{ number: '101', voice: expect.stringMatching(/^msg_/) }])
    const stored = await voiceOf(unread[0]?.['voice'] ?? '')
    // The caller thinks for a moment; the silence at the end, which was the sign that it was done, is cut off.
    expect(timeline(stored, [callerHz]).at(-1)?.frequenciesHz).toEqual([callerHz])
    expect(shareWith(stored, callerHz)).toBeGreaterThan(0.5)

    const fetched = await call({
      number: '1101',
      identity: { extension: '102', password: 'secret-of-102' },
      press: parsePressScript(',,,#'),
      maxSeconds: 30,
    })
    expect(fetched.result).toMatchObject({ outcome: 'completed' })
    expect(shareWith(fetched.pcm, callerHz)).toBeGreaterThan(0.1)
  }, 60_000)

  it('takes the call when the telephone of the extension is not registered', async () => {
    const before = (await messages()).unread.length
    const caller = await speech.load(join(folder, 'caller.wav'))
    const identity = { extension: '101', password: 'secret-of-101' }
    const { result } = await call({ number: '102', identity, speak: [caller] })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect((await messages()).unread.length + (await messages()).read.length).toBeGreaterThan(before)
  }, 60_000)

  it('takes the call of a telephone that is busy, and tells that telephone what waits for it', async () => {
    const wire = await UdpWire.open({ address: '127.0.0.1', port: server.sipPort })
    wire.onMessage = (message) => {
      if (message.startLine.startsWith('NOTIFY ')) respond(wire, message, '200 OK')
      if (message.startLine.startsWith('INVITE ')) respond(wire, message, '486 Busy Here')
    }
    try {
      expect(await new Registrant(wire, '102', 'secret-of-102').register()).toBe(200)
      const waiting = async (pattern: RegExp) =>
        await wire.message((one) => one.startLine.startsWith('NOTIFY ') && pattern.test(one.body.toString()))
      const first = await waiting(/Voice-Message: \d+\/\d+/)
      expect(first?.get('event')).toBe('message-summary')
      const { unread, read } = await messages()
      const caller = await speech.load(join(folder, 'caller.wav'))
      const identity = { extension: '101', password: 'secret-of-101' }
      expect((await call({ number: '102', identity, speak: [caller] })).result).toMatchObject({ outcome: 'completed' })
      const expected = new RegExp(`Messages-Waiting: yes[^]*Voice-Message: ${unread.length + 1}/${read.length}`)
      expect(await waiting(expected)).toBeDefined()
    } finally {
      await wire.close()
    }
  }, 60_000)

  it('lets nobody hear messages who has not proven to be their owner', async () => {
    const { result, pcm } = await call({ number: '1101', identity: { extension: '101', password: 'secret-of-101' } })
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(shareWith(pcm, 1100)).toBeGreaterThan(0)
    expect(shareWith(pcm, callerHz)).toBe(0)
  }, 60_000)

  it('asks who calls from elsewhere for the PIN, and lets in who knows it; the owner is asked for none', async () => {
    const elsewhere = { extension: '101', password: 'secret-of-101' }
    const known = await call({ number: '1103', identity: elsewhere, press: parsePressScript('4711#,,#') })
    expect(known.result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect(saidTo(known.pcm)).toEqual(expect.arrayContaining(['vm-pin', 'vm-none']))
    expect(saidTo(known.pcm)).not.toContain('vm-pinbad')
    const owner = await call({
      number: '1103',
      identity: { extension: '103', password: 'secret-of-103' },
      press: parsePressScript(',#'),
    })
    expect(saidTo(owner.pcm)).toContain('vm-none')
    expect(saidTo(owner.pcm)).not.toContain('vm-pin')
  }, 60_000)

  it('locks the mailbox after three wrong PINs, so that the right one is refused too, and not its owner', async () => {
    const elsewhere = { extension: '101', password: 'secret-of-101' }
    const guessing = await call({
      number: '1104',
      identity: elsewhere,
      press: parsePressScript('0001#,,0002#,,0003#'),
    })
    expect(guessing.result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    const said = saidTo(guessing.pcm)
    expect(said.filter((name) => name === 'vm-pinbad')).toHaveLength(3)
    expect(said).toContain('vm-noaccess')
    const late = await call({ number: '1104', identity: elsewhere, press: parsePressScript('8402763915#') })
    expect(saidTo(late.pcm)).toContain('vm-pinbad')
    expect(saidTo(late.pcm)).not.toContain('vm-none')
    const owner = await call({
      number: '1104',
      identity: { extension: '104', password: 'secret-of-104' },
      press: parsePressScript(',#'),
    })
    expect(saidTo(owner.pcm)).toContain('vm-none')
    // What was pressed may have been a PIN: it stands nowhere.
    expect(server.output()).not.toContain('8402763915')
  }, 90_000)

  it('keeps the message of a caller who is cut off by the stop of the server, and has told of it by then', async () => {
    const all = async () => {
      const { unread, read } = await messages()
      return unread.length + read.length
    }
    const before = await all()
    const caller = await speech.load(join(folder, 'caller.wav'))
    const calling = call({ number: '1100', speak: Array.from({ length: 10 }, () => caller), maxSeconds: 40 })
    const spoken = async () => {
      const { items } = (await server.get('/api/v1/recordings?state=recording')) as { items: readonly unknown[] }
      return items.length
    }
    expect(await eventually(spoken, (count) => count > 0, 20_000)).toBeGreaterThan(0)
    expect(await server.stop()).toBe(0)
    expect((await calling).result).toMatchObject({ endedBy: 'server' })
    server = await startServer({ config, folder })
    // Nothing is owed any more: it is there at once, and once.
    expect(await all()).toBe(before + 1)
    const { unread } = await messages()
    expect(Number(unread.at(-1)?.['duration'])).toBeGreaterThanOrEqual(1)
    expect(shareWith(await voiceOf(unread.at(-1)?.['voice'] ?? ''), callerHz)).toBeGreaterThan(0.3)
  }, 90_000)

  it('keeps an unfinished message of a second or more when the server is killed, and counts it once', async () => {
    const all = async () => {
      const { unread, read } = await messages()
      return unread.length + read.length
    }
    const before = await all()
    const caller = await speech.load(join(folder, 'caller.wav'))
    const calling = call({ number: '1100', speak: Array.from({ length: 5 }, () => caller), maxSeconds: 8 })
    // Three seconds of 16 bits at 8 kHz: the caller has been heard for a while, and goes on.
    const spoken = async () => {
      const { items } = (await server.get('/api/v1/recordings?state=recording')) as {
        items: readonly { audio: string }[]
      }
      const [running] = items
      return running ? (await server.download(running.audio)).length : 0
    }
    expect(await eventually(spoken, (bytes) => bytes > 48_000, 20_000)).toBeGreaterThan(48_000)
    await server.kill()
    await calling.catch(() => {})
    server = await startServer({ config, folder })
    expect(await eventually(all, (count) => count === before + 1)).toBe(before + 1)
    const { unread } = await messages()
    expect(Number(unread.at(-1)?.['duration'])).toBeGreaterThanOrEqual(1)
    expect(shareWith(await voiceOf(unread.at(-1)?.['voice'] ?? ''), callerHz)).toBeGreaterThan(0.3)
  }, 60_000)

  it('keeps every message of a hundred callers at once, finished or not, when the server is killed in the middle', async () => {
    const all = async () => {
      const { unread, read } = await messages()
      return [...unread, ...read].map(({ voice }) => voice as string)
    }
    const before = new Set(await all())
    const at = { address: '127.0.0.1', port: server.sipPort }
    const calls: RawCall[] = []
    while (calls.length < 100) {
      const placed = await Promise.allSettled(Array.from({ length: 10 }, () => RawCall.place(at, '1100')))
      // A busy machine may turn a caller away with 503; one that was let in must not be forgotten.
      for (const one of placed) if (one.status === 'fulfilled') calls.push(one.value)
    }
    const finishing = new Set(calls.slice(0, 50))
    let ticks = 0
    const talking = setInterval(() => {
      ticks++
      for (const one of calls) if (!finishing.has(one) || ticks < 200) one.sendSound(loud)
      // Who has finished is silent, and the server goes on hearing it.
      for (const one of finishing) if (ticks >= 200) one.sendSound()
    }, 20)
    const finished = async () => (await all()).filter((voice) => !before.has(voice))
    const early = await eventually(finished, (found) => found.length >= 10, 30_000)
    expect(early.length).toBeGreaterThanOrEqual(10)
    await server.kill()
    clearInterval(talking)
    await Promise.all(calls.map((one) => one.close()))
    server = await startServer({ config, folder })
    const kept = await eventually(finished, (found) => found.length >= calls.length, 20_000)
    expect(kept).toHaveLength(calls.length)
    expect(new Set(kept).size).toBe(calls.length)
    for (const voice of early) expect(kept).toContain(voice)
    for (const voice of kept) {
      const pcm = await voiceOf(voice)
      expect(pcm.length, voice).toBeGreaterThanOrEqual(8000)
      expect(peakOf(pcm), voice).toBeGreaterThan(1000)
    }
  }, 120_000)
})
