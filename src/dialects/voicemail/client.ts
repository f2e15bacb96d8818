import { connect } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { VoicemailAppSettings } from '../../config/settings.ts'
import type { OutgoingHttp } from '../../http/outgoing/outgoing-http.ts'
import { decodeObject, encodeObject, maxObjectBytes, ObjectFramer } from './codec.ts'
import type { VoicemailService } from './service.ts'
import type { WireObject } from './wire.ts'

/** What a service answered, or why there is no answer. */
export type Asked =
  | { readonly kind: 'answer'; readonly object: WireObject }
  | { readonly kind: 'failure'; readonly sentence: string }

/** The voicemail service as a node sees it: ours or a foreign one. Never rejects. */
export interface VoicemailClient {
  ask(request: WireObject): Promise<Asked>
}

/** A caller waits for this. */
const timeoutMs = 5000

export type ServiceSettings = VoicemailAppSettings['service']

export interface ClientParts {
  readonly service: Pick<VoicemailService, 'handle'>
  readonly http: Pick<OutgoingHttp, 'request'>
  readonly clock: Clock
  /** How our node calls itself. */
  readonly nodeName: string
  /** Whether the operator's own file names it; an address that came over an API must not lie in a private network. */
  isTrusted(service: ServiceSettings, tenant: string): boolean
}

/** The client of one app's service, for calls of one tenant. */
export function clientOf(service: ServiceSettings, tenant: string, parts: ClientParts): VoicemailClient {
  const { nodeName } = parts
  /** The order of the published samples. The address is for information only. */
  const own = ({ command, ...rest }: WireObject): WireObject => ({
    command,
    ip: '127.0.0.1',
    ivr_name: nodeName,
    ...rest,
  })
  switch (service.kind) {
    case 'local':
      return {
        ask: async (request) => answered(await parts.service.handle(own(request), { name: nodeName, tenant })),
      }
    case 'http':
      return { ask: (request) => askOverHttp(service.url, own(request), parts, parts.isTrusted(service, tenant)) }
    case 'tcp':
      return {
        ask: async (request) =>
          parts.isTrusted(service, tenant)
            ? await askOverTcp(service, own(request), parts.clock)
            : failed(`The voicemail service ${service.host}:${service.port} is not one of the operator's own file.`),
      }
  }
}

/** As it stands in the configuration: how a debt to it is remembered. */
export function serviceText(service: ServiceSettings): string {
  if (service.kind === 'local') return 'local'
  if (service.kind === 'http') return service.url
  return `tcp://${service.host.includes(':') ? `[${service.host}]` : service.host}:${service.port}`
}

export function serviceOfText(text: string): ServiceSettings {
  const [, host, port] = /^tcp:\/\/(.+):(\d+)$/.exec(text) ?? []
  if (host !== undefined) return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
  return text === 'local' ? { kind: 'local' } : { kind: 'http', url: text }
}

function answered(object: WireObject): Asked {
  return { kind: 'answer', object }
}

function failed(sentence: string): Asked {
  return { kind: 'failure', sentence }
}

/** An answer is an object with a status, whatever else; what has none is garbage. */
function readAnswer(text: string, from: string): Asked {
  const decoded = decodeObject(text)
  if (decoded.kind === 'unreadable') return failed(`${from} answered what cannot be read. ${decoded.sentence}`)
  const { status } = decoded.object
  if (status !== 'ok' && status !== 'error') return failed(`${from} answered without a status.`)
  return answered(decoded.object)
}

async function askOverHttp(
  url: string,
  request: WireObject,
  { http }: ClientParts,
  isTrusted: boolean,
): Promise<Asked> {
  const outcome = await http.request({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: encodeObject(request),
    timeoutMs,
    maxResponseBytes: maxObjectBytes,
    isTrusted,
  })
  if (outcome.kind === 'failure') return failed(outcome.sentence)
  if (outcome.status !== 200) return failed(`${outcome.url} answered ${outcome.status}.`)
  return readAnswer(Buffer.from(outcome.body).toString('utf8'), outcome.url)
}

/** A connection for each request: a call asks a handful, minutes apart, and a lost connection is then nobody's problem. */
function askOverTcp(
  { host, port }: { readonly host: string; readonly port: number },
  request: WireObject,
  clock: Clock,
): Promise<Asked> {
  const from = `The voicemail service ${host}:${port}`
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const framer = new ObjectFramer()
    const settle = (asked: Asked): void => {
      cancel()
      socket.destroy()
      resolve(asked)
    }
    const cancel = clock.after(timeoutMs, () => settle(failed(`${from} did not answer within ${timeoutMs / 1000} s.`)))
    socket.on('connect', () => socket.write(`${encodeObject(request)}\n`))
    socket.on('data', (chunk) => {
      const [framed] = framer.push(chunk)
      if (framed?.kind === 'object') settle(readAnswer(framed.text, from))
      if (framed?.kind === 'broken') settle(failed(`${from} answered what cannot be read. ${framed.sentence}`))
    })
    socket.on('error', (error) => settle(failed(`${from} cannot be reached: ${error.message}.`)))
    socket.on('close', () => settle(failed(`${from} closed the connection without an answer.`)))
  })
}
