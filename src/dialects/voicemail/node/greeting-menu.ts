import { join } from 'node:path'
import { toError } from '../../../base/errors.ts'
import { leastSoundMs } from './deposits.ts'
import { askAbout, type Retrieving } from './retrieving.ts'

const menuWaitMs = 5000
/** Without a key so often the menu is left. */
const silentTimes = 2
const longestGreetingMs = 60_000

/** 1 record, 2 listen, 3 standard greeting, 4 personal one, 5 delete, * back. */
export async function greetingMenu(retrieving: Retrieving): Promise<void> {
  const { voice, call } = retrieving
  let silences = 0
  while (!call.isEnded && silences < silentTimes) {
    const { key } = await voice.ask([voice.text('vm-greetmenu')], menuWaitMs)
    if (call.isEnded || key === '*' || key === '#') return
    if (key === null) silences++
    else await choose(retrieving, key)
  }
}

async function choose(retrieving: Retrieving, key: string): Promise<void> {
  const { voice, greeting } = retrieving
  switch (key) {
    case '1':
      return await recordGreeting(retrieving)
    case '2': {
      const sound = greeting.voice === null ? null : await voice.find(greeting.voice)
      return await voice.tell(sound ?? voice.text('vm-nogreeting'))
    }
    case '3':
      // Only one that is stored can be put aside; with nothing to keep, the empty name would mean the same.
      if (await setGreeting(retrieving, greeting.voice, false)) await voice.tell(voice.text('vm-greetoff'))
      return
    case '4':
      if (greeting.voice === null) return await voice.tell(voice.text('vm-nogreeting'))
      if (await setGreeting(retrieving, greeting.voice, true)) await voice.tell(voice.text('vm-greetsaved'))
      return
    case '5':
      if (await setGreeting(retrieving, null, false)) await voice.tell(voice.text('vm-greetoff'))
      return
    default:
      await voice.tell(voice.text('vm-invalid'))
  }
}

/** Records until a key, and asks what to do with it. Nothing changes unless it is saved. */
async function recordGreeting(retrieving: Retrieving): Promise<void> {
  const { voice, call, parts } = retrieving
  for (;;) {
    await voice.tell(voice.text('vm-recgreet'))
    const recorded = await call.record({ maxDurationMs: longestGreetingMs, silenceMs: null, endKey: 'any' })
    if (!('file' in recorded) || call.isEnded) return
    if (!recorded.heardSound || recorded.durationMs < leastSoundMs) {
      await voice.tell(voice.text('vm-tooshort'))
      return
    }
    // A name of its own for every take: the old greeting plays until the new one is saved.
    const name = `greet_${recorded.recordingId.replace(/^rec_/, '')}`
    try {
      await parts.media.adopt(call.tenant, name, join(parts.dataFolder, recorded.file))
    } catch (thrown) {
      parts.log.error({ callId: call.id, err: toError(thrown) }, 'a greeting could not be taken into the store')
      return await voice.tell(voice.text('vm-error'))
    }
    const verdict = await review(retrieving, name)
    if (verdict === 'save') {
      if (await setGreeting(retrieving, name, true)) return await voice.tell(voice.text('vm-greetsaved'))
      await voice.tell(voice.text('vm-error'))
    }
    await parts.media.remove(call.tenant, name)
    if (verdict !== 'again') return
  }
}

/** 1 save, 2 listen, 3 again, * cancel. */
async function review(retrieving: Retrieving, name: string): Promise<'save' | 'again' | 'cancel'> {
  const { voice, call } = retrieving
  for (let silences = 0; silences < silentTimes; ) {
    const { key } = await voice.ask([voice.text('vm-review')], menuWaitMs)
    if (call.isEnded || key === '*' || key === '#') return 'cancel'
    if (key === '1') return 'save'
    if (key === '3') return 'again'
    if (key === null) silences++
    const sound = key === '2' ? await voice.find(name) : null
    if (sound) await voice.tell(sound)
  }
  return 'cancel'
}

/** @param name - null deletes what is stored. */
async function setGreeting(retrieving: Retrieving, name: string | null, active: boolean): Promise<boolean> {
  const answer = await askAbout(retrieving, 'RECGREETING', { filename: name ?? '', active })
  if (answer === null) return false
  retrieving.greeting = { voice: name, isActive: active }
  return true
}
