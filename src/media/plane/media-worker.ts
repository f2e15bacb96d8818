import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { SystemClock } from '../../base/clock.ts'
import { assert } from '../../base/errors.ts'
import { SystemRandom } from '../../base/random.ts'
import { RecordingClient } from '../recording-client.ts'
import { type CrossingEnd, openCrossing } from './crossing-port.ts'
import { Engine } from './engine.ts'
import type { EngineCommand, EngineEvent } from './messages.ts'
import { bindReal, type PortSettings, portSources } from './port-sources.ts'

/** What a media worker is started with. */
export interface MediaWorkerData {
  /** Its number, from 0. */
  readonly worker: number
  readonly ports: PortSettings
  readonly portsAhead: number
  /** To the thread that writes recordings. */
  readonly recordingPort: MessagePort
}

/** What the main thread sends: all commands of one turn of its loop together. */
export type MediaWorkerRequest =
  | { readonly kind: 'commands'; readonly commands: readonly EngineCommand[] }
  /** The writer thread was started anew. */
  | { readonly kind: 'recordingPort'; readonly port: MessagePort }
  /** A way to another worker: to a new one, or from a new one to those that run. */
  | { readonly kind: 'crossing'; readonly worker: number; readonly end: CrossingEnd }
  | { readonly kind: 'shutDown' }

/** What it hears: all events of one turn of the worker's loop together. */
export type MediaWorkerNews = readonly EngineEvent[]

const port = parentPort
assert(port, 'The media worker was started outside of a worker thread.')
const { worker, ports, portsAhead, recordingPort } = workerData as MediaWorkerData

const clock = new SystemClock()
const recordings = new RecordingClient(recordingPort)
let news: EngineEvent[] = []

function sendNews(): void {
  const batch: MediaWorkerNews = news
  news = []
  port?.postMessage(batch)
}

const engine = new Engine({
  clock,
  random: new SystemRandom(),
  worker,
  sources: portSources(ports, { clock, bind: bindReal, ahead: portsAhead }),
  portsAhead,
  recordings,
  tell: (event) => {
    if (news.length === 0) setImmediate(sendNews)
    news.push(event)
  },
})

port.on('message', (request: MediaWorkerRequest) => {
  switch (request.kind) {
    case 'commands':
      for (const command of request.commands) engine.handle(command)
      return
    case 'recordingPort':
      return recordings.usePort(request.port)
    case 'crossing':
      return openCrossing(engine, request.worker, request.end)
    case 'shutDown':
      engine.close()
      // In a later turn, so that the last news leaves first.
      setImmediate(() => setImmediate(() => process.exit(0)))
  }
})

void engine.start()
