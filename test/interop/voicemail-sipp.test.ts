import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeAtOnceWith } from './support/peers.ts'
import { runSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { step } from './support/sipp-steps.ts'
import { trunkAddress, VoicemailPhones } from './support/voicemail-phones.ts'

describeAtOnceWith(['sipp'], 'voicemail with sipp', () => {
  const vm = new VoicemailPhones(28_600)
  beforeAll(() => vm.start())
  afterAll(() => vm.stop())

  it.each([
    ['Diversion', '107', ['Diversion: "B" &lt;sip:107@far.example&gt;;reason=user-busy;counter=1']],
    [
      'History-Info',
      '108',
      [
        'History-Info: &lt;sip:108@far.example?Reason=SIP%3Bcause%3D486&gt;;index=1, &lt;sip:222@far.example;cause=486&gt;;index=1.1;mp=1',
      ],
    ],
    [
      'History-Info with a cause, though Diversion names another',
      '109',
      [
        'Diversion: &lt;sip:110@far.example&gt;;reason=no-answer',
        'History-Info: &lt;sip:109@far.example&gt;;index=1',
        'History-Info: &lt;sip:222@far.example;cause=408&gt;;index=1.1;mp=1',
      ],
    ],
    [
      'Diversion beside a History-Info that nobody can read',
      '111',
      ['History-Info: &lt;sip:222@far.example;cause=486&gt;;index=none', 'Diversion: &lt;sip:111@far.example&gt;'],
    ],
  ])('a trunk names the owner by %s', async (name, owner, lines) => {
    const headers = lines.map((line) => line.replaceAll('&lt;', '<').replaceAll('&gt;', '>'))
    const before = (await vm.messagesOf(owner)).length
    const steps = [
      step.invite({ headers }),
      step.response(200),
      step.ack(),
      // The greeting and the beep.
      step.pause(1500),
      step.stream(join(vm.folder, 'caller.ulaw')),
      step.pause(2500),
      step.bye(2),
    ]
    await vm.callBySipp({ name: `trunk-${owner}`, caller: '+628111', number: '222', address: trunkAddress, steps })
    const found = await vm.messagesWhen(owner, before + 1)
    expect(found).toHaveLength(before + 1)
    for (const message of found) expect(await vm.shareOfCaller(message)).toBeGreaterThan(0.5)
    expect(await vm.messagesOf('110')).toEqual([])
    if (name.includes('nobody can read'))
      expect(vm.server.output()).toContain('a value that cannot be read was taken for absent')
  })

  it('sipp subscribes with digest, is told at once and of each change, refreshes, unsubscribes, and is gone', async () => {
    const subscribe = (
      cseq: number,
      place: 'outside' | 'dialog',
      expires: number,
      more: readonly string[] = [],
    ): string =>
      step.request({
        method: 'SUBSCRIBE',
        cseq,
        place,
        headers: [
          'Event: message-summary',
          'Accept: application/simple-message-summary',
          `Expires: ${expires}`,
          ...more,
        ],
      })
    const proof = ['[authentication username=112 password=secret-of-112]']
    const notified = (pattern: string): string =>
      [
        `<recv request="NOTIFY" timeout="20000"><action><ereg regexp="${pattern}" search_in="msg" check_it="true" assign_to="seen"/></action></recv>`,
        '<nop><action><log message="[$seen]"/></action></nop>',
        callee.answer(),
      ].join('\n')
    const steps = [
      subscribe(1, 'outside', 600),
      step.response(401, 'auth="true"'),
      subscribe(2, 'outside', 600, proof),
      step.only(200),
      notified('Subscription-State: active;expires=(600|599)'),
      // Meanwhile somebody leaves a message.
      notified('Voice-Message: 1/0'),
      subscribe(3, 'dialog', 300),
      step.response(401, 'auth="true"'),
      subscribe(4, 'dialog', 300, proof),
      step.only(200),
      notified('Subscription-State: active;expires=(300|299)'),
      subscribe(5, 'dialog', 0),
      step.response(401, 'auth="true"'),
      subscribe(6, 'dialog', 0, proof),
      step.only(200),
      notified('Subscription-State: terminated;reason=timeout'),
      subscribe(7, 'dialog', 300),
      step.only(481),
    ]
    const name = vm.again('subscriber')
    const credentials = { username: '112', password: 'secret-of-112' }
    const place = { folder: vm.folder, serverPort: vm.server.sipPort, number: '112', caller: '112', credentials }
    const running = runSipp({ ...place, name, port: await vm.ports.take(), steps })
    await vm.callBySipp({
      name: 'leaver',
      caller: 'somebody',
      number: '112',
      steps: [
        step.invite(),
        step.response(200),
        step.ack(),
        step.pause(1500),
        step.stream(join(vm.folder, 'caller.ulaw')),
        step.pause(2500),
        step.bye(2),
      ],
    })
    const result = await running
    expect(result.code, `${result.log}\n${vm.server.output().slice(-4000)}`).toBe(0)
    const notifies = result.messages.filter(({ first }) => first.startsWith('NOTIFY '))
    expect(notifies.length).toBeGreaterThanOrEqual(4)
    for (const { text } of notifies) expect(text).toMatch(/^Event: *message-summary/m)
  })

  it('sipp is told what is wrong with a SUBSCRIBE: the event, the interval, the mailbox', async () => {
    const subscribe = (cseq: number, event: string, expires: number, more: readonly string[] = []): string =>
      step.request({
        method: 'SUBSCRIBE',
        cseq,
        place: 'outside',
        headers: [`Event: ${event}`, `Expires: ${expires}`, ...more],
      })
    const proof = ['[authentication username=110 password=secret-of-110]']
    const steps = [
      subscribe(1, 'presence', 600),
      step.only(489),
      subscribe(2, 'message-summary', 5),
      step.only(423),
      subscribe(3, 'message-summary', 600),
      step.only(401, 'auth="true"'),
      subscribe(4, 'message-summary', 600, proof),
      // The mailbox of a colleague.
      step.only(403),
    ]
    const name = vm.again('refused')
    const place = {
      folder: vm.folder,
      name,
      serverPort: vm.server.sipPort,
      number: '111',
      caller: '110',
      port: await vm.ports.take(),
    }
    const result = await runSipp({ ...place, credentials: { username: '110', password: 'secret-of-110' }, steps })
    expect(result.code, result.log).toBe(0)
    const texts = result.messages.filter(({ direction }) => direction === 'received').map(({ text }) => text)
    expect(texts.find((text) => text.includes(' 489 '))).toMatch(/^Allow-Events: message-summary/m)
    expect(texts.find((text) => text.includes(' 423 '))).toMatch(/^Min-Expires: 60/m)
  })
})
