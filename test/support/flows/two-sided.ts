import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DialOptions, type Flow, file, type HoldOutcome, type Peer, type SuperviseOptions } from 'switchhook'

/** Where the test has put its sounds, and its plans: `plans/7001.json` says what the program at number 7001 does. */
const folder = process.env.TONES ?? '.'

/** Those of `dial` that JSON can say; `announce` is the name of a sound. */
export type PlannedDial = Pick<DialOptions, 'mode' | 'seconds' | 'digits' | 'limitSeconds' | 'record' | 'bridge'> & {
  readonly announce?: string
}

/** One verb, by name, as a plan in JSON can say it. */
export type PlanStep =
  | { readonly do: 'answer' | 'ring' | 'hangUp' | 'hold' | 'unhold' | 'monitor' | 'bridge' }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'play'; readonly sound: string }
  | { readonly do: 'dial'; readonly to: string | readonly string[]; readonly options?: PlannedDial }
  | { readonly do: 'transfer'; readonly to: string; readonly mode: 'bridge' | 'refer' }
  | { readonly do: 'conference'; readonly room: string }
  | { readonly do: 'supervise'; readonly callId: string; readonly mode: SuperviseOptions['mode'] }

/** Does what its plan says, and puts the outcome of each verb into the call's journal as `planned`. */
const flow: Flow = async (call) => {
  const steps = JSON.parse(await readFile(join(folder, 'plans', `${call.to}.json`), 'utf8')) as readonly PlanStep[]
  let peer: Peer | null = null
  const run = async (step: PlanStep): Promise<string> => {
    switch (step.do) {
      case 'answer':
        return (await call.answer()).outcome
      case 'ring':
        call.ring()
        return 'done'
      case 'hangUp':
        await call.hangUp()
        return 'done'
      case 'pause':
        await new Promise((resolve) => setTimeout(resolve, step.ms))
        return 'done'
      case 'play':
        return (await call.play(file(join(folder, step.sound)))).outcome
      case 'dial': {
        const { announce, ...options } = step.options ?? {}
        const announcing = announce === undefined ? {} : { announce: file(join(folder, announce)) }
        const dialled = await call.dial(step.to, { ...options, ...announcing })
        call.note('dialled', { sentence: dialled.sentence })
        peer = dialled.peer
        return dialled.outcome
      }
      case 'bridge':
        return peer ? (await call.bridge(peer)).outcome : 'nobody'
      case 'hold':
        return told(await call.hold())
      case 'unhold':
        return told(await call.unhold())
      case 'transfer':
        return (await call.transfer(step.to, { mode: step.mode })).outcome
      case 'conference':
        return (await call.conference(step.room)).outcome
      case 'supervise':
        return (await call.supervise(step.callId, { mode: step.mode })).outcome
      case 'monitor':
        await call.monitor()
        return 'done'
    }
  }
  for (const step of steps) {
    if (call.isEnded) return
    call.note('planned', { verb: step.do, outcome: await run(step) })
  }
}

/** Whether the telephone agreed is half of the outcome. */
function told({ outcome, isSignalled }: HoldOutcome): string {
  return isSignalled ? outcome : `${outcome} unsignalled`
}

export default flow
