import { type Playable, sayParts } from '../../../action/playable.ts'
import { type SpokenPart, spokenDate, spokenTelephone, spokenTime } from '../../../speech/spoken/index.ts'
import type { ListedMessage } from './answers.ts'
import { askAbout, type Retrieving } from './retrieving.ts'

/** What an owner did with the messages of a list. */
export interface Heard {
  readonly left: 'heard' | 'main' | 'leave'
  /** Voice -> whether it is read now. Those that were not decided about are not in it. */
  readonly marks: ReadonlyMap<string, boolean>
}

/** Without a key for so long the next message comes. */
const nextAfterMs = 4000
/** A key during the message counts, one behind it is asked for separately: only then was it heard to its end. */
const momentMs = 20
const callBackSeconds = 30

type Step = 'next' | 'previous' | 'repeat' | 'stay' | 'main' | 'leave'

/**
 * Plays messages one after the other, with the keys of other voicemail systems: 4 previous, 5 repeat, 6 next, 7 delete and
 * again undelete, 8 forward, 9 keep as new, 3 who and when, 2 call back, * main menu, # leave.
 */
export async function hearMessages(retrieving: Retrieving, messages: readonly ListedMessage[]): Promise<Heard> {
  const { voice, call } = retrieving
  const marks = new Map<string, boolean>()
  const mark = async (message: ListedMessage, isRead: boolean): Promise<void> => {
    if (marks.get(message.voice) === isRead) return
    if (await askAbout(retrieving, isRead ? 'READMAIL' : 'UNREADMAIL', { voice: message.voice })) {
      marks.set(message.voice, isRead)
    }
  }
  let hasHeardKeys = false
  for (let index = 0; index < messages.length && !call.isEnded; ) {
    const message = messages[index] as ListedMessage
    const sound = await voice.find(message.voice)
    let { key } = await voice.ask([sound ?? voice.text('vm-novoice')], momentMs)
    if (call.isEnded) break
    if (key === null && sound !== null) await mark(message, true)
    let step: Step = 'stay'
    while (step === 'stay' && !call.isEnded) {
      if (key === null) {
        const keys: readonly Playable[] = hasHeardKeys ? [] : [voice.text('vm-msgkeys')]
        hasHeardKeys = true
        key = (await voice.ask(keys, nextAfterMs)).key
        if (call.isEnded) break
      }
      const isLeft = key === '6' || key === '7'
      if (isLeft && sound !== null) await mark(message, true)
      step = key === null ? 'next' : await pressed(retrieving, message, key, (isRead) => mark(message, isRead))
      key = null
    }
    if (step === 'main' || step === 'leave') return { left: step, marks }
    if (step === 'next') index++
    if (step === 'previous') index = Math.max(0, index - 1)
  }
  return { left: 'heard', marks }
}

async function pressed(
  retrieving: Retrieving,
  message: ListedMessage,
  key: string,
  mark: (isRead: boolean) => Promise<void>,
): Promise<Step> {
  const { voice, deleted } = retrieving
  switch (key) {
    case '2':
      return await callBack(retrieving, message)
    case '3':
      await voice.tell(...whoAndWhen(retrieving, message))
      return 'stay'
    case '4':
      return 'previous'
    case '5':
      return 'repeat'
    case '6':
      return 'next'
    case '7': {
      const isBack = deleted.delete(message.voice)
      if (!isBack) deleted.add(message.voice)
      await voice.tell(voice.text(isBack ? 'vm-undeleted' : 'vm-deleted'))
      return 'stay'
    }
    case '8':
      return await forward(retrieving, message)
    case '9':
      await mark(false)
      await voice.tell(voice.text('vm-kept'))
      return 'next'
    case '*':
      return 'main'
    case '#':
      return 'leave'
    default:
      await voice.tell(voice.text('vm-invalid'))
      return 'stay'
  }
}

async function forward(retrieving: Retrieving, message: ListedMessage): Promise<Step> {
  const { voice } = retrieving
  const to = await voice.askDigits([voice.text('vm-forward')], 20)
  if (to === null) return 'stay'
  const isDone = (await askAbout(retrieving, 'FWDMAIL', { voice: message.voice, to })) !== null
  await voice.tell(voice.text(isDone ? 'vm-forwarded' : 'vm-notforwarded'))
  return 'stay'
}

/** Only for an owner that has proven who it is, and by its own rules for going out: a PIN must not open the tenant's trunks. */
async function callBack({ call, voice, isOwner }: Retrieving, { number }: ListedMessage): Promise<Step> {
  if (!isOwner || number === '') {
    await voice.tell(voice.text('vm-invalid'))
    return 'stay'
  }
  await call.dial(number, { seconds: callBackSeconds })
  return 'stay'
}

/** The date as it was on the tenant's clocks; the service has told it so. */
function whoAndWhen({ voice }: Retrieving, { number, date, time }: ListedMessage): readonly Playable[] {
  const { language } = voice
  const spoken = (parts: readonly SpokenPart[]): readonly Playable[] =>
    parts.length === 0 ? [] : [sayParts(parts, { language })]
  const who =
    number === ''
      ? [voice.text('vm-from-unknown')]
      : [voice.text('vm-from'), ...spoken(spokenTelephone(number, language))]
  const at = new Date(`${date}T${time ?? '00:00:00'}Z`)
  const day = spokenDate(at, language, 'UTC')
  const hour = time === null ? [] : spokenTime(at, language, 'UTC')
  const when = day.length === 0 ? [] : [voice.text('vm-date'), ...spoken(day)]
  return [...who, ...when, ...spoken(hour)]
}
