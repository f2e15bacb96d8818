import { systemText } from '../../speech/texts.ts'
import { say, tone } from '../playable.ts'
import type { Flow } from '../run-flow.ts'

/** The echo test: says what it is, and then gives back what it hears until the caller hangs up. */
export const echoFlow: Flow = async (call) => {
  await call.answer()
  // Without a voice the echo test works all the same.
  await call
    .play([say(systemText('echoIntroduction', call.language)), tone('beep')])
    .catch(() => call.play(tone('beep')))
  await call.echo()
}
