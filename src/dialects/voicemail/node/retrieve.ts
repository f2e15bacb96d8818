import { sayNumber } from '../../../action/playable.ts'
import type { Flow } from '../../../action/run-flow.ts'
import { readRetrieveAnswer } from './answers.ts'
import { greetingMenu } from './greeting-menu.ts'
import { type Activities, runTable } from './machine.ts'
import { hearMessages, type Heard as ListHeard } from './messages.ts'
import { type RetrieveState, retrieveTable } from './retrieve-table.ts'
import { askAbout, type RetrieveParts, type Retrieving } from './retrieving.ts'
import { noteServiceProblem, problemOf } from './service-problem.ts'
import type { VoicemailText } from './texts.ts'
import { NodeVoice } from './voice.ts'

const helpTimes = 3
const helpWaitMs = 5000
const momentMs = 20
const pinAttempts = 3

/** The flow of an owner who fetches messages. */
export function retrieveFlow(parts: RetrieveParts): Flow {
  return async (call) => {
    const owner = parts.owner(call)
    const answer = readRetrieveAnswer({})
    const retrieving: Retrieving = {
      call,
      voice: new NodeVoice(call, parts.media, parts.log),
      parts,
      owner,
      isOwner: parts.isOwner(call, owner),
      answer,
      unread: [],
      read: [],
      greeting: answer.greeting,
      deleted: new Set(),
      hasHeardPromoY: false,
    }
    await runTable(retrieveTable, activities, 'init', retrieving, (state) => {
      if (!call.isEnded) call.note('voicemail', { state })
    })
  }
}

const activities: Activities<RetrieveState, Retrieving> = {
  init: async (retrieving) => {
    const { call, parts, owner, voice } = retrieving
    const asked = await parts.client.ask({ command: 'INITRETRIEVE', number: { a: owner, b: call.to } })
    await call.answer()
    if (call.isEnded) return 'hangUp'
    const problem = problemOf(asked)
    if (problem !== null) noteServiceProblem(call, 'INITRETRIEVE', problem)
    if (asked.kind === 'failure') {
      parts.log.error({ callId: call.id, problem: asked.sentence }, 'the voicemail service was not there for an owner')
      return 'failed'
    }
    const { status, reason } = asked.object
    if (status !== 'ok') return reason === 'NO_MAILBOX' || reason === undefined ? 'denied' : 'failed'
    const answer = readRetrieveAnswer(asked.object)
    retrieving.answer = answer
    retrieving.unread = [...answer.unread]
    retrieving.read = [...answer.read]
    retrieving.greeting = answer.greeting
    speak(retrieving, answer.language)
    if (!answer.isAllowed) return 'denied'
    if (retrieving.isOwner) return 'own'
    voice.language = answer.language
    return answer.hasPin ? 'elsewhere' : 'denied'
  },

  pin: async (retrieving) => {
    const { voice, call } = retrieving
    for (let attempt = 1; attempt <= pinAttempts; attempt++) {
      const pin = await voice.askDigits([voice.text('vm-pin')], 12)
      if (call.isEnded) return 'hangUp'
      const answer = pin === null ? { access: false } : await askAbout(retrieving, 'AUTHMAIL', { pin })
      if (answer === null) return 'failed'
      if (answer['access'] === true) return 'right'
      await voice.tell(voice.text('vm-pinbad'))
      if (answer['message'] === 'locked') return call.isEnded ? 'hangUp' : 'wrong'
    }
    return call.isEnded ? 'hangUp' : 'wrong'
  },

  promoX: async ({ voice, answer, call }) => {
    const promo = answer.promos.x ? await voice.find(answer.promos.x) : null
    if (promo) await voice.tell(promo)
    return call.isEnded ? 'hangUp' : 'next'
  },

  count: async (retrieving) => {
    const { voice, unread, read, call, answer } = retrieving
    if (unread.length > 0) await tellCount(retrieving, unread.length, 'vm-new', 'vm-new-one')
    else if (read.length > 0) await tellCount(retrieving, read.length, 'vm-old', 'vm-old-one')
    else await voice.tell(voice.text('vm-none'))
    // Otherwise nobody would tell the owner why no more messages come.
    if (answer.isFull) await voice.tell(voice.text('vm-mailbox-full'))
    if (call.isEnded) return 'hangUp'
    return unread.length > 0 ? 'unread' : 'none'
  },

  newMessages: async (retrieving) => await listen(retrieving, 'unread'),

  promoY: async (retrieving) => {
    const { voice, answer, call } = retrieving
    const promo = answer.promos.y && !retrieving.hasHeardPromoY ? await voice.find(answer.promos.y) : null
    retrieving.hasHeardPromoY = true
    if (promo) {
      const { key } = await voice.ask([promo, voice.text('vm-promo-press1')], helpWaitMs)
      const isTaker = key === '1'
      await askAbout(retrieving, 'PROMOTAKER', { promo: 'y', taker: isTaker })
      if (isTaker) await voice.tell(voice.text('vm-thanks'))
      else await askAbout(retrieving, 'SENDPROMO', { promo: 'y' })
    }
    return call.isEnded ? 'hangUp' : 'next'
  },

  main: async ({ voice }) => {
    for (let time = 1; time <= helpTimes; time++) {
      const { key, isEnded } = await voice.ask([voice.text('vm-main')], helpWaitMs)
      if (isEnded) return 'hangUp'
      const choice = key === null ? undefined : mainKeys[key]
      if (choice !== undefined) return choice
      if (key !== null) await voice.tell(voice.text('vm-invalid'))
    }
    return 'silent'
  },

  oldMessages: async (retrieving) => await listen(retrieving, 'read'),

  greeting: async (retrieving) => {
    await greetingMenu(retrieving)
    return retrieving.call.isEnded ? 'hangUp' : 'back'
  },

  language: async (retrieving) => {
    const { voice } = retrieving
    const { key, isEnded } = await voice.ask([voice.text('vm-lang-ina'), voice.text('vm-lang-eng')], helpWaitMs)
    if (isEnded) return 'hangUp'
    if (key === '1' || key === '2') {
      const language = key === '1' ? 'ina' : 'eng'
      if (await askAbout(retrieving, 'CFGLANG', { language })) speak(retrieving, key === '1' ? 'id' : 'en')
      else await voice.tell(voice.text('vm-error'))
    } else if (key !== null && key !== '*' && key !== '#') await voice.tell(voice.text('vm-invalid'))
    return 'back'
  },

  denied: async ({ voice, call }) => {
    await voice.tell(voice.text('vm-noaccess'))
    return call.isEnded ? 'hangUp' : 'told'
  },

  unavailable: async ({ voice, call }) => {
    await voice.tell(voice.text('vm-error'))
    return call.isEnded ? 'hangUp' : 'told'
  },

  bye: async ({ voice }) => {
    await voice.tell(voice.text('vm-bye'))
    return 'done'
  },

  finish: async (retrieving) => {
    // Before the hang-up where there is one to come: a call that is over must not be waited for by its own record.
    for (const voice of retrieving.deleted) await askAbout(retrieving, 'DELMAIL', { voice })
    await retrieving.call.hangUp()
    return 'done'
  },
}

