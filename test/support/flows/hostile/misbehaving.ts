import { join } from 'node:path'
import { type Flow, type FlowCall, file, silence, tone } from 'switchhook'

const folder = process.env.TONES ?? '.'

/** What goes wrong, by the number that was dialled. */
const behaviours: Readonly<Record<string, (call: FlowCall) => unknown>> = {
  // The one that behaves.
  '900': async (call) => {
    await call.answer()
    await call.play(file(join(folder, 'key-1.wav')))
    await call.hangUp()
  },
  '901': async (call) => {
    await call.answer()
    throw new Error('the customer database is gone')
  },
  '902': () => {
    throw new Error('nobody answered the door')
  },
  '903': async (call) => {
    await call.answer()
    await new Promise(() => {})
  },
  '904': () => {},
  '905': async (call) => {
    await call.answer()
  },
  // Never looks at an outcome, and so goes on for ever once the caller has hung up.
  '906': async (call) => {
    await call.answer()
    for (;;) await call.play(silence(200))
  },
  '907': async (call) => {
    await call.answer()
    for (;;) await call.gather({ prompt: tone('beep'), maxDigits: 1, firstDigitTimeoutMs: 500 })
  },
  '908': async (call) => {
    await call.answer()
    await call.play(file(join(folder, 'there-is-no-such.wav')))
  },
  '909': async (call) => {
    await call.answer()
    await call.play(file(join(folder, 'damaged.wav')))
  },
  '910': async (call) => {
    await call.answer()
    await call.play(file(join(folder, 'damaged.mp3')))
  },
  '911': async (call) => {
    await call.answer()
    throw 'a text instead of an error'
  },
  // What was started and left behind fails later, when nobody waits for it.
  '912': async (call) => {
    await call.answer()
    void Promise.reject(new Error('a promise that nobody waits for'))
    setTimeout(() => void call.play(file(join(folder, 'there-is-no-such.wav'))), 100)
    await call.play(tone('beep'))
    await call.hangUp()
  },
}

const flow: Flow = async (call) => await behaviours[call.to]?.(call)

export default flow
