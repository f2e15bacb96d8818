import { type TrunkKeys, trunkAddress } from '../../support/stage-two-sided.ts'
import type { PeerPorts } from './ports.ts'
import { sipOffset } from './sipp.ts'

/** A trunk of its own for one test: what is dialled there comes to the peer at its ports. */
export interface Line {
  readonly trunk: string
  /** Dialled, it goes out by that trunk. */
  readonly number: string
  /** The first of the peer's ports. */
  readonly port: number
  readonly transport: 'udp' | 'tcp'
}

/** Keys of the trunk, besides its address. */
export interface LineKeys extends TrunkKeys {
  readonly transport?: 'udp' | 'tcp'
}

/** Hands out lines of a stage. They must be known before its server starts; a case asks for its own by name. */
export class Lines {
  readonly #lines = new Map<string, Line & { readonly keys: TrunkKeys }>()
  readonly #ports: PeerPorts

  constructor(ports: PeerPorts) {
    this.#ports = ports
  }

  async add(name: string, { transport = 'udp', ...keys }: LineKeys = {}): Promise<void> {
    const port = await this.#ports.take()
    const number = `+6590${String(this.#lines.size).padStart(6, '0')}`
    this.#lines.set(name, { trunk: name, number, port, transport, keys })
  }

  get(name: string): Line {
    const line = this.#lines.get(name)
    if (line === undefined) throw new Error(`no line ${name} was added`)
    return line
  }

  get trunks(): Readonly<Record<string, TrunkKeys>> {
    const all = [...this.#lines.values()].map(({ trunk, port, transport, keys }) => {
      const uri = `sip:${trunkAddress}:${port + sipOffset}${transport === 'tcp' ? ';transport=tcp' : ''}`
      return [trunk, { uri, ...keys }] as const
    })
    return Object.fromEntries(all)
  }

  get outbound(): readonly { readonly prefix: string; readonly trunk: string }[] {
    return [...this.#lines.values()].map(({ trunk, number }) => ({ prefix: number, trunk }))
  }
}
