import { join } from 'node:path'
import { type Flow, file } from 'switchhook'

/** Where the test has put `prompt.wav` (440 Hz) and `key-0.wav` … `key-9.wav` (600 Hz and 100 Hz more for each). */
const folder = process.env.TONES ?? '.'

/** Asks with one tone and answers every key with a tone of its own, until the caller hangs up; `0` makes us hang up. */
const flow: Flow = async (call) => {
  await call.answer()
  let prompt = file(join(folder, 'prompt.wav'))
  while (!call.isEnded) {
    const { digits } = await call.gather({ prompt, maxDigits: 1, firstDigitTimeoutMs: 30_000, endKey: null })
    if (digits === '') return
    await call.play(file(join(folder, `key-${digits}.wav`)))
    if (digits === '0') return await call.hangUp()
    prompt = file(join(folder, 'silence.wav'))
  }
}

export default flow
