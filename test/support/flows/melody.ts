import { join } from 'node:path'
import { type Flow, file } from 'switchhook'

/** Plays `melody.wav`, tones that rise step by step, and hangs up. */
const flow: Flow = async (call) => {
  await call.answer()
  await call.play(file(join(process.env.TONES ?? '.', 'melody.wav')))
  await call.hangUp()
}

export default flow
