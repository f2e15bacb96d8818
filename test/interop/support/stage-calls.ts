import { expect } from 'vitest'
import type { Stage } from '../../support/stage.ts'
import { Capture } from './capture.ts'
import { until } from './program.ts'
import { runSipp, type SippOptions, type SippResult } from './sipp.ts'

/** What the admin API tells of a call, as far as these tests ask. */
export interface CallView {
  readonly id: string
  readonly from: string
  readonly extension: string | null
  readonly cause: string
  readonly endedBy: string
  readonly sipStatus: number | null
  readonly sentence: string
}

/** The record of the last call of this caller, once it is closed. */
export async function recordOf(stage: Stage, caller: string): Promise<CallView> {
  const ask = async (): Promise<CallView | null> => {
    const path = `/api/v1/calls?limit=1&state=ended&from=${encodeURIComponent(caller)}`
    const { items } = (await stage.server.get(path)) as { items: readonly CallView[] }
    return items[0] ?? null
  }
  return await until(
    ask,
    () => `no call of ${caller} was closed; the server said:\n${stage.server.output().slice(-4000)}`,
  )
}

export type SippCall = Omit<SippOptions, 'folder' | 'serverPort'>

/** Runs a scenario and expects that every step of it went as written. */
export async function callBySipp(stage: Stage, call: SippCall): Promise<SippResult> {
  const result = await runSipp({ ...call, folder: stage.folder, serverPort: stage.server.sipPort })
  expect(result.code, `${result.log}\n${stage.server.output().slice(-4000)}`).toBe(0)
  return result
}

/** The same, while all UDP of the peer's media ports is captured. */
export async function captureCall(
  stage: Stage,
  call: SippCall,
): Promise<{ readonly result: SippResult; readonly capture: Capture }> {
  const capture = await Capture.start(stage.folder, call.name, `udp portrange ${call.port}-${call.port + 7}`)
  try {
    return { result: await callBySipp(stage, call), capture }
  } finally {
    await capture.stop()
  }
}

export { melodyTones, tonesIn } from '../../support/stage-tones.ts'
