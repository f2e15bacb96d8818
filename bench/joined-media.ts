// The media plane alone, with endpoints that are joined, in a process of its own: what the media rows of the bench measure.
// Its one argument is JSON (`JoinedSettings`); prints its ports as a line of JSON, and ends with its standard input.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemClock } from '../src/base/clock.ts'
import type { RecordingId } from '../src/base/ids.ts'
import { silentLogger } from '../src/base/log.ts'
import { type MediaEndpoint, type MediaEndpointUser, WorkerMediaPlane } from '../src/media/plane/index.ts'
import { RecordingWriter } from '../src/media/recording-writer.ts'
import type { AgreedMedia, AudioCodec } from '../src/sdp/types.ts'

export interface JoinedSettings {
  readonly sinkPort: number
  readonly workers: number
  /** How many endpoints in all; `size` of them together make a bridge (2) or a room. */
  readonly endpoints: number
  readonly size: number
  readonly join: 'bridge' | 'room'
  /** Bridges: both sides in one worker, or each in another. */
  readonly isCrossing: boolean
  /** Whether every second endpoint speaks PCMA. */
  readonly isMixedCodecs: boolean
  /** Bridges: whether the first side is recorded with two channels. */
  readonly isRecorded: boolean
}

const settings = JSON.parse(process.argv[2] ?? '') as JoinedSettings
const address = '127.0.0.1'
const folder = await mkdtemp(join(tmpdir(), 'switchhook-bench-media-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const clock = new SystemClock()
const writer = new RecordingWriter({ clock, log: silentLogger, folder })
const plane = await WorkerMediaPlane.start({
  clock,
  log: silentLogger,
  workers: settings.workers,
  addresses: [address],
  firstPort: 20_000,
  lastPort: 39_999,
  portsAhead: Math.ceil((settings.endpoints / settings.workers) * 1.5),
  newRecordingPort: () => writer.newPort(),
})
const nobody: MediaEndpointUser = {
  digitReceived: () => {},
  mediaLatched: () => {},
  mediaTimedOut: () => {},
  mediaFailed: (sentence) => {
    throw new Error(sentence)
  },
}

function agreed(codec: AudioCodec): AgreedMedia {
  return {
    remoteAddress: address,
    remotePort: settings.sinkPort,
    // The sink hears no reports; they are written and sent all the same.
    remoteRtcpPort: settings.sinkPort + 1,
    sendCodec: codec,
    sendPayloadType: codec === 'PCMU' ? 0 : 8,
    receivePayloadTypes: new Map<number, AudioCodec>([
      [0, 'PCMU'],
      [8, 'PCMA'],
    ]),
    telephoneEvent: { sendPayloadType: 101, receivePayloadType: 101 },
    ptimeMs: 20,
    direction: 'sendrecv',
    isHeld: false,
  }
}

async function open(near: MediaEndpoint | null): Promise<MediaEndpoint> {
  const options = { user: nobody, localAddress: address, timeoutMs: 60_000 }
  while (plane.counts.freePorts < settings.workers * 4)
    await new Promise((resolve) => clock.after(20, () => resolve(null)))
  return plane.open(near ? { ...options, near } : options)
}

const ports: number[] = []
for (let i = 0; i < settings.endpoints / settings.size; i++) {
  const group: MediaEndpoint[] = []
  for (let n = 0; n < settings.size; n++) {
    const first = group[0] ?? null
    // The least loaded worker is the other one, where there are two.
    const endpoint = await open(settings.isCrossing ? null : first)
    endpoint.connect(agreed(settings.isMixedCodecs && n % 2 === 1 ? 'PCMA' : 'PCMU'))
    group.push(endpoint)
    ports.push(endpoint.localPort)
  }
  const [a, b] = group
  if (settings.join === 'bridge' && a && b) {
    plane.bridge(a, b)
    if (settings.isRecorded) {
      a.record({
        recordingId: `rec_${i}` as RecordingId,
        file: join(folder, `${i}.wav`),
        channels: 'both',
        maxDurationMs: 3_600_000,
        silenceMs: null,
      })
    }
  } else {
    const failed = (sentence: string): void => nobody.mediaFailed(sentence)
    const room = plane.openRoom({ user: { roomFailed: failed }, ...(a ? { near: a } : {}) })
    for (const endpoint of group) room.join(endpoint)
  }
}
console.log(JSON.stringify({ ports }))
process.stdin.resume().on('end', () => void finish())

async function finish(): Promise<void> {
  await plane.close()
  await writer.close()
  process.exit(0)
}
