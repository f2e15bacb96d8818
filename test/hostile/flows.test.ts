import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { loudSeconds } from '../support/hear.ts'
import { callByPhone, type PhoneCall } from '../support/phone-call.ts'
import { removeFolder } from '../support/server-process.ts'
import { lastCallTo } from '../support/server-watch.ts'
import { type Stage, setStage } from '../support/stage.ts'

const flows = fileURLToPath(new URL('../support/flows/hostile/', import.meta.url))
const fixtures = fileURLToPath(new URL('../fixtures/media/', import.meta.url))

const numbers = Array.from({ length: 13 }, (_, i) => String(900 + i))

let stage: Stage

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchhook-flows-'))
  // A good head, and behind it neither the samples nor the frames that it promises.
  const wav = await readFile(join(fixtures, 'mono-8000-mulaw.wav'))
  wav.writeUInt16LE(0, 22)
  await writeFile(join(folder, 'damaged.wav'), wav)
  const mp3 = await readFile(join(fixtures, 'mono-22050.mp3'))
  for (let at = 0; at < mp3.length; at += 3) mp3[at] = 0x55
  await writeFile(join(folder, 'damaged.mp3'), mp3)
  stage = await setStage({
    folder,
    limits: 'callsPerSecond: 1000',
    modules: {
      ...Object.fromEntries(numbers.map((number) => [number, join(flows, 'misbehaving.ts')])),
      '920': join(flows, 'broken-import.ts'),
      '921': join(flows, 'no-flow.ts'),
    },
    idleSeconds: 3,
  })
})

afterAll(async () => {
  await stage.server.stop()
  await removeFolder(stage.server)
})

function call(number: string, maxSeconds = 20): Promise<PhoneCall> {
  return callByPhone({ sipPort: stage.server.sipPort, number, maxSeconds })
}

async function sentenceOf(number: string): Promise<{ readonly sentence: string; readonly cause: string | null }> {
  const record = await eventually(
    () => lastCallTo(stage.server, number),
    (found) => found?.endedAt !== null && found?.endedAt !== undefined,
  )
  return { sentence: record?.sentence ?? '', cause: record?.cause ?? null }
}

/** A call that nothing is wrong with. */
async function expectGoodCall(): Promise<void> {
  const { result, pcm } = await call('900')
  expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server', packetsLost: 0 })
  expect(loudSeconds(pcm)).toBeGreaterThan(0.6)
}

/** Flows that break down once the call is up, and what the record says. */
const apologised: readonly (readonly [what: string, number: string, sentence: RegExp])[] = [
  ['throws', '901', /^The flow module-901 failed: the customer database is gone; the caller heard an apology/],
  ['throws something that is no error', '911', /^The flow module-911 failed: .*a text instead of an error/],
  ['never comes back', '903', /^The flow module-903 did nothing for 3 s; the caller heard an apology/],
  ['plays a file that is not there', '908', /^The flow module-908 failed: .*there-is-no-such\.wav/],
  ['plays a WAV that is damaged', '909', /^The flow module-909 failed: .*damaged\.wav/],
  ['plays an mp3 that is damaged', '910', /^The flow module-910 failed: .*damaged\.mp3/],
]

describe('a flow that breaks down on an answered call', () => {
  it.concurrent.each(apologised)(
    'and %s: the caller hears an apology, the record says why',
    async (_what, number, sentence) => {
      const { result, pcm } = await call(number)
      expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
      expect(loudSeconds(pcm)).toBeGreaterThan(1)
      const record = await sentenceOf(number)
      expect(record.sentence).toMatch(sentence)
      expect(record.cause).toBe('flow-failed')
    },
  )

  it.concurrent('harms no other call', async () => {
    await expectGoodCall()
  })
})

const refused: readonly (readonly [what: string, number: string, status: number, sentence: RegExp])[] = [
  ['throws before it answers', '902', 500, /^The flow module-902 failed: nobody answered the door/],
  ['throws when it is imported', '920', 500, /^The flow module-920 failed: .*a key of the environment is missing/],
  ['has no default export', '921', 500, /^The flow module-921 failed: .*no function as its default export/],
  ['returns at once', '904', 480, /^The flow module-904 was done without answering or refusing the call/],
]

describe('a flow that breaks down before the answer', () => {
  it.each(refused)('and %s: the call is refused, the record says why', async (_what, number, status, sentence) => {
    const { result } = await call(number)
    expect(result).toMatchObject({ outcome: 'refused', sipStatus: status })
    expect((await sentenceOf(number)).sentence).toMatch(sentence)
  })
})

describe('a flow that forgets', () => {
  it('to hang up is hung up for', async () => {
    const { result } = await call('905')
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    expect((await sentenceOf('905')).sentence).toMatch(/^The flow module-905 was done without hanging up/)
  })

  it.each([
    ['plays', '906'],
    ['gathers', '907'],
  ])('that its caller hung up, and %s for ever, does not stop the server', async (_what, number) => {
    const { result } = await call(number, 1)
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'phone' })
    expect((await sentenceOf(number)).sentence).toMatch(/^The caller hung up/)
    // A server whose main thread is kept busy would turn it away, again and again.
    await expectGoodCall()
  })

  it('a promise it started does not stop the server', async () => {
    const { result } = await call('912')
    expect(result).toMatchObject({ outcome: 'completed', endedBy: 'server' })
    await expectGoodCall()
  })
})