const mainKeys: Readonly<Record<string, string>> = {
  '1': 'new',
  '2': 'old',
  '3': 'greeting',
  '4': 'language',
  '0': 'help',
  '*': 'help',
  '#': 'leave',
}

function speak({ call, voice }: Retrieving, language: 'id' | 'en'): void {
  call.language = language
  voice.language = language
}

async function tellCount({ voice }: Retrieving, count: number, many: VoicemailText, one: VoicemailText): Promise<void> {
  const number = sayNumber(count, { language: voice.language })
  await voice.tell(voice.text('vm-youhave'), number, voice.text(count === 1 ? one : many))
}

/** Newest first. What was heard of the new ones is old from then on; what is kept as new stays. */
async function listen(retrieving: Retrieving, list: 'unread' | 'read'): Promise<string> {
  const { voice, call } = retrieving
  const messages = retrieving[list].filter((one) => !retrieving.deleted.has(one.voice)).reverse()
  if (messages.length === 0) {
    await voice.tell(voice.text('vm-none'))
    await voice.ask([], momentMs)
    return call.isEnded ? 'hangUp' : 'heard'
  }
  const heard: ListHeard = await hearMessages(retrieving, messages)
  for (const message of messages) {
    const isRead = heard.marks.get(message.voice)
    if (isRead === undefined) continue
    for (const each of ['unread', 'read'] as const) {
      retrieving[each] = retrieving[each].filter((one) => one.voice !== message.voice)
    }
    retrieving[isRead ? 'read' : 'unread'].push(message)
  }
  return call.isEnded ? 'hangUp' : heard.left
}
