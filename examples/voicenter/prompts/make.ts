// Makes the prompts of the two handlers with Switchhook's own voice: node --import tsx examples/voicenter/prompts/make.ts
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SystemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { SystemRandom } from '../../../src/base/random.ts'
import { PromptLibrary } from '../../../src/media/prompt-library.ts'
import { openSpeech } from '../../../src/speech/open-speech.ts'

const texts = {
  main_menu:
    'To hear your number, press one. To talk to extension one zero one, press two. To leave a message, press three. To end the call, press nine.',
  your_number: 'You are calling from',
  please_wait: 'Please wait while we connect you.',
  not_reached: 'Nobody took your call. To hear the menu again, press one.',
  leave_message: 'Please leave your message now, and hang up when you are done.',
  goodbye: 'Thank you for calling. Goodbye.',
  enter_code: 'Please enter your code of four digits.',
  you_entered: 'You have entered',
  right_or_again: 'If that is right, press one. To enter another code, press two.',
}

const clock = new SystemClock()
const prompts = new PromptLibrary({ clock, log: silentLogger })
const speech = await openSpeech({
  engine: 'espeak-ng',
  dataFolder: null,
  cacheBytes: 0,
  clock,
  random: new SystemRandom(),
  log: silentLogger,
  toPrompt: (id, pcm, rateHz) => prompts.fromPcm(id, pcm, rateHz),
})
for (const [name, text] of Object.entries(texts)) {
  const { encoded } = await speech.speak({ text, language: 'en', voice: null })
  await writeFile(join(import.meta.dirname, 'en', `${name}.wav`), wav(new Uint8Array(encoded.PCMU)))
}
await speech.close()
await prompts.close()

/** RIFF WAVE of G.711 mu-law (format 7), 8000 Hz, mono. */
function wav(sound: Uint8Array): Uint8Array {
  const head = Buffer.alloc(46)
  head.write('RIFF', 0)
  head.writeUInt32LE(38 + sound.length, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(18, 16)
  head.writeUInt16LE(7, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(8000, 24)
  head.writeUInt32LE(8000, 28)
  head.writeUInt16LE(1, 32)
  head.writeUInt16LE(8, 34)
  head.write('data', 38)
  head.writeUInt32LE(sound.length, 42)
  return Buffer.concat([head, sound])
}
