import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { CallEntry } from '../../../src/dialects/voip24h/wire.ts'
import { until } from './program.ts'

const program = join(import.meta.dirname, '..', '..', 'support', 'handlers', 'crm.py')

export interface CrmAnswer<Data> {
  readonly status: number
  readonly contentType: string
  /** As it came over the wire. */
  readonly text: string
  readonly respCode: number
  readonly respMsg: string
  readonly data: Data
}

/** A CRM in Python against the partner API of a server. */
export class Crm {
  readonly #url: string
  readonly #secret: string

  constructor(httpUrl: string, secret: string) {
    this.#url = `${httpUrl}/api/v1/partner/voip24h`
    this.#secret = secret
  }

  async ask<Data>(requestType: string, data: object): Promise<CrmAnswer<Data>> {
    return await this.send(JSON.stringify({ requestType, partnerSecret: this.#secret, data }))
  }

  /** @param body - as it is to be sent, JSON or not. */
  async send<Data>(body: string): Promise<CrmAnswer<Data>> {
    const answer = (await python([program, this.#url], body)) as Omit<CrmAnswer<Data>, 'respCode' | 'respMsg' | 'data'>
    return { ...answer, ...(JSON.parse(answer.text) as Pick<CrmAnswer<Data>, 'respCode' | 'respMsg' | 'data'>) }
  }

  /** Saves what a link leads to under the name that it comes with. */
  async save(folder: string, link: string): Promise<{ readonly name: string; readonly bytes: number }> {
    return (await python([program, '--save', folder, link], '')) as { name: string; bytes: number }
  }

  /** The calls of an extension, newest first, once there is one more than those of `before`. */
  async callsOf(user: string, before: readonly CallEntry[]): Promise<readonly CallEntry[]> {
    const look = async (): Promise<readonly CallEntry[] | null> => {
      const { data } = await this.ask<readonly CallEntry[]>('getUser', { user })
      return data.length > before.length ? data : null
    }
    return await until(look, () => `${user} has ${before.length} calls and no other`)
  }

  async all(user: string): Promise<readonly CallEntry[]> {
    return (await this.ask<readonly CallEntry[]>('getUser', { user })).data
  }
}

function python(args: readonly string[], input: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let [output, problems] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`the CRM ended with ${code}:\n${problems}`))
    })
    child.stdin.end(input)
  })
}
