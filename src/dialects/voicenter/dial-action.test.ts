import { describe, expect, it } from 'vitest'
import { FakeLeg } from '../../../test/support/fake-leg.ts'
import {
  answer,
  hangUp,
  startVoicenter,
  type VoicenterHarness,
  type VoicenterOptions,
} from '../../../test/support/voicenter-harness.ts'
import type { WireStruct } from './wire.ts'

const fields = { TARGET: '0501111111', CALLERID: '', CALLERNAME: '', CALL_MAX_DIAL: 20, CALL_MAX: 60, REC_STATUS: 0 }
const target = '0501111111'

/** A call whose handler says CALL at once, and hangs up should it be asked again. */
function startCall(change: WireStruct = {}, options: VoicenterOptions = {}): Promise<VoicenterHarness> {
  return startVoicenter([answer('CALL', { ...fields, ...change }), hangUp()], options)
}

const trunks = [
  'trunks: { provider1: { uri: "sip:127.0.0.1:5090" }, provider2: { uri: "sip:127.0.0.1:5091" } }',
  'outbound: [ { prefix: "", trunk: ["provider1", "provider2"] } ]',
  'extensions: { "137": { password: "secret-of-137-phone" } }',
]

describe('CALL', () => {
  it('without CALLER_REC and MOH_CLASS rings on and answers with the target; the two talk, and its end is the call’s', async () => {
    const harness = await startCall()
    harness.reacher.leg(target).peerProgresses(180)
    expect(harness.leg.lines).not.toContain('answer')
    await harness.pass(7000)
    harness.reacher.leg(target).peerAnswers()
    await harness.pass(0)
    expect(harness.leg.lines).toContain('answer')
    expect(harness.mixer.joined).toHaveLength(1)
    await harness.pass(30_000)
    harness.reacher.leg(target).hangUp()
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end normal')
    expect(harness.questions).toHaveLength(1)
    expect(harness.record).toMatchObject({ endedBy: 'callee', cause: 'normal' })
    expect(harness.hangup).toMatchObject({
      TARGET: target,
      CALL_STATUS: 'ANSWER',
      CALL_DAILTIME: 7,
      CALL_DURATION: 37,
      CALL_TIME_EPOCH: harness.hangup.CALL_START_EPOCH,
    })
    expect(harness.clock.pending).toBe(0)
  })

  it('spells an answered call as the app says', async () => {
    const harness = await startCall({}, { app: 'answeredStatus: "ANSWERED"' })
    harness.reacher.leg(target).peerAnswers()
    await harness.pass(0)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.hangup.CALL_STATUS).toBe('ANSWERED')
  })

  it('plays CALLER_REC whole before it dials, then the music of MOH_CLASS until the two talk', async () => {
    const harness = await startCall({ CALLER_REC: 'wait', MOH_CLASS: 'jazz', TARGET_REC: 'for_you', DTMF_PLAY: '1w2' })
    harness.leg.press('5')
    await harness.pass(999)
    expect(harness.reacher.legs).toEqual([])
    await harness.pass(1)
    expect(harness.heard).toEqual(['wait', 'jazz'])
    const callee = harness.reacher.leg(target)
    callee.peerAnswers()
    await harness.pass(5000)
    const heard = callee.lines.filter((line) => /^(play|send)/.test(line))
    expect(heard).toEqual([
      'play file:/rec/en/for_you.wav',
      'send 1',
      'play silence',
      'play silence',
      'send 2',
      'play silence',
    ])
    expect(harness.heard).toEqual(['wait', 'jazz'])
    expect(harness.mixer.joined).toHaveLength(1)
    expect(harness.leg.lines).toContain('stopped file:/rec/en/jazz.wav')
    harness.leg.hangUp()
    await harness.pass(0)
    // One second of CALLER_REC lies before the dialling.
    expect(harness.hangup.CALL_TIME_EPOCH - harness.hangup.CALL_START_EPOCH).toBe(1)
  })

  it('of a class that nobody knows plays our music', async () => {
    const harness = await startCall({ MOH_CLASS: 'unknown_class' })
    expect(harness.heard).toEqual(['tone:music'])
    harness.leg.hangUp()
  })

  it('ends both at CALL_MAX, and its status stays ANSWER', async () => {
    const harness = await startCall({ CALL_MAX: 5 })
    harness.reacher.leg(target).peerAnswers()
    await harness.pass(5000)
    expect(harness.leg.lines.at(-1)).toMatch(/^end normal/)
    expect(harness.reacher.leg(target).lines.at(-1)).toMatch(/^end normal/)
    await harness.pass(0)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'ANSWER', CALL_DURATION: 5 })
    expect(harness.record.sentence).toMatch(/limit of 5 s/)
  })

  it('records both with REC_STATUS 1, in a file that begins with the id', async () => {
    const harness = await startCall({ REC_STATUS: 1 })
    harness.reacher.leg(target).peerAnswers()
    await harness.pass(3000)
    harness.leg.hangUp()
    await harness.pass(0)
    const [recording] = [...harness.records.recordings.values()]
    expect(recording).toMatchObject({ channels: 2, state: 'saved' })
    expect(recording?.file).toContain(`/${harness.questions[0]?.IVR_UNIQUE_ID}-`)
  })

  it('is cancelled when the caller gives up', async () => {
    const harness = await startCall({ NEXT_MENU: 'B' })
    await harness.pass(4000)
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.reacher.leg(target).lines.at(-1)).toBe('end cancelled')
    expect(harness.questions).toHaveLength(1)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'CANCEL', CALL_DAILTIME: 4 })
  })

  it.each([
    [486, 'BUSY', 'end busy 486 Q.850 17'],
    [603, 'BUSY', 'end rejected 603 Q.850 21'],
    [404, 'CONGESTION', 'end number-unknown 404 Q.850 1'],
    [503, 'CHANUNAVAIL', 'end congestion 503 Q.850 34'],
  ])(
    'refused with %i is %s, and the caller without a next menu is refused for it',
    async (status, callStatus, line) => {
      const harness = await startCall()
      harness.reacher.leg(target).peerRefuses(status)
      await harness.pass(0)
      expect(harness.leg.lines.at(-1)).toBe(line)
      expect(harness.hangup).toMatchObject({ CALL_STATUS: callStatus, TARGET: target })
    },
  )

  it('that nobody answers within CALL_MAX_DIAL goes to NEXT_MENU with the keys of that menu', async () => {
    const next = { NEXT_MENU: 'B', NEXT_MENU_RECORD: 'busy', NEXT_MENU_SIZE: 1, NEXT_MENU_LOOP: 2, NEXT_MENU_WAIT: 1 }
    const harness = await startCall(next)
    harness.leg.press('9')
    harness.reacher.leg(target).peerProgresses(180)
    await harness.pass(20_000)
    expect(harness.heard).toEqual(['busy'])
    expect(harness.leg.lines).toContain('answer')
    harness.leg.press('7')
    await harness.pass(0)
    // The 9 was pressed while it rang, and is forgotten.
    expect(harness.questions[1]).toMatchObject({ MENU: 'B', PREVIOUS_MENU: '-1', DTMF: '7' })
    await harness.pass(0)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'NOANSWER', CALL_DAILTIME: 20 })
  })

  it('with a next menu and nothing to play asks at once, unanswered', async () => {
    const harness = await startCall({ NEXT_MENU: 'B' })
    harness.reacher.leg(target).peerRefuses(486)
    await harness.pass(0)
    expect(harness.questions[1]).toMatchObject({ MENU: 'B', DTMF: '' })
    expect(harness.leg.lines).not.toContain('answer')
  })

  it('whose target hangs up before it is connected was not answered', async () => {
    const harness = await startCall({ TARGET_REC: 'for_you' })
    harness.reacher.leg(target).peerAnswers()
    await harness.pass(100)
    harness.reacher.leg(target).hangUp()
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end no-answer 480 Q.850 19')
    expect(harness.hangup.CALL_STATUS).toBe('NOANSWER')
  })

  it('tries DIALSTRINGS one after the other within CALL_MAX_DIAL, each by its trunk', async () => {
    const strings = [' SIP/972501111111@provider1', 'PJSIP/972501111111@provider2', 'SIP/137']
    const harness = await startCall({ DIALSTRINGS: strings }, { tenant: trunks })
    const requests = () => harness.reacher.requests.map(({ destination, trunk }) => [destination, trunk])
    expect(requests()).toEqual([['972501111111', 'provider1']])
    harness.reacher.leg('972501111111').peerRefuses(503)
    await harness.pass(0)
    expect(requests()[1]).toEqual(['972501111111', 'provider2'])
    await harness.pass(15_000)
    harness.reacher.leg('972501111111').peerRefuses(404)
    await harness.pass(0)
    expect(requests()[2]).toEqual(['137', undefined])
    await harness.pass(5000)
    expect(harness.leg.lines.at(-1)).toBe('end no-answer 480 Q.850 19')
    expect(harness.hangup.TARGET).toBe(target)
  })

  it.each([404, 480, 500, 503])(
    'does not ring a telephone by another trunk that rang and then gave %i',
    async (status) => {
      const strings = ['SIP/972501111111@provider1', 'SIP/972501111111@provider2']
      const harness = await startCall({ DIALSTRINGS: strings }, { tenant: trunks })
      const callee = harness.reacher.leg('972501111111')
      callee.peerProgresses(180)
      await harness.pass(3000)
      callee.peerRefuses(status)
      await harness.pass(0)
      expect(harness.reacher.requests).toHaveLength(1)
    },
  )

  it('goes on by another trunk where the first only said why it cannot (183)', async () => {
    const strings = ['SIP/972501111111@provider1', 'SIP/972501111111@provider2']
    const harness = await startCall({ DIALSTRINGS: strings }, { tenant: trunks })
    const callee = harness.reacher.leg('972501111111')
    callee.peerProgresses(183)
    await harness.pass(3000)
    callee.peerRefuses(503)
    await harness.pass(0)
    expect(harness.reacher.requests).toHaveLength(2)
    harness.leg.hangUp()
  })

  it('does not ring a busy telephone by another trunk', async () => {
    const harness = await startCall({ DIALSTRINGS: ['SIP/137', 'SIP/972501111111@provider1'] }, { tenant: trunks })
    harness.reacher.leg('137').peerRefuses(486)
    await harness.pass(0)
    expect(harness.reacher.requests).toHaveLength(1)
    expect(harness.hangup.CALL_STATUS).toBe('BUSY')
  })

  it.each([
    'SIP/1@example.com',
    'SIP/1@provider9',
    'SIP/999',
    'IAX2/1@provider1',
    'SIP/',
    '@',
    'SIP/1@provider1@x',
    'x'.repeat(500),
  ])('never rings %.40s', async (dialString) => {
    const harness = await startCall({ DIALSTRINGS: [dialString] }, { tenant: trunks })
    await harness.pass(0)
    expect(harness.reacher.requests).toEqual([])
    expect(harness.leg.lines.at(-1)).toBe('end number-incomplete 484 Q.850 28')
    expect(harness.hangup.CALL_STATUS).toBe('INVALIDARGS')
  })

  it('with a target that is far too long is INVALIDARGS', async () => {
    const harness = await startCall({ TARGET: '1'.repeat(5000) })
    await harness.pass(0)
    expect(harness.hangup.CALL_STATUS).toBe('INVALIDARGS')
  })
})

