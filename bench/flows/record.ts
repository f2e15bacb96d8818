import type { Flow } from 'switchhook'

/** Records the caller until it hangs up. */
const flow: Flow = async (call) => {
  await call.answer()
  await call.record({ beep: false, maxDurationMs: 600_000, silenceMs: null, endKey: null })
}

export default flow
