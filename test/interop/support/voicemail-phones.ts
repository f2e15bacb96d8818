import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readWav, shareWith, sine } from '../../support/hear.ts'
import { removeFolder, type ServerProcess, startServer } from '../../support/server-process.ts'
import { metricsOf } from '../../support/server-watch.ts'
import { writeMulaw, writeWav } from '../../support/stage.ts'
import { tonesIn } from '../../support/stage-tones.ts'
import { Baresip } from './baresip.ts'
import { PeerPorts } from './ports.ts'
import { until } from './program.ts'
import { runSipp, type SippOptions } from './sipp.ts'

/** What people say. More than 50 Hz apart from each other and from all prompts. */
export const hz = { caller: 1110, owner: 530 } as const
export const promptMs = 600

/** Prompts of the tenant's own: each has a tone, those of the menu one for each language. The voice is switched off. */
const prompts = {
  'vm-greet-default': 440,
  'vm-saved': 620,
  'vm-youhave': 700,
  'vm-new-one': 770,
  'vm-msgkeys': 850,
  'vm-deleted': 920,
  'vm-undeleted': 1190,
  'vm-kept': 1270,
  'vm-greetmenu': 1340,
  'vm-recgreet': 1420,
  'vm-review': 1490,
  'vm-greetsaved': 1560,
  'vm-lang-ina': 1630,
  'vm-lang-eng': 1700,
  'vm-bye': 1780,
  'vm-none': 1850,
  'numbers/1': 1920,
} as const
const mainMenuHz = { id: 2010, en: 2100 } as const
const lengths = new Map<number, number>([
  ...Object.values(prompts).map((one) => [one, promptMs] as const),
  ...Object.values(mainMenuHz).map((one) => [one, promptMs] as const),
  [hz.caller, 60_000],
  [hz.owner, 60_000],
])
const nameOf = new Map<number, string>([
  ...Object.entries(prompts).map(([name, one]) => [one, name] as const),
  [mainMenuHz.id, 'main menu in Indonesian'],
  [mainMenuHz.en, 'main menu in English'],
  [hz.caller, 'the caller'],
  [hz.owner, 'the owner'],
])

export const trunkAddress = '127.0.0.5'
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export interface Message {
  readonly id: string
  readonly from: string
  readonly isRead: boolean
  readonly audio: string
}

/** New and old messages, as the NOTIFYs to a telephone have said them. */
export function countsTold(phone: Baresip): readonly string[] {
  return [...phone.log.matchAll(/^NOTIFY [^]*?^Voice-Message: (\S+)/gm)].map(([, counts]) => counts ?? '')
}

/** Whether a telephone has said something more often than when this was asked. */
function more(phone: Baresip, pattern: RegExp): () => boolean {
  const count = (): number => [...phone.log.matchAll(pattern)].length
  const before = count()
  return () => count() > before
}

/** Waits for something that a telephone is to say once more, from now on. */
export function next(phone: Baresip, pattern: RegExp, limitMs = 15_000): () => Promise<true> {
  const isThere = more(phone, pattern)
  return () =>
    until(
      () => (isThere() ? true : null),
      () => `baresip did not say ${pattern}:\n${phone.log.slice(-8000)}\nbut that`,
      limitMs,
    )
}

export const established = /CALL_ESTABLISHED"/g
export const closed = /CALL_CLOSED"/g
export const incoming = /CALL_INCOMING"/g

/** What was said to a telephone, in its order. */
export function saidTo(heard: Int16Array): readonly string[] {
  return tonesIn(heard, lengths).map((one) => nameOf.get(one) ?? String(one))
}

/** A server with mailboxes for 101 to 112, all of whose prompts are tones; its telephones, and what is in the mailboxes. */
export class VoicemailPhones {
  readonly ports: PeerPorts
  #folder = ''
  #server: ServerProcess | null = null
  #attempt = 0

  /** @param firstPort - of the file: ports of its peers. */
  constructor(firstPort: number) {
    this.ports = new PeerPorts(firstPort)
  }

  get folder(): string {
    return this.#folder
  }

