import { join } from 'node:path'
import { shareWith, sine } from '../../support/hear.ts'
import { writeWav } from '../../support/stage.ts'
import type { TwoSidedStage } from '../../support/stage-two-sided.ts'
import { Baresip } from './baresip.ts'
import { audioOf, type CapturedRtp } from './capture.ts'
import type { PeerPorts } from './ports.ts'

export interface PhoneOptions {
  readonly name: string
  readonly extension: string
  /** What it says for as long as it lives: a tone of its own. */
  readonly hz: number
}

/** Longer than any case. */
const toneMs = 40_000

/** A registered baresip that says its own tone. */
export async function startPhone(
  stage: Pick<TwoSidedStage, 'folder' | 'server'>,
  ports: PeerPorts,
  options: PhoneOptions,
): Promise<Baresip> {
  const { name, extension, hz } = options
  const speaks = join(stage.folder, `tone-${hz}.wav`)
  await writeWav(speaks, sine(hz, toneMs))
  const phone = await Baresip.start({
    folder: stage.folder,
    name,
    port: await ports.take(),
    serverPort: stage.server.sipPort,
    extension,
    password: `secret-of-${extension}`,
    speaks,
  })
  try {
    await phone.saw('200 OK (Switchhook')
    return phone
  } catch (thrown) {
    await phone.stop()
    throw thrown
  }
}

/** Seconds since 1970, as a capture has them. */
export function nowSeconds(): number {
  return Date.now() / 1000
}

/** How much of the time between two moments a tone was in what was sent to a peer: 0 to 1. Nothing sent is silence. */
export function shareBetween(packets: readonly CapturedRtp[], hz: number, from: number, to: number): number {
  const part = packets.filter(({ at }) => at >= from && at < to)
  const heard = audioOf(part)
  return (shareWith(heard, hz) * heard.length) / (8000 * (to - from))
}
