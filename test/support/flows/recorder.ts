import type { Flow } from 'switchhook'

/** Records until the caller hangs up. */
const flow: Flow = async (call) => {
  await call.answer()
  await call.record({ beep: false, maxDurationMs: 120_000, silenceMs: null, endKey: null })
}

export default flow