  get server(): ServerProcess {
    if (!this.#server) throw new Error('the server has not started')
    return this.#server
  }

  /** So that files of an attempt are not those of the one before. */
  again(name: string): string {
    return `${name}-${++this.#attempt}`
  }

  async start(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'switchhook-voicemail-'))
    for (const language of ['id', 'en'] as const) {
      await mkdir(join(folder, language, 'numbers'), { recursive: true })
      for (const [name, one] of Object.entries(prompts)) {
        await writeWav(join(folder, language, `${name}.wav`), sine(one, promptMs))
      }
      await writeWav(join(folder, language, 'vm-main.wav'), sine(mainMenuHz[language], promptMs))
    }
    for (const one of Object.values(hz)) await writeWav(join(folder, `tone-${one}.wav`), sine(one, 100_000))
    await writeMulaw(join(folder, 'caller.ulaw'), sine(hz.caller, 3000))
    const extension = (name: string) => [name, { password: `secret-of-${name}`, mailbox: { language: 'id' } }] as const
    const tenant = {
      limits: { callsPerSecond: 1000, concurrentCalls: 100 },
      extensions: Object.fromEntries([...Array(12).keys()].map((index) => extension(String(101 + index)))),
      numbers: { 1101: { app: 'fetch' }, 222: { app: 'leave' } },
      apps: {
        fetch: { dialect: 'voicemail', flow: 'retrieve' },
        leave: { dialect: 'voicemail', flow: 'leaving' },
      },
      trunks: { far: { uri: `sip:${trunkAddress}`, health: 0, from: [`${trunkAddress}/32`] } },
      recordings: { id: join(folder, 'id'), en: join(folder, 'en') },
    }
    const config = [
      'media: { workers: 1 }',
      'rtp: { portRange: "10000-24999" }',
      'speech: { engine: none }',
      `tenants: ${JSON.stringify({ test: tenant })}`,
    ]
    this.#folder = folder
    this.#server = await startServer({ config: config.join('\n'), folder, sipPort: await this.ports.take() })
  }

  async stop(): Promise<void> {
    await this.#server?.stop()
    if (this.#server) await removeFolder(this.#server)
  }

  async phoneOf(extension: string, tone: number, more: { readonly watchesMailbox?: boolean } = {}) {
    const phone = await Baresip.start({
      folder: this.folder,
      name: `${extension}-${++this.#attempt}`,
      port: await this.ports.take(),
      serverPort: this.server.sipPort,
      extension,
      password: `secret-of-${extension}`,
      speaks: join(this.folder, `tone-${tone}.wav`),
      ...more,
    })
    try {
      await phone.saw('200 OK (Switchhook')
      return phone
    } catch (thrown) {
      await phone.stop()
      throw thrown
    }
  }

  /** A server whose machine is busy refuses calls (503), as it should: waits until this one would not, and tries again. */
  async calm(): Promise<void> {
    const isCalm = async (): Promise<true | null> =>
      ((await metricsOf(this.server)).get('switchhook_main_thread_lateness_ms') ?? 0) < 20 ? true : null
    await until(isCalm, () => `the server is not calm:\n${this.server.output().slice(-2000)}`, 30_000)
  }

  async dial(phone: Baresip, number: string): Promise<void> {
    for (let tries = 0; tries < 5; tries++) {
      await this.calm()
      const [goesOn, isRefused] = [
        more(phone, /CALL_(RINGING|PROGRESS|ESTABLISHED)"/g),
        more(phone, /^SIP\/2.0 503 /gm),
      ]
      phone.dial(number)
      await until(
        () => (goesOn() || isRefused() ? true : null),
        () => `nobody answers ${number}:\n${phone.log.slice(-6000)}`,
      )
      if (goesOn()) return
      await pause(2000)
    }
    throw new Error(`${number} was refused again and again:\n${this.server.output().slice(-4000)}`)
  }

  async callBySipp(options: Omit<SippOptions, 'folder' | 'serverPort' | 'port'>): Promise<void> {
    for (let tries = 0; ; tries++) {
      await this.calm()
      const name = `${options.name}-${++this.#attempt}`
      const place = { folder: this.folder, serverPort: this.server.sipPort, port: await this.ports.take() }
      const result = await runSipp({ ...place, ...options, name })
      if (result.code === 0) return
      const isRefused = result.messages.some(({ first }) => first.startsWith('SIP/2.0 503 '))
      if (!isRefused || tries >= 4) expect(result.code, `${result.log}\n${this.server.output().slice(-4000)}`).toBe(0)
      await pause(2000)
    }
  }

  async messagesOf(extension: string): Promise<readonly Message[]> {
    return ((await this.server.get(`/api/v1/mailboxes/test/${extension}/messages`)) as { items: readonly Message[] })
      .items
  }

  /** How much of a message's sound, as it is stored, is the caller's tone. */
  async shareOfCaller({ audio }: Message): Promise<number> {
    const pcm = readWav(await this.server.download(audio)).channels[0] ?? new Int16Array()
    expect(pcm.length, 'a message of a second or more').toBeGreaterThan(8000)
    return shareWith(pcm, hz.caller)
  }

  /** Waits for so many messages in a mailbox. */
  async messagesWhen(extension: string, count: number): Promise<readonly Message[]> {
    const look = async () => {
      const found = await this.messagesOf(extension)
      return found.length >= count ? found : null
    }
    return await until(look, () => `${extension} has no ${count} messages:\n${this.server.output().slice(-4000)}`)
  }
}
