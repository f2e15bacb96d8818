import { join } from 'node:path'
import { systemText } from '../../speech/texts.ts'
import type { FlowCall } from '../flow-call.ts'
import { file, say, sayDigits, tone } from '../playable.ts'
import type { Flow } from '../run-flow.ts'

/** How often the menu is given before the call ends. */
const rounds = 5

/** The demo's spoken menu: every verb once, so that a newcomer hears what the server can do. */
export function menuFlow(dataFolder: string): Flow {
  return async (call) => {
    await call.answer()
    for (let round = 0; round < rounds && !call.isEnded; round++) {
      const choice = await call.gather({
        prompt: say(systemText(round === 0 ? 'demoWelcome' : 'demoMenu', call.language)),
        maxDigits: 1,
        attempts: 2,
        endKey: null,
      })
      if (choice.outcome !== 'digits') break
      // Never the digit itself: what callers press may be secret, and this journal line is for everybody.
      call.note('menuChoice', { isKnown: '12390'.includes(choice.digits) })
      if (choice.digits === '0') continue
      if (choice.digits === '1') {
        await call.say(systemText('demoAbout', call.language))
        break
      }
      if (choice.digits === '2') await leaveAndHear(call, dataFolder)
      else if (choice.digits === '3') await readBack(call)
      else if (choice.digits === '9') await music(call)
      else await call.say(systemText('unknownKey', call.language))
    }
    await call.say(systemText('goodbye', call.language))
    await call.hangUp()
  }
}

async function leaveAndHear(call: FlowCall, dataFolder: string): Promise<void> {
  const message = await call.record({ prompt: say(systemText('demoRecord', call.language)), maxDurationMs: 30_000 })
  if (message.outcome !== 'recorded') return
  if (!message.heardSound) await call.say(systemText('demoNothingHeard', call.language))
  else await call.play([say(systemText('demoYouSaid', call.language)), file(join(dataFolder, message.file))])
}

async function readBack(call: FlowCall): Promise<void> {
  const { digits } = await call.gather({
    prompt: say(systemText('demoDigits', call.language)),
    attempts: 2,
    maxDigits: 20,
  })
  if (digits !== '') await call.play([say(systemText('demoYouPressed', call.language)), sayDigits(digits)])
}

async function music(call: FlowCall): Promise<void> {
  await call.gather({
    prompt: [say(systemText('demoMusic', call.language)), tone('music')],
    maxDigits: 1,
    firstDigitTimeoutMs: 1,
    endKey: null,
  })
}
