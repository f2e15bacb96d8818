import { afterAll, beforeAll, expect, it } from 'vitest'
import { shareWith } from '../support/hear.ts'
import type { Baresip } from './support/baresip.ts'
import { describeAtOnceWith } from './support/peers.ts'
import {
  closed,
  countsTold,
  established,
  hz,
  incoming,
  next,
  pause,
  promptMs,
  saidTo,
  VoicemailPhones,
} from './support/voicemail-phones.ts'

describeAtOnceWith(['baresip'], 'voicemail with two telephones', () => {
  const vm = new VoicemailPhones(27_000)
  beforeAll(() => vm.start())
  afterAll(() => vm.stop())

  /** The caller has been taken by the mailbox: it is greeted, speaks for some seconds, and presses #. */
  async function leaveMessage(caller: Baresip): Promise<void> {
    const isClosed = next(caller, closed)
    // A greeting and a beep of a second together; two seconds of the caller.
    await pause(3600)
    await caller.press('#')
    await isClosed()
  }

  /** The owner calls the number where messages are fetched; resolves as soon as it is answered. */
  async function fetchMessages(owner: Baresip): Promise<void> {
    const isAnswered = next(owner, established)
    await vm.dial(owner, '1101')
    await isAnswered()
  }

  it('B does not answer: A leaves a message, B is told, fetches, deletes, restores, keeps it, records a greeting and changes the language', async () => {
    const [a, b] = [await vm.phoneOf('101', hz.caller), await vm.phoneOf('102', hz.owner, { watchesMailbox: true })]
    try {
      await b.saw('Voice-Message: 0/0')
      const isTaken = next(a, established, 45_000)
      const hasRung = next(b, incoming)
      await vm.dial(a, '102')
      await hasRung()
      await isTaken()
      await leaveMessage(a)
      expect(saidTo(await a.heard()), a.log).toEqual(['vm-greet-default', 'vm-saved', 'vm-bye'])
      await b.saw('Voice-Message: 1/0')
      expect(b.log).toContain('Messages-Waiting: yes')
      const [message] = await vm.messagesWhen('102', 1)
      if (!message) throw new Error('no message')
      expect(message).toMatchObject({ from: '101', isRead: false })
      expect(await vm.shareOfCaller(message)).toBeGreaterThan(0.9)

      await fetchMessages(b)
      // "You have, one, new message", the message of some two seconds, and which keys there are.
      await pause(3 * promptMs + 2200 + promptMs + 900)
      await b.press('7')
      await pause(promptMs + 700)
      expect(await vm.messagesOf('102'), 'deleted only when it hangs up').toHaveLength(1)
      await b.press('7')
      await pause(promptMs + 700)
      await b.press('9')
      await pause(2 * promptMs + 900)
      await b.press('3')
      await pause(promptMs + 700)
      await b.press('1')
      // The prompt, the beep, and two seconds of what B says.
      await pause(promptMs + 400 + 2300)
      await b.press('5')
      await pause(promptMs + 700)
      await b.press('1')
      await pause(2 * promptMs + 700)
      await b.press('*')
      await pause(promptMs + 700)
      await b.press('4')
      await pause(2 * promptMs + 700)
      await b.press('2')
      await pause(promptMs + 900)
      const isOver = next(b, closed)
      await b.press('#')
      await isOver()
      expect(saidTo(await b.heard()), b.log).toEqual([
        'vm-youhave',
        'numbers/1',
        'vm-new-one',
        'the caller',
        'vm-msgkeys',
        'vm-deleted',
        'vm-undeleted',
        'vm-kept',
        'main menu in Indonesian',
        'vm-greetmenu',
        'vm-recgreet',
        'vm-review',
        'vm-greetsaved',
        'vm-greetmenu',
        'main menu in Indonesian',
        'vm-lang-ina',
        'vm-lang-eng',
        'main menu in English',
        'vm-bye',
      ])
      // Kept as new: heard, and new all the same.
      expect(await vm.messagesOf('102')).toMatchObject([{ id: message.id, isRead: false }])
      const mailbox = (await vm.server.get('/api/v1/mailboxes/test/102')) as { language: string; hasGreeting: boolean }
      expect(mailbox).toMatchObject({ language: 'en', hasGreeting: true })

      // B deletes it in a second call: that one is told when it hangs up.
      await fetchMessages(b)
      await pause(3 * promptMs + 1200)
      await b.press('7')
      await pause(promptMs + 400)
      const isEmpty = next(b, /^Voice-Message: 0\/0/gm)
      b.command('hangup')
      await isEmpty()
      expect(await vm.messagesOf('102')).toEqual([])

      // A is greeted by B itself now; B rejects the call, which is the quicker way to the mailbox.
      const [rings, isGreeted, isGone] = [next(b, incoming), next(a, established), next(a, closed)]
      await vm.dial(a, '102')
      await rings()
      b.command('hangup')
      await isGreeted()
      await pause(2200)
      a.command('hangup')
      await isGone()
      const greeted = await a.heard()
      expect(saidTo(greeted), a.log).toEqual(['the owner'])
      expect(shareWith(greeted, hz.owner)).toBeGreaterThan(0.8)
      // Hung up before the beep: no message, and nobody is told of one.
      await pause(700)
      expect(countsTold(b).at(-1)).toBe('0/0')
      expect(await vm.messagesOf('102')).toEqual([])
      // Every NOTIFY came in the one dialog that B has opened.
      expect(new Set([...b.log.matchAll(/^NOTIFY [^]*?^Call-ID: (.*)$/gm)].map(([, id]) => id)).size).toBe(1)
    } finally {
      await Promise.all([a.stop(), b.stop()])
    }
  }, 150_000)

  it('B is busy: its mailbox answers, and a telephone that has not subscribed is told unasked', async () => {
    const [a, b] = [await vm.phoneOf('103', hz.caller), await vm.phoneOf('104', hz.owner)]
    try {
      const [rings, isTaken] = [next(b, incoming), next(a, established)]
      await vm.dial(a, '104')
      await rings()
      b.command('hangup')
      await isTaken()
      await leaveMessage(a)
      const [message] = await vm.messagesWhen('104', 1)
      expect(message && (await vm.shareOfCaller(message))).toBeGreaterThan(0.9)
      await b.saw('Voice-Message: 1/0')
    } finally {
      await Promise.all([a.stop(), b.stop()])
    }
  })

  it('B is not registered: its mailbox answers at once; B is told when it comes back', async () => {
    const a = await vm.phoneOf('105', hz.caller)
    try {
      const isTaken = next(a, established)
      await vm.dial(a, '106')
      await isTaken()
      await leaveMessage(a)
      const [message] = await vm.messagesWhen('106', 1)
      expect(message && (await vm.shareOfCaller(message))).toBeGreaterThan(0.9)
      const b = await vm.phoneOf('106', hz.owner, { watchesMailbox: true })
      try {
        await b.saw('Voice-Message: 1/0')
        // It has subscribed, so it is not told a second time unasked.
        await pause(3000)
        expect(countsTold(b)).toEqual(['1/0'])
      } finally {
        await b.stop()
      }
    } finally {
      await a.stop()
    }
  })
})
