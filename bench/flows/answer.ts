import type { Flow } from 'switchhook'

/** Answers and waits for the caller to hang up. */
const flow: Flow = async (call) => {
  await call.answer()
  await call.ended
}

export default flow
