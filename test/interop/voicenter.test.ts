import { readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { causeTable } from '../../src/dialects/voicenter/causes.ts'
import { createTestDatabase } from '../support/databases.ts'
import { readWav, shareWith, sine } from '../support/hear.ts'
import { removeFolder } from '../support/server-process.ts'
import { callerHz, writeMulaw } from '../support/stage.ts'
import { tonesIn } from '../support/stage-tones.ts'
import {
  handlerTones,
  type PythonHandler,
  recordingHz,
  setVoicenterStage,
  startPythonHandler,
  type VoicenterStage,
} from '../support/stage-voicenter.ts'
import { Capture } from './support/capture.ts'
import { describeAtOnceWith } from './support/peers.ts'
import { PeerPorts } from './support/ports.ts'
import { until } from './support/program.ts'
import { runSipp, type SippResult, sipOffset, startSipp } from './support/sipp.ts'
import { callee } from './support/sipp-callee-steps.ts'
import { header, received } from './support/sipp-messages.ts'
import { keyPcap, sdpOf, step } from './support/sipp-steps.ts'

vi.setConfig({ maxConcurrency: 6 })

const answered = [step.invite(), step.response(200), step.ack()]
const press = (key: string, afterMs: number): readonly string[] => [step.pause(afterMs), step.pcap(keyPcap(key))]
const hz = recordingHz
/** Of the callee that CALL reaches. */
const calleeHz = 1340

/** Questions as the handler saw them: menu, the one before, keys. */
function questions(handler: PythonHandler, caller: string): readonly (readonly unknown[])[] {
  return handler
    .of(caller)
    .filter(({ method }) => method === 'GET_IVR_ACTION')
    .map(({ data }) => [data['MENU'], data['PREVIOUS_MENU'], data['DTMF']])
}

for (const [format, firstPort] of [
  ['xmlrpc', 25_000],
  ['json', 26_800],
] as const) {
  describeAtOnceWith(['sipp', 'tshark', 'python3'], `a Python handler in ${format}`, () => {
    const ports = new PeerPorts(firstPort)
    let handler: PythonHandler
    let stage: VoicenterStage
    let trunkPorts: readonly [number, number, number]

    beforeAll(async () => {
      handler = await startPythonHandler(format)
      trunkPorts = [await ports.take(), await ports.take(), await ports.take()]
      const [first, second, third] = trunkPorts
      const sip = [first + sipOffset, second + sipOffset, third + sipOffset] as const
      stage = await setVoicenterStage({ handler, sipPort: await ports.take(), trunkPorts: sip })
    })

    afterAll(async () => {
      handler.close()
      await stage.server.stop()
      await removeFolder(stage.server)
    })

    const attempts = new Map<string, number>()
    /** Another name where a case is tried again: its questions can be told from those before. */
    const again = (name: string): string => {
      const attempt = (attempts.get(name) ?? 0) + 1
      attempts.set(name, attempt)
      return attempt === 1 ? name : `${name}-${attempt}`
    }

    async function call(
      caller: string,
      steps: readonly string[],
      number = '7000',
    ): Promise<{
      readonly result: SippResult
      readonly heard: () => Promise<readonly number[]>
      readonly port: number
    }> {
      const port = await ports.take()
      const capture = await Capture.start(stage.folder, caller, `udp portrange ${port}-${port + 7}`)
      try {
        const place = { folder: stage.folder, serverPort: stage.server.sipPort, port }
        const result = await runSipp({ ...place, name: caller, number, steps })
        expect(result.code, `${result.log}\n${stage.server.output().slice(-4000)}`).toBe(0)
        return { result, port, heard: async () => tonesIn(await capture.audioTo(port), handlerTones) }
      } finally {
        await capture.stop()
      }
    }

    const hangupOf = (caller: string) =>
      until(
        async () => handler.of(caller).find(({ method }) => method === 'HANGUP_CALL')?.data ?? null,
        () => `no HANGUP_CALL of ${caller}`,
      )

    it('leads through three levels by keys: MENU, SAYDIGITS, HANGUP', async () => {
      const caller = again('levels')
      const steps = [
        ...answered,
        ...press('1', 600),
        ...press('4', 600),
        ...press('7', 400),
        ...press('9', 2400),
        step.byeReceived(),
      ]
      const { result, heard } = await call(caller, steps)
      expect(questions(handler, caller)).toEqual([
        ['-1', '-1', ''],
        ['one', '-1', '1'],
        ['two', 'one', '47'],
        ['three', 'two', '9'],
      ])
      expect(await heard()).toEqual([hz.level1, hz.level2, hz.short, hz['digits/4'], hz['digits/7'], hz.level3, hz.bye])
      expect(header(received(result, 'BYE')[0], 'Reason')).toMatch(/Q\.850 *; *cause=16/)
      expect(await hangupOf(caller)).toMatchObject({ CALL_STATUS: 'ANSWER', TARGET: '', DID: '7000', CALL_DAILTIME: 0 })
      const ids = new Set(handler.of(caller).map(({ data }) => data['IVR_UNIQUE_ID']))
      expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
    })

    it('hears nothing pressed as an empty DTMF, after LOOP questions', async () => {
      const caller = again('quiet')
      const { heard } = await call(caller, [...answered, step.byeReceived()])
      expect(questions(handler, caller)[1]).toEqual(['one', '-1', ''])
      expect(await heard()).toEqual([hz.level1, hz.level1, hz.bye])
    })

    it('records in silence: SILENTRECORD ends after MAXDURATION, and what was said is in a file of that id', async () => {
      const caller = again('silent')
      const file = join(stage.folder, 'said.ulaw')
      await writeMulaw(file, sine(callerHz, 2000))
      const steps = [...answered, ...press('2', 600), step.pause(800), step.stream(file, -1), step.byeReceived()]
      const { heard } = await call(caller, steps)
      expect(await heard()).toEqual([hz.level1, hz.level2])
      expect(questions(handler, caller)).toHaveLength(2)
      const channels = await recordingOf((await hangupOf(caller))['IVR_UNIQUE_ID'])
      expect(shareWith(channels[0] ?? new Int16Array(), callerHz)).toBeGreaterThan(0.5)
    })

    it('hands the call to a layer with VO: the echo test answers there', async () => {
      const caller = again('layer')
      const steps = [...answered, ...press('4', 600), step.pause(2500), step.bye(2)]
      const { heard } = await call(caller, steps)
      // Behind them speaks the echo test.
      expect((await heard()).slice(0, 2)).toEqual([hz.level1, hz.level2])
      expect(questions(handler, caller)).toHaveLength(2)
      expect(await hangupOf(caller)).toMatchObject({ CALL_STATUS: 'ANSWER' })
    })

    /** The channels of the recording whose file begins with an IVR_UNIQUE_ID, over the admin API. */
    async function recordingOf(uniqueId: unknown): Promise<readonly Int16Array[]> {
      const files = await readdir(join(stage.folder, 'data', 'recordings'), { recursive: true })
      const [, id] =
        files
          .map((file) => /([0-9a-f]{32})-(rec_\w+)\.wav$/.exec(file))
          .find((found) => found?.[1] === uniqueId)
          ?.slice(1) ?? []
      if (id === undefined) throw new Error(`no recording of ${String(uniqueId)} among ${files.join(' ')}`)
      const isSaved = async (): Promise<true | null> => {
        const { state } = (await stage.server.get(`/api/v1/recordings/${id}`)) as { state: string }
        return state === 'saved' ? true : null
      }
      await until(isSaved, () => `the recording ${id} is not saved`)
      return readWav(await stage.server.download(`/api/v1/recordings/${id}/audio`)).channels
    }

    it('calls by the second trunk where the first fails, records both, and ends at CALL_MAX; the other way round busy goes to NEXT_MENU', async () => {
      const [caller, busyCaller] = [again('dials'), again('busy-caller')]
      const [first, second] = trunkPorts
      const place = { folder: stage.folder, serverPort: stage.server.sipPort, number: 'callee' }
      const says = async (one: number): Promise<string> => {
        const file = join(stage.folder, `${one}.ulaw`)
        await writeMulaw(file, sine(one, 2000))
        return step.stream(file, -1)
      }
      const one = await startSipp({
        ...place,
        name: 'first',
        port: first,
        steps: [callee.invite(), callee.refuse('503 Service Unavailable'), callee.end],
      })
      const takes = [
        callee.invite(),
        callee.respond('180 Ringing'),
        step.pause(1500),
        callee.respond('200 OK', { sdp: sdpOf() }),
        callee.received('ACK'),
      ]
      const two = await startSipp({
        ...place,
        name: 'second',
        port: second,
        steps: [...takes, await says(calleeHz), callee.byeReceived(), callee.end],
      })
      const steps = [...answered, ...press('3', 600), step.pause(400), await says(callerHz), step.byeReceived()]
      const capture = await Capture.start(stage.folder, 'callee-audio', `udp portrange ${second}-${second + 7}`)
      const { result, heard } = await call(caller, steps)
      const [refused, talked] = await Promise.all([one.ended, two.ended])
      await capture.stop()
      expect([refused.code, talked.code], `${refused.log}\n${talked.log}`).toEqual([0, 0])
      expect(header(received(refused, 'INVITE')[0], 'From')).toContain('6560000001')
      // The caller hears its record, the music while it rings, and then the callee.
      const tones = await heard()
      expect(tones.slice(0, 3)).toEqual([hz.level1, hz.short, hz.jazz])
      expect(tonesIn(await capture.audioTo(second), handlerTones)[0]).toBe(hz.short)
      expect(header(received(result, 'BYE')[0], 'Reason')).toMatch(/Q\.850 *; *cause=16/)
      const hangup = await hangupOf(caller)
      expect(hangup).toMatchObject({ CALL_STATUS: 'ANSWER', TARGET: '0501111111' })
      expect(Number(hangup['CALL_DAILTIME'])).toBeGreaterThanOrEqual(1)
      const channels = await recordingOf(hangup['IVR_UNIQUE_ID'])
      expect(channels).toHaveLength(2)
      const [left = new Int16Array(), right = new Int16Array()] = channels
      expect(left.length / 8000).toBeGreaterThan(3.5)
      expect(left.length / 8000).toBeLessThan(5)
      expect(shareWith(left, callerHz)).toBeGreaterThan(0.7)
      expect(shareWith(right, calleeHz)).toBeGreaterThan(0.7)

      const busy = await startSipp({
        ...place,
        name: 'busy',
        port: first,
        steps: [callee.invite(), callee.respond('180 Ringing'), callee.refuse('486 Busy Here'), callee.end],
      })
      const later = await call(busyCaller, [...answered, ...press('3', 600), ...press('5', 2200), step.byeReceived()])
      expect((await busy.ended).code).toBe(0)
      expect(questions(handler, busyCaller)[2]).toEqual(['busy', 'one', '5'])
      expect((await later.heard()).slice(-2)).toEqual([hz.level3, hz.bye])
      expect(header(received(later.result, 'BYE')[0], 'Reason')).toMatch(/Q\.850 *; *cause=17/)
      expect(await hangupOf(busyCaller)).toMatchObject({ CALL_STATUS: 'BUSY', TARGET: '0501111111' })
    })

    it('tells in CALL_STATUS what a real far end did, and the caller in its status', async () => {
      const place = { folder: stage.folder, serverPort: stage.server.sipPort }
      const refusals = [
        ['486 Busy Here', 'BUSY', 486],
        ['603 Decline', 'BUSY', 603],
        ['404 Not Found', 'CONGESTION', 404],
        ['488 Not Acceptable Here', 'CONGESTION', 488],
        ['503 Service Unavailable', 'CHANUNAVAIL', 503],
      ] as const
      const behindThird = (name: string, steps: readonly string[]) =>
        startSipp({
          ...place,
          number: 'callee',
          name: `${name}-callee`,
          port: trunkPorts[2],
          steps: [...steps, callee.end],
        })
      const rings = [callee.invite(), callee.respond('180 Ringing')]
      for (const [said, status, refusal] of refusals) {
        const caller = again(`far-${said.slice(0, 3)}`)
        const far = await behindThird(caller, [callee.invite(), callee.refuse(said)])
        await call(caller, [step.invite(), step.response(refusal), step.ackRefusal()], '7003')
        expect((await far.ended).code).toBe(0)
        expect(await hangupOf(caller)).toMatchObject({ CALL_STATUS: status, TARGET: '0502222222' })
      }
      const tooLong = again('far-rings')
      const ringing = await behindThird(tooLong, [...rings, callee.cancelReceived()])
      await call(tooLong, [step.invite(), step.response(480), step.ackRefusal()], '7003')
      expect((await ringing.ended).code).toBe(0)
      expect(await hangupOf(tooLong)).toMatchObject({ CALL_STATUS: 'NOANSWER', CALL_DAILTIME: 3 })

      const leaves = again('far-left')
      const left = await behindThird(leaves, [...rings, callee.cancelReceived()])
      const cancel = { method: 'CANCEL', cseq: 1, place: 'outside', via: '[last_Via:]' } as const
      const givesUp = [step.request(cancel), step.only(200), step.only(487), step.ackRefusal()]
      await call(leaves, [step.invite(), step.response(180), step.pause(1000), ...givesUp], '7003')
      expect((await left.ended).code).toBe(0)
      expect(await hangupOf(leaves)).toMatchObject({ CALL_STATUS: 'CANCEL' })

      const nobody = again('nobody')
      await call(nobody, [step.invite(), step.response(484), step.ackRefusal()], '7003')
      expect(await hangupOf(nobody)).toMatchObject({ CALL_STATUS: 'INVALIDARGS' })
    })

    it('the caller who hangs up in a menu is told in HANGUP_CALL and not asked about again', async () => {
      const caller = again('leaves')
      await call(caller, [...answered, step.pause(1500), step.bye(2)])
      expect(await hangupOf(caller)).toMatchObject({ CALL_STATUS: 'ANSWER' })
      expect(questions(handler, caller)).toHaveLength(1)
    })

    // One format is enough for the table: what it is about does not depend on it.
    for (const [cause, { sipStatus }] of format === 'xmlrpc' ? causeTable : []) {
      it(`cause ${cause} is ${sipStatus} before the answer, and in the Reason of BYE behind it`, async () => {
        const refused = [step.invite(), step.response(sipStatus), step.ackRefusal()]
        const place = { folder: stage.folder, serverPort: stage.server.sipPort }
        const before = await runSipp({
          ...place,
          name: `${cause}`,
          number: '7001',
          port: await ports.take(),
          steps: refused,
        })
        expect(before.code, before.log).toBe(0)
        const reason = new RegExp(`Q\\.850 *; *cause=${cause}\\b`)
        expect(header(received(before, `SIP/2.0 ${sipStatus}`)[0], 'Reason')).toMatch(reason)
        const steps = [...answered, step.byeReceived()]
        const behind = await runSipp({ ...place, name: `9${cause}`, number: '7002', port: await ports.take(), steps })
        expect(behind.code, behind.log).toBe(0)
        expect(header(received(behind, 'BYE')[0], 'Reason')).toMatch(reason)
      })
    }
  })
}

describeAtOnceWith(['sipp', 'python3'], 'HANGUP_CALL', () => {
  const delivery = 'is delivered after its restart, once; that of a call it cut off, too'
  it.each([
    ['sqlite', 'json', 'by STATUS 1', 29_500],
    ['postgres', 'xmlrpc', 'by a fault', 29_700],
  ] as const)(
    `on %s in %s that is refused %s until the server is killed ${delivery}`,
    {
      timeout: 120_000,
    },
    async (kind, format, _how, firstPort) => {
      const ports = new PeerPorts(firstPort)
      const gate = join(tmpdir(), `switchhook-refuses-${kind}-${process.pid}`)
      await writeFile(gate, '')
      const handler = await startPythonHandler(format, gate)
      const sipPort = await ports.take()
      const database = await createTestDatabase(kind)
      const options = { handler, sipPort, database: database.url }
      let stage = await setVoicenterStage(options)
      try {
        const place = { folder: stage.folder, serverPort: sipPort, number: '7000' }
        const steps = [...answered, step.pause(500), step.bye(2)]
        const over = await runSipp({ ...place, name: 'owed', port: await ports.take(), steps })
        expect(over.code, over.log).toBe(0)
        const refusals = () =>
          handler.of('owed').filter(({ method, answer }) => method === 'HANGUP_CALL' && answer.STATUS === 1)
        await until(
          async () => (refusals().length > 0 ? true : null),
          () => 'HANGUP_CALL was not tried',
        )
        // A second call is up when the server dies.
        const cut = await startSippCall({
          ...place,
          name: 'cut',
          port: await ports.take(),
          steps: [...answered, step.pause(20_000), step.bye(2)],
        })
        // Its answer is in the database: what a killed server had not written yet nobody can tell.
        await until(
          async () => {
            const { items } = (await stage.server.get('/api/v1/calls?limit=10')) as {
              items: readonly { readonly from: string; readonly answeredAt: string | null }[]
            }
            return items.some(({ from, answeredAt }) => from === 'cut' && answeredAt !== null) ? true : null
          },
          () => 'the second call was not answered',
        )
        await stage.server.kill()
        cut.kill()
        await rm(gate)
        stage = await setVoicenterStage({ ...options, folder: stage.folder })
        for (const caller of ['owed', 'cut']) {
          const taken = () =>
            handler.of(caller).filter(({ method, answer }) => method === 'HANGUP_CALL' && answer.STATUS === 0)
          await until(
            async () => (taken().length > 0 ? true : null),
            () => `HANGUP_CALL of ${caller} did not come:\n${stage.server.output().slice(-3000)}`,
            60_000,
          )
          expect(taken()).toHaveLength(1)
        }
        const first = handler.of('owed').find(({ method }) => method === 'GET_IVR_ACTION')
        expect(handler.of('owed').at(-1)?.data['IVR_UNIQUE_ID']).toBe(first?.data['IVR_UNIQUE_ID'])
        expect(handler.of('cut').at(-1)?.data).toMatchObject({ CALL_STATUS: 'ANSWER', DID: '7000' })
      } finally {
        await stage.server.stop()
        handler.close()
        await removeFolder(stage.server)
        await rm(gate, { force: true })
        await database.remove()
      }
    },
  )
})

/** A caller that goes on until it is killed. */
async function startSippCall(options: Parameters<typeof runSipp>[0]): Promise<{ kill(): void }> {
  return await startSipp(options)
}
