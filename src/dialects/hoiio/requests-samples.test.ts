import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { desk, type Fields, HoiioStage, hoiioConfig } from '../../../test/support/hoiio-stage.ts'

let stage: HoiioStage

const sample = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/hoiio/${name}`, import.meta.url), 'utf8')

beforeEach(async () => {
  // The number that the samples show is one of the tenant's.
  stage = await HoiioStage.start({ text: hoiioConfig.replace('callerIds: [', 'callerIds: ["+6500000000", ') })
})

afterEach(async () => {
  for (const call of stage.calls.live()) call.end({ by: 'program', cause: 'normal', sentence: null })
  await stage.pass(0)
  await stage.close()
  expect(stage.clock.pending).toBe(0)
})

/** What the client library makes of a call as the document writes it: its path and its parameters. */
function readCall(text: string, session: string): { readonly path: string; readonly parameters: Fields } {
  const [, block = '', inside = ''] = /^res = Hoiio\.ivr\.(\w+)\(([^]*)\)\s*$/.exec(text) ?? []
  const positional: readonly string[] = block === 'dial' ? ['dest'] : ['session', block === 'transfer' ? 'dest' : 'msg']
  const parameters: Record<string, string> = {}
  const argument = /\s*(?:(\w+)\s*=\s*)?(?:'([^']*)'|(\w+))\s*(,|$)/y
  for (let count = 0; argument.lastIndex < inside.trimEnd().length; count++) {
    const found = argument.exec(inside.trimEnd())
    const name = found?.[1] ?? positional[count]
    if (!found || name === undefined) throw new SyntaxError(`argument ${count} of ${block}`)
    parameters[name] = found[2] ?? (found[3] === 'session' ? session : (found[3] ?? ''))
  }
  const stagePart = block === 'dial' ? 'start' : block === 'transfer' || block === 'hangup' ? 'end' : 'middle'
  return { path: `ivr/${stagePart}/${block}`, parameters }
}

describe('published requests', () => {
  it('dial', async () => {
    const { path, parameters } = readCall(sample('dial.published.txt'), '')
    expect(parameters).toEqual({
      dest: '+6511111111',
      msg: 'Hello. This is an automated message from Hoiio.',
      caller_id: '+6500000000',
      max_duration: '60',
      tag: 'myapp',
      notify_url: 'http://my.server.com/myscript',
    })
    const answer = await stage.ask(path, { ...desk, ...parameters })
    expect(answer).toEqual({ status: 'success_ok', txn_ref: expect.any(String), session: expect.any(String) })
    await stage.pass(0)
    expect(stage.reacher.requests.at(-1)).toMatchObject({ destination: '+6511111111', callerId: '+6500000000' })
  })

  it.each([
    ['play', 'play.published.txt'],
    ['gather', 'gather.published.txt'],
    ['record', 'record.published.txt'],
    ['monitor', 'monitor.published.txt'],
    ['transfer', 'transfer.corrected.txt'],
    ['hangup', 'hangup.corrected.txt'],
  ])('%s', async (block, name) => {
    const { session } = await stage.answered()
    const { path, parameters } = readCall(sample(name), session)
    expect(path).toMatch(new RegExp(`/${block}$`))
    expect(await stage.ask(path, { ...desk, ...parameters })).toEqual({ status: 'success_ok' })
    // Its message first.
    await stage.pass(10_000)
    if (block === 'transfer') stage.reacher.leg('+6522222222').peerRefuses(486)
    await stage.pass(200_000)
    const told = stage.notified.findLast(({ fields }) => fields['ivr_block'] === block)
    expect(told).toMatchObject({ url: 'http://my.server.com/myscript', fields: { tag: 'myapp' } })
  })

  it('transfer as it was published is no request at all', () => {
    expect(() => readCall(sample('transfer.published.txt'), 'S1')).toThrow(SyntaxError)
  })

  it('hangup as it was published monitors the call, and does not end it', async () => {
    const { session, leg } = await stage.answered()
    const { path, parameters } = readCall(sample('hangup.published.txt'), session)
    expect(await stage.ask(path, { ...desk, ...parameters })).toEqual({ status: 'success_ok' })
    await stage.pass(10_000)
    expect(stage.last().fields).toMatchObject({ ivr_block: 'monitor', call_state: 'ongoing' })
    expect(leg.ending).toBeNull()
  })
})

/** The same members, of the same types, and texts of the same shape: digits, money to three places, dates, numbers. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shapeOf(one)]))
  }
  if (typeof value !== 'string') return typeof value
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)) return 'date'
  if (/^\d+\.\d{3}$/.test(value)) return 'money'
  if (/^\d+$/.test(value)) return 'whole'
  if (/^\+\d{5,}$/.test(value)) return 'number'
  return 'text'
}

describe('published answers', () => {
  const read = (name: string): Record<string, unknown> => JSON.parse(sample(name)) as Record<string, unknown>
  const call = { ...desk, dest1: '+6511111111', dest2: '+6522222222', tag: 'id_1' }

  async function talked(): Promise<string> {
    const { txn_ref = '' } = await stage.ask('voice/call', call)
    await stage.pass(0)
    stage.reacher.leg(call.dest1).peerAnswers()
    await stage.pass(0)
    stage.reacher.leg(call.dest2).peerAnswers()
    await stage.pass(400_000)
    stage.reacher.leg(call.dest2).hangUp()
    await stage.pass(0)
    return txn_ref
  }

  it('voice/call', async () => {
    expect(shapeOf(await stage.ask('voice/call', call))).toEqual(shapeOf(read('voice-call.published.json')))
  })

  it('voice/hangup, and every block', async () => {
    const txn_ref = await talked()
    expect(await stage.ask('voice/hangup', { ...desk, txn_ref })).toEqual(read('voice-hangup.published.json'))
    const { session } = await stage.answered()
    expect(await stage.ask('ivr/middle/hold', { ...desk, session })).toEqual(read('voice-hangup.published.json'))
  })

  it('voice/query_status', async () => {
    const answer = await stage.ask('voice/query_status', { ...desk, txn_ref: await talked() })
    // The one addition: how hoiio-java spells the statuses.
    const { call_status_dest_1: _first, call_status_dest_2: _second, ...rest } = answer
    const published = read('query-status.published.json')
    expect(shapeOf(rest)).toEqual(shapeOf(published))
    for (const key of ['tag', 'dest1', 'dest2', 'call_status_dest1', 'call_status_dest2', 'duration', 'currency']) {
      expect([key, rest[key]]).toEqual([key, published[key]])
    }
  })

  it('voice/get_history', async () => {
    await talked()
    const { entries, ...rest } = (await stage.ask('voice/get_history', desk)) as unknown as Record<string, unknown>
    const { entries: published, ...others } = read('history.corrected.json')
    expect(shapeOf(rest)).toEqual(shapeOf(others))
    expect(shapeOf(entries)).toEqual([expect.objectContaining((shapeOf(published) as unknown[])[0] as object)])
    // What the page shows is all there, whatever else it leaves out.
    const [first] = read('history.published.json')['entries'] as readonly object[]
    expect(Object.keys((entries as object[])[0] ?? {})).toEqual(expect.arrayContaining(Object.keys(first ?? {})))
  })

  it('conference/call', async () => {
    const room = { ...desk, dest: '+6511111111,+6522222222,+6533333333', room: 'R123' }
    const answer = (await stage.ask('conference/call', room)) as unknown as Record<string, unknown>
    const published = read('conference-call.published.json')
    expect(shapeOf(answer)).toEqual(shapeOf(published))
    expect([answer['room'], (answer['txn_refs'] as unknown[]).length]).toEqual(['R123', 3])
  })

  it('user/get_info', async () => {
    await stage.close()
    stage = await HoiioStage.start({
      text: hoiioConfig.replace('domain: acme.example', 'domain: acme.example\n    countryCode: "65"'),
    })
    const answer = (await stage.ask('user/get_info', desk)) as unknown as Record<string, unknown>
    const published = read('account-info.corrected.json')
    expect(Object.keys(answer).sort()).toEqual(Object.keys(published).sort())
    expect(answer).toMatchObject({ prefix: '+65', currency: 'SGD' })
    expect((answer['caller_ids'] as unknown[]).at(-1)).toBe((published['caller_ids'] as unknown[]).at(-1))
  })
})