describe('the number that a CALL shows', () => {
  const own = { tenant: ['callerIds: ["0777777777"]'] }
  it.each([
    ['0721234567', '+972721234567'],
    ['0777777777', '+972777777777'],
    ['0541234567', '+972541234567'],
    ['', 'anonymous'],
    ['Unknown', 'anonymous'],
    ['ANONYMOUS', 'anonymous'],
    ['0509999999', '+972721234567'],
    ['Lan', '+972721234567'],
  ])('is, asked for %j, %s', async (callerId, shown) => {
    const harness = await startCall({ CALLERID: callerId, CALLERNAME: 'דן' }, own)
    expect(harness.reacher.requests[0]).toMatchObject({ callerId: shown, callerName: 'דן' })
    harness.leg.hangUp()
    await harness.pass(0)
    expect(harness.noted('callerIdReplaced')).toHaveLength(callerId === '0509999999' || callerId === 'Lan' ? 1 : 0)
  })

  it('of a caller who hides its own is told to the handler as anonymous', async () => {
    const harness = await startVoicenter([hangUp()], {
      leg: (clock) => {
        const leg = new FakeLeg(clock, { user: '0541234567' })
        return Object.assign(leg, { party: { ...leg.party, isPrivate: true, displayName: 'Dan' } })
      },
    })
    expect(harness.questions[0]).toMatchObject({ CALLER_ID: 'anonymous', CALLER_NAME: 'anonymous' })
  })

  it('is E.164 to the handler where the app says so; of an extension it is its SIP user', async () => {
    const e164 = await startVoicenter([hangUp()], { app: 'numberFormat: "e164"' })
    expect(e164.questions[0]).toMatchObject({ CALLER_ID: '+972541234567', DID: '+972721234567' })
    const inside = await startVoicenter([hangUp()], {
      leg: (clock) => {
        const leg = new FakeLeg(clock, { user: 'n5zx1C2a' })
        return Object.assign(leg, { party: { ...leg.party, extension: 'n5zx1C2a', displayName: 'Lan' } })
      },
    })
    expect(inside.questions[0]).toMatchObject({ CALLER_ID: 'n5zx1C2a', CALLER_NAME: 'Lan' })
  })
})

