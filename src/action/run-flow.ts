import { toError } from '../base/errors.ts'
import type { Call } from '../call/call.ts'
import type { Program } from '../call/calls.ts'
import { systemText } from '../speech/texts.ts'
import type { Language } from '../speech/types.ts'
import { FlowCall, type FlowCallContext, type FlowCallParts } from './flow-call.ts'
import { play } from './play.ts'
import { type Playable, say, tone } from './playable.ts'
import type { PromptResolver } from './prompts.ts'

/** A call flow: what a TypeScript programmer writes. */
export type Flow = (call: FlowCall) => unknown

export interface RunFlowOptions extends FlowCallContext {
  /** How a sentence names it: `The flow ./flows/welcome.ts`. */
  readonly name: string
  /** A flow on which no verb has run for so long is taken for hung. */
  readonly idleLimitMs: number
}

export const usualIdleLimitMs = 60_000

/** How long the apology may take: nobody waits for ever on a broken flow. */
const apologyLimitMs = 15_000

/**
 * Makes a program of a flow. A flow that throws, hangs or forgets to hang up harms only its own call: the caller hears
 * an apology, and the record says what happened. (One that never yields the thread cannot be helped from within.)
 */
export function flowProgram(flow: Flow, parts: FlowCallParts, options: RunFlowOptions): Program {
  return async (call) => {
    const flowCall = new FlowCall(call, parts, options)
    const end = await outcomeOf(flow, flowCall, call, options)
    if (call.isEnded) {
      if (end.kind === 'threw') call.log.warn({ err: end.error }, `${options.name} threw after the call had ended`)
      return
    }
    if (end.kind === 'returned') {
      // A callee that hung up is the reason, and not that the flow had nothing more to do.
      if (call.news?.endedBy) return call.end({ by: 'program', cause: 'normal', sentence: null })
      const sentence = call.isAnswered
        ? `${options.name} was done without hanging up, so Switchhook did.`
        : `${options.name} was done without answering or refusing the call.`
      call.end({ by: 'program', cause: 'normal', sentence })
      return
    }
    const why =
      end.kind === 'threw' ? `failed: ${end.error.message}` : `did nothing for ${options.idleLimitMs / 1000} s`
    call.note('problem', end.kind === 'threw' ? 'flowThrew' : 'flowHung', { why })
    // Whoever else takes part is not to hear the apology.
    call.dismissOthers()
    call.log.error(end.kind === 'threw' ? { err: end.error } : {}, `${options.name} ${why}`)
    const heard = call.isAnswered && (await apologise(call, parts.prompts, flowCall.language, options.timeZone))
    const tail = heard ? '; the caller heard an apology and was hung up.' : '.'
    call.end({ by: 'server', cause: 'flow-failed', sentence: `${options.name} ${withoutStop(why)}${tail}` })
  }
}

type FlowEnd =
  | { readonly kind: 'returned' }
  | { readonly kind: 'threw'; readonly error: Error }
  | { readonly kind: 'hung' }

async function outcomeOf(flow: Flow, flowCall: FlowCall, call: Call, options: RunFlowOptions): Promise<FlowEnd> {
  const watch = watchIdle(flowCall, call, options.idleLimitMs)
  const run = async (): Promise<FlowEnd> => {
    try {
      await flow(flowCall)
      return { kind: 'returned' }
    } catch (thrown) {
      return { kind: 'threw', error: toError(thrown) }
    }
  }
  const running = run()
  const end = await Promise.race([running, watch.hung])
  watch.close()
  if (end.kind === 'hung') {
    running
      .then((late) => call.log.warn({}, `${options.name} came back (${late.kind}) after it had been given up`))
      .catch(() => {})
  }
  return end
}

/** Settles when no verb has run for the limit, or the call ended (a flow need not come back from that). */
function watchIdle(
  flowCall: FlowCall,
  call: Call,
  limitMs: number,
): { readonly hung: Promise<FlowEnd>; close(): void } {
  let cancel: () => void = () => {}
  const hung = new Promise<FlowEnd>((resolve) => {
    const check = (): void => {
      const since = flowCall.idleSinceMs
      const leftMs = since === null ? limitMs : since + limitMs - call.clock.now()
      if (leftMs <= 0) resolve({ kind: 'hung' })
      else cancel = call.clock.after(leftMs, check)
    }
    check()
    call.signal.addEventListener('abort', () => resolve({ kind: 'returned' }), { once: true })
  })
  return { hung, close: () => cancel() }
}

/** Says sorry in the call's language, or gives the congestion tone where there is no voice. False when neither was heard. */
async function apologise(call: Call, prompts: PromptResolver, language: Language, timeZone: string): Promise<boolean> {
  const limit = new AbortController()
  const cancel = call.clock.after(apologyLimitMs, () => limit.abort())
  const signal = AbortSignal.any([limit.signal, call.signal])
  const context = { tenant: call.tenant, language, timeZone }
  const attempts: readonly Playable[] = [say(systemText('apology', language)), tone('congestion')]
  try {
    for (const playable of attempts) {
      const loaded = await prompts.resolve(playable, context, signal).catch(() => null)
      if (loaded === null) continue
      const { outcome } = await play(call, loaded, { signal })
      return outcome === 'finished'
    }
    return false
  } finally {
    cancel()
  }
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '')
}
