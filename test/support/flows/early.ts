import { join } from 'node:path'
import { type Flow, file } from 'switchhook'

const folder = process.env.TONES ?? '.'

/** Rings, lets the caller hear the prompt before the answer, answers, plays one more tone and hangs up. */
const flow: Flow = async (call) => {
  call.ring()
  call.openEarlyMedia()
  await call.play(file(join(folder, 'prompt.wav')))
  await call.answer()
  await call.play(file(join(folder, 'key-1.wav')))
  await call.hangUp()
}

export default flow
