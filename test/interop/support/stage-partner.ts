import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { SystemClock } from '../../../src/base/clock.ts'
import { SystemRandom } from '../../../src/base/random.ts'
import { hoiioLinkKeyName, openGeneratedSecrets } from '../../../src/config/generated-secrets.ts'
import { RecordingLinks } from '../../../src/dialects/voip24h/links.ts'
import { sine } from '../../support/hear.ts'
import { removeFolder, type ServerProcess, startServer } from '../../support/server-process.ts'
import { writeMulaw } from '../../support/stage.ts'
import type { Baresip } from './baresip.ts'
import { Crm } from './crm.ts'
import { startPhone } from './phones.ts'
import { PeerPorts } from './ports.ts'
import { type RunningSipp, runSipp, type SippResult, sipOffset, startSipp } from './sipp.ts'
import { callee } from './sipp-callee-steps.ts'
import { sdpOf, step } from './sipp-steps.ts'

/** What each says: more than 60 Hz apart, and none a multiple of another. */
export const partnerHz = { '101': 530, '137': 790, '138': 1110, outside: 1430 } as const

/** Its trunk, and whom it calls there. */
const outsideAddress = '127.0.0.5'
export const mobile = '0912345678'
export const caller = '0948873483'

const secrets = { acme: 'rdn7mllWMqND7S5DnZF8', other: 'Xq92kLmPzR7tYw3bVn5c' } as const

/** A server whose tenant has telephones, a trunk, groups, and a CRM; and another tenant, that has a CRM. */
export class PartnerStage {
  readonly ports: PeerPorts
  readonly folder: string
  readonly server: ServerProcess
  readonly crm: Crm
  readonly otherCrm: Crm
  readonly #trunkPort: number
  readonly #tone: string
  #count = 0

  private constructor(parts: {
    ports: PeerPorts
    folder: string
    server: ServerProcess
    trunkPort: number
    tone: string
  }) {
    this.ports = parts.ports
    this.folder = parts.folder
    this.server = parts.server
    this.#trunkPort = parts.trunkPort
    this.#tone = parts.tone
    this.crm = new Crm(parts.server.httpUrl, secrets.acme)
    this.otherCrm = new Crm(parts.server.httpUrl, secrets.other)
  }

  static async set(firstPort: number): Promise<PartnerStage> {
    const ports = new PeerPorts(firstPort)
    const trunkPort = await ports.take()
    const folder = await mkdtemp(join(tmpdir(), 'switchhook-partner-'))
    const tone = join(folder, 'outside.ulaw')
    await writeMulaw(tone, sine(partnerHz.outside, 4000))
    const extension = (name: string, record: string) => [name, { password: `secret-of-${name}`, record }] as const
    const acme = {
      domain: '127.0.0.1',
      countryCode: '84',
      timeZone: 'Asia/Ho_Chi_Minh',
      extensions: Object.fromEntries([extension('101', 'off'), extension('137', 'on'), extension('138', 'off')]),
      trunks: { out: { uri: `sip:${outsideAddress}:${trunkPort + sipOffset}`, from: [outsideAddress], health: 0 } },
      outbound: [{ prefix: '+', trunk: 'out' }],
      numbers: { '+84899199799': { app: 'lan' }, '+84899199700': { app: 'everybody' } },
      apps: { lan: { dial: ['137'], seconds: 20 }, everybody: { dial: ['137', '138'], seconds: 20 } },
      partners: { crm: { dialect: 'voip24h', secret: secrets.acme } },
    }
    const other = { domain: 'other.example', partners: { crm: { dialect: 'voip24h', secret: secrets.other } } }
    // The ports above are the peers'. JSON is YAML.
    const head = ['media: { workers: 1 }', 'rtp: { portRange: "10000-24999" }']
    const config = [...head, `tenants: ${JSON.stringify({ acme, other })}`].join('\n')
    const server = await startServer({ config, folder, sipPort: await ports.take() })
    return new PartnerStage({ ports, folder, server, trunkPort, tone })
  }