describe('VO', () => {
  const layer = (change: WireStruct = {}): WireStruct =>
    answer('VO', { LAYER: 1, RECORD: 'moment', LOOP: 2, DELAY: 1, ...change })

  it('plays RECORD until a key, which is dropped, and hands the call to an extension', async () => {
    const harness = await startVoicenter([layer()], { tenant: [trunks[2] ?? '', 'layers: { "1": "137" }'] })
    await harness.pass(2500)
    expect(harness.heard).toEqual(['moment', 'moment'])
    harness.leg.press('1')
    await harness.pass(0)
    harness.reacher.leg('137').peerAnswers()
    await harness.pass(0)
    expect(harness.mixer.joined).toHaveLength(1)
    harness.reacher.leg('137').hangUp()
    await harness.pass(0)
    expect(harness.hangup).toMatchObject({ CALL_STATUS: 'ANSWER', TARGET: '' })
  })

  it('to another handler begins anew with menu -1 under the same id; only the first is told of the end', async () => {
    const second = ['layers: { "1": "ivr" }']
    const silent = layer({ RECORD: 'blank' })
    const harness = await startVoicenter([silent, hangUp()], { tenant: second })
    await harness.pass(0)
    expect(harness.questions.map(({ MENU, IVR_UNIQUE_ID }) => [MENU, IVR_UNIQUE_ID])).toEqual([
      ['-1', harness.questions[0]?.IVR_UNIQUE_ID],
      ['-1', harness.questions[0]?.IVR_UNIQUE_ID],
    ])
    expect(harness.leg.lines).not.toContain('answer')
    expect(harness.events).toHaveLength(1)
  })

  it('to a layer that is not there is an error of the handler', async () => {
    const harness = await startVoicenter([layer({ LAYER: 9, RECORD: '' })])
    await harness.pass(0)
    expect(harness.leg.lines.at(-1)).toBe('end flow-failed 503 Q.850 41')
    expect(harness.record.sentence).toMatch(/layer 9, which tenant demo does not have/)
  })
})
