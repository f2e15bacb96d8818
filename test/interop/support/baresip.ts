import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { readWav } from '../../support/hear.ts'
import { portsOfPeer } from './ports.ts'
import { endChild, until } from './program.ts'

export interface BaresipOptions {
  readonly folder: string
  readonly name: string
  /** The first of its ports; SIP is there, and TLS one above, like it or not. */
  readonly port: number
  readonly serverPort: number
  readonly transport?: 'udp' | 'tcp'
  readonly extension: string
  readonly password: string
  /** Seconds that it registers for; 0: not at all. */
  readonly registersFor?: number
  /** Whether it subscribes to its mailbox, with its own module for that; it prints what it is told. */
  readonly watchesMailbox?: boolean
  /** A WAV file of 8,000 Hz mono, what it says, longer than the call. Without a source of sound it would send no keys either. */
  readonly speaks: string
}

const modules = ['g711.so', 'aufile.so', 'aubridge.so', 'sndfile.so', 'cons.so']
const applications = ['account.so', 'menu.so', 'ctrl_tcp.so']

/** Of its ports: the control socket, the console for keys, and media. */
const controlOffset = 4
const consoleOffset = 5
const mediaOffset = 6

/** How long it holds a key down. */
const keyMs = 120

/** What its console takes as the release of a key (EOT). */
const keyRelease = '\u0004'

/**
 * A baresip telephone (1.0), driven over its control socket. What it hears is written as WAV by its own sndfile module: every
 * packet as it came, without the pauses between them. It sends keys by RFC 4733 only.
 */
export class Baresip {
  readonly port: number
  readonly #options: BaresipOptions
  readonly #child: ChildProcess
  readonly #folder: string
  #control: Socket | null = null
  #console: Socket | null = null
  #output = ''
  #events = ''

  private constructor(options: BaresipOptions, child: ChildProcess, folder: string) {
    this.#options = options
    this.port = options.port
    this.#child = child
    this.#folder = folder
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-200_000)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const { port, serverPort, transport = 'udp', extension, password, speaks } = options
    const folder = join(options.folder, options.name)
    const heard = join(folder, 'heard')
    await mkdir(heard, { recursive: true })
    const config = [
      `sip_listen 127.0.0.1:${port}`,
      'net_interface 127.0.0.1',
      `audio_source aufile,${speaks}`,
      'audio_player aubridge,nobody',
      'audio_alert aubridge,nobody',
      'audio_srate 8000',
      'audio_channels 1',
      'rtp_timeout 0',
      `rtp_ports ${port + mediaOffset}-${port + portsOfPeer - 2}`,
      `module_path /usr/lib/baresip/modules`,
      ...modules.map((module) => `module ${module}`),
      ...applications.map((module) => `module_app ${module}`),
      ...(options.watchesMailbox ? ['module_app mwi.so'] : []),
      `snd_path ${heard}`,
      `ctrl_tcp_listen 127.0.0.1:${port + controlOffset}`,
      `cons_listen 127.0.0.1:${port + consoleOffset}`,
    ]
    const watches = options.watchesMailbox ? ';mwi=yes' : ''
    const login = `auth_user=${extension};auth_pass=${password};regint=${options.registersFor ?? 600}${watches}`
    await writeFile(join(folder, 'config'), `${config.join('\n')}\n`)
    await writeFile(
      join(folder, 'accounts'),
      `<sip:${extension}@127.0.0.1:${serverPort};transport=${transport}>;${login}\n`,
    )
    await writeFile(join(folder, 'contacts'), '\n')
    const child = spawn('baresip', ['-f', folder, '-4', '-s'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    const phone = new Baresip(options, child, folder)
    try {
      phone.#control = await phone.#connect(port + controlOffset)
      phone.#control.on('data', (chunk: Buffer) => {
        phone.#events = (phone.#events + chunk.toString()).slice(-200_000)
      })
      phone.#console = await phone.#connect(port + consoleOffset)
      phone.#console.on('data', () => {})
    } catch (thrown) {
      await endChild(child)
      throw thrown
    }
    return phone
  }

  /** Everything it printed, SIP messages among it, and every event it told. */
  get log(): string {
    return `${this.#output}\n${this.#events}`
  }

  dial(number: string): void {
    // It adds the transport of its account by itself.
    this.command('dial', `sip:${number}@127.0.0.1:${this.#options.serverPort}`)
  }

  /** Picks up. A call must have come: `saw('CALL_INCOMING')`. */
  accept(): void {
    this.command('accept')
  }

  /** Asks by REFER that who it speaks with calls somebody else. */
  transferTo(number: string): void {
    this.command('transfer', `sip:${number}@127.0.0.1:${this.#options.serverPort}`)
  }

  /** Its place in the offer or answer that it sent last. */
  get mediaPort(): number {
    return Number(
      [...this.#output.matchAll(/m=audio (\d+)/g)]
        .map(([, port]) => Number(port))
        .findLast((port) => this.#isOurs(port)),
    )
  }

  #isOurs(port: number): boolean {
    return port >= this.port && port < this.port + portsOfPeer
  }

  /** A command of its menu: `hangup`, `hold`, `resume`, … */
  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command })
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`)
  }

  /** Presses a key and lets it go. */
  async press(key: string): Promise<void> {
    this.#console?.write(key)
    await new Promise((resolve) => setTimeout(resolve, keyMs))
    this.#console?.write(keyRelease)
  }

  /** Waits until what it printed or told has the text, `times` over. */
  async saw(text: string, times = 1): Promise<void> {
    const isThere = (): true | null => (this.log.split(text).length > times ? true : null)
    await until(
      isThere,
      () => `baresip never said ${JSON.stringify(text)}; it said:\n${this.log.slice(-8000)}\nbut that`,
    )
  }

  /** SIGKILL: nobody is told. */
  async kill(): Promise<void> {
    this.#control?.destroy()
    this.#console?.destroy()
    await endChild(this.#child, 'SIGKILL')
  }

  /** It goes as when its user quits: hangs up, unregisters, ends. */
  async stop(): Promise<void> {
    this.#control?.destroy()
    this.#console?.destroy()
    await endChild(this.#child)
  }

  /** What it heard in its last call, as it wrote it. Call it when that call is over. */
  async heard(): Promise<Int16Array> {
    const folder = join(this.#folder, 'heard')
    const files = (await readdir(folder)).filter((name) => name.endsWith('-dec.wav')).sort()
    const file = files.at(-1)
    if (!file) throw new Error(`baresip wrote no file of what it heard; it said:\n${this.log.slice(-8000)}`)
    return readWav(await readFile(join(folder, file))).channels[0] ?? new Int16Array()
  }

  async #connect(port: number): Promise<Socket> {
    const attempt = (): Promise<Socket | null> =>
      new Promise((resolve, reject) => {
        if (this.#child.exitCode !== null)
          return reject(new Error(`baresip ended with ${this.#child.exitCode}:\n${this.log}`))
        const socket = connect(port, '127.0.0.1')
        socket.once('connect', () => resolve(socket))
        socket.on('error', () => resolve(null))
      })
    return await until(attempt, () => `baresip does not listen on ${port}; it said:\n${this.log}`)
  }
}
