import { join } from 'node:path'
import { type Flow, file } from 'switchhook'

const folder = process.env.BENCH_FOLDER ?? '.'
const prompts = [file(join(folder, 'a.wav')), file(join(folder, 'b.wav'))] as const

/** Plays a prompt of 25 s; a key brings the next one. The caller hangs up. */
const flow: Flow = async (call) => {
  await call.answer()
  for (let turn = 0; !call.isEnded; turn++) {
    await call.gather({ prompt: prompts[turn % 2] ?? prompts[0], maxDigits: 1, firstDigitTimeoutMs: 1, endKey: null })
  }
}

export default flow
