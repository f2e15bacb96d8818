import { join } from 'node:path'
import { sine } from '../../support/hear.ts'
import { writeAlaw, writeMulaw } from '../../support/stage.ts'
import type { TwoSidedStage } from '../../support/stage-two-sided.ts'
import type { Capture } from './capture.ts'
import { shareBetween } from './phones.ts'
import { step } from './sipp-steps.ts'

const written = new Map<string, Promise<void>>()

/** A step of sipp: says this tone, as PCMU or PCMA, until the call is over. */
export async function says(stage: TwoSidedStage, hz: number, codec: 'PCMU' | 'PCMA' = 'PCMU'): Promise<string> {
  const file = join(stage.folder, `tone-${hz}.${codec}`)
  const write = codec === 'PCMU' ? writeMulaw : writeAlaw
  // A whole number of waves, so that it goes on without a click where it begins anew. Once: others read it.
  const writing = written.get(file) ?? write(file, sine(hz, 2000))
  written.set(file, writing)
  await writing
  return step.stream(file, -1, codec === 'PCMU' ? 0 : 8)
}

/**
 * The tones, of those asked for, that were clearly in the last second of what was sent to a port.
 * @param before - that second ended then, in seconds since 1970; with the last packet if absent.
 */
export async function lastHeard(
  capture: Capture | null,
  port: number,
  hz: readonly number[],
  before = Number.POSITIVE_INFINITY,
): Promise<readonly number[]> {
  if (capture === null) throw new Error('nothing was captured')
  const packets = await capture.rtpTo(port)
  // What the end itself does to the sound is left out.
  const end = Math.min(before, packets.at(-1)?.at ?? 0) - 0.15
  return hz.filter((one) => shareBetween(packets, one, end - 0.8, end) > 0.6)
}