  async close(): Promise<void> {
    await this.server.stop()
    await removeFolder(this.server)
  }

  /** Telephones of extensions, registered for as long as `use` takes. */
  async withPhones(
    names: readonly ('101' | '137' | '138')[],
    use: (phones: readonly [Baresip, Baresip, Baresip]) => Promise<void>,
  ): Promise<void> {
    const phones: Baresip[] = []
    try {
      for (const extension of names) {
        const name = `${extension}-${this.#count++}`
        phones.push(await startPhone(this, this.ports, { name, extension, hz: partnerHz[extension] }))
      }
      // As many as were asked for; no case looks at one that it has not asked for.
      await use(phones as unknown as readonly [Baresip, Baresip, Baresip])
    } finally {
      await Promise.all(phones.map((phone) => phone.stop()))
    }
  }

  /** The phone behind the trunk, for one call: it answers, says its tone, and waits to be hung up; or it is busy. */
  async outside(manner: 'answer' | 'busy'): Promise<RunningSipp & { readonly name: string }> {
    const steps =
      manner === 'busy'
        ? [callee.invite(), callee.respond('180 Ringing'), step.pause(300), callee.refuse('486 Busy Here')]
        : [
            callee.invite(),
            callee.respond('180 Ringing'),
            step.pause(300),
            callee.respond('200 OK', { sdp: sdpOf() }),
            callee.received('ACK'),
            step.stream(this.#tone, -1),
            callee.byeReceived(),
          ]
    const peer = this.#peer('outside')
    const running = await startSipp({
      ...peer,
      port: this.#trunkPort,
      number: 'callee',
      steps: [...steps, callee.end],
    })
    return { ended: running.ended, kill: running.kill, name: peer.name }
  }

  /** Somebody calls in by the trunk. */
  async callIn(number: string, steps: readonly string[]): Promise<SippResult> {
    const result = await runSipp({ ...this.#peer('in'), port: await this.ports.take(), caller, number, steps })
    expect(result.code, `${result.log}\n${this.server.output().slice(-4000)}`).toBe(0)
    return result
  }

  #peer(name: string) {
    const { folder, server } = this
    return { folder, serverPort: server.sipPort, address: outsideAddress, name: `${name}-${this.#count++}` }
  }

  /** A link of the API as a browser on this machine can follow it: the public address is a proxy's, which is not there. */
  here(link: string): string {
    const { pathname, search } = new URL(link)
    return `${this.server.httpUrl}${pathname}${search}`
  }

  /** A link to the same recording by the server's own key. @param hoursAgo - when it was made. */
  async linkOfOurs(link: string, change: { readonly tenant?: string; readonly hoursAgo?: number }): Promise<string> {
    const generated = await openGeneratedSecrets(join(this.folder, 'data'), new SystemRandom())
    const url = new URL(link)
    const key = `voip24h:${generated.get(hoiioLinkKeyName) ?? ''}`
    const links = new RecordingLinks({ key, publicUrl: () => this.server.httpUrl, clock: new SystemClock() })
    const action = url.pathname.includes('listen') ? 'listen' : 'download'
    const query = {
      host: url.searchParams.get('host') ?? '',
      recordingFile: url.searchParams.get('recordingFile') ?? '',
    }
    const target = links.open([action], query)
    const { tenant = target.tenant, hoursAgo = 0 } = change
    const made = links.path(action, { ...target, tenant }, target.expiresAt - hoursAgo * 3_600_000)
    return `${this.server.httpUrl}${made}`
  }
}

/** Resolves when the telephone says it once more than it has up to now. */
export function once(phone: Baresip, text: string): () => Promise<void> {
  const times = phone.log.split(text).length
  return () => phone.saw(text, times)
}

/** One calls the other, which picks up. */
export async function talk(from: Baresip, to: Baresip, number: string): Promise<void> {
  const came = once(to, 'CALL_INCOMING')
  const established = once(from, 'CALL_ESTABLISHED')
  from.dial(number)
  await came()
  to.accept()
  await established()
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
